"""The terminal UI: pulls what changed from a session, repaints it, and never touches the engine."""
