"""Standard input, output and error: there, whatever the program was started with."""

import contextlib
import os
import select
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from typing_extensions import Buffer


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


def blocking_stdout() -> BinaryIO:
    """Standard output, whose writes wait for the reader also where another program has made it non-blocking."""
    return BufferedWriter(_Waiting(sys.stdout.fileno(), "wb", closefd=False))


def discard_unsent(output: BinaryIO) -> None:
    """Discard what standard output still holds when its reader has left: Python flushes it at exit, and would end with
    a complaint and code 120."""
    with contextlib.suppress(OSError):  # no file behind it: nothing to flush
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, output.fileno())
        os.close(null)


class _Waiting(FileIO):
    def write(self, data: "Buffer", /) -> int:
        while (written := super().write(data)) is None:
            poll = select.poll()
            poll.register(self, select.POLLOUT)
            poll.poll()
        return written


def _stream(descriptor: int, mode: str) -> TextIOWrapper:
    return TextIOWrapper(os.fdopen(descriptor, f"{mode}b", closefd=False), encoding="utf-8")
