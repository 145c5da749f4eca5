"""Which Redis server a node chooses."""

import socket
from pathlib import Path

import pytest
from redis_server import RedisServer

from arbsniper_tui.config.settings import RedisSettings
from arbsniper_tui.model.errors import RedisNotStarted
from arbsniper_tui.sinks import redis_binary as binaries
from arbsniper_tui.sinks.redis_binary import RedisBinary
from arbsniper_tui.sinks.target import resolve_redis

UNUSED_URL = "redis://127.0.0.1:1/0"


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(binaries.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_off_is_no_server(tmp_path: Path) -> None:
    assert resolve_redis(RedisSettings(UNUSED_URL, "off"), tmp_path).url is None


def test_url_is_taken_even_if_it_does_not_answer_yet(tmp_path: Path) -> None:
    target = resolve_redis(RedisSettings(UNUSED_URL, "url"), tmp_path)
    assert (target.url, target.source, target.server) == (UNUSED_URL, "url", None)


def test_auto_takes_the_url_that_answers(server: RedisServer, tmp_path: Path) -> None:
    target = resolve_redis(RedisSettings(server.url, "auto"), tmp_path, url_answers_within_s=20.0)
    assert (target.url, target.source, target.server) == (server.url, "url", None)


def test_auto_starts_a_server_where_the_url_is_refused(redis_binary: RedisBinary, short_folder: Path) -> None:
    target = resolve_redis(RedisSettings(UNUSED_URL, "auto"), short_folder, url_answers_within_s=20.0)
    assert target.server is not None
    target.server.stop()
    assert target.source == "embedded"
    assert target.url == f"unix://{short_folder}/redis.sock"
    assert target.detail == "127.0.0.1:1/0: connection refused"


@pytest.mark.usefixtures("no_redis")
def test_auto_waits_for_a_silent_url_no_longer_than_its_limit(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = RedisSettings(f"redis://127.0.0.1:{port}/0", "auto")
        target = resolve_redis(settings, tmp_path, url_answers_within_s=0.05)
    assert target.url is None
    assert target.detail.startswith(f"127.0.0.1:{port}/0: no answer within 0.05 s; no redis-server found")


@pytest.mark.usefixtures("no_redis")
def test_embedded_without_a_server_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RedisNotStarted, match="no redis-server found"):
        resolve_redis(RedisSettings(UNUSED_URL, "embedded"), tmp_path)
