"""A viewer's session with a node: takes in what is published, and sends commands.

It waits for the node only to read events that it missed.
"""

import time
from collections.abc import Callable, Sequence
from math import inf

import zmq

from arbsniper_tui.model.signal import Event
from arbsniper_tui.model.verdict import Judgement
from arbsniper_tui.session.events import ASK_AGAIN_S, ASK_WITHIN_MS, EventOrder
from arbsniper_tui.session.snapshot import Changes, RouteKey, Snapshot
from arbsniper_tui.session.take_view import take_view
from arbsniper_tui.wire.endpoints import Endpoints, find_endpoints
from arbsniper_tui.wire.messages import (
    EVENT_TOPIC,
    NAMED_FOR_S,
    VIEW_TOPIC,
    Hello,
    NameRoutes,
    Playback,
    SetMute,
    SetRules,
    SetVerdict,
    View,
    Welcome,
    decode_view,
)
from arbsniper_tui.wire.viewing import CommandClient, CommandQueue, Subscription

HISTORY = 500
"""Events that a viewer asks for when it comes."""
LOST_AFTER_S = 2.0
STOOD_STILL_S = 5.0
"""A viewer that did not pull for this long asks for the whole state: more may have been sent than was held for it."""
_LONGEST_PULL_S = 1.0
"""What counts as silence of the node between two pulls: a viewer that did not pull for longer stood still itself,
perhaps with the whole machine, and what the node said meanwhile may still be on its way."""
_QUIET_EVENTS = ("heartbeat",)


def attach_to(endpoint: str) -> "Session":
    """A session with the node at `endpoint`, its folder or process id; with the newest one where that is empty. Raises
    NodeUnreachable."""
    return Session(find_endpoints(endpoint))


class Session:
    """Implements NodeSession over the node's sockets."""

    def __init__(
        self,
        endpoints: Endpoints,
        clock: Callable[[], float] = time.monotonic,
        *,
        ask_within_ms: int = ASK_WITHIN_MS,
        ask_again_s: float = ASK_AGAIN_S,
    ) -> None:
        """It waits `ask_within_ms` for missed events, and asks again `ask_again_s` after no answer has come."""
        self.snapshot = Snapshot()
        self._clock = clock
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._subscription = Subscription(self._context, endpoints, VIEW_TOPIC, EVENT_TOPIC)
        self._hello = CommandClient(self._context, endpoints)
        self._rules = CommandQueue(CommandClient(self._context, endpoints))
        self._naming = CommandClient(self._context, endpoints)
        self._named: tuple[RouteKey, ...] = ()
        self._named_s = -inf
        self._order = EventOrder(self._context, endpoints, ask_within_ms=ask_within_ms, ask_again_s=ask_again_s)
        self._asked_s: float | None = None
        self._heard_s = self._pulled_s = clock()
        self._silent_s = 0.0
        """How long the node has been silent while somebody listened."""
        self._number: int | None = None
        """The last view taken in; None until the whole state has come."""
        # Asked for before the front end has finished importing, so that the first pull finds the answer.
        self._ask()

    def pull(self) -> Changes:
        """Take in what has arrived. Where events were missed it asks for them and waits for the answer: at most half a
        second, and after that not again within a second."""
        changes = Changes()
        before_s, self._pulled_s = self._pulled_s, self._clock()
        self._silent_s += min(self._pulled_s - before_s, _LONGEST_PULL_S)
        self._rules.pump()
        self._ask_for_named()
        self._welcome(changes)
        while (received := self._subscription.receive()) is not None:
            self._hear()
            topic, body = received
            if topic == EVENT_TOPIC:
                self._take_events(body, changes)
            else:
                self._take_view(decode_view(body), changes)
        if self._pulled_s - before_s > STOOD_STILL_S:
            # What waited may break off long before now, and an answer that waited is as old.
            self._number = self._asked_s = None
            self.snapshot.is_outdated = True
        if self._number is None:
            self._ask()
        self._judge_contact(changes)
        return changes

    def set_threshold(self, threshold_pct: float) -> None:
        """For all viewers of the node."""
        self._rules.put(SetRules(threshold_pct=threshold_pct))

    def set_basis(self, basis: str) -> None:
        """For all viewers of the node."""
        self._rules.put(SetRules(basis=basis))

    def set_verdict(self, venue: str, symbol: str, judgement: Judgement, multiplier: int) -> None:
        """For all viewers of the node, and for later runs."""
        self._rules.put(SetVerdict(venue, symbol, judgement, multiplier))

    def set_mute(self, route: RouteKey, is_muted: bool) -> None:
        """For all viewers of the node, and for later runs."""
        self._rules.put(SetMute(*route, is_muted))

    def name_routes(self, routes: Sequence[RouteKey]) -> None:
        """Keep these routes in the snapshot, whatever their spreads; they replace those named before."""
        if tuple(routes) != self._named:
            self._named, self._named_s = tuple(routes), -inf
            self._ask_for_named()

    def set_playback(self, speed: float | None, is_paused: bool) -> None:
        """For all viewers of the node."""
        self._rules.put(Playback(speed, is_paused))

    def close(self) -> None:
        """Leave; the node goes on."""
        for socket in (self._subscription, self._hello, self._rules, self._naming, self._order):
            socket.close()
        self._context.term()

    def _ask_for_named(self) -> None:
        """Again in time, because the node forgets them. An answer that has not come keeps the next one waiting."""
        if self._named and self._clock() - self._named_s > NAMED_FOR_S / 2:
            self._named_s = self._clock()
            self._naming.answer()
            self._naming.send(NameRoutes(self._named))

    def _ask(self) -> None:
        now_s = self._clock()
        if self._asked_s is None or now_s - self._asked_s > ASK_AGAIN_S:
            self._asked_s = now_s
            self._hello.send(Hello())

    def _welcome(self, changes: Changes) -> None:
        reply = self._hello.answer() if self._asked_s is not None else None
        if not isinstance(reply, Welcome):
            return
        self._asked_s = None
        self._hear()
        changes.intro = self.snapshot.intro != reply.intro
        self.snapshot.intro = reply.intro
        self._number = reply.view.number
        self.snapshot.is_outdated = False
        take_view(self.snapshot, reply.view, changes)
        self._catch_up(reply.view, changes)

    def _catch_up(self, view: View, changes: Changes) -> None:
        if self._order.last_seq < view.last_event - HISTORY:
            self._order.last_seq = self.snapshot.events_after = view.last_event - HISTORY
        if self._order.last_seq < view.last_event:
            self._keep(self._order.catch_up(), changes)

    def _take_view(self, view: View, changes: Changes) -> None:
        if self._number is None or view.number == self._number:
            return
        if view.number != self._number + 1:
            self._number = None  # a view was lost: ask for the whole state
            return
        self._number = view.number
        take_view(self.snapshot, view, changes)

    def _take_events(self, body: bytes, changes: Changes) -> None:
        if self._number is not None:
            self._keep(self._order.take(body), changes)

    def _keep(self, events: list[Event], changes: Changes) -> None:
        for event in events:
            if event.event in _QUIET_EVENTS:
                continue
            self.snapshot.events.append(event)
            changes.events.append(event)
            changes.ended |= event.event == "end"
        self.snapshot.events_upto = self._order.last_seq
        self.snapshot.missed = self._order.missed

    def _hear(self) -> None:
        self._heard_s, self._silent_s = self._clock(), 0.0

    def _judge_contact(self, changes: Changes) -> None:
        lost = ""
        if self._silent_s > LOST_AFTER_S:
            lost = f"no word from the node for {self._clock() - self._heard_s:.0f} s"
            self._number = None
        if lost != self.snapshot.lost_contact:
            self.snapshot.lost_contact = lost
            changes.contact = True
