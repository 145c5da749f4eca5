"""An embedded redis-server, on a Unix socket in the node's folder, that allows only the commands of consumers."""

import ctypes
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from arbsniper_tui.model.errors import RedisNotStarted
from arbsniper_tui.runtime.node_folder import REDIS_SOCKET
from arbsniper_tui.sinks.redis_binary import RedisBinary

log = logging.getLogger(__name__)

URL_FILE = "redis.url"
"""The file with the whole URL of a server that has a password."""
LOOPBACK = "127.0.0.1"
READY_WITHIN_S = 10.0
"""One that takes longer than a moment runs on a machine that is busy: without it a node would have no Redis."""
STOPPED_WITHIN_S = 0.7
FIRST_RESTART_S = 0.1
LONGEST_RESTART_S = 5.0
STEADY_AFTER_S = 10.0
PR_SET_PDEATHSIG = 1
# sun_path is 108 bytes on Linux and 104 on macOS, with the zero at its end.
SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103

ALLOWED_COMMANDS = "+@all -@admin -@dangerous -@scripting +info +keys +client|setname +client|getname +client|id"
"""Commands that read, write and subscribe. None that reconfigure, save, copy, empty or end the server (admin and
dangerous), and no scripts. INFO and KEYS count as dangerous but slow down only large servers; client libraries send
CLIENT SETNAME. https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/"""


def _configuration(folder: Path, version: tuple[int, int], port: int, password: str) -> str:
    # Before 7.0 every channel is allowed by default, and 6.0 rejects `&*`.
    channels = "&* " if version >= (7, 0) else ""
    secret = f">{password}" if password else "nopass"
    return (
        f"port {port}\n"
        f"bind {LOOPBACK}\n"
        f"unixsocket {_quoted(folder / REDIS_SOCKET)}\n"
        "unixsocketperm 600\n"
        f"dir {_quoted(folder)}\n"
        'save ""\n'
        "appendonly no\n"
        "daemonize no\n"
        f"user default on {secret} ~* {channels}{ALLOWED_COMMANDS}\n"
    )


def _quoted(path: Path) -> str:
    """A path with any bytes, quoted for redis.conf."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in os.fsencode(path)) + '"'


def _dying_with_parent() -> Callable[[], None] | None:
    """What the child runs before it becomes redis-server, so that the kernel kills it when its parent dies (Linux).

    Linux kills it when the parent's thread ends, so None on any thread but the main one (PR_SET_PDEATHSIG in prctl(2)).
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    # Loaded before the fork: the child may not load libraries.
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def tie() -> None:
        # A parent that is killed cannot stop its server.
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return tie


def socket_url(folder: Path, password: str = "") -> str:
    """The URL of the server in a node's folder, with the path quoted."""
    return f"unix://{quote(str(folder / REDIS_SOCKET))}" + (f"?password={password}" if password else "")


def running_url(folder: Path) -> str:
    """The URL of the server in a node's folder, with its password where it has one; empty where none is there."""
    if not (folder / REDIS_SOCKET).exists():
        return ""
    file = folder / URL_FILE
    return file.read_text().strip() if file.exists() else socket_url(folder)


def password_note(folder: Path) -> str:
    """Which file holds the password of the server in this folder, in words; empty where it has none."""
    file = folder / URL_FILE
    return f"its password is in {file}" if file.exists() else ""


class EmbeddedRedis:
    """One redis-server. It writes nothing to disk but its log, `redis.log` in `folder`, which must have mode 0700.

    With a `port` it listens on loopback too. Other users can connect to that, so socket and port then ask for a random
    password; the whole URL is in `redis.url`, mode 0600. On Linux the server dies with its parent, if the parent's main
    thread started it; otherwise `runtime.leftover` ends it after a crash.
    """

    def __init__(self, binary: RedisBinary, folder: Path, port: int = 0) -> None:
        self._binary = binary
        self._folder = folder
        self._port = port
        self._password = secrets.token_hex(24) if port else ""
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._restart_at_s: float | None = None
        self._restart_wait_s = FIRST_RESTART_S

    @property
    def socket_path(self) -> Path:
        return self._folder / REDIS_SOCKET

    @property
    def url(self) -> str:
        """With the password, where there is one."""
        return socket_url(self._folder, self._password)

    @property
    def note(self) -> str:
        """What its clients need beside the address."""
        return password_note(self._folder)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it answers. Raises RedisNotStarted after 10 s, or when it ends before that."""
        path_bytes = len(os.fsencode(self.socket_path))
        if path_bytes > SOCKET_PATH_BYTES:
            raise RedisNotStarted(
                f"{self.socket_path}: expected a path of at most {SOCKET_PATH_BYTES} bytes for a socket, found "
                f"{path_bytes}; set TMPDIR to a folder with a shorter path"
            )
        try:
            self._spawn()
            self._await_ready()
        except RedisNotStarted:
            self.stop()
            raise

    def keep_running(self, now_s: float) -> None:
        """Restart it 0.1, 0.2 ... 5 s after it has ended. Call a few times a second; never waits."""
        if self._process is None or self.is_running:
            return
        if self._restart_at_s is None:
            if now_s - self._started_s > STEADY_AFTER_S:
                self._restart_wait_s = FIRST_RESTART_S
            self._restart_at_s = now_s + self._restart_wait_s
            wait_s, self._restart_wait_s = self._restart_wait_s, min(2 * self._restart_wait_s, LONGEST_RESTART_S)
            code = self._process.returncode
            how = f"by signal {-code}" if code < 0 else f"with code {code}: {self._last_log_line()}"
            log.error("the embedded redis-server ended %s; it starts again in %.1f s", how, wait_s)
        elif now_s >= self._restart_at_s:
            self._restart_at_s = None
            self._started_s = now_s
            try:
                self._spawn()
            except RedisNotStarted as error:
                log.error("%s", error)

    def stop(self) -> None:
        """End it within 1 s; kill it if SIGTERM does not."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _spawn(self) -> None:
        configuration = _configuration(self._folder, self._binary.version, self._port, self._password)
        try:
            if self._password:
                self._write_url()
            with self._log_path.open("wb") as output:
                self._process = subprocess.Popen(
                    # The configuration comes on standard input, because it may hold a password.
                    [str(self._binary.path), "-"],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    # Keeps ctrl+c in the terminal from the server: the node stops it last.
                    start_new_session=True,
                    preexec_fn=_dying_with_parent(),
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise RedisNotStarted(f"{self._binary.path} cannot be run: {error}") from error
        assert self._process.stdin is not None
        try:
            with self._process.stdin as configuring:
                configuring.write(configuration.encode())
        except BrokenPipeError:
            log.debug("redis-server ended before it had read its configuration")

    def _write_url(self) -> None:
        file = self._folder / URL_FILE
        file.touch(mode=0o600)
        file.chmod(0o600)
        file.write_text(f"redis://:{self._password}@{LOOPBACK}:{self._port}/0\n")

    @property
    def _log_path(self) -> Path:
        return self._folder / "redis.log"

    def _await_ready(self) -> None:
        deadline_s = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline_s:
            if not self.is_running:
                raise RedisNotStarted(f"redis-server ended at once: {self._last_log_line()}")
            if self._answers():
                return
            time.sleep(0.01)
        raise RedisNotStarted(f"redis-server did not answer on {self.socket_path} within {READY_WITHIN_S:g} s")

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as asking:
                asking.settimeout(0.5)
                asking.connect(str(self.socket_path))
                asking.sendall(b"PING\r\n")
                # "+PONG", or "-NOAUTH" of a server with a password.
                return asking.recv(1) in (b"+", b"-")
        except OSError:
            return False

    def _last_log_line(self) -> str:
        try:
            lines = self._log_path.read_text(errors="replace").splitlines()
        except OSError as error:
            return f"its log cannot be read: {error}"
        return next((line.strip() for line in reversed(lines) if line.strip()), "its log is empty")
