"""The terminal of a process: whether there is one, and how to leave one that takes no output any more."""

import os
import select
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from types import TracebackType

from arbsniper_tui.runtime.output import Output

_FREED_WITHIN_S = 0.6
_MODES_OFF = ("2026", "1000", "1002", "1003", "1006", "1004", "2004", "1049")
"""Of a terminal that is drawn on: held drawing, mouse, focus, pasting, and the second screen."""
_RESTORE = "".join(f"\x1b[?{mode}l" for mode in _MODES_OFF) + "\x1b[<u\x1b[?25h\x1b[0m"


def has_controlling_terminal() -> bool:
    """Whether this process belongs to a terminal, whose end it is told by SIGHUP."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


class TerminalGuard:
    """Ends a program that cannot leave by itself because its terminal takes no output (ctrl+S, a stalled SSH line): its
    main thread waits for the terminal then. Everything that draws belongs into the context."""

    def __init__(self, on_leave: Callable[[], None], descriptor: int = 1, leave_within_s: float = 1.0) -> None:
        """`on_leave` is called in another thread as soon as the program is told to leave."""
        self._on_leave = on_leave
        self._descriptor = descriptor
        self._leave_within_s = leave_within_s
        self._modes = termios.tcgetattr(descriptor)
        # Its `put` may be called by the handler of a signal, wherever that interrupts the program.
        self._told: SimpleQueue[tuple[int, str] | None] = SimpleQueue()
        self._has_left = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="terminal guard", daemon=True)

    def __enter__(self) -> "TerminalGuard":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._has_left.set()
        self._told.put(None)
        self._thread.join()

    def expect_end(self, code: int = 0, words: str = "") -> None:
        """The program was told to leave: if the context does not end in time, the process ends with this code, and
        `words` on the terminal."""
        self._told.put((code, words))

    def _watch(self) -> None:
        told = self._told.get()
        if told is None:
            return
        deadline_s = time.monotonic() + self._leave_within_s
        self._on_leave()
        if self._has_left.wait(max(0.0, deadline_s - time.monotonic())):
            return
        if not self._takes_output():
            # What it has not taken is discarded, so that there is room for what restores it.
            with suppress(termios.error):
                termios.tcflow(self._descriptor, termios.TCOON)
                termios.tcflush(self._descriptor, termios.TCOFLUSH)
        if not self._has_left.wait(_FREED_WITHIN_S):
            code, words = told
            self._restore(words)
            os._exit(code)

    def _takes_output(self) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(0))

    def _restore(self, words: str) -> None:
        with suppress(OSError, termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, self._modes)
            output = Output(self._descriptor)
            output.put(f"{_RESTORE}{words}\r\n".encode())
            output.drain(0.1)
