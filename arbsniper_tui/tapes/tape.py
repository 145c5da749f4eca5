"""The tape format: one JSON object a line, `{"t", "url", "raw"}` or `"b64"`, optionally gzip.

A gzip tape has one member or several, one behind the other. A recorder flushes it (Z_SYNC_FLUSH) at least once a
second: the end of a killed recorder's tape is missing, and everything up to its last flush can be read.
"""

import base64
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
from msgspec import Struct

from arbsniper_tui.model.errors import UNREADABLE, BadFrame, TapeCut, TapeError
from arbsniper_tui.tapes.recorded_url import recorded_url

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_BITS = 31
"""What zlib calls a gzip member, header and checksum included."""
_READ_BYTES = 1 << 16
_Read = Callable[[], bytes]
"""The next bytes of a file; none at its end."""
LISTING = "listing"
"""`kind` of a line that holds a venue's REST list instead of a frame: what contract sizes were read from."""
FACTS = "facts"
"""`kind` of a line that holds what a venue tells by REST of its perpetuals: funding, open interest."""
FACT_STREAM = "fact_stream"
"""`kind` of a frame of a connection that carries slow facts alone. It may tell of more than was asked for."""
SETTINGS = "settings"
"""`kind` of the line at a tape's head that holds the settings it was recorded under, as JSON."""
INSTRUMENTS = "instruments"
"""`kind` of a line that holds the instruments which a pattern brought or took away, as JSON."""
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
        """Whether the venue sent it on the connection. Unknown kinds, of other recorders, are frames."""
        return self.dir != "out" and self.kind not in (LISTING, FACTS, SETTINGS, INSTRUMENTS, DISCONNECTED)

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


def read_tape(path: Path) -> Iterator[tuple[int, TapeLine | BadFrame]]:
    """Line numbers from 1 with what stands there; a line that cannot be read comes as its error, and a TapeCut is the
    last where the tape is cut off or spoilt. Raises TapeError when the file cannot be read."""
    for number, line in enumerate(_lines(path), 1):
        if isinstance(line, TapeCut):
            yield number, line
        elif line and not line.isspace():
            try:
                yield number, _DECODE(line)
            except UNREADABLE as error:
                yield number, BadFrame(f"expected a JSON object with t, url and raw or b64 ({error})")


def read_pieces(path: Path) -> Iterator[bytes | TapeCut]:
    """What a tape holds, unzipped, in pieces as they come, and a TapeCut behind the last where it cannot be read on.
    `-` is the standard input. Raises TapeError when the file cannot be read."""
    try:
        with cast(BinaryIO, sys.stdin.buffer) if str(path) == "-" else path.open("rb") as stream:
            buffered = io.BufferedReader(cast(io.RawIOBase, stream))
            read: _Read = partial(buffered.read1, _READ_BYTES)
            yield from _unzipped(read) if buffered.peek(2)[:2] == _GZIP_MAGIC else iter(read, b"")
    except OSError as error:
        raise TapeError(f"tape {path}: {error.strerror or error}") from error


def _lines(path: Path) -> Iterator[bytes | TapeCut]:
    """The lines, without their ends, and a TapeCut behind the last one that is whole."""
    rest = b""
    for piece in read_pieces(path):
        if isinstance(piece, TapeCut):
            yield TapeCut(f"{piece}, and {len(rest)} bytes of an unfinished line") if rest else piece
            return
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _unzipped(read: _Read) -> Iterator[bytes | TapeCut]:
    """What the members hold, one after the other, as far as it can be read."""
    data = b""
    while data := data or read():
        member = zlib.decompressobj(_GZIP_BITS)
        while not member.eof:
            if not (data := data or read()):
                yield TapeCut("the tape is cut off here, as a killed recorder leaves it: lost are the frames behind it")
                return
            before = member.copy()
            try:
                yield member.decompress(data)
            except zlib.error as error:
                yield from _salvaged(before, data, read, error)
                return
            data = b""
        data = member.unused_data.lstrip(b"\0")  # some tools pad with zeros


def _salvaged(member: "zlib._Decompress", data: bytes, read: _Read, error: zlib.error) -> Iterator[bytes | TapeCut]:
    """What can still be had of `data`, which cannot be read as a whole, and how much cannot."""
    used = 0
    try:
        for used in range(len(data)):
            yield member.decompress(data[used : used + 1])
    except zlib.error:
        lost_bytes = len(data) - used + sum(map(len, iter(read, b"")))
        yield TapeCut(f"the tape cannot be read on from here ({error}): lost are its last {lost_bytes} bytes")


class TapeWriter:
    """Writes frames to one new gzip tape; what was written by `flush` survives a crash of the program."""

    def __init__(self, path: Path, venue: str) -> None:
        """Raises FileExistsError: a tape that is there may have no end, and nothing behind it could be read."""
        self.path = path
        self.written_bytes = 0
        """On disk, as of the last flush."""
        self._venue = venue
        self._file = path.open("xb")
        self._stream = gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=3)
        self._encode = msgspec.json.Encoder().encode

    def write(
        self, ts_s: float, url: str, frame: bytes, *, market: str = "", kind: str = "", sent: bool = False
    ) -> None:
        """One frame, as text where it is UTF-8, else as base64."""
        line = TapeLine(
            t=ts_s,
            url=recorded_url(url, self._venue),
            kind=kind,
            dir="out" if sent else "",
            venue=self._venue,
            market=market,
        )
        try:
            line.raw = frame.decode()
        except UnicodeDecodeError:
            line.b64 = base64.b64encode(frame).decode()
        self._stream.write(self._encode(line) + b"\n")

    def flush(self) -> None:
        self._stream.flush()
        self.written_bytes = self._file.tell()

    def close(self) -> None:
        try:
            self._stream.close()
            self.written_bytes = self._file.tell()
        finally:
            self._file.close()
