"""Opening one connection to Redis with redis-py: URL, TLS, AUTH, database and a first PING."""

import socket
import time
from collections.abc import Callable
from typing import Any, cast

import redis
from redis.connection import Connection, DefaultParser, SSLConnection, UnixDomainSocketConnection, parse_url

from arbsniper_tui.model.errors import RedisUnreachable
from arbsniper_tui.model.redis_url import RedisKind, read_redis_url
from arbsniper_tui.sinks.address import address_of
from arbsniper_tui.sinks.masters import NamedMasters, master_in_cluster

# The one function of redis-py used here that carries no types.
url_arguments = cast("Callable[[str], dict[str, Any]]", parse_url)

ANSWER_TIMEOUT_S = 2.0
"""For each step: an address of the host, the TLS handshake, a command."""
# Arguments of a URL that belong to a pool of connections, not to one.
POOL_ARGUMENTS = ("max_connections", "timeout")
_READ_BYTES = 16_384
_READS_A_REPLY = 512
"""The slots of a large Cluster take some 200 kB, a packet at a time."""

Watch = Callable[[socket.socket], object]
"""Receives the socket that is being opened, so that another thread can interrupt that by shutting it down."""


def open_socket(
    url: str, timeout_s: float = ANSWER_TIMEOUT_S, watch: Watch = lambda opening: None, *, key: str = ""
) -> socket.socket:
    """Connect, authenticate, select the database, and wait for the reply to a PING. Of what Sentinels watch it is the
    master, of a Cluster any, or that which holds `key`. Raises RedisUnreachable."""
    try:
        return _taken(_connected_server(url, timeout_s, watch, key)[1])
    except RedisUnreachable as error:
        raise RedisUnreachable(f"{address_of(url) or 'redis.url'}: {error}") from error


def server_url(url: str, timeout_s: float = ANSWER_TIMEOUT_S) -> str:
    """The URL of the one server that this one leads to now. Raises RedisUnreachable."""
    place = read_redis_url(url)
    if place is None or place.kind is RedisKind.SERVER:
        return url
    server, connection = _connected_server(url, timeout_s, lambda opening: None, "")
    connection.disconnect()
    return server


def _connected_server(url: str, timeout_s: float, watch: Watch, key: str) -> tuple[str, Any]:
    """The URL of one server, and a connection to it."""

    def ask(server: str, command: tuple[str, ...]) -> object:
        connection, reply = _connected_to(server, timeout_s, watch, command)
        connection.disconnect()
        return reply

    place = read_redis_url(url)
    if place is not None and place.kind is RedisKind.SENTINEL:
        return _named_server(NamedMasters(place, ask), timeout_s, watch)
    server = master_in_cluster(place, key, ask) if place is not None and place.kind is RedisKind.CLUSTER else url
    return server, _connected_to(server, timeout_s, watch)[0]


def _named_server(named: NamedMasters, timeout_s: float, watch: Watch) -> tuple[str, Any]:
    """The first that is a master."""
    for server in named.urls():
        try:
            connection, _ = _connected_to(server, timeout_s, watch)
            _check_role(connection)
        except RedisUnreachable as error:
            named.note(error)
        else:
            return server, connection
    raise named.none_serves()


def _connected_to(url: str, timeout_s: float, watch: Watch, command: tuple[str, ...] = ("PING",)) -> tuple[Any, object]:
    """A connection, and the reply to a command. The kernel accepts connections for a stopped server too; only a reply
    shows that it runs."""
    connection: Any = None
    try:
        connection = _connection(url, timeout_s, watch)
        connection.connect()
        connection.send_command(*command)
        return connection, connection.read_response()
    except (redis.RedisError, OSError, ValueError, TypeError) as error:
        if connection is not None:
            connection.disconnect()
        raise RedisUnreachable(_in_words(error)) from error


def _check_role(connection: Any) -> None:
    """A master that was replaced while it was away may answer before its Sentinels have told it so."""
    try:
        connection.send_command("ROLE")
        role = connection.read_response()[0]
    except redis.ResponseError:
        return  # a user may be allowed to publish and not to ask for this
    except (redis.RedisError, OSError) as error:
        connection.disconnect()
        raise RedisUnreachable(_in_words(error)) from error
    if role != b"master":
        connection.disconnect()
        raise RedisUnreachable(f"expected a master, found a {role.decode()}: its Sentinels will name another")


def _taken(connection: Any) -> socket.socket:
    # redis-py has no public way to hand its socket over, and its Connection blocks in send and in read. Its parser has
    # nothing unread here, and without `_sock` its finaliser has nothing to close.
    connected: socket.socket = connection._sock
    connection._sock = None
    return connected


class _BoundedParser(DefaultParser):  # type: ignore[misc, valid-type] # redis-py chooses it when imported
    """Gives a peer up whose reply does not end: it would keep the thread, and fill the memory."""

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        self._reads = 0
        self._until_s = time.monotonic() + self._socket_timeout
        return super().read_response(*arguments, **options)

    def read_from_socket(self, *arguments: Any, **options: Any) -> Any:
        self._reads += 1
        if self._reads > _READS_A_REPLY or time.monotonic() > self._until_s:
            raise redis.ConnectionError("its reply does not end")
        return super().read_from_socket(*arguments, **options)


class _WatchedConnection(Connection):
    watch: Watch

    def _connect(self) -> socket.socket:
        found = socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM)
        return _connected([(family, address) for family, _, _, _, address in found], self)


class _WatchedTlsConnection(SSLConnection, _WatchedConnection):
    """redis-py's TLS handshake over the socket that the class above connects."""


class _WatchedUnixConnection(UnixDomainSocketConnection):
    watch: Watch

    def _connect(self) -> socket.socket:
        return _connected([(socket.AF_UNIX, self.path)], self)


_WATCHED: dict[Any, Any] = {
    Connection: _WatchedConnection,
    SSLConnection: _WatchedTlsConnection,
    UnixDomainSocketConnection: _WatchedUnixConnection,
}


def _connected(addresses: list[tuple[int, Any]], connection: Any) -> socket.socket:
    """A socket connected to the first address that accepts; raises the error of the last one."""
    refused: Exception = OSError("no address")
    for family, address in addresses:
        opening = socket.socket(family, socket.SOCK_STREAM)
        opening.settimeout(connection.socket_connect_timeout)
        try:
            connection.watch(opening)
            opening.connect(address)
        except TimeoutError:
            opening.close()
            refused = redis.TimeoutError("no answer")
        except (OSError, RedisUnreachable) as error:
            opening.close()
            refused = error
        else:
            return opening
    raise refused


def _connection(url: str, timeout_s: float, watch: Watch) -> Any:
    arguments = url_arguments(url)
    for name in POOL_ARGUMENTS:
        arguments.pop(name, None)
    connection_class = _WATCHED[arguments.pop("connection_class", Connection)]
    # RESP2: every server understands it, and sends nothing unasked.
    arguments |= {"socket_connect_timeout": timeout_s, "socket_timeout": timeout_s, "protocol": 2}
    arguments |= {"parser_class": _BoundedParser, "socket_read_size": _READ_BYTES}
    connection = connection_class(**arguments)
    connection.watch = watch
    return connection


def _in_words(error: Exception) -> str:
    cause = error.__context__ if isinstance(error.__context__, OSError) else error
    if isinstance(error, redis.AuthenticationError):
        return f"authentication refused ({error})"
    if isinstance(error, redis.BusyLoadingError):
        return "the server is loading its data"
    if isinstance(error, (redis.TimeoutError, TimeoutError)):
        return "no answer"
    if isinstance(cause, socket.gaierror):
        return "no such host name"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, FileNotFoundError):
        return "no such socket"
    if isinstance(error, (ValueError, TypeError)):
        return f"not a usable Redis URL ({error})"
    return str(getattr(cause, "strerror", None) or cause)
