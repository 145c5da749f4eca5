"""What a Redis URL names."""

import pytest

from arbsniper_tui.model.redis_url import RedisKind, read_redis_url

SENTINEL = "redis+sentinel://ann:pw@a,b:26380/mymaster/2?sentinel_password=other&socket_keepalive=True"


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("redis://", RedisKind.SERVER, "localhost:6379/0"),
        ("redis://ann:pw@host:7000/2", RedisKind.SERVER, "host:7000/2"),
        ("rediss://[::1]", RedisKind.SERVER, "[::1]:6379/0"),
        ("unix:///run/redis.sock?password=pw", RedisKind.SERVER, "unix:///run/redis.sock"),
        (SENTINEL, RedisKind.SENTINEL, "sentinel a:26379,b:26380/mymaster/2"),
        ("rediss+cluster://:pw@a:7000,b", RedisKind.CLUSTER, "cluster a:7000,b:6379"),
    ],
)
def test_a_url_is_shown_without_its_secrets(text: str, kind: RedisKind, shown: str) -> None:
    found = read_redis_url(text)
    assert found is not None
    assert (found.kind, found.shown) == (kind, shown)


@pytest.mark.parametrize(
    "text",
    [
        "http://host",
        "redis://a,b",
        "redis://host:99999",
        "redis://host:0",
        "redis://host/x",
        "redis://host/٣",
        "redis+sentinel://a:26379",
        "redis+sentinel://a:26379/mymaster/x",
        "redis+cluster://a:7000/1",
        "redis+cluster://a:7000,,b",
        "redis+cluster://a b",
    ],
)
def test_what_names_no_redis_is_refused(text: str) -> None:
    assert read_redis_url(text) is None


def test_each_server_gets_the_credentials_that_are_its_own() -> None:
    found = read_redis_url(SENTINEL)
    assert found is not None
    assert found.of_server(("m", 1)) == "redis://ann:pw@m:1/2?socket_keepalive=True"
    assert found.of_sentinel(("s", 2)) == "redis://s:2?password=other&socket_keepalive=True"


def test_a_node_of_a_cluster_is_spoken_to_as_the_cluster_is() -> None:
    found = read_redis_url("rediss+cluster://:pw@a:7000,b")
    assert found is not None
    assert found.of_server(("::1", 7001)) == "rediss://:pw@[::1]:7001/0"
