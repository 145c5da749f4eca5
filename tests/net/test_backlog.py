"""After a pause nothing is let go before every socket was once empty, and what was read counts as old as the pause."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from arbsniper_tui.net.backlog import HELD_AT_MOST_NS, Backlog
from arbsniper_tui.runtime.clock import PAUSED_NS

MS = 1_000_000
Eventually = Callable[..., Awaitable[None]]


class Stage:
    """A backlog whose clock and sockets the test moves; `said` is what it did, in order."""

    def __init__(self) -> None:
        self.now_ns = 1000 * MS
        self.said: list[str] = []
        self.backlog = Backlog(
            lambda: self.said.append("hold"), lambda: self.said.append("let go"), clock=lambda: self.now_ns
        )

    def beat(self, after_ns: int) -> None:
        self.now_ns += after_ns
        self.backlog.beat(self.now_ns)


class NotingSocket:
    def __init__(self, stage: Stage, unread: list[int]) -> None:
        self._stage = stage
        self._unread = unread
        self.doubted_ns: list[int] = []
        stage.backlog.add(self)

    @property
    def unread_bytes(self) -> int:
        return self._unread.pop(0) if len(self._unread) > 1 else self._unread[0]

    def doubt(self, since_ns: int) -> None:
        self.doubted_ns.append(since_ns)

    def trust(self) -> None:
        self._stage.said.append("trust")


@pytest.fixture
async def stage() -> Stage:
    return Stage()


async def test_a_loop_that_runs_holds_nothing_back(stage: Stage) -> None:
    socket = NotingSocket(stage, [0])
    for _ in range(10):
        stage.beat(PAUSED_NS)
    assert stage.said == [] and socket.doubted_ns == []


async def test_after_a_pause_what_is_read_counts_from_the_moment_before_it(stage: Stage) -> None:
    socket = NotingSocket(stage, [0])
    stage.beat(100 * MS)
    before_ns = stage.now_ns
    stage.beat(20_000 * MS)
    assert socket.doubted_ns == [before_ns]
    stage.beat(100 * MS)
    assert socket.doubted_ns == [before_ns]


async def test_everything_is_held_until_every_socket_was_once_empty(stage: Stage, eventually: Eventually) -> None:
    NotingSocket(stage, [900, 800, 0])
    NotingSocket(stage, [0])
    stage.beat(PAUSED_NS + 1)
    assert stage.said == ["hold"]
    await asyncio.sleep(0)
    assert stage.said == ["hold"]
    await eventually(lambda: "let go" in stage.said)
    assert stage.said == ["hold", "trust", "trust", "let go"]


async def test_a_socket_that_is_never_empty_does_not_hold_the_others_for_ever(
    stage: Stage, eventually: Eventually
) -> None:
    NotingSocket(stage, [900])
    stage.beat(PAUSED_NS + 1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert stage.said == ["hold"]
    stage.now_ns += HELD_AT_MOST_NS
    await eventually(lambda: "let go" in stage.said)
    assert "trust" not in stage.said


async def test_a_crowded_read_holds_without_a_doubt_and_once(stage: Stage, eventually: Eventually) -> None:
    socket = NotingSocket(stage, [5, 0])
    stage.backlog.crowd()
    stage.backlog.crowd()
    await eventually(lambda: "let go" in stage.said)
    assert stage.said.count("hold") == stage.said.count("let go") == 1
    assert socket.doubted_ns == []


async def test_a_socket_that_is_gone_is_not_waited_for(stage: Stage, eventually: Eventually) -> None:
    socket = NotingSocket(stage, [900])
    stage.beat(PAUSED_NS + 1)
    stage.backlog.remove(socket)
    await eventually(lambda: stage.said == ["hold", "let go"])


async def test_a_timer_that_comes_late_is_noticed_without_a_read(eventually: Eventually) -> None:
    said: list[str] = []
    backlog = Backlog(lambda: said.append("hold"), lambda: said.append("let go"))
    running = asyncio.create_task(backlog.run())
    await asyncio.sleep(0)
    backlog.late_ns -= 10_000 * MS
    await eventually(lambda: said[:2] == ["hold", "let go"])
    running.cancel()


async def test_a_socket_that_was_never_empty_meanwhile_is_trusted_when_it_is(
    stage: Stage, eventually: Eventually
) -> None:
    NotingSocket(stage, [1] * 5 + [0])
    stage.beat(PAUSED_NS + 1)
    stage.now_ns += HELD_AT_MOST_NS
    await eventually(lambda: stage.said == ["hold", "let go", "trust"])
