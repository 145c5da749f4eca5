"""The ring of newest events: what the next process reads, wherever the one before was killed."""

import mmap
import random
from typing import Any

import pytest

from arbsniper_tui.desk.ring import EventRing

SIZE = 4096
HEADER, START, END = 0, 64, 1000


class NotedMemory(mmap.mmap):
    """Keeps what the file held before the bytes of an event were written: what a kill at that moment leaves."""

    def __new__(cls) -> "NotedMemory":
        memory = super().__new__(cls, -1, SIZE)
        memory.states = []
        return memory

    states: list[bytes]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.states.append(self[:])
        super().__setitem__(key, value)


def opened(memory: mmap.mmap) -> EventRing:
    return EventRing(memory, HEADER, START, END)


def copy_of(content: bytes) -> mmap.mmap:
    memory = mmap.mmap(-1, SIZE)
    memory[:] = content
    return memory


def test_a_new_one_is_empty() -> None:
    ring = opened(mmap.mmap(-1, SIZE))
    assert (len(ring), ring.count, ring.newest(5)) == (0, 0, [])


@pytest.mark.parametrize("seed", range(20))
def test_the_next_process_finds_the_newest_events_in_order(seed: int) -> None:
    chance = random.Random(seed)
    memory = mmap.mmap(-1, SIZE)
    ring, put = opened(memory), []
    for number in range(300):
        put.append(b"%d:" % number + b"x" * chance.choice((0, 1, 50, chance.randrange(400))))
        ring.put(put[-1])
        after = opened(memory)
        held = after.newest(1000)
        assert held == ring.newest(1000) == put[-len(held) :]
        assert (len(after), after.count) == (len(held), number + 1)
        if chance.random() < 0.2:
            ring = after
    assert opened(memory).newest(2) == put[-2:]


def test_it_holds_as_much_as_has_room() -> None:
    ring = opened(mmap.mmap(-1, SIZE))
    for number in range(100):
        ring.put(b"%06d" % number)
    assert len(ring) == (END - START) // 10


@pytest.mark.parametrize("seed", range(20))
def test_a_kill_while_one_is_put_leaves_those_before_it(seed: int) -> None:
    chance = random.Random(seed)
    memory = NotedMemory()
    ring, put = opened(memory), []
    for number in range(100):
        put.append(b"%d:" % number + b"x" * chance.randrange(300))
        memory.states.clear()
        ring.put(put[-1])
        for state in memory.states:
            left = opened(copy_of(state))
            held = left.newest(1000)
            assert held == put[number - len(held) : number]
            assert left.count == number


def test_a_file_that_makes_no_sense_holds_nothing() -> None:
    ring = opened(copy_of(b"\xff" * SIZE))
    assert ring.newest(10) == []
    ring.put(b"event")
    assert ring.newest(10) == [b"event"]
