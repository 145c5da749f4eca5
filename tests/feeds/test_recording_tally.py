"""How much was recorded, over the death of the worker that recorded it."""

import os
from collections.abc import Iterator

import pytest

from arbsniper_tui.feeds.recording_tally import TALLY_SIZE, RecordingTally
from arbsniper_tui.runtime.anonymous_file import create_anonymous_file


@pytest.fixture
def descriptor() -> Iterator[int]:
    descriptor = create_anonymous_file(TALLY_SIZE)
    yield descriptor
    os.close(descriptor)


def test_a_new_tally_is_empty(descriptor: int) -> None:
    assert RecordingTally(descriptor).read() == (0, 0)


def test_what_was_put_last_is_read_by_who_holds_the_file(descriptor: int) -> None:
    tally = RecordingTally(descriptor)
    tally.put(10, 1000)
    tally.put(25, 2500)
    assert RecordingTally(descriptor).read() == (25, 2500)


def test_a_worker_that_is_started_again_adds_to_what_was_there(descriptor: int) -> None:
    RecordingTally(descriptor).put(25, 2500)
    RecordingTally(descriptor).put(3, 2**40)
    assert RecordingTally(descriptor).read() == (28, 2500 + 2**40)
