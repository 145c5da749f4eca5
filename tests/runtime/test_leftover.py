"""A redis-server that a dead node left running is ended; whatever else is found at its place is not."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from node_process import is_running
from redis_server import RedisServer

import arbsniper_tui
from arbsniper_tui.runtime.leftover import end_leftover_server, listener_of
from arbsniper_tui.sinks.embedded import EmbeddedRedis
from arbsniper_tui.sinks.redis_binary import RedisBinary

WaitUntil = Callable[..., None]


@pytest.fixture
def folder(short_folder: Path) -> Path:
    """The folder of a node that is dead."""
    folder = short_folder / "node-1"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def leftover(redis_binary: RedisBinary, folder: Path) -> Iterator[EmbeddedRedis]:
    leftover = EmbeddedRedis(redis_binary, folder)
    leftover.start()
    yield leftover
    leftover.stop()


@pytest.fixture
def foreign(redis_binary: RedisBinary, short_folder: Path) -> Iterator[RedisServer]:
    """A server of the same user that has nothing to do with nodes; it listens at `foreign/redis.sock` too."""
    (short_folder / "foreign").mkdir(mode=0o700)
    where = ("--unixsocket", str(short_folder / "foreign" / "redis.sock"), "--unixsocketperm", "600")
    foreign = RedisServer(short_folder / "foreign", *where)
    foreign.start()
    yield foreign
    foreign.stop()


@pytest.mark.parametrize("state", ["running", "hung"])
def test_a_leftover_server_is_ended(leftover: EmbeddedRedis, folder: Path, wait_until: WaitUntil, state: str) -> None:
    if state == "hung":
        os.kill(leftover.pid, signal.SIGSTOP)
    end_leftover_server(folder / "redis.sock")
    wait_until(lambda: not leftover.is_running)


def test_an_empty_folder_and_none_at_all_are_fine(folder: Path) -> None:
    end_leftover_server(folder / "redis.sock")
    end_leftover_server(folder / "nowhere" / "redis.sock")


def test_a_socket_nobody_listens_on_ends_nothing(leftover: EmbeddedRedis, folder: Path) -> None:
    os.kill(leftover.pid, signal.SIGKILL)
    leftover.stop()
    assert (folder / "redis.sock").exists()
    end_leftover_server(folder / "redis.sock")


def test_a_pid_in_a_file_ends_nobody(foreign: RedisServer, folder: Path) -> None:
    (folder / "redis.pid").write_text(f"{foreign.pid} {foreign.port}")
    end_leftover_server(folder / "redis.sock")
    assert is_running(foreign.pid)


def test_a_link_to_the_socket_of_another_server_does_not_end_that(
    foreign: RedisServer, folder: Path, short_folder: Path
) -> None:
    (folder / "redis.sock").symlink_to(short_folder / "foreign" / "redis.sock")
    assert listener_of(folder / "redis.sock") == foreign.pid
    end_leftover_server(folder / "redis.sock")
    assert is_running(foreign.pid)


def test_a_link_in_place_of_the_folder_does_not_end_the_server_behind_it(
    foreign: RedisServer, short_folder: Path
) -> None:
    (short_folder / "node-2").symlink_to("foreign")
    end_leftover_server(short_folder / "node-2" / "redis.sock")
    assert is_running(foreign.pid)


def test_a_folder_that_others_may_write_to_is_not_believed(leftover: EmbeddedRedis, folder: Path) -> None:
    folder.chmod(0o777)
    end_leftover_server(folder / "redis.sock")
    assert leftover.is_running


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("name", [".", "redis.sock"])
def test_what_belongs_to_another_user_is_not_believed(leftover: EmbeddedRedis, folder: Path, name: str) -> None:
    os.chown(folder / name, 65534, 65534)
    end_leftover_server(folder / "redis.sock")
    assert leftover.is_running


def test_a_listener_that_is_no_redis_server_is_not_ended(folder: Path, wait_until: WaitUntil) -> None:
    path = folder / "redis.sock"
    code = (
        "import os, socket, sys; os.umask(0o177); listening = socket.socket(socket.AF_UNIX)\n"
        "listening.bind(sys.argv[1]); listening.listen(); input()"
    )
    other = subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE)
    try:
        wait_until(lambda: listener_of(path) == other.pid)
        end_leftover_server(folder / "redis.sock")
        assert other.poll() is None
    finally:
        other.kill()
        other.communicate()


def test_nobody_listens_where_nothing_is(folder: Path) -> None:
    assert listener_of(folder / "redis.sock") is None
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(folder / "redis.sock"))
        assert listener_of(folder / "redis.sock") is None


def test_no_other_module_ends_a_process_by_its_id() -> None:
    """Every other process that is ended is a child of the one that ends it: what a node did not start, such as the
    user's Redis, is out of reach."""
    package = Path(arbsniper_tui.__file__).parent
    found = [path for path in package.rglob("*.py") if re.search(r"\bos\.kill(pg)?\(", path.read_text())]
    assert found == [package / "runtime" / "leftover.py"]
