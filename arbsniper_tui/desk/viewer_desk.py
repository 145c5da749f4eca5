"""The desk in the spread worker's own process: sends views and events, and answers what viewers ask."""

from collections import deque
from collections.abc import Callable, Sequence
from math import inf

import msgspec

from arbsniper_tui.desk.desk import Request
from arbsniper_tui.engine.routes import RouteKey
from arbsniper_tui.model.signal import Event
from arbsniper_tui.model.trace import SignalTrace
from arbsniper_tui.model.view import Invariants, ReplayStatus
from arbsniper_tui.runtime import clock
from arbsniper_tui.wire.messages import (
    EVENT_TOPIC,
    MOST_NAMED,
    NAMED_FOR_S,
    TRACE_TOPIC,
    VIEW_TOPIC,
    Command,
    Done,
    Events,
    EventsSince,
    InvariantsReport,
    NameRoutes,
    Playback,
    Refused,
    Reply,
    TapeReport,
    View,
    Welcome,
    encode,
)
from arbsniper_tui.wire.publisher import CommandServer, Publisher

EVENTS_KEPT = 5000
"""For viewers that come late or fell behind; some MB."""


class ViewerDesk:
    """Implements Desk over the node's sockets."""

    def __init__(
        self, publisher: Publisher, commands: CommandServer, *, is_replay: bool, views_before: int = 0
    ) -> None:
        """Views are numbered from the one behind `views_before`."""
        self._publisher = publisher
        self._commands = commands
        self._is_replay = is_replay
        # A viewer of a replay may read all of it, however late it comes.
        self._kept: deque[Event] = deque(maxlen=None if is_replay else EVENTS_KEPT)
        self._view_number = views_before
        self._named_until_ns: dict[RouteKey, int] = {}
        """The routes that viewers have named, by the clock of ages."""
        self._replay: ReplayStatus | None = None
        self._invariants: Invariants | None = None
        self._playback: Playback | None = None
        """What a viewer has asked for; None while none has."""

    def tell(self, event: Event) -> None:
        self._kept.append(event)
        self._publisher.publish(EVENT_TOPIC, encode(event))

    def remember(self, event: Event) -> None:
        self._kept.append(event)

    def trace(self, trace: SignalTrace) -> None:
        self._publisher.publish(TRACE_TOPIC, encode(trace))

    def count_viewers(self) -> int:
        self._publisher.take_subscriptions()
        return self._publisher.viewers

    def named_routes(self) -> Sequence[RouteKey]:
        if self._named_until_ns:
            at_ns = clock.now_ns()
            self._named_until_ns = {key: until for key, until in self._named_until_ns.items() if at_ns < until}
        return tuple(self._named_until_ns)

    def show(self, view: View) -> None:
        self._view_number += 1
        self._publisher.publish(VIEW_TOPIC, encode(self._completed(view)))

    def renew(self) -> None:
        self._view_number += 1  # a viewer that misses a view asks for the whole state

    def serve(self, answer: Callable[[Request], Reply]) -> None:
        self._commands.serve(lambda command: self._answer(command, answer))

    def close(self) -> None:
        self._commands.close()
        self._publisher.close()

    def since(self, seq: int) -> tuple[Event, ...]:
        """The events numbered above `seq`, as far as they are kept, oldest first."""
        if not self._kept or seq >= self._kept[-1].seq:
            return ()
        return tuple(event for event in self._kept if event.seq > seq)

    def _completed(self, view: View) -> View:
        return msgspec.structs.replace(view, number=self._view_number, replay=self._replay, invariants=self._invariants)

    def _answer(self, command: Command, answer: Callable[[Request], Reply]) -> Reply:
        if isinstance(command, EventsSince):
            return Events(self.since(command.seq))
        if isinstance(command, TapeReport):
            self._replay = command.status
            return self._playback or Done()
        if isinstance(command, InvariantsReport):
            self._invariants = command.invariants
            return Done()
        if isinstance(command, NameRoutes):
            return self._name_routes(command)
        if isinstance(command, Playback):
            return self._set_playback(command)
        reply = answer(command)
        if isinstance(reply, Welcome):
            return Welcome(reply.intro, self._completed(reply.view))
        return reply

    def _name_routes(self, command: NameRoutes) -> Reply:
        if len(command.routes) > MOST_NAMED:
            return Refused(f"{len(command.routes)} routes named: expected at most {MOST_NAMED}")
        until_ns = clock.now_ns() + round(NAMED_FOR_S * 1e9)
        self._named_until_ns |= dict.fromkeys(command.routes, until_ns)
        return Done()

    def _set_playback(self, command: Playback) -> Reply:
        if not self._is_replay:
            return Refused("only a replay can be paused or played at another speed")
        if command.speed is not None and not 0.0 < command.speed < inf:
            return Refused(f"speed {command.speed:g}: expected a number above 0, or none for as fast as it goes")
        self._playback = command
        return Done()
