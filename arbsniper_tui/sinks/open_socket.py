"""Opening one connection to Redis with redis-py: URL, TLS, AUTH, database and a first PING."""

import socket
from collections.abc import Callable
from typing import Any, cast

import redis
from redis.connection import Connection, parse_url

from arbsniper_tui.sinks.connect import address_of
from arbsniper_tui.sinks.errors import RedisUnreachable

# The one function of redis-py used here that carries no types.
url_arguments = cast("Callable[[str], dict[str, Any]]", parse_url)

CONNECT_TIMEOUT_S = 2.0
# Arguments of a URL that belong to a pool of connections, not to one.
POOL_ARGUMENTS = ("max_connections", "timeout")


def open_socket(url: str, timeout_s: float = CONNECT_TIMEOUT_S) -> socket.socket:
    """Connect, authenticate, select the database, and have a PING answered; raises RedisUnreachable."""
    connection: Any = None
    try:
        connection = _connection(url, timeout_s)
        connection.connect()
        # A stopped server's kernel still accepts connections; only an answer shows that it is there.
        connection.send_command("PING")
        connection.read_response()
    except (redis.RedisError, OSError, ValueError, TypeError) as error:
        if connection is not None:
            connection.disconnect()
        raise RedisUnreachable(f"{address_of(url) or 'redis.url'}: {_in_words(error)}") from error
    # redis-py has no public way to part with its socket, and its Connection blocks in send and in read. Nothing is
    # left unread in its parser here, and without `_sock` its finaliser has nothing to close.
    connected: socket.socket = connection._sock
    connection._sock = None
    return connected


def _connection(url: str, timeout_s: float) -> Any:
    arguments = url_arguments(url)
    for name in POOL_ARGUMENTS:
        arguments.pop(name, None)
    connection_class: Any = arguments.pop("connection_class", Connection)
    # RESP2: understood by every server, and no message comes that was not asked for.
    arguments |= {"socket_connect_timeout": timeout_s, "socket_timeout": timeout_s, "protocol": 2}
    return connection_class(**arguments)


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
