"""A program on a pseudo-terminal of its own: keys in, screen out, and the terminal as it was left."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte
from waiting import LOOK_EVERY_S, wait_until

ROOT = Path(__file__).parents[2]
LEAVES_SCREEN = b"\x1b[?1049l"


class PtyProgram:
    """Runs a text of Python with `arguments`; `environment` is put over the tests' own."""

    def __init__(self, text: str, *arguments: str, columns: int = 100, lines: int = 30, **environment: str) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.modes = self.modes_left = termios.tcgetattr(self.slave)
        self._is_over = False
        """Whether nothing more can come."""
        self.output = b""
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", text, *arguments],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=inherited | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLORTERM": "truecolor"} | environment,
            start_new_session=True,
        )

    def read(self) -> str:
        """The screen after all that was written until now, or after the next that is."""
        if select.select([self.master], [], [], 0.05)[0]:
            try:
                written = os.read(self.master, 65536)
            except OSError:
                written, self._is_over = b"", True
            self.output += written
            self._stream.feed(written)
        return "\n".join(self.screen.display)

    def wait(self, condition: Callable[[], object], *, reads: bool = True) -> None:
        """Until the condition holds; the terminal is read meanwhile, unless told otherwise."""
        between = self.read if reads else lambda: time.sleep(LOOK_EVERY_S)
        wait_until(condition, lambda: "\n".join(self.screen.display), between=between)

    def sees(self, *texts: str) -> str:
        """Wait until these texts stand on the screen together, since what is drawn at once may come in several pieces;
        that screen."""
        seen: list[str] = []

        def are_there() -> bool:
            screen = self.read()
            seen.extend([screen] if all(text in screen for text in texts) else [])
            return bool(seen)

        self.wait(lambda: are_there() or self.process.poll() is not None)
        assert are_there(), f"{texts} did not come (exit {self.process.poll()}):\n{self.read()}"
        return seen[0]

    def type(self, keys: bytes) -> None:
        """All of them in one write."""
        os.write(self.master, keys)

    def stop_reading(self) -> None:
        """From now on the terminal takes nothing, as after ctrl+S or on a stalled line."""
        termios.tcflow(self.slave, termios.TCOOFF)

    def read_again(self) -> None:
        termios.tcflow(self.slave, termios.TCOON)

    def exit_code(self, *, reads: bool = True) -> int:
        self.wait(lambda: self.process.poll() is not None, reads=reads)
        self.modes_left = termios.tcgetattr(self.slave)
        os.close(self.slave)
        self.slave = -1
        # A terminal hands over some time later what was written last; with nobody at its other end, that ends.
        self.wait(lambda: (self.read(), self._is_over)[1])
        assert self.process.returncode is not None
        return self.process.returncode

    @property
    def said_at_end(self) -> str:
        """What was written after the screen was left."""
        return self.output.rpartition(LEAVES_SCREEN)[2].decode(errors="replace")

    @property
    def is_restored(self) -> bool:
        """The first screen, a cursor, and the modes that the terminal had before."""
        last = {mode: self.output.rfind(b"\x1b[?" + mode) for mode in (b"1049h", b"1049l", b"25l", b"25h")}
        shows = last[b"1049l"] > last[b"1049h"] and last[b"25h"] > last[b"25l"]
        modes = self.modes_left if self.slave < 0 else termios.tcgetattr(self.slave)
        return shows and modes == self.modes

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for descriptor in (self.master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)
