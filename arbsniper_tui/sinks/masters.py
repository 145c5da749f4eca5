"""Finds the server to write to: the master that Sentinels name, or a master of a Cluster."""

from collections import deque
from collections.abc import Callable
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.crc import key_slot
from redis.retry import Retry
from redis.sentinel import Sentinel

from arbsniper_tui.model.errors import RedisUnreachable
from arbsniper_tui.model.redis_url import Address, RedisKind, RedisUrl

# What redis-py leaves without types.
_arguments = cast("Callable[[str], dict[str, Any]]", parse_url)
_sentinels = cast("Callable[[list[Address]], Any]", Sentinel)

Ask = Callable[[str, tuple[str, ...]], Any]
"""Connects to the server of a URL, and returns its reply to a command. Raises RedisUnreachable."""


def find_master(url: RedisUrl, key: str, timeout_s: float, ask: Ask) -> str:
    """The URL of the master, in a Cluster of that which holds `key`, or of any that answers where that is empty. Raises
    RedisUnreachable."""
    if url.kind is RedisKind.SENTINEL:
        return url.of_server(_named_by_sentinels(url, timeout_s))
    return url.of_server(_in_cluster(url, key, ask))


def _named_by_sentinels(url: RedisUrl, timeout_s: float) -> Address:
    sentinels = _sentinels([])
    options = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s, "retry": Retry(NoBackoff(), 0)}
    for address in url.addresses:
        arguments = _arguments(url.of_sentinel(address))
        arguments.pop("connection_class", None)
        is_tls = {"ssl": True} if url.text.startswith("rediss") else {}
        sentinels.sentinels.append(redis.Redis(**(arguments | options | is_tls), protocol=2))
    try:
        host, port = sentinels.discover_master(url.service)
    except redis.RedisError:
        # The library's own words repeat every address with its options.
        raise RedisUnreachable(f"no Sentinel that answers knows a master {url.service}") from None
    finally:
        for each in sentinels.sentinels:
            each.close()
    return str(host), int(port)


def _in_cluster(url: RedisUrl, key: str, ask: Ask) -> Address:
    """Asks the nodes that are named, and then the masters that these name, until one knows or is what is wanted."""
    waiting, asked = deque(url.addresses), set[Address]()
    failure = "no node answers"
    while waiting:
        address = waiting.popleft()
        if address in asked:
            continue
        asked.add(address)
        try:
            ranges = _masters(ask(url.of_server(address), ("CLUSTER", "SLOTS")), address)
        except RedisUnreachable as error:
            failure = str(error)
            continue
        if key:
            slot = key_slot(key.encode())
            if owner := next((master for first, last, master in ranges if first <= slot <= last), None):
                return owner
            failure = f"no master holds {key}"
        masters = dict.fromkeys(master for _, _, master in ranges)
        if not key and address in masters:
            return address
        waiting.extend(masters)
    raise RedisUnreachable(failure)


def _masters(reply: Any, asked: Address) -> list[tuple[int, int, Address]]:
    """From CLUSTER SLOTS: the first and the last slot of each range, and its master."""
    try:
        # A node that does not know its own host leaves it out.
        return [
            (int(first), int(last), ((host or b"").decode() or asked[0], int(port)))
            for first, last, (host, port, *_), *_ in reply
        ]
    except (TypeError, ValueError, AttributeError):
        raise RedisUnreachable("expected the slots of a Cluster, found another reply: is it one?") from None
