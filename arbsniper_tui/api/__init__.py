"""The HTTP API: a viewer of the node, or a reader of what all nodes write to Redis, which answers programs."""
