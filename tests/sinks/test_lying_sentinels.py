"""Sentinels that are wrong, or are none: what is said of them, and that the others are asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lying_sentinel import DRIPPING, ENDLESS, SILENT, lying, naming
from redis_server import RedisServer

from arbsniper_tui.model.errors import RedisUnreachable
from arbsniper_tui.sinks.open_socket import open_socket

NO_SENTINEL = "expected the masters of a Sentinel"
ANSWER_WITHIN_S = 0.5


@pytest.fixture
def replica(server: RedisServer, tmp_path: Path) -> Iterator[RedisServer]:
    replica = RedisServer(tmp_path / "replica", "--replicaof", "127.0.0.1", str(server.port))
    replica.start()
    yield replica
    replica.stop()


def url_of(*addresses: str) -> str:
    return f"redis+sentinel://{','.join(addresses)}/mymaster/0"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (naming(99_999), NO_SENTINEL),
        (naming("abc"), NO_SENTINEL),
        (naming(6379, host="a b"), NO_SENTINEL),
        (naming(6379, flags="master,o_down"), "holds the master for down"),
        (naming(6379, flags="slave"), "holds the master for down"),
        (b":5\r\n", NO_SENTINEL),
        (b"$-1\r\n", NO_SENTINEL),
        (b"*1\r\n:5\r\n", NO_SENTINEL),
        (b"*1\r\n*2\r\n$4\r\nname\r\n$8\r\nmymaster\r\n", NO_SENTINEL),
        (b"*1\r\n*2\r\n$1\r\n\xff\r\n$1\r\nx\r\n", NO_SENTINEL),
        (b"*0\r\n", "it watches no mymaster"),
        (b"-ERR unknown command\r\n", "unknown command"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "Protocol error"),
        (SILENT, "no answer"),
        (ENDLESS, "its reply does not end"),
        (DRIPPING, "its reply does not end"),
    ],
)
def test_an_answer_that_leads_nowhere_is_told_and_the_next_sentinel_is_asked(
    answer: bytes | str, words: str, server: RedisServer
) -> None:
    with lying(answer) as first, lying(naming(server.port)) as second:
        with pytest.raises(RedisUnreachable, match=f"{first.address}: .*{words}"):
            open_socket(url_of(first.address), ANSWER_WITHIN_S)
        with open_socket(url_of(first.address, second.address), ANSWER_WITHIN_S) as connected:
            assert connected.getpeername()[1] == server.port


def test_a_master_that_is_named_and_does_not_serve_is_told_and_the_next_sentinel_is_asked(
    server: RedisServer, closed_port: int
) -> None:
    with lying(naming(closed_port)) as first, lying(naming(server.port)) as second:
        words = f"{first.address} names 127.0.0.1:{closed_port}: connection refused"
        with pytest.raises(RedisUnreachable, match=words):
            open_socket(url_of(first.address))
        with open_socket(url_of(first.address, second.address)) as connected:
            assert connected.getpeername()[1] == server.port


def test_a_replica_that_is_named_is_told_and_the_next_sentinel_is_asked(
    server: RedisServer, replica: RedisServer
) -> None:
    with lying(naming(replica.port)) as first, lying(naming(server.port)) as second:
        with pytest.raises(RedisUnreachable, match=f"names 127.0.0.1:{replica.port}: expected a master, found a slave"):
            open_socket(url_of(first.address))
        with open_socket(url_of(first.address, second.address)) as connected:
            assert connected.getpeername()[1] == server.port
