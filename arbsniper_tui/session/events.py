"""Reads a node's events in order, and asks again for those it missed."""

import time
from collections.abc import Iterator

import zmq

from arbsniper_tui.model.errors import NodeUnreachable
from arbsniper_tui.model.signal import Event
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import EVENT_TOPIC, Events, EventsSince, decode_event
from arbsniper_tui.wire.viewing import CommandClient, Subscription

ASK_WITHIN_MS = 500
ASK_AGAIN_S = 1.0
_ASK_AFTER_SILENCE_S = 1.0


class EventOrder:
    """Puts events into their order. Gaps are filled from the node's memory; what is not there any more is counted."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoints: Endpoints,
        *,
        ask_within_ms: int = ASK_WITHIN_MS,
        ask_again_s: float = ASK_AGAIN_S,
    ) -> None:
        """It waits `ask_within_ms` for an answer, and asks again `ask_again_s` after one that did not come."""
        self._commands = CommandClient(context, endpoints)
        self.ask_within_ms = ask_within_ms
        self._pause_s = ask_again_s
        self.last_seq = 0
        self.missed = 0
        self.doubled = 0
        """Events that were published with a number that had been published before."""
        self._published = 0
        self._ask_again_s = 0.0

    def take(self, body: bytes) -> list[Event]:
        """The events that one published event makes readable: none, itself, or itself after those missed."""
        event = decode_event(body)
        if event.seq > self._published:
            self._published = event.seq
        else:
            self.doubled += 1
        if event.seq == self.last_seq + 1:
            return self._read([event])
        return self.catch_up() if event.seq > self.last_seq else []

    def catch_up(self) -> list[Event]:
        """Everything after the last event read, as far as the node has it. Waits for the answer; for a while after one
        that did not come it returns nothing at once."""
        if time.monotonic() < self._ask_again_s:
            return []
        try:
            reply = self._commands.ask(EventsSince(self.last_seq), self.ask_within_ms)
        except NodeUnreachable:
            # A later event shows the same gap and asks again, but not each one: every request makes the reader wait.
            self._ask_again_s = time.monotonic() + self._pause_s
            return []
        events = list(reply.events) if isinstance(reply, Events) else []
        if events:
            self.missed += events[0].seq - self.last_seq - 1
        return self._read(events)

    def close(self) -> None:
        self._commands.close()

    def _read(self, events: list[Event]) -> list[Event]:
        if events:
            self.last_seq = events[-1].seq
        return events


class EventReader:
    """All events of a node in their order. The node makes no views for it."""

    def __init__(self, endpoints: Endpoints, *, after: int = 0) -> None:
        """It begins behind the event numbered `after`."""
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._subscription = Subscription(self._context, endpoints, EVENT_TOPIC)
        self._order = EventOrder(self._context, endpoints)
        self._order.last_seq = after
        self._heard_s = time.monotonic()

    @property
    def missed(self) -> int:
        """Events that were overwritten on the node before they could be read."""
        return self._order.missed

    @property
    def doubled(self) -> int:
        """Events that were published with a number that had been published before."""
        return self._order.doubled

    def read(self, wait_ms: int) -> Iterator[Event]:
        """The events that have come; waits at most this long for the first.

        After a silence it asks the node for events, unless `wait_ms` is 0: a short replay may be over before the node
        knows of the subscription, and nothing would follow its end. The answer takes half a second at most.
        """
        if self._subscription.wait(wait_ms):
            while (received := self._subscription.receive()) is not None:
                yield from self._order.take(received[1])
        elif wait_ms and (self._order.last_seq == 0 or time.monotonic() - self._heard_s > _ASK_AFTER_SILENCE_S):
            yield from self._order.catch_up()
        else:
            return
        self._heard_s = time.monotonic()

    def close(self) -> None:
        """Leave; the node goes on."""
        self._subscription.close()
        self._order.close()
        self._context.term()
