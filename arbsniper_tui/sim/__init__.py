"""Simulated venues: the real wire formats on loopback, over one shared market. No real venue is reached from here."""
