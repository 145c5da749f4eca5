"""The exit codes of the contract, and the last words of a process that could not do what was asked."""

import signal
import sys

CLEAN, FAULT, USAGE, LOST, BREACH, NOT_READY, NO_NODE = 0, 1, 2, 3, 4, 5, 6
"""A clean stop, an internal fault, wrong usage or settings, a worker that could not be kept running, a breach of the
contract of signals and events, a node that is not ready, and none that answers."""


def fail(error: Exception, code: int) -> int:
    """Say on standard error what went wrong; returns the code. A stop signal ends the process at once from here on:
    nothing is left to stop, and standard error may have a reader that does not read."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    say(str(error))
    return code


def say(text: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
