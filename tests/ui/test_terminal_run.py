"""The app in a real terminal, from its own process: how it leaves."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60.0
PROGRAM = """
import sys
from arbsniper_tui.ui.run import run_ui
from tests.ui import builder
said = iter([None] * 3 + ["worker feed-1 could not be kept running"])
supervise = (lambda: next(said, None)) if "lost" in sys.argv else None
sys.exit(run_ui(builder.PlayedView(builder.snapshot()), refresh_hz=10.0, supervise=supervise))
"""


class Run:
    """A process on a terminal of its own; `output` is all that it wrote."""

    def __init__(self, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80", "LINES": "24"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.output = ""

    def read_until(self, text: str) -> bool:
        """Read until `text` stands in the output, the process ended, or the deadline passed."""
        deadline = time.monotonic() + DEADLINE_S
        while text not in self.output and time.monotonic() < deadline:
            if not select.select([self.master], [], [], 0.2)[0]:
                if self.process.poll() is not None:
                    break
                continue
            try:
                chunk = os.read(self.master, 65536)
            except OSError:
                break
            if not chunk:
                break
            self.output += chunk.decode(errors="replace")
        return text in self.output

    def end(self) -> int:
        """Read what is left, and wait; returns the exit code."""
        self.read_until("\0")
        try:
            return self.process.wait(DEADLINE_S)
        finally:
            self.process.kill()
            os.close(self.master)


def test_a_lost_worker_is_told_after_the_terminal_is_restored() -> None:
    run = Run("lost")
    assert run.end() == 3
    restored = run.output.rindex("\x1b[?1049l")
    assert "worker feed-1 could not be kept running" in run.output[restored:]


def test_sigterm_restores_the_terminal_and_leaves_with_0() -> None:
    run = Run()
    assert run.read_until("threshold 0.50%")
    run.process.send_signal(signal.SIGTERM)
    assert run.end() == 0
    assert "\x1b[?1049l" in run.output
    assert "Traceback" not in run.output


def test_q_leaves_with_0() -> None:
    run = Run()
    assert run.read_until("threshold 0.50%")
    os.write(run.master, b"q")
    assert run.end() == 0
