"""Parts of a node and its Redis are killed under load: readers of Redis miss no number and no close."""

import random
from pathlib import Path

import pytest
from kills import VICTIMS, examine, kill

from arbsniper_tui.sinks.redis_binary import RedisBinary

KILLS = 3
"""Of each; `make kills` kills a hundred."""


@pytest.mark.parametrize("victim", VICTIMS)
def test_no_number_is_missing_and_every_opening_is_closed_once(
    victim: str, short_folder: Path, redis_binary: RedisBinary
) -> None:
    found = kill(victim, KILLS, random.Random(1), short_folder)
    assert found.faults == {}
    assert found.opened > KILLS


def event(number: int, kind: str, opportunity: str, more: str = "") -> bytes:
    signal = f'{{"id":"{opportunity}","state":"{kind}"}}'
    return f'{{"event":"{kind}","seq":{number},"signal":{signal}{more}}}'.encode()


def test_what_is_wrong_is_found() -> None:
    stream = [event(1, "open", "a"), event(1, "open", "a"), event(2, "open", "b"), event(5, "close", "b")]
    stream += [
        event(4, "close", "b"),
        event(5, "close", "b", ',"run":"x"'),
        event(6, "open", "b"),
        event(7, "close", "c"),
    ]
    found = examine(stream, [b'{"id":"d","state":"open"}'])
    assert (found.events, found.repeats) == (6, 1)
    assert {name: sorted(values) for name, values in found.faults.items()} == {
        "missing": [3],
        "late": [4],
        "changed": [5],
        "unclosed": ["a", "d"],
        "closed_twice": ["b"],
        "closed_unopened": ["c"],
        "announced_twice": ["b"],
    }


def test_what_the_node_says_is_lost_is_not_missed() -> None:
    stream = [event(1, "open", "a"), event(4, "close", "b"), b'{"event":"heartbeat","seq":5,"lost":1}']
    assert examine(stream, []).faults == {"missing": [3]}
