"""The Redis that API processes read, behind Sentinels of which one is wrong."""

from pathlib import Path

import pytest
from lying_sentinel import DRIPPING, ENDLESS, SILENT, lying, naming
from redis_server import RedisServer

from arbsniper_tui.api.redis_client import RedisKeys
from arbsniper_tui.model.errors import RedisUnreachable
from arbsniper_tui.model.redis_url import read_redis_url


def keys_at(*addresses: str) -> RedisKeys:
    url = read_redis_url(f"redis+sentinel://{','.join(addresses)}/mymaster/0")
    assert url is not None
    return RedisKeys(url)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b":5\r\n", "expected the masters of a Sentinel"),
        (naming("abc"), "expected the masters of a Sentinel"),
        (b"*1\r\n*2\r\n$4\r\nname\r\n$8\r\nmymaster\r\n", "expected the masters of a Sentinel"),
        (b"-ERR unknown command\r\n", "unknown command"),
        (naming(1), "names 127.0.0.1:1: "),
        (SILENT, "Timeout"),
        (ENDLESS, "Timeout"),
        (DRIPPING, "Timeout"),
    ],
)
async def test_an_answer_that_leads_nowhere_is_told_and_the_next_sentinel_is_asked(
    answer: bytes | str, words: str, server: RedisServer
) -> None:
    with lying(answer) as first, lying(naming(server.port)) as second:
        alone, both = keys_at(first.address), keys_at(first.address, second.address)
        with pytest.raises(RedisUnreachable, match=words):
            await alone.names("node:*")
        assert await both.names("node:*") == []
        assert await both.ask("GET", "price:binance:BTC/USDT") is None
        await alone.close()
        await both.close()


async def test_a_replica_that_is_named_is_no_master(server: RedisServer, tmp_path: Path) -> None:
    replica = RedisServer(tmp_path / "replica", "--replicaof", "127.0.0.1", str(server.port))
    replica.start()
    with lying(naming(replica.port)) as sentinel:
        keys = keys_at(sentinel.address)
        with pytest.raises(RedisUnreachable, match=f"names 127.0.0.1:{replica.port}: expected a master, found a slave"):
            await keys.ask("GET", "price:binance:BTC/USDT")
        await keys.close()
    replica.stop()
