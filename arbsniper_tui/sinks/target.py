"""Chooses the Redis server that a node writes to, by `[redis]`: the user's, an embedded one, or none."""

from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from arbsniper_tui.config.settings import RedisSettings
from arbsniper_tui.model.errors import RedisNotStarted, RedisUnreachable
from arbsniper_tui.sinks.address import address_of
from arbsniper_tui.sinks.connect import connect_in_background
from arbsniper_tui.sinks.embedded import EmbeddedRedis
from arbsniper_tui.sinks.redis_binary import find_redis_server

URL_ANSWERS_WITHIN_S = 0.3


@dataclass(frozen=True, slots=True)
class RedisTarget:
    """The server that the node writes to. `url` is None where there is none; `server` is set where the node started it,
    and only then does the node ever end it."""

    url: str | None
    source: str
    """`url`, `embedded`, or empty."""
    detail: str = ""
    """Why it is this server or none, in words, where that is not what the settings ask for first."""
    server: EmbeddedRedis | None = None

    @property
    def note(self) -> str:
        """What clients of the server need beside its address."""
        return self.server.note if self.server is not None else ""


def resolve_redis(
    settings: RedisSettings, folder: Path, url_answers_within_s: float = URL_ANSWERS_WITHIN_S
) -> RedisTarget:
    """Choose the server by `[redis] mode`, and start an embedded one in the node's folder where that is the choice.

    Where no embedded server can be started, `embedded` raises RedisNotStarted and `auto` returns a target without one.
    """
    if settings.mode == "off":
        return RedisTarget(None, "", "off")
    if settings.mode == "url":
        return RedisTarget(settings.url, "url")
    if settings.mode == "embedded":
        return _embedded(settings, folder, "")
    unreachable = _why_no_answer(settings.url, url_answers_within_s)
    if not unreachable:
        return RedisTarget(settings.url, "url")
    try:
        return _embedded(settings, folder, unreachable)
    except RedisNotStarted as error:
        return RedisTarget(None, "", f"{unreachable}; {error}")


def _embedded(settings: RedisSettings, folder: Path, detail: str) -> RedisTarget:
    server = EmbeddedRedis(find_redis_server(), folder, settings.embedded_port)
    server.start()
    return RedisTarget(server.url, "embedded", detail, server)


def _why_no_answer(url: str, within_s: float) -> str:
    """Empty when the server at `url` answers a PING in time; else the failure in words."""
    # Importing redis-py may take longer than `within_s`, and is not the server's time.
    import_module("arbsniper_tui.sinks.open_socket")
    attempt = connect_in_background(url)
    try:
        attempt.result(within_s).close()
    except RedisUnreachable as error:
        return str(error)
    except NotInTime:
        attempt.abandon()
        return f"{address_of(url)}: no answer within {within_s:g} s"
    return ""
