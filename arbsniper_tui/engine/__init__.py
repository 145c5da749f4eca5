"""The decision: legs, routes, detector. Pure state and rules; the clock is an argument."""
