"""The signals that ask a process in the foreground to stop, or a service to read its settings again."""

import signal
from collections.abc import Callable

from arbsniper_tui.runtime.terminal import has_controlling_terminal


class StopSignals:
    """Notes SIGINT and SIGTERM, and SIGHUP where a terminal may close."""

    def __init__(self, on_reload: Callable[[], None] = lambda: None) -> None:
        """`on_reload` is called in the handler of a SIGHUP that comes where there is no terminal."""
        self._on_reload = on_reload
        self._received: list[int] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)
        # Without a terminal SIGHUP comes from a service manager, not from a hang-up; `nohup` ignores it from the start.
        if not has_controlling_terminal():
            signal.signal(signal.SIGHUP, self._reload)
        elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._note)

    def __call__(self) -> bool:
        """Whether one has come."""
        return bool(self._received)

    def _reload(self, number: int, frame: object) -> None:
        self._on_reload()

    def _note(self, number: int, frame: object) -> None:
        self._received.append(number)
