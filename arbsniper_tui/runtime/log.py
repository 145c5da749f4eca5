"""The log of a process: one handler on one descriptor, and the process never waits for its reader."""

import io
import logging
from collections.abc import Callable

from arbsniper_tui.runtime.log_format import OneLineFormatter
from arbsniper_tui.runtime.output import LIMIT_BYTES, Output

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LAST_LINES_S = 0.2
"""How long a process that ends waits for the reader of its log."""

_log = logging.getLogger(__name__)


class LogStream(io.TextIOBase):
    """Text to an Output, as a stream for logging and for what Python itself writes to standard error."""

    def __init__(self, descriptor: int, *, limit_bytes: int | None = LIMIT_BYTES, waits: bool = False) -> None:
        """`limit_bytes` as in Output; `waits`: each write waits for the reader."""
        self._output = Output(descriptor, limit_bytes=limit_bytes, on_gap=_gap_line)
        self._waits = waits
        self._is_gone = False

    def write(self, text: str) -> int:
        """Take text; the reader gets it now where it can."""
        if not self._is_gone:
            try:
                self._output.put(text.encode(errors="backslashreplace"))
                if self._waits:
                    self._output.drain()
            except OSError:
                self._is_gone = True  # no one reads the log any more, and there is no other place to say so
        return len(text)

    def flush(self) -> None:
        self.drain(0.0)

    def drain(self, within_s: float | None = None, is_stopping: Callable[[], bool] = lambda: False) -> None:
        """Write what waits, for at most this long (None: without end)."""
        if not self._is_gone:
            try:
                self._output.drain(within_s, is_stopping)
            except OSError:
                self._is_gone = True


def start_log(level: str, stream: LogStream) -> LogStream:
    """Log to this stream from now on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    return stream


def pump_log() -> None:
    """Write the lines that wait. Call about once a second: a process that has nothing to log writes none otherwise."""
    drain_log(0.0)


def drain_log(within_s: float | None, is_stopping: Callable[[], bool] = lambda: False) -> None:
    """Write the lines that wait, for at most this long (None: until all are written, or `is_stopping` says so)."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and isinstance(handler.stream, LogStream):
            handler.acquire()  # another thread may be logging
            try:
                handler.stream.drain(within_s, is_stopping)
            finally:
                handler.release()


def _formatter() -> logging.Formatter:
    return OneLineFormatter(LOG_FORMAT)


def _gap_line(dropped: int) -> bytes:
    words = f"{dropped} lines of this log were dropped: they came faster than they were read"
    record = logging.LogRecord(_log.name, logging.WARNING, __file__, 0, words, None, None)
    return _formatter().format(record).encode() + b"\n"
