"""Runs a node without a terminal until it is told to stop, or its tapes end."""

import logging
import os
import time
from collections.abc import Iterable
from contextlib import closing

from arbsniper_tui.headless.lines import log_line, output_line
from arbsniper_tui.headless.status import NodeStatus
from arbsniper_tui.model.signal import Event
from arbsniper_tui.node.node import Node
from arbsniper_tui.runtime.exit_codes import CLEAN, FAULT, LOST
from arbsniper_tui.runtime.log import LAST_LINES_S, drain_log
from arbsniper_tui.runtime.output import LIMIT_BYTES, Output
from arbsniper_tui.runtime.stop_signals import StopSignals
from arbsniper_tui.runtime.systemd import Systemd
from arbsniper_tui.session.events import EventReader

_log = logging.getLogger(__name__)

_LOOK_EVERY_MS = 200
STANDARD_OUTPUT = 1


def run_headless(node: Node, descriptor: int = STANDARD_OUTPUT) -> int:
    """Run with signals on this descriptor. The exit code: 0 after a stop or the end of the tapes, 3 when a worker could
    not be kept running, 1 when the signals of a replay could not be written.

    A live node never waits for a reader: what is not read in time is dropped, and the log says how much. A replay
    waits.
    """
    output = Output(descriptor, limit_bytes=None if node.is_replay else LIMIT_BYTES, on_gap=_tell_gap)
    stop = StopSignals(node.ask_reload)
    with closing(Systemd(os.environ)) as systemd:
        try:
            with closing(EventReader(node.start())) as events:
                return _print_signals(_Headless(node, events, output, stop, systemd), output)
        finally:
            systemd.tell_stopping()
            node.stop()
            drain_log(None if node.is_replay else LAST_LINES_S, stop)


def _print_signals(headless: "_Headless", output: Output) -> int:
    try:
        code = headless.run()
        output.drain(LAST_LINES_S)
    except BrokenPipeError:
        _log.info("the reader of standard output has left: stopping")
        return CLEAN
    except OSError as error:
        _log.critical("standard output cannot be written: %s", error.strerror)
        return FAULT
    if output.unwritten:
        _tell_gap(output.unwritten)
    return code


def _tell_gap(dropped: int) -> bytes:
    _log.warning("%d signals were not printed: standard output did not take them in time", dropped)
    return b""


class _Headless:
    """The loop: reads events, writes lines, and supervises the node in between."""

    def __init__(
        self, node: Node, events: EventReader, output: Output, is_stopping: StopSignals, systemd: Systemd
    ) -> None:
        self._node = node
        self._events = events
        self._output = output
        self._is_stopping = is_stopping
        self._systemd = systemd
        self._status = NodeStatus()
        self._supervised_s = 0.0
        self._is_lost = False
        """Whether the node cannot go on."""

    def run(self) -> int:
        """Until the node cannot go on, a signal stops it, or its tapes end. Returns the exit code."""
        has_ended = False
        while not (has_ended or self._is_over()):
            missed = self._events.missed
            has_ended = self._take(self._events.read(_LOOK_EVERY_MS))
            if self._events.missed > missed:
                _log.error("%d events were overwritten before they could be read", self._events.missed - missed)
        if not has_ended:
            self._take(self._events.read(0))  # what had come when it was stopped
        return LOST if self._is_lost else CLEAN

    def _is_over(self) -> bool:
        """Supervise the node a few times a second. Returns whether it has to end."""
        if time.monotonic() - self._supervised_s > _LOOK_EVERY_MS / 1000:
            self._supervised_s = time.monotonic()
            if why := self._node.supervise():
                _log.critical("%s", why)
                self._is_lost = True
            is_ready = self._node.has_begun and self._status.has_heard
            self._systemd.tell(self._status.line(self._node.venues), is_ready=is_ready)
        return self._is_lost or self._is_stopping()

    def _take(self, events: Iterable[Event]) -> bool:
        """Write the lines of these events. Returns whether the end of the tapes was among them."""
        has_ended = False
        for event in events:
            if line := output_line(event):
                self._output.put(line)
            if logged := log_line(event):
                _log.log(*logged)
            self._status.take(event)
            has_ended |= event.event == "end"
        self._write()
        return has_ended

    def _write(self) -> None:
        """Write what waits: in a replay all of it, otherwise what the reader takes now."""
        if self._node.is_replay:
            self._output.drain(is_stopping=self._is_over)
        else:
            self._output.pump()
