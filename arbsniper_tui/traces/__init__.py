"""Traces of signals, sent to a collector: a viewer in a process of its own."""
