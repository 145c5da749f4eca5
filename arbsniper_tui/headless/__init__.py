"""The front end without a terminal: signals as JSON lines on standard output, everything else in the log."""
