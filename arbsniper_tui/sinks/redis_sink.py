"""The sink that writes to Redis, without waiting for it.

Delivery is at least once. A command that was not answered when its connection broke is written again: the history is
idempotent, the stream is asked first what it holds, but a channel may carry a message twice. Readers tell by `id`,
`seq` and `state`.
"""

import logging
import select
import time
from collections.abc import Sequence

from arbsniper_tui.model.errors import LinkLost
from arbsniper_tui.model.health import RedisHealth, RedisState
from arbsniper_tui.sinks.address import address_of
from arbsniper_tui.sinks.connect import Connect, Reconnection, connect_in_background
from arbsniper_tui.sinks.link import RedisLink
from arbsniper_tui.sinks.outbox import Outbox
from arbsniper_tui.sinks.outgoing import PING_COMMAND, CommandKind, OutgoingSignal
from arbsniper_tui.sinks.redis_keys import NODE_TTL_MS, PRICE_TTL_MS, node_key, price_key
from arbsniper_tui.sinks.sink import PastEvent

log = logging.getLogger(__name__)

HUNG_AFTER_NS = 200_000_000
GIVEN_UP_AFTER_NS = 5_000_000_000
PING_EVERY_NS = 1_000_000_000
CLOSING_STEP_S = 0.02
# Before Python 3.12, each look-up of an enum member runs Python code; `announce` needs these two.
_UP, _SIGNAL = RedisState.UP, CommandKind.SIGNAL


class RedisSink:
    """A `Sink` that writes to one Redis server, or to the one that Sentinels name.

    Nothing more is written to a server that stops answering. The signals wait here and not in its socket, so that those
    that grow too old meanwhile can be kept off the channel.
    """

    announces = True

    def __init__(
        self,
        url: str,
        *,
        source: str,
        max_signal_age_ms: float,
        note: str = "",
        connect: Connect = connect_in_background,
        publishes: bool = True,
        stores: bool = True,
    ) -> None:
        """`source`: which server this is, `url` or `embedded`. `note` is shown in the health of a server that has no
        fault. `publishes` and `stores` as Outbox has them."""
        self._source = source
        self._note = note
        self._address = address_of(url)
        self._reconnection = Reconnection(url, connect)
        self._link: RedisLink | None = None
        self._next_link: RedisLink | None = None
        """Replaces the current one as soon as everything written to that is answered."""
        self._state = RedisState.CONNECTING
        self._detail = ""
        self._outbox = Outbox(round(max_signal_age_ms * 1e6), publishes=publishes, stores=stores)
        self._taken = 0
        self._now_ns = 0
        self._last_ping_ns = 0
        self._rtt_ms: float | None = None

    def announce(self, payload: bytes, timestamp_ms: int, now_ns: int) -> bool:
        """Publish a signal at once, in a send of its own. Its history entry follows with the next flush."""
        self._now_ns = now_ns
        self._taken += 1
        signal = OutgoingSignal(self._taken, payload, timestamp_ms, now_ns)
        link, outbox = self._link, self._outbox
        if outbox.stores:
            outbox.history.add(signal)
        if not outbox.publishes:
            return False
        if link is None or self._state is not _UP or link.unsent or outbox.announcements.waiting:
            outbox.announcements.add(signal)
            return False
        try:
            link.write(signal.publish_command(), [(now_ns, signal, _SIGNAL)])
        except LinkLost as loss:
            self._lose(str(loss))
            return False
        return True

    def change_max_signal_age(self, max_age_ms: float) -> None:
        self._outbox.max_signal_age_ns = round(max_age_ms * 1e6)

    def append_event(self, payload: bytes, event: str, now_ns: int) -> None:
        """Take an event for the channel and the stream."""
        self._now_ns = now_ns
        self._taken += 1
        self._outbox.add_event(self._taken, payload, event)

    def send_again(self, events: Sequence[PastEvent]) -> None:
        """Take the events of a process before this one. Call it before the first pump."""
        for past in events:
            self._taken += 1
            self._outbox.add_event(self._taken, past.payload, past.event, is_past=True, is_stored=past.is_stored)
            if past.signal and not past.is_stored and self._outbox.stores:
                # Not for the channel: whoever listens there would take an old opportunity for a new one.
                self._outbox.history.add(OutgoingSignal(self._taken, past.signal, past.timestamp_ms, self._now_ns))

    @property
    def unconfirmed(self) -> int:
        return self._outbox.unconfirmed

    @property
    def events_lost(self) -> int:
        return self._outbox.events_lost

    @property
    def takes_prices(self) -> bool:
        """Whether Redis is up and the socket has taken everything so far: prices never wait."""
        return self._can_write

    @property
    def _can_write(self) -> bool:
        return self._link is not None and self._state is _UP and not self._link.unsent

    def store_price(self, exchange: str, symbol: str, payload: bytes, now_ns: int) -> None:
        """Take a price for its key. The next flush drops it if Redis is not up any more."""
        self._now_ns = now_ns
        self._outbox.states[price_key(exchange, symbol)] = payload, PRICE_TTL_MS

    def store_node(self, node: str, payload: bytes, now_ns: int) -> None:
        """Take a node's word for its key, as a price."""
        self._now_ns = now_ns
        self._outbox.states[node_key(node)] = payload, NODE_TTL_MS

    def flush(self) -> None:
        """Write the next batch of what waits, in one send. A later pump sends what the socket cannot take yet."""
        link = self._link
        if link is None or not self._can_write:
            self._outbox.states.clear()
            return
        batch = self._outbox.take_batch(self._now_ns)
        if not batch.in_flight:
            return
        try:
            link.write(batch.packed(), batch.in_flight)
        except LinkLost as loss:
            self._lose(str(loss))

    def pump(self, now_ns: int) -> None:
        """Read replies, detect loss, hang and recovery, reconnect, and flush. Call about every 20 ms."""
        if self._state is RedisState.OFF:
            return
        self._now_ns = now_ns
        self._reconnect()
        try:
            if self._link is not None:
                self._take_replies(self._link)
                # To a hung server too: it cannot use half a command, and this is at most one batch.
                self._link.write_unsent()
                self._judge(self._link)
            if self._next_link is not None and (self._link is None or self._link.is_idle):
                self._change_link(self._next_link)
            if self._link is not None:
                self._ping(self._link)
        except LinkLost as loss:
            self._lose(str(loss))
        self.flush()

    def _reconnect(self) -> None:
        """Begin a connection where there is none, and a new one where that may end a refusal."""
        is_wanted = self._link is None or self._outbox.refusals.is_reconnect_due(self._now_ns)
        if self._next_link is not None or not (is_wanted or self._reconnection.is_under_way):
            return
        connected = self._reconnection.poll(self._now_ns)
        if connected is not None:
            try:
                self._next_link = RedisLink(connected)
            except LinkLost as loss:
                self._reconnection.note_failure(f"{self._address}: {loss}", self._now_ns)
        if self._link is None and self._reconnection.failure:
            if self._reconnection.failure != self._detail:
                log.warning("redis is away: %s", self._reconnection.failure)
            self._state, self._detail = RedisState.AWAY, self._reconnection.failure

    def _change_link(self, link: RedisLink) -> None:
        """Write to this connection from now on."""
        if self._link is not None:
            self._link.close()
        self._link, self._next_link = link, None
        self._state, self._detail = _UP, ""
        self._last_ping_ns = self._now_ns - PING_EVERY_NS
        outbox = self._outbox
        outbox.start_over()
        waiting, lost = (outbox.signals_waiting, outbox.events_waiting), (outbox.signals_lost, outbox.events_lost)
        log.info(
            "redis at %s is up; %d signals and %d events wait, %d and %d were lost so far, %d signals not announced",
            self._address,
            *waiting,
            *lost,
            outbox.signals_unannounced,
        )

    def _take_replies(self, link: RedisLink) -> None:
        answered = link.receive()
        self._outbox.take_replies(answered, self._now_ns)
        for (sent_ns, _, kind), _ in answered:
            if kind is CommandKind.PING and link.unread_ns is not None:
                self._rtt_ms = max(0, self._now_ns - sent_ns - link.unread_ns) / 1e6

    def _judge(self, link: RedisLink) -> None:
        """Set the state by the age of the oldest unanswered command."""
        age_ns = link.oldest_age_ns(self._now_ns)
        if age_ns > GIVEN_UP_AFTER_NS:
            raise LinkLost(f"no reply for {age_ns / 1e9:.1f} s")
        if age_ns > HUNG_AFTER_NS:
            if self._state is not RedisState.HUNG:
                log.warning("redis at %s does not answer", self._address)
            self._state, self._detail = RedisState.HUNG, f"no reply for {age_ns / 1e9:.1f} s"
        elif self._state is RedisState.HUNG:
            log.info("redis at %s answers again", self._address)
            self._state, self._detail = _UP, ""

    def _ping(self, link: RedisLink) -> None:
        if link.is_idle and self._now_ns - self._last_ping_ns >= PING_EVERY_NS:
            self._last_ping_ns = self._now_ns
            link.write(PING_COMMAND, [(self._now_ns, None, CommandKind.PING)])

    def _lose(self, reason: str) -> None:
        """Give up the connection. Unanswered messages wait for the next one."""
        link, self._link = self._link, None
        if link is not None:
            self._outbox.put_back(link.in_flight)
            link.close(abort=self._state is RedisState.HUNG)
        self._outbox.states.clear()
        self._rtt_ms = None
        self._state, self._detail = RedisState.AWAY, f"{self._address}: {reason}"
        self._reconnection.wait(self._now_ns)
        log.warning("redis is away: %s", self._detail)

    def health(self) -> RedisHealth:
        """The state, and the fault in words."""
        refused = self._outbox.refusals.in_words()
        if refused and (unannounced := self._outbox.signals_unannounced):
            refused += f", {unannounced} not announced"
        return RedisHealth(
            state=RedisState.REFUSING if refused and self._state is _UP else self._state,
            source=self._source,
            address=self._address,
            detail=self._detail or refused or "; ".join(filter(None, (self._outbox.found, self._note))),
            waiting=self._outbox.signals_waiting,
            lost=self._outbox.signals_lost,
            rtt_ms=self._rtt_ms,
        )

    def close(self, timeout_s: float) -> None:
        """Write what waits until all is confirmed, for at most `timeout_s`, then close. One connection is tried.
        Messages that are not confirmed then are lost, counted and logged."""
        if self._state is RedisState.OFF:
            return
        failures = self._reconnection.failures
        self._reconnection.hurry()
        self._outbox.refusals.hurry()
        started_ns, now_ns = time.monotonic_ns(), self._now_ns
        while self._reconnection.failures == failures and not self._is_delivered():
            elapsed_ns = time.monotonic_ns() - started_ns
            if elapsed_ns > timeout_s * 1e9:
                break
            self.pump(now_ns + elapsed_ns)
            self._await_socket(min(CLOSING_STEP_S, timeout_s))
        if self._link is not None:
            self._outbox.put_back(self._link.in_flight)
        if any(lost := self._outbox.give_up(self._now_ns)):
            log.warning("closed before redis had confirmed everything: %d signals and %d events are lost", *lost)
        self._reconnection.close()
        for link in (self._link, self._next_link):
            if link is not None:
                link.close(abort=self._state is RedisState.HUNG)
        self._link = self._next_link = None
        self._state, self._detail = RedisState.OFF, "closed"

    def _is_delivered(self) -> bool:
        in_flight = self._link.in_flight if self._link is not None else ()
        return self._outbox.is_empty and all(kind is CommandKind.PING for _, _, kind in in_flight)

    def _await_socket(self, timeout_s: float) -> None:
        if self._link is None:
            time.sleep(timeout_s)
            return
        poller = select.poll()
        poller.register(self._link.fileno(), select.POLLIN | (select.POLLOUT if self._link.unsent else 0))
        poller.poll(timeout_s * 1000)
