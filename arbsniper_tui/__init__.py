"""arbsniper-tui: live best bids and asks of many exchanges, and where they cross."""

__version__ = "0.1.0"
