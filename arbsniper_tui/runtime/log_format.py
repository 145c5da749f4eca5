"""How every process writes its log: a record is one line, as text or as JSON, whatever text from outside is in it."""

import logging
import select
from datetime import UTC, datetime
from types import TracebackType

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.model.clean_text import clean_text

TEXT, JSON = LOG_FORMATS = ("text", "json")
_TEXT_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_LONGEST_LINE = 4000
_PACKAGE = "arbsniper_tui."
_CUT = "..."

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_to_json = msgspec.json.Encoder().encode


def formatter_of(log_format: str, worker: str) -> logging.Formatter:
    """What writes records as this format of LOG_FORMATS has them; `worker` is this process's part of the node."""
    return JsonFormatter(worker) if log_format == JSON else OneLineFormatter(_TEXT_LINE)


class OneLineFormatter(logging.Formatter):
    """Escapes what would break or hide a line. A traceback takes lines of its own, indented: none looks like a
    record."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        return clean_text(super().formatMessage(record), _LONGEST_LINE)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - the library's name
        return _cleaned(super().formatException(ei), indent="  ")

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - the library's name
        return _cleaned(super().formatStack(stack_info), indent="  ")


class _Line(Struct, frozen=True, omit_defaults=True):
    """A record as JSON, its fields in this order."""

    time: str
    level: str
    worker: str
    event: str
    pid: int
    message: str
    traceback: str = ""


class JsonFormatter(logging.Formatter):
    """Makes one JSON object of a record and its traceback. Values are escaped as in the text log before they are
    encoded, so that a program which prints one of them does not send what a venue wrote to a terminal.

    A line has at most PIPE_BUF bytes, its end included: above that, lines of several processes may mix in a pipe. A
    traceback loses its beginning for that, since the error stands at its end; then the message loses its end.
    """

    def __init__(self, worker: str) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line = _Line(
            time=at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            level=record.levelname.lower(),
            worker=self._worker,
            event=record.name.removeprefix(_PACKAGE),
            pid=record.process or 0,
            message=clean_text(record.getMessage(), _LONGEST_LINE),
            traceback=_cleaned(self._traceback(record)),
        )
        if (over := _bytes_over(line)) > 0 and line.traceback:
            line = replace(line, traceback=_CUT + line.traceback[over + len(_CUT) :])
        if (over := _bytes_over(line)) > 0:
            line = replace(line, message=line.message[: -over - len(_CUT)] + _CUT)
        return _to_json(line).decode()

    def _traceback(self, record: logging.LogRecord) -> str:
        if record.exc_info:
            return self.formatException(record.exc_info)
        return record.stack_info or ""


def _bytes_over(line: _Line) -> int:
    """How many bytes too long a line is; below 1 where it fits."""
    return len(_to_json(line)) + len(b"\n") - select.PIPE_BUF


def _cleaned(text: str, indent: str = "") -> str:
    return "\n".join(indent + clean_text(line, _LONGEST_LINE) for line in text.split("\n"))
