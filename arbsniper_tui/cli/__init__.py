"""The command line: verbs and options, no logic."""
