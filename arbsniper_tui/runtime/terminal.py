"""The terminal that a process belongs to."""

import os


def has_controlling_terminal() -> bool:
    """Whether this process belongs to a terminal, whose end it is told by SIGHUP."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
