"""The terminal: writes that never wait for it, and keys that it sends, whatever its encoding."""

import asyncio
import codecs
import contextlib
import os
import selectors
import sys
import termios
import time
from typing import ClassVar

from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from arbsniper_tui.runtime.terminal import terminal_look

LAST_WORDS_WITHIN_S = 0.3
"""How long a slow terminal may take to read what is left when the app ends."""
_KEYS_EVERY_S = 0.1
"""How often the input thread checks whether it must end, and whether an escape key was pressed alone."""

ASCII = str.maketrans(
    {
        **dict.fromkeys("─━▔▁▂▀▄", "-"),
        **dict.fromkeys("│┃▌▐▎▊▕▏", "|"),
        **dict.fromkeys("▃", "="),
        **dict.fromkeys("▅▆▇█■", "#"),
        **dict.fromkeys("▼▾↓", "v"),
        **dict.fromkeys("▲↑", "^"),
        **dict.fromkeys("→›▶", ">"),
        **dict.fromkeys("≈…", "~"),
        "●": "*",
        "○": "o",
        "◐": "%",
        "‖": '"',
        "×": "x",
        "÷": "/",
        "·": ".",
        "µ": "u",
    }
)
"""What stands for each of our characters where the terminal's encoding is not UTF-8: one cell for one cell."""


class TerminalOutput:
    """What is written and not yet read by the terminal. Counts bytes since the app started."""

    def __init__(self) -> None:
        self.sent_bytes = 0
        self._texts: list[str] = []
        self._unsent = bytearray()
        self._last: bytearray | None = None
        """What restores the terminal: all that is written since `make_room`."""
        self._descriptor = -1
        self._shared = -1
        """The descriptor that was switched to non-blocking because the terminal could not be opened again."""
        self._is_utf8 = True
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_behind(self) -> bool:
        """Whether the terminal has not read what was written before: more would only wait."""
        return bool(self._unsent)

    def open(self) -> None:
        """Begin to write to standard output, on the running loop."""
        self._loop = asyncio.get_running_loop()
        stream = sys.__stdout__
        assert stream is not None, "an app is run on a terminal"
        self._is_utf8 = terminal_look(os.environ, stream.encoding).is_utf8
        self._last = None
        if self._descriptor < 0:
            self._descriptor = self._open_again(stream.fileno())

    def _open_again(self, descriptor: int) -> int:
        # A descriptor of our own: the inherited one is shared with the shell, which would find it non-blocking.
        try:
            return os.open(os.ttyname(descriptor), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            # The terminal belongs to another user, as after `su`, or was opened outside this container.
            self._shared = descriptor
            os.set_blocking(descriptor, False)
            return os.dup(descriptor)

    def write(self, text: str) -> None:
        """Send text with what else is written in this turn of the loop."""
        if not text:
            return
        if not self._texts and self._loop is not None:
            self._loop.call_soon(self.flush)
        self._texts.append(text)

    def flush(self) -> None:
        """Hand everything to the terminal, as far as it takes it."""
        if not self._texts or self._descriptor < 0:
            return
        text = "".join(self._texts)
        self._texts.clear()
        data = text.encode("utf-8", "replace") if self._is_utf8 else text.translate(ASCII).encode("ascii", "replace")
        self.sent_bytes += len(data)
        was_behind = self.is_behind
        self._unsent += data
        if self._last is not None:
            self._last += data
        if not was_behind:
            self._send()
            if self.is_behind and self._loop is not None:
                self._loop.add_writer(self._descriptor, self._go_on)

    def make_room(self) -> None:
        """Discard what the terminal does not read, so that the codes that restore it find room."""
        self.flush()
        if not self._is_read():
            self._discard()
        self._last = bytearray()

    def close(self) -> None:
        """Write what is left, and let go of the terminal. Where the terminal does not read, what it has
        not read is discarded, so that the codes that restore it find room."""
        if self._descriptor < 0:
            return
        self.flush()
        if not self._is_read():
            self._discard()
            self._unsent += self._last or b""
            self._send()
        self._unsent.clear()
        self._stop_waiting()
        os.close(self._descriptor)
        self._descriptor = -1
        if self._shared >= 0:
            os.set_blocking(self._shared, True)

    def _is_read(self) -> bool:
        """Whether the terminal takes what is left before long."""
        deadline_s = time.monotonic() + LAST_WORDS_WITHIN_S
        while self.is_behind and time.monotonic() < deadline_s:
            time.sleep(0.01)
            self._send()
        return not self.is_behind

    def _discard(self) -> None:
        """What is here and what waits in the terminal."""
        with contextlib.suppress(termios.error):
            termios.tcflush(self._descriptor, termios.TCOFLUSH)
        self._stop_waiting()
        self._unsent.clear()

    def _go_on(self) -> None:
        self._send()
        if not self.is_behind:
            self._stop_waiting()

    def _send(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: os.write(self._descriptor, self._unsent)]
        except BlockingIOError:
            return
        except OSError:
            # The terminal is gone; SIGHUP, or the end of its input, ends the app.
            self._unsent.clear()

    def _stop_waiting(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_writer(self._descriptor)


class TerminalDriver(LinuxDriver):
    """Textual's driver with writes that never wait: its own queue holds thirty of them, and then blocks the app."""

    output: ClassVar[TerminalOutput]

    def start_application_mode(self) -> None:
        self.output.open()
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual leaves it untyped
        if self._writer_thread is not None:
            self._writer_thread.stop()
            self._writer_thread = None

    def stop_application_mode(self) -> None:
        self.output.make_room()
        super().stop_application_mode()
        self.output.flush()

    def write(self, data: str) -> None:
        self.output.write(data)

    def flush(self) -> None:
        self.output.flush()

    def close(self) -> None:
        self.output.close()
        super().close()

    def run_input_thread(self) -> None:
        """Like Textual's, but bytes that are not UTF-8 are ignored, and the end of the input ends the app."""
        parser = XTermParser(self._debug)
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(_KEYS_EVERY_S):
                    try:
                        data = os.read(self.fileno, 4096)
                    except OSError:
                        data = b""
                    if not data:
                        self._loop.call_soon_threadsafe(self._app.exit)
                        return
                    # Part of a character decodes to no text, which the parser would take for the end of input.
                    text = decode(data)
                    for event in parser.feed(text) if text else ():
                        self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except Exception as error:  # noqa: BLE001  # the boundary of this thread: the app logs it and ends
            self._loop.call_soon_threadsafe(self._app._handle_exception, error)


def driver_on(output: TerminalOutput) -> type[Driver]:
    """The terminal driver of Linux and macOS, writing to `output`."""
    return type("DriverOnOutput", (TerminalDriver,), {"output": output})
