"""Start a node or attach to one: the latest snapshot, what changed, new events, commands."""
