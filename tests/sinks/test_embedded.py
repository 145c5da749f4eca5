"""The node's own redis-server: configured, started, kept running, stopped, and never left behind."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from node_process import is_running
from redis_server import RedisServer, free_port

from arbsniper_tui.model.errors import RedisNotStarted
from arbsniper_tui.sinks.embedded import EmbeddedRedis, socket_url
from arbsniper_tui.sinks.redis_binary import RedisBinary

WaitUntil = Callable[..., None]


@pytest.fixture
def embedded(redis_binary: RedisBinary, short_folder: Path) -> Iterator[EmbeddedRedis]:
    embedded = EmbeddedRedis(redis_binary, short_folder)
    embedded.start()
    yield embedded
    embedded.stop()


@pytest.fixture
def client(embedded: EmbeddedRedis) -> Iterator[Any]:
    client = redis.Redis.from_url(embedded.url, protocol=2)
    yield client
    client.close()


@pytest.mark.parametrize("name", ["a b", "100%41", "a?b", "a#b"])
def test_the_url_of_the_socket_leads_to_it_whatever_its_path(short_folder: Path, name: str) -> None:
    with redis.Redis.from_url(socket_url(short_folder / name, "p")) as client:
        assert client.connection_pool.connection_kwargs["path"] == str(short_folder / name / "redis.sock")


def test_it_answers_on_a_socket_of_its_users_alone_in_a_session_of_its_own(
    embedded: EmbeddedRedis, client: Any, short_folder: Path
) -> None:
    assert client.info("server")["process_id"] == embedded.pid
    assert embedded.socket_path == short_folder / "redis.sock"
    assert stat.S_IMODE(embedded.socket_path.stat().st_mode) == 0o600
    assert client.info("server")["tcp_port"] == 0
    assert os.getsid(embedded.pid) == embedded.pid


def test_it_keeps_nothing_on_disk_but_its_log(embedded: EmbeddedRedis, client: Any, short_folder: Path) -> None:
    client.set("key", "value")
    embedded.stop()
    assert [path.name for path in short_folder.iterdir()] == ["redis.log"]


def test_it_stops_even_when_it_is_hung(embedded: EmbeddedRedis) -> None:
    pid = embedded.pid
    os.kill(pid, signal.SIGSTOP)
    embedded.stop()
    assert not is_running(pid)
    assert not embedded.is_running
    assert embedded.pid is None


def test_a_folder_may_have_any_name(redis_binary: RedisBinary, short_folder: Path) -> None:
    folder = short_folder / 'a "b\\c #d\n%é'
    folder.mkdir()
    embedded = EmbeddedRedis(redis_binary, folder)
    try:
        embedded.start()
        with redis.Redis.from_url(embedded.url, protocol=2) as client:
            assert client.ping()
    finally:
        embedded.stop()


def test_a_path_too_long_for_a_socket_is_refused_with_a_way_out(redis_binary: RedisBinary, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    embedded = EmbeddedRedis(redis_binary, folder)
    with pytest.raises(RedisNotStarted, match=r"redis.sock: expected a path of at most 10\d bytes .* set TMPDIR"):
        embedded.start()
    assert not embedded.is_running


class TestKeptRunning:
    """Times are the test's own; only processes are real."""

    def test_a_server_that_ended_is_started_again_on_its_socket(
        self, embedded: EmbeddedRedis, client: Any, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
    ) -> None:
        killed = embedded.pid
        embedded.keep_running(100.0)
        assert embedded.pid == killed
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: not embedded.is_running)
        embedded.keep_running(100.0)
        embedded.keep_running(100.05)
        assert embedded.pid == killed
        assert "ended by signal 9; it starts again in 0.1 s" in caplog.text
        embedded.keep_running(100.1)
        assert embedded.pid != killed
        wait_until(lambda: answers(client))

    def test_one_that_ends_again_and_again_is_started_less_and_less_often(
        self, embedded: EmbeddedRedis, wait_until: WaitUntil
    ) -> None:
        started_s = []
        for tenths in range(1000, 1300):
            if embedded.is_running:
                os.kill(embedded.pid, signal.SIGKILL)
                wait_until(lambda: not embedded.is_running)
            before = embedded.pid
            embedded.keep_running(tenths / 10)
            if embedded.pid != before:
                started_s.append(tenths / 10)
        gaps_s = [later - earlier for earlier, later in zip(started_s, started_s[1:], strict=False)]
        assert gaps_s[:6] == pytest.approx([0.3, 0.5, 0.9, 1.7, 3.3, 5.1], abs=0.11)

    def test_a_program_that_is_gone_is_told_and_tried_again(
        self, embedded: EmbeddedRedis, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
    ) -> None:
        embedded._binary = RedisBinary(Path("/nonexistent/redis-server"), (7, 0))
        os.kill(embedded.pid, signal.SIGKILL)
        wait_until(lambda: not embedded.is_running)
        for tenths in range(100):
            embedded.keep_running(tenths / 10)
        assert caplog.text.count("/nonexistent/redis-server cannot be run") >= 3
        assert not embedded.is_running

    def test_a_folder_that_was_removed_is_told_and_ends_nothing_else(
        self, embedded: EmbeddedRedis, short_folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        shutil.rmtree(short_folder)
        assert embedded._process is not None
        embedded._process.terminate()
        embedded._process.wait()
        for tenths in range(20):
            embedded.keep_running(tenths / 10)
        assert "with code 0: its log cannot be read" in caplog.text
        assert f"{short_folder}/redis.log" in caplog.text

    def test_one_that_was_stopped_stays_stopped(self, embedded: EmbeddedRedis) -> None:
        embedded.stop()
        for second in range(10):
            embedded.keep_running(float(second))
        assert embedded.pid is None


def answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_a_taken_port_is_told_in_the_servers_own_words(
    redis_binary: RedisBinary, short_folder: Path, tmp_path: Path
) -> None:
    taken = RedisServer(tmp_path / "taken")
    taken.start()
    try:
        second = EmbeddedRedis(redis_binary, short_folder, taken.port)
        with pytest.raises(RedisNotStarted, match="(?i)bind|listen|in use"):
            second.start()
        assert not second.is_running
    finally:
        taken.stop()


def test_with_a_port_both_ways_in_need_the_password(redis_binary: RedisBinary, short_folder: Path) -> None:
    port = free_port()
    embedded = EmbeddedRedis(redis_binary, short_folder, port)
    try:
        embedded.start()
        told = (short_folder / "redis.url").read_text().strip()
        for url in (embedded.url, told):
            with redis.Redis.from_url(url, protocol=2) as client:
                assert client.ping()
        assert told.endswith(f"@127.0.0.1:{port}/0")
        for url in (f"unix://{embedded.socket_path}", f"redis://127.0.0.1:{port}/0", f"redis://:no@127.0.0.1:{port}"):
            with redis.Redis.from_url(url, protocol=2) as client, pytest.raises(redis.AuthenticationError):
                client.ping()
    finally:
        embedded.stop()


def test_every_server_has_another_password(redis_binary: RedisBinary, short_folder: Path) -> None:
    assert len({EmbeddedRedis(redis_binary, short_folder, 6390).url for _ in range(10)}) == 10


def test_a_binary_that_cannot_run_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "redis-server"
    broken.write_bytes(b"\x7fnot a program")
    broken.chmod(0o755)
    with pytest.raises(RedisNotStarted, match="cannot be run"):
        EmbeddedRedis(RedisBinary(broken, (7, 0)), tmp_path).start()


def test_it_outlives_the_thread_that_started_it_again(embedded: EmbeddedRedis, wait_until: WaitUntil) -> None:
    os.kill(embedded.pid, signal.SIGKILL)
    wait_until(lambda: not embedded.is_running)
    with ThreadPoolExecutor(1) as keeper:
        for second in range(2):
            keeper.submit(embedded.keep_running, float(second)).result()
    with redis.Redis.from_url(embedded.url, protocol=2) as client:
        wait_until(lambda: answers(client))
    assert embedded.is_running


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child's life to its parent's")
def test_it_dies_with_a_parent_that_is_killed(
    redis_binary: RedisBinary, short_folder: Path, wait_until: WaitUntil
) -> None:
    script = (
        "import os, signal; from pathlib import Path\n"
        "from arbsniper_tui.sinks.embedded import EmbeddedRedis\n"
        "from arbsniper_tui.sinks.redis_binary import find_redis_server\n"
        f"server = EmbeddedRedis(find_redis_server(), Path({str(short_folder)!r})); server.start()\n"
        "print(server.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    pid = int(parent.stdout)
    wait_until(lambda: not is_running(pid))
