"""What an API process makes of the keys that nodes write."""

import asyncio
from pathlib import Path

import msgspec
from redis_server import RedisServer
from waiting import eventually

from arbsniper_tui.api.redis_client import RedisKeys
from arbsniper_tui.api.redis_reader import RedisReader
from arbsniper_tui.model.instrument import instrument_key
from arbsniper_tui.model.reason import ReasonCode
from arbsniper_tui.model.redis_url import read_redis_url
from arbsniper_tui.runtime.clock import wall_ms
from arbsniper_tui.session.health import unanswered
from arbsniper_tui.session.node_state import NodeState, NodeView
from arbsniper_tui.sinks.redis_keys import node_key, price_key

AHEAD_MS = 3_600_000
MAX_AGE_MS = 600_000


async def test_an_old_price_of_a_node_whose_clock_is_ahead_is_not_taken_for_a_new_one(
    redis_binary: object, tmp_path: Path
) -> None:
    server = RedisServer(tmp_path / "redis")
    server.start()
    now_ms = round(wall_ms()) + AHEAD_MS
    view = NodeView(MAX_AGE_MS, 0, {"okx": ["BTC/USDT", "ETH/USDT"]}, {}, [], {}, {}, ())
    state = NodeState("a", "1", "1", "live", now_ms, 1, None, unanswered(""), [], view)
    with server.client() as client:
        client.set(node_key("a"), msgspec.json.encode(state))
        for symbol, timestamp in (("BTC/USDT", now_ms), ("ETH/USDT", now_ms - 2 * MAX_AGE_MS)):
            price = {"bid": 1.0, "ask": 2.0, "timestamp": timestamp}
            client.set(price_key("okx", symbol), msgspec.json.encode(price))
    url = read_redis_url(server.url)
    assert url is not None
    keys = RedisKeys(url)
    reader = RedisReader(keys)
    reading = asyncio.create_task(reader.read())
    try:
        await eventually(lambda: len(reader.latest.quotes) == 2)
        rows = reader.latest.quotes
        assert rows[instrument_key("okx", "BTC/USDT")].reason is None
        reason = rows[instrument_key("okx", "ETH/USDT")].reason
        assert reason is not None and reason.code is ReasonCode.STALE
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await keys.close()
        server.stop()
