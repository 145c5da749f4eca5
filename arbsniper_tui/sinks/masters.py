"""Finds the server to write to: the master that Sentinels name, or a master of a Cluster."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from redis.crc import key_slot

from arbsniper_tui.model.errors import RedisUnreachable
from arbsniper_tui.model.redis_url import Address, RedisUrl, written_address

Ask = Callable[[str, tuple[str, ...]], Any]
"""Connects to the server of a URL, and returns its reply to a command. Raises RedisUnreachable."""

_HOST = re.compile(r"[\w.:%-]{1,255}", re.ASCII)
_LARGEST_PORT = 65_535
_IS_DOWN = {"s_down", "o_down"}


class NamedMasters:
    """The masters that Sentinels name, asked one after the other while nobody has connected: each of them may be wrong,
    as one that was cut off from the others is."""

    def __init__(self, url: RedisUrl, ask: Ask) -> None:
        self._url, self._ask = url, ask
        self._failures: list[str] = []
        self._at = ""
        """Who is asked now, in words."""

    def urls(self) -> Iterator[str]:
        """Those of the masters, each once. Say with `note` why one does not serve, before the next is asked for."""
        named = set[Address]()
        for sentinel in self._url.addresses:
            self._at = written_address(sentinel)
            try:
                address = named_master(
                    self._ask(self._url.of_sentinel(sentinel), ("SENTINEL", "MASTERS")), self._url.service
                )
            except RedisUnreachable as error:
                self.note(error)
                continue
            if address not in named:
                named.add(address)
                self._at += f" names {written_address(address)}"
                yield self._url.of_server(address)

    def note(self, failure: RedisUnreachable) -> None:
        self._failures.append(f"{self._at}: {failure}")

    def none_serves(self) -> RedisUnreachable:
        """What to raise when all have been asked."""
        return RedisUnreachable(f"no Sentinel leads to a master {self._url.service} ({'; '.join(self._failures)})")


def named_master(reply: Any, service: str) -> Address:
    """From SENTINEL MASTERS: where the master of this name is. Raises RedisUnreachable."""
    try:
        states = ({name.decode(): value.decode() for name, value in _pairs(each)} for each in reply)
        state = next((each for each in states if each["name"] == service), None)
        if state is None:
            raise RedisUnreachable(f"it watches no {service}")
        flags = set(state["flags"].split(","))
        address = _address(state["ip"], state["port"])
    except (TypeError, ValueError, KeyError, AttributeError):
        raise RedisUnreachable("expected the masters of a Sentinel, found another reply: is it one?") from None
    if "master" not in flags or flags & _IS_DOWN:
        raise RedisUnreachable(f"it holds the master for down ({written_address(address)})")
    return address


def _pairs(flat: Any) -> Iterator[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _address(host: str, port: str) -> Address:
    """Raises ValueError for what can be none."""
    if not _HOST.fullmatch(host) or not 0 < int(port) <= _LARGEST_PORT:
        raise ValueError(f"expected a host and a port, found {host!r} and {port!r}")
    return host, int(port)


def master_in_cluster(url: RedisUrl, key: str, ask: Ask) -> str:
    """The URL of the master that holds `key`, or of any that answers where that is empty. Asks the nodes that are
    named, and then the masters that these name, until one knows or is what is wanted. Raises RedisUnreachable."""
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
                return url.of_server(owner)
            failure = f"no master holds {key}"
        masters = dict.fromkeys(master for _, _, master in ranges)
        if not key and address in masters:
            return url.of_server(address)
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
