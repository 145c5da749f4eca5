"""The trade's own values: instruments, quotes, routes, signals, health. No I/O, no clock."""
