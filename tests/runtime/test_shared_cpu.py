"""When a worker is better off on the other CPU."""

import os

import pytest

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.runtime import shared_cpu as affinity
from arbsniper_tui.runtime.shared_cpu import (
    BUSY_SHARE,
    CALM_SHARE,
    PATIENCE_TICKS,
    SharedCpu,
    allowed_cpus,
    is_contrary,
    shared_cpu,
)

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


@pytest.mark.parametrize(
    ("allowed", "cpus"),
    [
        ([], {None}),
        ([3], {None}),
        ([0, 1], {1}),
        ([0, 1, 5], {1, 5}),
        ([2, 4, 6, 8], {4, 6, 8}),
    ],
)
def test_auto_takes_one_of_the_cpus_after_the_first_by_the_process_id(
    allowed: list[int], cpus: set[int | None]
) -> None:
    assert {shared_cpu("auto", allowed, pid) for pid in range(1000, 1000 + len(allowed) + 1)} == cpus


def test_off_binds_nothing_and_a_number_binds_to_that_cpu() -> None:
    assert shared_cpu("off", [0, 1, 2], 1000) is None
    assert [shared_cpu(cpu, [0, 1, 2], 1000) for cpu in (0, 2)] == [0, 2]


@pytest.mark.parametrize(("allowed", "usable"), [([2, 0], "0, 2"), ([], "none")])
def test_a_cpu_that_may_not_be_used_is_refused_with_those_that_may(allowed: list[int], usable: str) -> None:
    with pytest.raises(UsageError, match=f"found 1, expected a CPU that this process may use: {usable}"):
        shared_cpu(1, allowed, 1000)


def test_a_system_that_lets_no_process_choose_allows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert allowed_cpus() == set()


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
