"""Standard input, output and error: there, whatever the program was started with."""

import os
import sys
from io import TextIOWrapper


def open_missing_streams() -> None:
    """Put the null device in place of closed standard streams, as git does.

    Otherwise the next file or socket gets the number of a closed stream, and is read or written as if it were one.
    Someone who closes standard output (`>&-`) wants none of it, so that nothing is said about it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is this one: those below are open.
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or _stream(0, "r")
    sys.stdout = sys.stdout or _stream(1, "w")
    sys.stderr = sys.stderr or _stream(2, "w")


def _stream(descriptor: int, mode: str) -> TextIOWrapper:
    return TextIOWrapper(os.fdopen(descriptor, f"{mode}b", closefd=False), encoding="utf-8")
