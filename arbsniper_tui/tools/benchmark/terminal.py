"""The UI in a pseudo-terminal: what it costs a core, and how much it writes."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence

from arbsniper_tui.model.errors import NodeUnreachable
from arbsniper_tui.tools.benchmark.measured_node import MeasuredNode
from arbsniper_tui.tools.benchmark.processor import cpu_s
from arbsniper_tui.tools.benchmark.report import UiCost

COLUMNS, LINES = 120, 36
_DRAWN_WITHIN_S = 15.0
_SETTLE_S = 1.0
_LEAVE_WITHIN_S = 3.0
_FIRST_SCREEN_BYTES = 4000


def measure_ui(node: MeasuredNode, command: Sequence[str], seconds: float) -> UiCost:
    """Run the command, which shows the node, and watch it for this long once its first screen is drawn."""
    with _in_terminal(command) as ui:
        deadline_s = time.monotonic() + _DRAWN_WITHIN_S
        while ui.written < _FIRST_SCREEN_BYTES:
            node.run(0.05, ui.drain)
            if time.monotonic() > deadline_s or ui.process.poll() is not None:
                raise NodeUnreachable(f"the UI drew nothing within {_DRAWN_WITHIN_S:g} s (exit {ui.process.poll()})")
        node.run(_SETTLE_S, ui.drain)
        before = time.monotonic(), cpu_s(ui.process.pid), ui.written
        node.run(seconds, ui.drain)
        after = time.monotonic(), cpu_s(ui.process.pid), ui.written
    elapsed_s = after[0] - before[0]
    return UiCost(
        COLUMNS,
        LINES,
        round(elapsed_s, 2),
        round((after[1] - before[1]) / elapsed_s * 100, 1),
        round((after[2] - before[2]) / elapsed_s / 1024, 1),
    )


class _Ui:
    def __init__(self, process: subprocess.Popen[bytes], ours: int) -> None:
        self.process = process
        self.written = 0
        self._ours = ours

    def drain(self) -> None:
        """Discard what was drawn: a full terminal would hold the UI up."""
        # EIO once the UI has left.
        with contextlib.suppress(BlockingIOError, OSError):
            while drawn := os.read(self._ours, 65536):
                self.written += len(drawn)


@contextlib.contextmanager
def _in_terminal(command: Sequence[str]) -> Iterator[_Ui]:
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        os.set_blocking(ours, False)
        # As on the user's own screen, whatever this command itself was started under.
        environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        for name in ("SSH_CONNECTION", "COLUMNS", "LINES"):
            environ.pop(name, None)
        process = subprocess.Popen(
            list(command),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environ,
            start_new_session=True,
            # Its controlling terminal: should this process be killed, the terminal's end hangs the UI up.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        ui = _Ui(process, ours)
        try:
            yield ui
        finally:
            _leave(ui)
    finally:
        os.close(theirs)
        os.close(ours)


def _leave(ui: _Ui) -> None:
    ui.process.terminate()
    deadline_s = time.monotonic() + _LEAVE_WITHIN_S
    while ui.process.poll() is None and time.monotonic() < deadline_s:
        ui.drain()
        time.sleep(0.01)
    if ui.process.poll() is None:
        ui.process.kill()
        ui.process.wait()
