"""The node's side for viewers: the journal of events, rows of quotes and routes, commands, the watch on feeds."""
