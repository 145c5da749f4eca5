"""Runs a node without a terminal until it is told to stop, or its tapes end."""

import logging
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

import zmq

from arbsniper_tui.headless.lines import log_line, output_line
from arbsniper_tui.headless.output import let_go
from arbsniper_tui.model.signal import Event
from arbsniper_tui.session.events import EventOrder
from arbsniper_tui.session.node import Node
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import EVENT_TOPIC
from arbsniper_tui.wire.viewing import Subscription

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.2
_ASK_AFTER_S = 1.0
CLEAN, LOST = 0, 3


def run_headless(node: Node, output: BinaryIO = sys.stdout.buffer) -> int:
    """The exit code: 0 after a stop or the end of the tapes, 3 when a worker could not be kept running."""
    stops: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signum, frame: stops.append(signum))
    try:
        endpoints = node.start()
        return _listen(node, endpoints, output, lambda: bool(stops))
    except BrokenPipeError:
        let_go(output)
        _log.info("nobody reads standard output any more: stopping")
        return CLEAN
    finally:
        node.stop()


def _listen(node: Node, endpoints: Endpoints, output: BinaryIO, is_stopping: Callable[[], bool]) -> int:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    subscription = Subscription(context, endpoints, EVENT_TOPIC)
    order = EventOrder(context, endpoints)
    looked_s = 0.0
    heard_s = time.monotonic()
    try:
        while not is_stopping():
            if time.monotonic() - looked_s > _LOOK_EVERY_S:
                looked_s = time.monotonic()
                if why := node.supervise():
                    _log.critical("%s", why)
                    return LOST
            missed = order.missed
            if subscription.wait(int(_LOOK_EVERY_S * 1000)):
                ended = _write(_received(order, subscription), output)
            elif order.last_seq == 0 or time.monotonic() - heard_s > _ASK_AFTER_S:
                # A short replay may be over before the subscription stands, and its end may have gone unread.
                ended = _write(order.catch_up(), output)
            else:
                continue
            heard_s = time.monotonic()
            if order.missed > missed:
                _log.error("%d events were overwritten before they could be read", order.missed - missed)
            if ended:
                return CLEAN
        return CLEAN
    finally:
        subscription.close()
        order.close()
        context.term()


def _received(order: EventOrder, subscription: Subscription) -> Iterator[Event]:
    while (received := subscription.receive()) is not None:
        yield from order.take(received[1])


def _write(events: Iterable[Event], output: BinaryIO) -> bool:
    """Write them. Returns whether the end was among them."""
    ended = False
    for event in events:
        _write_event(event, output)
        ended |= event.event == "end"
    output.flush()
    return ended


def _write_event(event: Event, output: BinaryIO) -> None:
    if line := output_line(event):
        output.write(line)
    if logged := log_line(event):
        _log.log(*logged)
