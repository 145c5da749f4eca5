"""Alerts as a terminal tells them: its bell, and the codes by which it shows a notification outside itself."""

from collections.abc import Callable, Iterable, Mapping
from math import inf

from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.model.signal import Event

AT_MOST_EVERY_S = 2.0
FRESH_MS = 10_000
"""An older alert is only read: a viewer that has just come is told what happened before it."""
_LONGEST = 200
_SILENT_TERMINALS = ("linux", "dumb")
"""These print what they do not know."""


class Notices:
    """At most one in a while; of those that come in between the newest is told, with their number."""

    def __init__(self, environ: Mapping[str, str], clock: Callable[[], float]) -> None:
        """`clock` counts seconds."""
        self._environ = environ
        self._clock = clock
        self._told_s = -inf
        self._newest = ""
        self._ways: set[str] = set()
        self._count = 0

    def take(self, events: Iterable[Event], now_ms: float) -> None:
        """Keep the alerts among these events; `now_ms` by the node's clock, ms since 1970."""
        for event in events:
            if event.event == "alert" and now_ms - event.timestamp < FRESH_MS:
                self._newest = event.detail
                self._ways.update(event.to)
                self._count += 1

    def due(self) -> str:
        """The codes to write now; empty for none."""
        now_s = self._clock()
        if not self._count or now_s - self._told_s < AT_MOST_EVERY_S:
            return ""
        self._told_s = now_s
        more = f" (and {self._count - 1} more)" if self._count > 1 else ""
        codes = notification(f"{self._newest}{more}", self._environ) if "desktop" in self._ways else ""
        codes += "\a" if "bell" in self._ways else ""
        self._newest, self._count = "", 0
        self._ways.clear()
        return codes


def notification(words: str, environ: Mapping[str, str]) -> str:
    """The code that shows these words: OSC 777 where the terminal is known to read that one, else OSC 9, which others
    show or pass over. tmux hands it on where `allow-passthrough` is set."""
    terminal = environ.get("TERM", "")
    if terminal in _SILENT_TERMINALS:
        return ""
    shown = clean_text(words, _LONGEST)
    if environ.get("VTE_VERSION") or terminal.startswith(("rxvt", "foot")):
        code = f"\x1b]777;notify;arbsniper;{shown.replace(';', ',')}\a"
    else:
        # The name in front also keeps ConEmu from reading a number as one of its commands.
        code = f"\x1b]9;arbsniper: {shown}\a"
    return "\x1bPtmux;" + code.replace("\x1b", "\x1b\x1b") + "\x1b\\" if environ.get("TMUX") else code
