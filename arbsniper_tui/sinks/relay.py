"""Carries commands on keys from the sink to the masters of a Redis Cluster: each master gets a pipeline of its own, so
that one which refuses costs the others nothing, and one which does not answer a second at most."""

import logging
from collections.abc import Sequence
from typing import Any

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisClusterException
from redis.retry import Retry

from arbsniper_tui.model.errors import LinkLost, RedisUnreachable
from arbsniper_tui.model.redis_url import RedisUrl
from arbsniper_tui.runtime.limited_log import LimitedLog
from arbsniper_tui.runtime.process import beat
from arbsniper_tui.sinks.open_socket import POOL_ARGUMENTS, url_arguments

_log = logging.getLogger(__name__)
_troubles = LimitedLog(_log)

ANSWER_WITHIN_S = 1.0
"""For each step: to connect, and for the replies of one master."""

# What redis-py leaves without types.
_named: Any = ClusterNode

Command = Sequence[bytes]
_KEY_AT = 1
"""Where the key stands in every command of the sink that has one."""
_NO_MASTER = redis.exceptions.ClusterDownError("no master holds its slot")

_MOVED = (redis.exceptions.AskError, redis.exceptions.MovedError, redis.exceptions.TryAgainError)
_CODES: dict[type[Exception], str] = {
    redis.exceptions.TryAgainError: "TRYAGAIN",
    redis.exceptions.ClusterDownError: "CLUSTERDOWN",
    redis.exceptions.MasterDownError: "MASTERDOWN",
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.AuthenticationError: "NOAUTH",
}
"""What redis-py takes off the words of an error reply; the sink judges by it."""


class Relay:
    """The Cluster as one connection of the sink sees it: commands in, replies out, in their order."""

    def __init__(self, url: RedisUrl) -> None:
        """Asks the nodes that are named for the others. Raises RedisUnreachable."""
        options = url_arguments(url.of_server(url.addresses[0]))
        for name in (*POOL_ARGUMENTS, "host", "port", "db"):
            options.pop(name, None)
        if options.pop("connection_class", None) is not None:
            options["ssl"] = True
        try:
            self._cluster: Any = RedisCluster(
                startup_nodes=[_named(*address) for address in url.addresses],
                # Only the sink knows which command may be sent twice.
                retry=Retry(NoBackoff(), 0),
                require_full_coverage=False,
                socket_timeout=ANSWER_WITHIN_S,
                socket_connect_timeout=ANSWER_WITHIN_S,
                protocol=2,
                **options,
            )
        except (redis.RedisError, RedisClusterException, OSError) as error:
            raise RedisUnreachable(str(error)) from error

    def close(self) -> None:
        self._cluster.close()

    def run(self, commands: Sequence[Command]) -> list[bytes]:
        """The replies as Redis would write them, up to the first command of which nobody knows whether it was carried
        out, and that may not be repeated. A command that a master did not take has an error that the sink takes for
        temporary."""
        replies = self._tried(commands)
        moved = [at for at, reply in enumerate(replies) if isinstance(reply, _MOVED)]
        if moved or any(isinstance(reply, redis.ConnectionError | redis.TimeoutError) for reply in replies):
            self._look_around()
        if moved:
            # Carried out by none: once more, where they belong by now.
            for at, reply in zip(moved, self._tried([commands[at] for at in moved]), strict=True):
                replies[at] = reply
        written: list[bytes] = []
        for command, reply in zip(commands, replies, strict=True):
            if isinstance(reply, redis.ConnectionError | redis.TimeoutError) and command[0] == b"XADD":
                break
            written.append(_written(reply))
        return written

    def _tried(self, commands: Sequence[Command]) -> list[Any]:
        replies: list[Any] = [b"PONG"] * len(commands)
        by_master: dict[Any, list[int]] = {}
        for at, command in enumerate(commands):
            if len(command) > 1:
                try:
                    by_master.setdefault(self._cluster.get_node_from_key(command[_KEY_AT].decode()), []).append(at)
                except RedisClusterException:
                    replies[at] = _NO_MASTER
        for master, places in by_master.items():
            found = self._answers(master, [commands[at] for at in places])
            for at, reply in zip(places, found, strict=True):
                replies[at] = reply
        return replies

    def _answers(self, master: Any, commands: Sequence[Command]) -> list[Any]:
        beat()
        pipeline = self._cluster.get_redis_connection(master).pipeline(transaction=False)
        # The sink reads replies as Redis writes them.
        pipeline.response_callbacks = {}
        for command in commands:
            pipeline.execute_command(*command)
        try:
            return list(pipeline.execute(raise_on_error=False))
        except (redis.RedisError, OSError) as error:
            return [redis.ConnectionError(f"{master.name}: {error}")] * len(commands)

    def _look_around(self) -> None:
        """Ask which master holds what now."""
        try:
            self._cluster.nodes_manager.initialize()
        except (redis.RedisError, RedisClusterException) as error:
            _troubles.warn("cluster", f"the cluster does not say which master holds what: {error}")


class Commands:
    """Cuts what the sink writes into commands. hiredis reads requests too: they are arrays of strings."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader()

    def take(self, chunk: bytes) -> list[Command]:
        """The commands that are whole by now. Raises LinkLost for what is no command."""
        self._reader.feed(chunk)
        found: list[Command] = []
        while (command := self._reader.gets()) is not False:
            if not isinstance(command, list) or not command:
                raise LinkLost("expected commands of the sink")
            found.append(command)
        return found


def _written(reply: Any) -> bytes:
    """A reply as Redis writes it."""
    match reply:
        case None:
            return b"$-1\r\n"
        case bool() | "OK":
            return b"+OK\r\n"
        case int():
            return b":%d\r\n" % reply
        case bytes():
            return b"$%d\r\n%s\r\n" % (len(reply), reply)
        case list():
            return b"*%d\r\n%s" % (len(reply), b"".join(map(_written, reply)))
        case redis.ConnectionError() | redis.TimeoutError():
            return _error(f"CLUSTERDOWN {reply}")
        case Exception():
            code = next((code for kind, code in _CODES.items() if isinstance(reply, kind)), "")
            code = "TRYAGAIN" if isinstance(reply, _MOVED) else code
            return _error(f"{code} {reply}".strip())
    return _error(f"ERR a reply of another kind: {reply!r}")


def _error(words: str) -> bytes:
    return f"-{' '.join(words.split())}\r\n".encode()
