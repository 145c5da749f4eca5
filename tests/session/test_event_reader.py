"""A reader of events alone, as the front end without a terminal is one."""

from collections.abc import Callable, Iterator

import pytest
from session_stage import Stage

from arbsniper_tui.model.signal import Event
from arbsniper_tui.session.events import EventReader


@pytest.fixture
def reader(stage: Stage) -> Iterator[EventReader]:
    reader = EventReader(stage.endpoints)
    yield reader
    reader.close()


def test_it_reads_every_event_from_the_first_one_on_and_counts_as_no_viewer(
    stage: Stage, reader: EventReader, wait_until: Callable[..., None]
) -> None:
    published = [stage.event() for _ in range(3)]
    read: list[Event] = []
    # What came before the subscription is asked for.
    wait_until(lambda: read.extend(reader.read(10)) or len(read) >= 3, lambda: read)
    published += [stage.event() for _ in range(3)]
    wait_until(lambda: read.extend(reader.read(10)) or len(read) >= 6, lambda: read)
    assert read == published
    assert (stage.viewers, stage.greeted, reader.missed) == (0, 0, 0)


def test_without_a_wait_it_reads_what_has_come_and_asks_for_nothing(stage: Stage, reader: EventReader) -> None:
    stage.event()
    list(reader.read(0))
    assert stage.asked == []


def test_events_that_the_node_has_forgotten_are_counted(
    stage: Stage, reader: EventReader, wait_until: Callable[..., None]
) -> None:
    stage.event(is_forgotten=True, is_lost=True)
    stage.event(is_forgotten=True, is_lost=True)
    stage.event()
    read: list[Event] = []
    wait_until(lambda: read.extend(reader.read(10)) or read, lambda: read)
    assert [event.seq for event in read] == [3]
    assert reader.missed == 2
