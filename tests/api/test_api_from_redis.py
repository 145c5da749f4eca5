"""API processes that answer for all nodes that write to one Redis."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from command_place import Place
from node_process import RunningNode
from redis_server import RedisServer
from shared_api import SharedApi
from waiting import DEADLINE_S, wait_until

from arbsniper_tui.session.health import unanswered
from arbsniper_tui.session.node_state import NodeState, NodeView

pytestmark = pytest.mark.xdist_group("api from redis")
VENUES = ("--venue", "binance", "--venue", "okx", "--threshold", "0.02")


class Shared(NamedTuple):
    server: RedisServer
    btc: RunningNode
    """It answers by itself too."""
    eth: RunningNode
    apis: tuple[SharedApi, SharedApi]


def name_of(node: RunningNode) -> str:
    return f"demo-{node.process.pid}"


@pytest.fixture(scope="module")
def shared(redis_binary: object) -> Iterator[Shared]:
    """Two nodes, one Redis, and two processes that answer for them."""
    folder = Path(tempfile.mkdtemp(prefix="arb"))
    server = RedisServer(folder / "redis")
    server.start()
    nodes: list[RunningNode] = []
    apis: list[SharedApi] = []
    try:
        for symbol, more in (("BTC/USDT", ("--api",)), ("ETH/USDT", ())):
            (folder / symbol[:3]).mkdir()
            config = folder / f"{symbol[:3]}.toml"
            config.write_text('[api]\nlisten = "127.0.0.1:0"\n')
            given = ("--config", str(config), "--redis-url", server.url, *more)
            nodes.append(RunningNode(folder / symbol[:3], ("--demo", "--no-ui", *VENUES, "--symbol", symbol, *given)))
        apis = [SharedApi(folder / f"api-{number}", server.url) for number in range(2)]
        for each in apis:
            each.wait_for(lambda each=each: len(each.nodes()) == 2 and signals_of(each) == {"BTC/USDT", "ETH/USDT"})
        yield Shared(server, *nodes, (apis[0], apis[1]))
    finally:
        for each in apis:
            each.kill()
        for node in nodes:
            node.close()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def told(api: SharedApi, path: str) -> Any:
    """The answer, once there is one: a busy API, or one that has read nothing yet, says for a moment that it has none
    (503)."""
    return wait_until(lambda: api.get(path), lambda: api.log)


def asked(url: str) -> httpx.Response:
    """What any API answers once it is not too busy to."""

    def answered() -> httpx.Response | None:
        answer = httpx.get(url, timeout=DEADLINE_S, trust_env=False)
        return None if answer.status_code == 503 else answer

    return wait_until(answered, lambda: url)


def signals_of(api: SharedApi) -> set[str]:
    return {each["symbol"] for each in told(api, "/v1/signals/latest?limit=500")["signals"]}


def bids(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["venue"], each["symbol"]) for each in answer["prices"] if each["bid"] is not None]


def test_each_process_tells_the_nodes_their_health_and_where_they_answer(shared: Shared) -> None:
    for api in shared.apis:
        names = {name_of(shared.btc), name_of(shared.eth)}

        def are_live(api: SharedApi = api, names: set[str] = names) -> dict[str, Any] | None:
            nodes = api.nodes()
            return nodes if {name for name, each in nodes.items() if each["health"]["is_live"]} == names else None

        nodes = wait_until(are_live, lambda api=api: api.log)  # type: ignore[misc]  # the default binds it
        assert nodes[name_of(shared.eth)]["api"] is None
        own = asked(f"{nodes[name_of(shared.btc)]['api']}/v1/nodes").json()
        assert [each["node"] for each in own["nodes"]] == [name_of(shared.btc)]


def test_prices_of_all_nodes_are_served_by_each(shared: Shared) -> None:
    for api in shared.apis:
        api.wait_for(
            lambda api=api: (
                {(venue, symbol) for venue in ("binance", "okx") for symbol in ("BTC/USDT", "ETH/USDT")}
                <= set(bids(told(api, "/v1/prices")))
            )
        )


def test_a_price_tells_no_size_that_redis_does_not_hold(shared: Shared) -> None:
    for each in told(shared.apis[0], "/v1/prices")["prices"]:
        assert each["bid_size"] is None and each["ask_size"] is None


@pytest.mark.parametrize("symbol", ["BTC-USDT", "ETH-USDT"])
def test_best_and_market_of_a_symbol_come_from_its_node(shared: Shared, symbol: str) -> None:
    api = shared.apis[0]
    api.wait_for(lambda: told(api, f"/v1/best/{symbol}")["bid"])
    market = told(api, f"/v1/market/{symbol}")
    assert market["venues"] == ["binance", "okx"]
    assert market["symbol"] == symbol.replace("-", "/")


def test_closes_and_open_opportunities_are_those_of_all_nodes(shared: Shared) -> None:
    api = shared.apis[1]

    def closed() -> set[str]:
        return {each["symbol"] for each in told(api, "/v1/opportunities?since=0")["closed"]}

    api.wait_for(lambda: {"BTC/USDT", "ETH/USDT"} <= closed())
    found = told(api, "/v1/opportunities?since=0")
    assert all(each["state"] == "close" for each in found["closed"])
    assert told(api, "/v1/opportunities")["closed"] == []


def test_venues_are_told_as_each_node_sees_them(shared: Shared) -> None:
    found = {(each["venue"], each["node"]) for each in told(shared.apis[0], "/v1/venues")["venues"]}
    assert {(venue, name_of(node)) for node in (shared.btc, shared.eth) for venue in ("binance", "okx")} <= found


def test_headers_number_events_by_node(shared: Shared) -> None:
    headers = shared.apis[0].client.get("/v1/prices").headers
    numbers = dict(each.split("=") for each in headers["arbsniper-event"].split(", "))
    assert numbers.keys() == {name_of(shared.btc), name_of(shared.eth)}
    assert all(int(each) > 0 for each in numbers.values())


@pytest.mark.parametrize("path", ["/v1/routes", "/v1/feeds", "/v1/funding", "/v1/statistics", "/v1/latency"])
def test_what_redis_does_not_hold_is_at_the_nodes_own_api(shared: Shared, path: str) -> None:
    answer = asked(f"{shared.apis[0].client.base_url}".rstrip("/") + path)
    assert answer.status_code == 409 and answer.headers["content-type"] == "application/problem+json"
    addresses = {each["node"]: each["api"] for each in answer.json()["nodes"]}
    assert addresses[name_of(shared.eth)] is None
    assert asked(f"{addresses[name_of(shared.btc)]}{path}").is_success


def test_the_document_is_served_without_a_node(shared: Shared) -> None:
    assert shared.apis[0].client.get("/v1/openapi.json").json()["openapi"].startswith("3.1")


def test_the_other_process_answers_when_one_is_killed(redis_binary: object, tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis")
    server.start()
    one, other = (SharedApi(tmp_path / name, server.url) for name in ("one", "other"))
    try:
        other.wait_for(lambda: other.get("/v1/nodes") == {"nodes": []})
        one.kill()
        assert told(other, "/v1/prices") == {"prices": []}
        server.stop()
        wait_until(lambda: other.client.get("/v1/prices").status_code == 503, lambda: other.log)
        server.start()
        wait_until(lambda: other.get("/v1/prices") == {"prices": []}, lambda: other.log)
    finally:
        for each in (one, other):
            each.kill()
        server.stop()


def state(node: str, instruments: dict[str, list[str]]) -> bytes:
    """A node's word on itself, as anyone may write it who may write to Redis."""
    view = NodeView(5000.0, 0, instruments, {}, [], {}, {}, ())
    return msgspec.json.encode(NodeState(node, "1", "1", "live", 1, 1, None, unanswered(""), [], view))


def test_what_cannot_be_read_is_left_out(redis_binary: object, tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis")
    server.start()
    client = server.client()
    hostile = b"node:d", "node:e", b"node:\xff"
    said = state("d\r\nx", {}), state("e", {"okx": ["no symbol"]}), state("f", {})
    for key, value in {"node:a": b"\xff", "node:b": b"[]", **dict(zip(hostile, said, strict=True))}.items():
        client.set(key, value)
    client.set("node:c", b'{"node":"c"}')
    client.hset("node:g", "field", "value")
    client.zadd("signals:history", {b"no signal": 1})
    client.close()
    api = SharedApi(tmp_path / "api", server.url)
    try:
        api.wait_for(lambda: all(f"node:{each} " in api.log for each in "abcde"))
        assert told(api, "/v1/nodes") == {"nodes": []}
        assert told(api, "/v1/signals/latest") == {"signals": []}
    finally:
        api.kill()
        server.stop()


def test_a_price_that_cannot_be_and_one_of_the_future_take_no_part(redis_binary: object, tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis")
    server.start()
    client = server.client()
    client.set("node:a", state("a", {"okx": ["BTC/USDT", "ETH/USDT", "SOL/USDT"]}))
    ahead_ms = round(time.time() * 1000) + 3_600_000
    for symbol, bid, ask in (("BTC", 5, 3), ("ETH", 0, 2), ("SOL", 1, 2)):
        client.set(f"price:okx:{symbol}/USDT", f'{{"bid":{bid},"ask":{ask},"timestamp":{ahead_ms}}}')
    client.close()
    api = SharedApi(tmp_path / "api", server.url)

    def why() -> list[str]:
        told = api.get("/v1/prices") or {"prices": []}
        return [each["why_not"] and each["why_not"]["code"] for each in told["prices"]]

    try:
        api.wait_for(lambda: why() == ["no_data", "no_data", "stale"])
    finally:
        api.kill()
        server.stop()


def test_a_node_and_a_redis_are_too_much(place: Place) -> None:
    found = place.run("api", "4312", "--redis-url", "redis://127.0.0.1:1")
    assert found.returncode == 2 and b"expected a node, or --redis-url" in found.stderr


def test_a_killed_node_is_not_told_of_for_long(shared: Shared) -> None:
    """The last test: it ends a node that the others need."""
    os.kill(shared.eth.pid("spread"), signal.SIGKILL)
    shared.eth.close()
    for api in shared.apis:
        api.wait_for(lambda api=api: api.nodes().keys() == {name_of(shared.btc)})
        api.wait_for(lambda api=api: api.client.get("/v1/best/ETH-USDT").status_code == 404)
