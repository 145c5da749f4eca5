"""Launches the processes of a node, keeps them running and stops them: the composition root."""
