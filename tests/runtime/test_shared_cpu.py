"""When a worker is better off on the other CPU."""

import os

import pytest

from arbsniper_tui.runtime import shared_cpu as affinity
from arbsniper_tui.runtime.shared_cpu import BUSY_SHARE, CALM_SHARE, PATIENCE_TICKS, SharedCpu, is_contrary, shared_cpu

linux_only = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="this system does not let a process choose its CPU"
)


@pytest.mark.parametrize(
    ("share", "is_shared", "expected"),
    [
        (0.0, True, False),
        (BUSY_SHARE, True, False),
        (BUSY_SHARE + 0.01, True, True),
        (1.0, False, False),
        (CALM_SHARE, False, False),
        (CALM_SHARE - 0.01, False, True),
    ],
)
def test_busy_on_the_shared_cpu_or_calm_off_it_asks_for_a_move(share: float, is_shared: bool, expected: bool) -> None:
    assert is_contrary(share, is_shared=is_shared) is expected


def test_between_busy_and_calm_nobody_moves_in_either_direction() -> None:
    between = (BUSY_SHARE + CALM_SHARE) / 2
    assert not is_contrary(between, is_shared=True)
    assert not is_contrary(between, is_shared=False)


def test_without_a_choice_there_is_nothing_to_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3}, raising=False)
    assert shared_cpu() is None
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 5})
    assert shared_cpu() == 5
    monkeypatch.delattr(os, "sched_getaffinity")
    assert shared_cpu() is None


def test_a_worker_that_shares_nothing_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cpus: pytest.fail("moved"), raising=False)
    stays = SharedCpu(None)
    for _ in range(2 * PATIENCE_TICKS):
        stays.tick()


@linux_only
def test_it_moves_away_after_three_busy_looks_in_a_row_and_back_after_three_calm_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moves: list[set[int]] = []
    cpu_s, wall_s = 0.0, 0.0

    def look(share: float) -> None:
        nonlocal cpu_s, wall_s
        cpu_s, wall_s = cpu_s + share, wall_s + 1.0
        shared.tick()

    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cpus: moves.append(set(cpus)))
    monkeypatch.setattr(affinity.time, "process_time", lambda: cpu_s)
    monkeypatch.setattr(affinity.time, "monotonic", lambda: wall_s)
    shared = SharedCpu(1)
    assert moves and all(move == {1} for move in moves)
    moves.clear()
    for share in (0.9, 0.9, 0.1, 0.9, 0.9):
        look(share)
    assert not moves
    look(0.9)
    assert moves and all(move == {0, 1} for move in moves)
    moves.clear()
    for _ in range(PATIENCE_TICKS):
        look(0.05)
    assert moves and all(move == {1} for move in moves)
