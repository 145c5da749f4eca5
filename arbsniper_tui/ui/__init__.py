"""The terminal UI: pulls from a session's view, repaints what changed, and never touches the engine."""
