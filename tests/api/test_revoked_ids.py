"""Ids of tokens that were revoked, as one process reads them from a real Redis: what it knows, and for how long."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from app_stage import access, bearer, token
from redis_cluster import ClusterOfSix, Sentinels
from redis_server import RedisServer
from waiting import DEADLINE_S, LOOK_EVERY_S

from arbsniper_tui.api.problems import Declined
from arbsniper_tui.api.redis_client import RedisKeys
from arbsniper_tui.api.revoked_ids import (
    MOST_REVOKED,
    STALE_AFTER_S,
    RevokedIds,
    read_revoked,
    revoke_in_redis,
)
from arbsniper_tui.api.role import Role
from arbsniper_tui.api.token_callers import TokenCallers
from arbsniper_tui.api.token_file import LONGEST_DAYS
from arbsniper_tui.model.errors import RedisUnreachable, StateError
from arbsniper_tui.model.redis_url import read_redis_url
from arbsniper_tui.sinks.redis_keys import REVOKED_KEY

DAY_S = 86400
START_S = 1_800_000_000
"""On the clock of these tests. Redis has its own for the key as a whole."""


class Stage:
    """One process' knowledge of one Redis, and its two clocks."""

    def __init__(self, url: str, stale_after_s: float = STALE_AFTER_S) -> None:
        place = read_redis_url(url)
        assert place is not None
        self.keys = RedisKeys(place)
        self.now_s, self.uptime_s = float(START_S), 100.0
        self.known = RevokedIds(self.keys, stale_after_s, lambda: self.now_s, lambda: self.uptime_s)

    async def revoke(self, token_id: str, ends_s: int | None = None) -> None:
        await revoke_in_redis(self.keys, token_id, ends_s, self.now_s)

    async def reads_again(self) -> None:
        """Once Redis answers."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                with suppress(RedisUnreachable):
                    return await self.known.read()
                await asyncio.sleep(LOOK_EVERY_S)

    def passes(self, seconds: float) -> None:
        self.now_s += seconds
        self.uptime_s += seconds


@asynccontextmanager
async def staged(url: str) -> AsyncIterator[Stage]:
    stage = Stage(url)
    try:
        yield stage
    finally:
        await stage.keys.close()


def test_nobody_is_let_in_before_redis_has_answered_and_when_that_is_too_long_ago() -> None:
    stage = Stage("redis://127.0.0.1:1/0")
    with pytest.raises(Declined, match="Redis does not say which tokens were revoked") as refused:
        stage.known.holds("t1")
    assert (refused.value.status_code, refused.value.headers) == (503, {"Retry-After": "1"})


async def test_a_nodes_own_api_goes_on_with_what_it_knows(server: RedisServer) -> None:
    stage = Stage(server.url, math.inf)
    try:
        assert not stage.known.holds("t1")
        await stage.revoke("t1")
        await stage.known.read()
        server.stop()
        stage.passes(DAY_S)
        assert stage.known.holds("t1") and not stage.known.holds("t2")
    finally:
        await stage.keys.close()


async def test_what_is_known_is_relied_upon_for_three_seconds(server: RedisServer) -> None:
    async with staged(server.url) as stage:
        await stage.revoke("t1")
        await stage.known.read()
        assert stage.known.holds("t1") and not stage.known.holds("t2")
        server.stop()
        with pytest.raises(RedisUnreachable):
            await stage.known.read()
        stage.passes(STALE_AFTER_S)
        assert not stage.known.holds("t2")
        stage.passes(0.1)
        assert stage.known.holds("t1"), "what is known to be revoked is no question"
        with pytest.raises(Declined):
            stage.known.holds("t2")
        server.start()
        await stage.reads_again()
        assert not stage.known.holds("t2")


async def test_a_redis_that_comes_back_empty_is_told_what_it_has_lost(server: RedisServer) -> None:
    async with staged(server.url) as stage, staged(server.url) as later:
        await stage.revoke("t1", START_S + 5 * DAY_S)
        await stage.known.read()
        server.stop()
        server.start()
        await later.reads_again()
        assert not later.known.holds("t1")
        await stage.reads_again()
        assert stage.known.holds("t1")
        await later.known.read()
        assert later.known.holds("t1")
        assert await read_revoked(stage.keys) == {"t1": START_S + 6 * DAY_S}


async def test_an_id_that_was_taken_out_counts_again_nowhere(server: RedisServer) -> None:
    client = server.client()
    async with staged(server.url) as stage:
        for undo in (
            lambda: client.delete(REVOKED_KEY),
            lambda: client.zrem(REVOKED_KEY, "t1"),
            lambda: client.zadd(REVOKED_KEY, {"t1": "-inf"}),
        ):
            await stage.revoke("t1")
            await stage.known.read()
            undo()
            await stage.known.read()
            assert stage.known.holds("t1")
            assert (await read_revoked(stage.keys))["t1"] > START_S
    client.close()


async def test_an_id_is_kept_for_a_day_longer_than_its_token(server: RedisServer) -> None:
    async with staged(server.url) as stage:
        await stage.revoke("short", START_S + DAY_S)
        await stage.revoke("unknown")
        await stage.known.read()
        stage.passes(2 * DAY_S - 1)
        await stage.revoke("other")
        await stage.known.read()
        assert stage.known.holds("short")
        stage.passes(1)
        await stage.revoke("other")
        assert (await read_revoked(stage.keys)).keys() == {"unknown", "other"}
        await stage.known.read()
        assert not stage.known.holds("short")
        stage.passes(LONGEST_DAYS * DAY_S - 2 * DAY_S)
        await stage.revoke("other")
        await stage.known.read()
        assert stage.known.holds("unknown")


async def test_the_key_ends_with_the_last_id_that_it_may_hold(server: RedisServer) -> None:
    client = server.client()
    async with staged(server.url) as stage:
        await stage.revoke("t1")
        (_, until_s), *_ = client.zrange(REVOKED_KEY, 0, -1, withscores=True)
        redis_s, _ = client.time()
        assert client.ttl(REVOKED_KEY) >= until_s - redis_s - 1
    client.close()


async def test_a_clock_that_steps_lets_nobody_in_whom_redis_still_names(server: RedisServer) -> None:
    async with staged(server.url) as stage:
        await stage.revoke("t1", START_S + DAY_S)
        await stage.known.read()
        for step_s in (1000 * DAY_S, -2000 * DAY_S):
            stage.now_s += step_s
            await stage.known.read()
            assert stage.known.holds("t1")


@pytest.mark.parametrize("step_s", [-3600, 3600])
async def test_a_clock_that_steps_makes_nobody_say_that_redis_has_lost_something(
    server: RedisServer, caplog: pytest.LogCaptureFixture, step_s: int
) -> None:
    async with staged(server.url) as stage:
        await stage.revoke("unknown")
        await stage.revoke("t1", START_S + DAY_S)
        await stage.known.read()
        kept = await read_revoked(stage.keys)
        stage.now_s += step_s
        for _ in range(2):
            await stage.known.read()
            assert stage.known.holds("t1") and stage.known.holds("unknown")
        assert await read_revoked(stage.keys) == kept
    assert "redis has lost" not in caplog.text


async def test_what_is_no_id_is_passed_over(server: RedisServer) -> None:
    client = server.client()
    hostile = {b"\xff\xfe\r\n": 1e18, b"": "+inf", b"x" * 5000: 1, b"\x1b[2J": 2, b"good": "+inf", b"old": "-inf"}
    client.zadd(REVOKED_KEY, hostile)
    async with staged(server.url) as stage:
        await stage.known.read()
        assert stage.known.holds("good") and stage.known.holds("old") and not stage.known.holds("")
        client.delete(REVOKED_KEY)
        await stage.known.read()
        assert (await read_revoked(stage.keys)).keys() == {"good"}
    client.close()


@pytest.fixture
def client(server: RedisServer) -> Iterator[Any]:
    client = server.client()
    yield client
    client.close()


async def test_too_many_ids_shut_tokens_out_and_let_none_in(server: RedisServer, client: Any) -> None:
    async with staged(server.url) as stage:
        await stage.revoke("t1")
        await stage.known.read()
        client.zadd(REVOKED_KEY, {f"made-up-{number}": 2e9 for number in range(MOST_REVOKED)})
        with pytest.raises(StateError, match="holds more than 4000 ids"):
            await stage.known.read()
        with pytest.raises(StateError, match="another secret ends all that were made"):
            await stage.revoke("t2")
        stage.passes(STALE_AFTER_S + 1)
        assert stage.known.holds("t1")
        with pytest.raises(Declined):
            stage.known.holds("t2")
        client.delete(REVOKED_KEY)
        await stage.known.read()
        assert stage.known.holds("t1") and not stage.known.holds("t2")
        assert (await read_revoked(stage.keys)).keys() == {"t1"}


async def test_a_key_of_another_kind_shuts_tokens_out(server: RedisServer, client: Any) -> None:
    async with staged(server.url) as stage:
        client.set(REVOKED_KEY, "t1")
        with pytest.raises(RedisUnreachable, match="WRONGTYPE"):
            await stage.known.read()
        with pytest.raises(Declined):
            stage.known.holds("t2")


async def test_a_user_that_may_only_read_follows_what_is_revoked(
    server: RedisServer, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client.execute_command("ACL", "SETUSER", "reader", "on", ">word", "~*", "+@read", "+@connection")
    async with staged(server.url) as writing, staged(server.url.replace("//", "//reader:word@")) as reading:
        await writing.revoke("t1")
        await reading.known.read()
        client.delete(REVOKED_KEY)
        await reading.known.read()
        assert reading.known.holds("t1") and not reading.known.holds("t2")
    assert "are missing there" in caplog.text and "word" not in caplog.text.replace("password", "")


async def test_a_token_that_counts_is_asked_about_and_no_other(server: RedisServer) -> None:
    async with staged(server.url) as stage:
        callers = TokenCallers(access(needs_token=False), None, revoked=stage.known)
        assert callers.caller_of(None).role is Role.VIEWER
        good = bearer(token(Role.ADMIN, int(time.time())))["Authorization"]

        def status_of(shown: str) -> int:
            with pytest.raises(Declined) as refused:
                callers.caller_of(shown)
            return refused.value.status_code

        assert [status_of(shown) for shown in (good, good + "x", "Bearer arbkey_t1_x")] == [503, 401, 401]
        await stage.known.read()
        assert callers.caller_of(good).role is Role.ADMIN
        await stage.revoke("t1")
        await stage.known.read()
        assert status_of(good) == 401


async def test_behind_sentinels_the_next_master_says_what_was_revoked(redis_binary: object, tmp_path: Path) -> None:
    sentinels = Sentinels(tmp_path / "sentinels")
    try:
        sentinels.start()
        async with staged(sentinels.url) as stage, staged(sentinels.url) as later:
            await stage.revoke("t1")
            await stage.known.read()
            sentinels.servers[0].stop()
            await stage.reads_again()
            await later.reads_again()
            assert later.known.holds("t1") and stage.known.holds("t1") and not later.known.holds("t2")
    finally:
        sentinels.stop()


async def test_in_a_cluster_ids_are_at_the_master_of_their_key(redis_binary: object, tmp_path: Path) -> None:
    cluster = ClusterOfSix(tmp_path / "cluster")
    try:
        cluster.start()
        async with staged(cluster.url) as stage, staged(cluster.url) as other:
            await stage.revoke("t1")
            await other.known.read()
            assert other.known.holds("t1")
            cluster.master_of(REVOKED_KEY).stop()
            await other.reads_again()
            await stage.reads_again()
            assert stage.known.holds("t1") and not stage.known.holds("t2")
    finally:
        cluster.stop()
