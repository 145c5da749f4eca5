"""Recorded frames: reading, writing, and playing them through the parsers in the order they were received."""
