"""The decision: board, routes, gate. Pure state and rules; the clock is an argument."""
