"""The log of a process: one handler on one descriptor, and the process never waits for its reader."""

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from msgspec import Struct

from arbsniper_tui.runtime.kept_file import KeptFile
from arbsniper_tui.runtime.log_format import JSON, TEXT, formatter_of
from arbsniper_tui.runtime.output import LIMIT_BYTES, Output

LAST_LINES_S = 0.2
"""How long a process that ends waits for the reader of its log."""

_log = logging.getLogger(__name__)
_stderr_log = logging.getLogger("stderr")


class LogSetup(Struct, frozen=True):
    """How every process of a node logs."""

    level: str = "INFO"
    format: str = TEXT
    """One of LOG_FORMATS."""
    file: str = ""
    """The path of the file behind the log's descriptor, opened anew where it is moved away; empty for anything else."""


class LogStream(io.TextIOBase):
    """Text to an Output, as a stream for logging and for what Python itself writes to standard error."""

    def __init__(
        self,
        descriptor: int,
        setup: LogSetup | None = None,
        *,
        worker: str = "",
        limit_bytes: int | None = LIMIT_BYTES,
        waits: bool = False,
        most_bytes: int = 0,
    ) -> None:
        """`worker` is this process's part of the node; `limit_bytes` as in Output; `waits`: each write waits for the
        reader; above `most_bytes` `tend_log` moves the file away, unless that is 0."""
        setup = setup or LogSetup()
        self.is_json = setup.format == JSON
        self.formatter = formatter_of(setup.format, worker)
        self._output = Output(descriptor, limit_bytes=limit_bytes, on_gap=self._gap_line)
        self._file = KeptFile(descriptor, setup.file, most_bytes) if setup.file else None
        self._waits = waits
        self._is_gone = False

    def write(self, text: str) -> int:
        """Take text; the reader gets it now where it can."""
        if not self._is_gone:
            with self._until_gone():
                self._output.put(text.encode(errors="backslashreplace"))
            if self._waits:
                self.drain()
        return len(text)

    def flush(self) -> None:
        self.drain(0.0)

    def drain(self, within_s: float | None = None, is_stopping: Callable[[], bool] = lambda: False) -> None:
        """Write what waits, for at most this long (None: without end)."""
        if self._is_gone or self._output.has_written_all:
            return
        if self._file is not None:
            self._file.follow()
        with self._until_gone():
            self._output.drain(within_s, is_stopping)

    def tend(self) -> None:
        """Write what waits, and keep the file where it belongs and within its bound."""
        if self._file is not None:
            self._file.keep()
        self.drain(0.0)

    @contextmanager
    def _until_gone(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self._is_gone = True  # no one reads the log any more, and there is no other place to say so

    def _gap_line(self, dropped: int) -> bytes:
        words = f"{dropped} lines of this log were dropped: they came faster than they were read"
        record = logging.LogRecord(_log.name, logging.WARNING, __file__, 0, words, None, None)
        return self.formatter.format(record).encode() + b"\n"


class _LinesAsRecords(io.TextIOBase):
    """Standard error whose lines are records of the log: what Python itself says in a process that logs as JSON."""

    def __init__(self) -> None:
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in filter(None, lines):
            _stderr_log.error("%s", line)
        return len(text)


def start_log(level: str, stream: LogStream) -> LogStream:
    """Log to this stream from now on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(stream.formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler])
    return stream


def as_standard_error(stream: LogStream) -> TextIO:
    """What `sys.stderr` is where this log goes to standard error: it never waits, and as JSON each line is a record."""
    return cast(TextIO, _LinesAsRecords() if stream.is_json else stream)


def pump_log() -> None:
    """Write the lines that wait. Call about once a second: a process that has nothing to log writes none otherwise."""
    drain_log(0.0)


def drain_log(within_s: float | None, is_stopping: Callable[[], bool] = lambda: False) -> None:
    """Write the lines that wait, for at most this long (None: until all are written, or `is_stopping` says so)."""
    for stream in _locked_streams():
        stream.drain(within_s, is_stopping)


def tend_log() -> None:
    """Write the lines that wait, and keep the log's file where it belongs and within its bound. The process that
    launched a node calls it a few times a second."""
    for stream in _locked_streams():
        stream.tend()


def _locked_streams() -> Iterator[LogStream]:
    """Where this process logs, each held against other threads meanwhile."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and isinstance(handler.stream, LogStream):
            with _held(handler):
                yield handler.stream


@contextmanager
def _held(handler: logging.Handler) -> Iterator[None]:
    handler.acquire()
    try:
        yield
    finally:
        handler.release()
