"""What restores a terminal reaches it, however full it is when the app ends."""

import os
import pty
import sys
from collections.abc import Iterator

import pytest

from arbsniper_tui.ui.terminal import TerminalOutput

RESTORING = b"\x1b[?1049l\x1b[?25h"


class FullTerminal:
    """A terminal that nobody reads, full to the last byte; standard output leads to it."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self._ours, self._theirs = pty.openpty()
        for each in (self._ours, self._theirs):
            os.set_blocking(each, False)

    def fileno(self) -> int:
        return self._theirs

    def fill(self) -> None:
        try:
            while True:
                os.write(self._theirs, b"x" * 512)
        except BlockingIOError:
            return

    def read(self) -> bytes:
        read = b""
        try:
            while True:
                read += os.read(self._ours, 65536)
        except BlockingIOError:
            return read

    def close(self) -> None:
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[FullTerminal]:
    terminal = FullTerminal()
    monkeypatch.setattr(sys, "__stdout__", terminal)
    yield terminal
    terminal.close()


@pytest.mark.parametrize("unsent", ["", "a view"])
async def test_the_codes_that_restore_it_take_the_place_of_what_was_not_read(
    terminal: FullTerminal, unsent: str
) -> None:
    output = TerminalOutput()
    output.open()
    terminal.fill()
    output.write(unsent)
    output.make_room()
    terminal.fill()
    output.write(RESTORING.decode())
    output.close()
    assert terminal.read().endswith(RESTORING)
