"""When tapes end, found step by step while they are played."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from arbsniper_tui.model.errors import UNREADABLE, TapeError
from arbsniper_tui.tapes.tape import TapeLine, read_pieces

_TAIL = 1 << 16
"""Bytes: more than the last lines need."""

_decode = msgspec.json.Decoder(TapeLine).decode


class TapeSpan:
    """The last receive time of several tapes. Finding it takes unpacking each tape, so it is done in steps of some
    ms."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.end_ns: int | None = None
        """None until every tape has been looked through."""
        self._steps = self._look_through(paths)

    def step(self) -> None:
        """Look through some more; nothing once the end is known."""
        next(self._steps, None)

    def _look_through(self, paths: Sequence[Path]) -> Iterator[None]:
        last_s = 0.0
        for path in paths:
            tail = b""
            with suppress(TapeError):  # the player says what is wrong with it; what was read counts
                for piece in read_pieces(path):
                    if isinstance(piece, bytes):
                        tail = (tail + piece)[-_TAIL:]
                    yield
            last_s = max(last_s, _last_time_s(tail))
        self.end_ns = round(last_s * 1e9)


def _last_time_s(tail: bytes) -> float:
    """The receive time of the last line that has one; 0.0 where none has."""
    for text in reversed(tail.splitlines()):
        try:
            line = _decode(text)
        except UNREADABLE:
            continue
        if line.t is not None and line.dir != "out":
            return line.t
    return 0.0
