"""Reads what all nodes say in one Redis, on the loop of the API: those who ask are given the newest state."""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from arbsniper_tui.api.node_answers import NodeWord, word_of
from arbsniper_tui.api.node_reader import NODE_EVENT, NODE_RUN, NODE_TIME
from arbsniper_tui.api.problems import Declined, NodeAddress
from arbsniper_tui.api.redis_client import RedisKeys
from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.model.errors import UNREADABLE, RedisUnreachable, UsageError
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.model.view import QuoteRow, RouteRow
from arbsniper_tui.runtime.clock import wall_ms
from arbsniper_tui.runtime.limited_log import LimitedLog
from arbsniper_tui.runtime.process_reading import ProcessReading
from arbsniper_tui.session.health import NodeHealth, Part, PartState, unanswered
from arbsniper_tui.session.node_state import NodeState, instruments_in
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.session.venue_rows import Venue
from arbsniper_tui.sinks.redis_keys import HISTORY_KEY, NODE_TTL_MS, STREAM_KEY, node_key, price_key

_log = logging.getLogger(__name__)
_troubles = LimitedLog(_log)

Value = TypeVar("Value")

READ_EVERY_S = 0.2
_NODES_EVERY_S = 1.0
_LOST_AFTER_S = 3.0
MOST_EVENTS = 2000
_NAME = re.compile(r"[\w.-]+", re.ASCII)
"""Node and run stand in headers."""
_STALE = Reason(ReasonCode.STALE)
_OVER_WITH_A_PRICE = (ReasonCode.NO_DATA, ReasonCode.STALE)


class StoredPrice(msgspec.Struct, frozen=True):
    """What a price key holds, as far as it is needed here."""

    bid: float
    ask: float
    timestamp: int


_state_from_json = msgspec.json.Decoder(NodeState).decode
_price_from_json = msgspec.json.Decoder(StoredPrice).decode
_signal_from_json = msgspec.json.Decoder(Signal).decode
_event_from_json = msgspec.json.Decoder(Event).decode


class _Known(msgspec.Struct):
    """One node."""

    state: NodeState
    heard_s: float
    """When the state was read first, on the monotonic clock."""
    instruments: dict[int, Instrument]


class RedisReader:
    """Implements Source. It keeps nothing that Redis does not hold: any number of them answer alike."""

    def __init__(self, keys: RedisKeys) -> None:
        self._keys = keys
        self._nodes: dict[str, _Known] = {}
        self._prices: dict[int, StoredPrice] = {}
        self._instruments: dict[int, Instrument] = {}
        self._snapshot = Snapshot()
        self._clock_ms = 0.0
        self._read_s: float | None = None
        """When the nodes were read last, on the monotonic clock."""
        self._failure = ""

    async def read(self) -> None:
        """Take in what Redis holds, for ever."""
        due_s = 0.0
        while True:
            try:
                if time.monotonic() >= due_s:
                    due_s = time.monotonic() + _NODES_EVERY_S
                    await self._read_nodes()
                    self._read_s, self._failure = time.monotonic(), ""
                await self._read_prices()
            except RedisUnreachable as error:
                self._failure = str(error)
                _troubles.warn("redis", f"redis is away: {error}")
            self._make_snapshot(wall_ms())
            await asyncio.sleep(READ_EVERY_S)

    @property
    def latest(self) -> Snapshot:
        """As `snapshot`, however old."""
        return self._snapshot

    @property
    def snapshot(self) -> Snapshot:
        """Of all nodes together. Raises Declined (503) while Redis does not answer: old prices must not pass for new
        ones."""
        self._check()
        return self._snapshot

    @property
    def instruments(self) -> Mapping[int, Instrument]:
        self._check()
        return self._instruments

    @property
    def clock_ms(self) -> float:
        self._check()
        return self._clock_ms

    @property
    def open_opportunities(self) -> int:
        return sum(state.view.open_opportunities for state in self._states())

    def headers(self) -> dict[str, str]:
        """The time of this process, and of each node its run and the number of its last event."""
        if self._read_s is None:
            return {}
        states = [known.state for known in self._nodes.values()]
        return {
            NODE_TIME: str(round(self._clock_ms)),
            NODE_RUN: ", ".join(f"{state.node}={state.run}" for state in states),
            NODE_EVENT: ", ".join(f"{state.node}={state.event}" for state in states),
        }

    async def signals(self, limit: int) -> list[Signal]:
        """From the history, which holds the newest 1000 of all nodes."""
        found = await self._ask("ZREVRANGE", HISTORY_KEY, 0, limit - 1)
        return [signal for each in found if (signal := _read(_signal_from_json, each, HISTORY_KEY)) is not None]

    async def closes(self, since_ms: int) -> list[Signal]:
        """From the newest events of the stream."""
        entries = await self._ask("XREVRANGE", STREAM_KEY, "+", "-", "COUNT", MOST_EVENTS)
        closed = []
        for _, fields in entries:
            if fields.get(b"event") == b"close":
                event = _read(_event_from_json, fields.get(b"json", b""), STREAM_KEY)
                if event is not None and event.timestamp >= since_ms and event.signal is not None:
                    closed.append(event.signal)
        return closed

    def venues(self) -> list[Venue]:
        """As each node says."""
        return [venue for state in self._states() for venue in state.venues]

    def nodes(self) -> list[NodeWord]:
        return [word_of(state) for state in self._states()]

    def health(self) -> tuple[NodeHealth, Mapping[int, ProcessReading]]:
        """The nodes as parts: ready while one of them is."""
        if why := self._why_unread():
            return unanswered(why), {}
        found = [(known.state.node, known.state.health) for known in self._nodes.values()]
        if not any(health.is_ready for _, health in found):
            return replace(unanswered("no node that writes to this Redis is ready"), is_live=True), {}
        words = "; ".join(f"{node}: {health.words}" for node, health in found if health.words)
        parts = tuple(Part(node, health.state, health.words, is_needed=False) for node, health in found)
        is_well = all(each.state is PartState.OK for each in parts)
        return NodeHealth(PartState.OK if is_well else PartState.DEGRADED, True, True, words, parts=parts), {}

    def elsewhere(self) -> list[NodeAddress] | None:
        return [NodeAddress(known.state.node, known.state.api) for known in self._nodes.values()]

    def _states(self) -> list[NodeState]:
        self._check()
        return [known.state for known in self._nodes.values()]

    def _check(self) -> None:
        if why := self._why_unread():
            raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, f"{why}: try again in a second")

    def _why_unread(self) -> str:
        """Why there is nothing new enough to answer from; empty where there is."""
        if self._read_s is None or time.monotonic() - self._read_s > _LOST_AFTER_S:
            return self._failure or "redis has not answered yet"
        return ""

    async def _ask(self, *command: str | int) -> list[Any]:
        try:
            return list(await self._keys.ask(*command))
        except RedisUnreachable as error:
            raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}: try again in a second") from None

    async def _read_nodes(self) -> None:
        now_s = time.monotonic()
        names = set(map(node_key, self._nodes))
        try:
            names.update(await self._keys.names(node_key("*")))
        except RedisUnreachable:
            # While one master of a Cluster is replaced, the nodes that are known can be read at the others.
            if not names:
                raise
        for key, value in (await self._keys.values(sorted(names))).items():
            name = key.removeprefix(node_key(""))
            if value is None:
                self._nodes.pop(name, None)
                continue
            if (state := _read(_state_from_json, value, key)) is None:
                continue
            try:
                self._learn(name, state, now_s)
            except UsageError as error:
                _troubles.warn(key, f"{clean_text(key)} is left out: {clean_text(str(error))}")
        # Of one whose master does not answer nobody knows whether it is there still.
        old = [name for name, known in self._nodes.items() if now_s - known.heard_s > NODE_TTL_MS / 1000]
        for name in old:
            del self._nodes[name]
        self._nodes = dict(sorted(self._nodes.items()))
        self._instruments = {i: each for known in self._nodes.values() for i, each in known.instruments.items()}

    def _learn(self, name: str, state: NodeState, now_s: float) -> None:
        """Raises UsageError for what no node says of itself."""
        if name != state.node or not _NAME.fullmatch(f"{name}{state.run}"):
            raise UsageError(f"found node {state.node!r}, run {state.run!r}: expected the node that the key names")
        known = self._nodes.get(name)
        if known is not None and known.state.timestamp == state.timestamp:
            return
        if known is not None and _watches_the_same(known.state, state):
            self._nodes[name] = _Known(state, now_s, known.instruments)
        else:
            self._nodes[name] = _Known(state, now_s, instruments_in(state.view))

    async def _read_prices(self) -> None:
        ids = {price_key(each.venue, each.symbol): i for i, each in self._instruments.items()}
        for key, value in (await self._keys.values(list(ids))).items():
            price = _read(_price_from_json, value, key) if value is not None else None
            if price is None or not 0.0 < price.bid <= price.ask:
                self._prices.pop(ids[key], None)
            else:
                self._prices[ids[key]] = price

    def _make_snapshot(self, now_ms: float) -> None:
        snapshot = Snapshot()
        for known in self._nodes.values():
            # Where this machine's clock is behind the node's, an old price would pass for a new one.
            node_ms = known.state.timestamp + (time.monotonic() - known.heard_s) * 1000
            for i in known.instruments:
                if (price := self._prices.get(i)) is not None:
                    snapshot.quotes[i] = _row(i, price, known.state, max(now_ms, node_ms))
        routes = (_since(row, known.state, now_ms) for known in self._nodes.values() for row in known.state.view.routes)
        snapshot.routes = tuple(sorted(routes, key=lambda row: -row.spread_pct))
        self._snapshot, self._clock_ms = snapshot, now_ms


def _read(decode: Callable[[bytes], Value], written: bytes, where: str) -> Value | None:
    """None for what another program, or another version, has written there."""
    try:
        return decode(written)
    except UNREADABLE as error:
        _troubles.warn(where, f"{clean_text(where)} cannot be read, and is left out: {clean_text(str(error))}")
        return None


def _watches_the_same(one: NodeState, other: NodeState) -> bool:
    def watched(state: NodeState) -> tuple[object, ...]:
        return state.view.instruments, state.view.counted, state.view.rates_only

    return watched(one) == watched(other)


def _since(row: RouteRow, state: NodeState, now_ms: float) -> RouteRow:
    """The row as of now: an opportunity has been open for longer than its node said."""
    if row.open_ms <= 0.0:
        return row
    return replace(row, open_ms=row.open_ms + max(0.0, now_ms - state.timestamp))


def _row(i: int, price: StoredPrice, state: NodeState, now_ms: float) -> QuoteRow:
    """A price takes part unless the node says that it does not, or it is too old by now, or of a time so far ahead that
    nobody knows. Redis does not hold its size."""
    view = state.view
    reason = view.idle.get(i)
    if reason is not None and reason.code in _OVER_WITH_A_PRICE:
        reason = None
    if reason is None and abs(now_ms - price.timestamp) > view.max_quote_age_ms:
        reason = _STALE
    return QuoteRow(i, price.bid, 0.0, price.ask, 0.0, price.timestamp, None, reason, 0, view.rates_used.get(i))
