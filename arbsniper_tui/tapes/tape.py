"""The tape format: one JSON object a line, `{"t", "url", "raw"}` or `"b64"`, optionally gzip."""

import base64
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
from msgspec import Struct

from arbsniper_tui.model.errors import UNREADABLE, BadFrame, TapeError
from arbsniper_tui.tapes.public_url import public_url

_GZIP_MAGIC = b"\x1f\x8b"
LISTING = "listing"
"""`kind` of a line that holds a venue's REST list instead of a frame: what contract sizes were read from."""
SETTINGS = "settings"
"""`kind` of the line at a tape's head that holds the settings it was recorded under, as JSON."""
DISCONNECTED = "disconnected"
"""`kind` of a line that says that the connection of its `url` ended; `raw` is why."""


class TapeLine(Struct, omit_defaults=True):
    """One line. Keys that are not named here may stand beside them."""

    t: float | None = None
    """Receive time, seconds since 1970."""
    url: str | None = None
    raw: str | None = None
    b64: str | None = None
    kind: str | None = ""
    dir: str | None = ""
    """`out` for what was sent."""
    venue: str | None = ""
    market: str | None = ""

    @property
    def is_frame(self) -> bool:
        """Whether the venue sent it on the connection; another recorder's kinds are kinds of frames."""
        return self.dir != "out" and self.kind not in (LISTING, SETTINGS, DISCONNECTED)

    @property
    def is_own(self) -> bool:
        """Whether this program wrote it: then what a feed did on this connection is known."""
        return bool(self.venue and self.market)

    def frame(self) -> bytes:
        """The frame as it came. Raises BadFrame."""
        if self.raw is not None:
            return self.raw.encode()
        if self.b64 is None:
            raise BadFrame('expected "raw" or "b64" on a tape line, found neither')
        try:
            return base64.b64decode(self.b64, validate=True)
        except ValueError as error:
            raise BadFrame(f'expected base64 in "b64" ({error})') from error


_DECODE = msgspec.json.Decoder(TapeLine).decode


def open_tape(path: Path) -> BinaryIO:
    """A tape's lines as bytes, unzipped; `-` is the standard input. Raises TapeError."""
    try:
        stream: BinaryIO = sys.stdin.buffer if str(path) == "-" else path.open("rb")
        buffered = io.BufferedReader(cast(io.RawIOBase, stream))
        if buffered.peek(2)[:2] == _GZIP_MAGIC:
            return cast(BinaryIO, gzip.GzipFile(fileobj=buffered))
        return buffered
    except OSError as error:
        raise TapeError(f"tape {path}: {error.strerror or error}") from error


def read_tape(path: Path) -> Iterator[tuple[int, TapeLine | BadFrame]]:
    """Line numbers from 1 with what stands there; a line that cannot be read comes as its error. Raises TapeError
    when the file itself cannot be read on."""
    number = 0
    with open_tape(path) as stream:
        try:
            for number, line in enumerate(stream, 1):
                if line.isspace():
                    continue
                try:
                    yield number, _DECODE(line)
                except UNREADABLE as error:
                    yield number, BadFrame(f"expected a JSON object with t, url and raw or b64 ({error})")
        except (OSError, EOFError, zlib.error) as error:
            raise TapeError(f"tape {path}: cannot be read past line {number}: {error}") from error


class TapeWriter:
    """Appends frames to one gzip tape; what was written by `flush` survives a crash."""

    def __init__(self, path: Path, venue: str) -> None:
        self.path = path
        self._venue = venue
        self._stream = gzip.open(path, "ab", compresslevel=3)  # noqa: SIM115 - closed by close()
        self._encode = msgspec.json.Encoder().encode

    def write(
        self, ts_s: float, url: str, frame: bytes, *, market: str = "", kind: str = "", sent: bool = False
    ) -> None:
        """One frame, as text where it is UTF-8, else as base64."""
        line = TapeLine(
            t=ts_s, url=public_url(url), kind=kind, dir="out" if sent else "", venue=self._venue, market=market
        )
        try:
            line.raw = frame.decode()
        except UnicodeDecodeError:
            line.b64 = base64.b64encode(frame).decode()
        self._stream.write(self._encode(line) + b"\n")

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()
