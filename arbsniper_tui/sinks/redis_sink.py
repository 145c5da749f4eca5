"""The Redis sink of the spread worker: signals, events and prices to Redis, never waiting for it.

Delivery is at least once. What was written and not answered when a connection broke is written again: the history is
idempotent, but a channel or the stream may carry the same message twice. Readers tell by `id`, `seq` and `state`.
"""

import logging
import select
import time

import hiredis

from arbsniper_tui.model.health import RedisHealth, RedisState
from arbsniper_tui.sinks.connect import Connect, Reconnection, address_of, connect_in_background
from arbsniper_tui.sinks.errors import LinkLost
from arbsniper_tui.sinks.keys import price_key
from arbsniper_tui.sinks.link import RedisLink
from arbsniper_tui.sinks.outgoing import (
    PING_COMMAND,
    Backlog,
    Batch,
    Outgoing,
    OutgoingEvent,
    OutgoingSignal,
    Part,
    unwritten,
)
from arbsniper_tui.sinks.refusals import Refusals

log = logging.getLogger(__name__)

SIGNALS_WAITING = 1000
EVENTS_WAITING = 10_000
HUNG_AFTER_NS = 200_000_000
GIVEN_UP_AFTER_NS = 5_000_000_000
PING_EVERY_NS = 1_000_000_000
# A backlog is written in steps, so that no pump holds the spread worker up for more than about a millisecond.
BACKLOG_STEP = 100
CLOSING_STEP_S = 0.02
# Before Python 3.12, looking an enum's member up runs code each time; these two stand on the way of a signal.
_UP, _SIGNAL = RedisState.UP, Part.SIGNAL


class RedisSink:
    """Writes to one Redis server. `now_ns` is any monotonic clock, `wall_ms` the clock of the signals' timestamps.

    A server that stops answering is written to no more: the signals wait here, where they can still be held back from
    the channel when they have grown old, and not in its socket.
    """

    def __init__(
        self, url: str, *, source: str, max_signal_age_ms: float, connect: Connect = connect_in_background
    ) -> None:
        self._source = source
        self._address = address_of(url)
        self._max_signal_age_ms = max_signal_age_ms
        self._reconnection = Reconnection(url, connect)
        self._link: RedisLink | None = None
        self._state = RedisState.CONNECTING
        self._detail = ""
        self._signals: Backlog[OutgoingSignal] = Backlog(SIGNALS_WAITING)
        self._events: Backlog[OutgoingEvent] = Backlog(EVENTS_WAITING)
        self._gathered: list[Outgoing] = []
        """What the next flush writes. A signal's announcement is already on its way."""
        self._prices: dict[str, bytes] = {}
        self._refusals = Refusals()
        self._taken = 0
        self._now_ns = 0
        self._wall_ms = 0
        self._last_ping_ns = 0
        self._rtt_ms: float | None = None

    def publish_signal(self, payload: bytes, timestamp_ms: int, now_ns: int) -> bool:
        """Announce a signal at once, in a send of its own; its history entry goes with the next flush. Returns whether
        it has left: it waits in memory while Redis is away."""
        self._now_ns = now_ns
        self._taken += 1
        signal = OutgoingSignal(self._taken, payload, timestamp_ms)
        link = self._link
        if link is None or self._state is not _UP or link.unsent or self._signals.waiting:
            self._signals.add(signal)
            return False
        self._gathered.append(signal)
        signal.published = True
        try:
            link.write(signal.publish_command(), [(now_ns, signal, _SIGNAL)])
        except LinkLost as loss:
            self._lose(str(loss))
            return False
        return True

    def append_event(self, payload: bytes, event: str, now_ns: int) -> None:
        """Gather an event for channel and stream; the next flush writes it."""
        self._now_ns = now_ns
        self._taken += 1
        outgoing = OutgoingEvent(self._taken, payload, event)
        if self._link is None or self._state is not RedisState.UP or self._events:
            self._events.add(outgoing)
        else:
            self._gathered.append(outgoing)

    def store_price(self, exchange: str, symbol: str, payload: bytes, now_ns: int) -> None:
        """Gather a price for the next flush; dropped while Redis is not up, as a newer one follows anyway."""
        self._now_ns = now_ns
        if self._state is RedisState.UP:
            self._prices[price_key(exchange, symbol)] = payload

    def flush(self) -> None:
        """Write what was gathered, in one send. What the socket cannot take yet waits for a later pump."""
        if not self._gathered and not self._prices:
            return
        link = self._link
        if link is None or self._state is not RedisState.UP or link.unsent:
            self._hold(self._gathered)
            self._gathered = []
            self._prices.clear()
            return
        batch = Batch(self._now_ns)
        has_signals = False
        for outgoing in self._gathered:
            batch.publish(outgoing)
            batch.store(outgoing)
            has_signals |= outgoing.store_part is Part.HISTORY
        if has_signals:
            batch.trim()
        for key, payload in self._prices.items():
            batch.store_price(key, payload)
        self._gathered = []
        self._prices.clear()
        self._write(link, batch)

    def _write(self, link: RedisLink, batch: Batch) -> None:
        try:
            link.write(batch.packed(), batch.in_flight)
        except LinkLost as loss:
            self._lose(str(loss))

    def pump(self, now_ns: int, wall_ms: int) -> None:
        """Read replies, notice loss, hang and recovery, reconnect, and write what waits. Call about every 20 ms."""
        if self._state is RedisState.OFF:
            return
        self._now_ns, self._wall_ms = now_ns, wall_ms
        if self._link is None:
            self._reconnect()
        link = self._link
        if link is None:
            return
        try:
            self._take_replies(link)
            # Even to a hung server: half a command is of no use to it, and it is at most one batch.
            link.write_unsent()
            self._judge(link)
            self._ping(link)
        except LinkLost as loss:
            self._lose(str(loss))
        # What was gathered is older than what waits.
        self.flush()
        self._write_backlog()

    def _reconnect(self) -> None:
        connected = self._reconnection.poll(self._now_ns)
        if connected is not None:
            try:
                self._link = RedisLink(connected)
            except LinkLost as loss:
                self._lose(str(loss))
                return
            self._state, self._detail = RedisState.UP, ""
            self._last_ping_ns = self._now_ns - PING_EVERY_NS
            log.info(
                "redis at %s is up; %d signals and %d events waited, %d and %d were dropped so far",
                self._address,
                len(self._signals),
                len(self._events),
                self._signals.lost,
                self._events.lost,
            )
        elif self._reconnection.failure:
            if self._reconnection.failure != self._detail:
                log.warning("redis is away: %s", self._reconnection.failure)
            self._state, self._detail = RedisState.AWAY, self._reconnection.failure

    def _take_replies(self, link: RedisLink) -> None:
        for (sent_ns, _, part), reply in link.receive():
            if isinstance(reply, hiredis.ReplyError):
                self._refusals.note(part, str(reply), self._now_ns)
            else:
                self._refusals.clear(part)
            if part is Part.PING and link.unread_ns is not None:
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
            self._state, self._detail = RedisState.UP, ""

    def _ping(self, link: RedisLink) -> None:
        if not link.in_flight and self._now_ns - self._last_ping_ns >= PING_EVERY_NS:
            self._last_ping_ns = self._now_ns
            link.write(PING_COMMAND, [(self._now_ns, None, Part.PING)])

    def _write_backlog(self) -> None:
        link = self._link
        if link is None or self._state is not RedisState.UP or link.unsent:
            return
        if not self._signals and not self._events:
            return
        batch = Batch(self._now_ns)
        signals = self._signals.take(BACKLOG_STEP)
        for signal in signals:
            if self._wall_ms - signal.timestamp_ms < self._max_signal_age_ms:
                batch.publish(signal)
            batch.store(signal)
        if signals:
            batch.trim()
        for event in self._events.take(BACKLOG_STEP):
            batch.publish(event)
            batch.store(event)
        self._write(link, batch)

    def _lose(self, reason: str) -> None:
        """The connection is gone: what it leaves unanswered waits for the next one."""
        link, self._link = self._link, None
        if link is not None:
            self._hold([*unwritten(link.in_flight), *self._gathered])
            link.close(abort=self._state is RedisState.HUNG)
        self._gathered = []
        self._prices.clear()
        self._refusals.forget()
        self._rtt_ms = None
        self._state, self._detail = RedisState.AWAY, f"{self._address}: {reason}"
        self._reconnection.wait(self._now_ns)
        log.warning("redis is away: %s", self._detail)

    def _hold(self, undelivered: list[Outgoing]) -> None:
        self._signals.put_back([each for each in undelivered if isinstance(each, OutgoingSignal)])
        self._events.put_back([each for each in undelivered if isinstance(each, OutgoingEvent)])

    def health(self) -> RedisHealth:
        """The state, and what is wrong in words."""
        return RedisHealth(
            state=self._state,
            source=self._source,
            address=self._address,
            detail=self._detail or self._refusals.in_words(),
            waiting=len(self._signals),
            lost=self._signals.lost,
            rtt_ms=self._rtt_ms,
        )

    def close(self, timeout_s: float) -> None:
        """Write what waits and have it answered, for at most `timeout_s`; then close. One connection is tried."""
        if self._state is RedisState.OFF:
            return
        started_ns, now_ns, wall_ms = time.monotonic_ns(), self._now_ns, self._wall_ms
        failures = self._reconnection.failures
        self._reconnection.hurry()
        while self._is_undelivered() and self._reconnection.failures == failures:
            elapsed_ns = time.monotonic_ns() - started_ns
            if elapsed_ns > timeout_s * 1e9:
                break
            self.pump(now_ns + elapsed_ns, wall_ms + elapsed_ns // 1_000_000)
            self._await_socket(min(CLOSING_STEP_S, timeout_s))
        if self._is_undelivered():
            waiting = len(self._signals), len(self._events)
            log.warning("closed before redis had taken everything: %d signals, %d events wait", *waiting)
        self._reconnection.close()
        if self._link is not None:
            self._link.close(abort=self._state is RedisState.HUNG)
            self._link = None
        self._state, self._detail = RedisState.OFF, "closed"

    def _is_undelivered(self) -> bool:
        if self._signals or self._events or self._gathered or self._prices:
            return True
        return self._link is not None and any(
            outgoing is not None or part is not Part.PING for _, outgoing, part in self._link.in_flight
        )

    def _await_socket(self, timeout_s: float) -> None:
        if self._link is None:
            time.sleep(timeout_s)
            return
        poller = select.poll()
        poller.register(self._link.fileno(), select.POLLIN | (select.POLLOUT if self._link.unsent else 0))
        poller.poll(timeout_s * 1000)
