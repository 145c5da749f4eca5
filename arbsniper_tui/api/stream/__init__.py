"""WS /v1/stream: what changes on the node, as it changes."""
