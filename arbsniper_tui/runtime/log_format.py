"""How every process writes its log: a record is one line, whatever text from outside is in it."""

import logging
from types import TracebackType

from arbsniper_tui.model.clean_text import clean_text

_LONGEST_LINE = 4000

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class OneLineFormatter(logging.Formatter):
    """Escapes what would break or hide a line. A traceback takes lines of its own, indented: none looks like a
    record."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        return clean_text(super().formatMessage(record), _LONGEST_LINE)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - the library's name
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - the library's name
        return _indented(super().formatStack(stack_info))


def _indented(text: str) -> str:
    return "\n".join("  " + clean_text(line, _LONGEST_LINE) for line in text.split("\n"))
