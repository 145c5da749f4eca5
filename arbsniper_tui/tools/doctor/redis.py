"""What `doctor` finds out about Redis: the server that a node would use, and the one of a node that runs.

Every check returns findings and prints nothing.
"""

import time
from typing import TYPE_CHECKING

from arbsniper_tui.config.given import redacted
from arbsniper_tui.config.settings import RedisSettings
from arbsniper_tui.model.errors import FolderError, NodeUnreachable, RedisNotStarted, RedisUnreachable
from arbsniper_tui.runtime.node_folder import REDIS_SOCKET, create_root
from arbsniper_tui.sinks.embedded import LOOPBACK, password_note, running_url, socket_url
from arbsniper_tui.sinks.redis_binary import find_redis_server
from arbsniper_tui.tools.doctor.checks import Finding
from arbsniper_tui.wire.endpoints import find_endpoints

if TYPE_CHECKING:
    import redis

REDIS_TIMEOUT_S = 2.0


def check_redis(settings: RedisSettings, timeout_s: float = REDIS_TIMEOUT_S) -> Finding:
    """What would be used in this mode, and how long it takes to answer."""
    if settings.mode == "off":
        return Finding("Redis", "ok", "mode off")
    if settings.mode == "embedded":
        try:
            return Finding("Redis", "ok", f"mode embedded: {_own_server(settings)}")
        except (RedisNotStarted, FolderError) as error:
            return Finding("Redis", "fail", f"mode embedded: {error}", "install redis-server, or use mode url or off")
    address = redacted(settings.url)
    answer, reason = _ask(settings.url, timeout_s)
    if answer:
        return Finding("Redis", "ok", f"mode {settings.mode}: {address} {answer}")
    found = f"mode {settings.mode}: {address} does not answer ({reason})"
    if settings.mode == "url":
        return Finding("Redis", "fail", found, "start it, correct redis.url, or use mode auto")
    try:
        return Finding("Redis", "ok", f"{found}; in its place {_own_server(settings)}")
    except (RedisNotStarted, FolderError) as error:
        return Finding("Redis", "warn", f"{found}; {error}", "install redis-server, or signals stay here")


def check_nodes_redis(timeout_s: float = REDIS_TIMEOUT_S) -> list[Finding]:
    """The server that the node which runs has started, if one runs and has."""
    try:
        folder = find_endpoints().folder
    except (NodeUnreachable, FolderError):
        return []
    url = running_url(folder)
    if not url:
        return []
    name, advice = "Redis of the node", password_note(folder)
    shown = f"{socket_url(folder)} and {redacted(url)}" if advice else url
    answer, reason = _ask(url, timeout_s)
    if answer:
        return [Finding(name, "ok", f"{shown}: {answer}", advice)]
    return [Finding(name, "fail", f"{shown}: does not answer ({reason})", f"see {folder / 'redis.log'}")]


def _own_server(settings: RedisSettings) -> str:
    """The server that a node would start, and where; raises RedisNotStarted, FolderError."""
    port = f" and {LOOPBACK}:{settings.embedded_port}, with a password" if settings.embedded_port else ""
    return f"{find_redis_server()} on unix://{create_root()}/node-PID/{REDIS_SOCKET}{port}"


def _ask(url: str, timeout_s: float) -> tuple[str, str]:
    """What a server answered, or an empty string and why it did not."""
    import redis  # as long to import as the rest of the command line, and only this check needs it
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    from arbsniper_tui.sinks.open_socket import server_url

    try:
        url = server_url(url, timeout_s)
    except RedisUnreachable as error:
        return "", redacted(str(error))
    try:
        with redis.Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            # RESP2, as the node speaks it: servers before version 6 know no other.
            protocol=2,
        ) as client:
            return _answer(client), ""
    except (redis.RedisError, OSError, ValueError, TypeError) as error:
        # The client's own words repeat the address; the system's do not.
        cause = error.__context__ if isinstance(error.__context__, OSError) else error
        return "", redacted(getattr(cause, "strerror", None) or str(cause)).rstrip(".")


def _answer(client: "redis.Redis") -> str:
    from redis import ResponseError

    client.ping()
    round_trips_ms = []
    for _ in range(3):
        started_ns = time.monotonic_ns()
        client.ping()
        round_trips_ms.append((time.monotonic_ns() - started_ns) / 1e6)
    try:
        server = client.info("server")
        version = f"version {server.get('redis_version', 'unknown')}" if isinstance(server, dict) else ""
    except ResponseError:
        # A user may be allowed to publish and not to ask for this.
        version = "version not told"
    return f"answers in {min(round_trips_ms):.2f} ms, {version}"
