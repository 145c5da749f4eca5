"""A redis-server as a user has one: on a port of loopback, without a password, every command allowed."""

import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import redis
from waiting import wait_until

from arbsniper_tui.sinks.redis_binary import find_redis_server

LOOK_EVERY_S = 0.01


class RedisServer:
    """It keeps its port from one start to the next, and nothing else. `options` are those of its command line."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self, **options: Any) -> Any:
        """A connection of redis-py; close it."""
        return redis.Redis(port=self.port, protocol=2, **options)

    def start(self) -> None:
        """Start it and wait until it answers. The first start picks a free port, and another if that is taken."""
        self._folder.mkdir(parents=True, exist_ok=True)
        wait_until(lambda: self._starts(self.port or free_port()), (self._folder / "log").read_text)

    def _starts(self, port: int) -> bool:
        self._process = subprocess.Popen([str(find_redis_server().path), *self._command(port)])
        self.port = port
        client = self.client()
        try:
            while self._process.poll() is None:
                try:
                    return bool(client.info("server")["process_id"] == self.pid)
                except redis.ConnectionError:
                    time.sleep(LOOK_EVERY_S)
        finally:
            client.close()
        self.port = 0
        return False

    def _command(self, port: int) -> list[str]:
        where = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(self._folder))
        nothing_kept = ("--save", "", "--appendonly", "no", "--logfile", str(self._folder / "log"))
        return [*where, *nothing_kept, *self._options]

    @property
    def runs(self) -> bool:
        return self._process is not None

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
