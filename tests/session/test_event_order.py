"""The order of events for a reader without frames: gaps, doubles, and a node that begins again."""

from collections.abc import Callable, Iterator

import pytest
import zmq
from session_stage import PATIENT, Stage

from arbsniper_tui.model.signal import Event
from arbsniper_tui.session.events import EventOrder
from arbsniper_tui.wire.messages import encode


@pytest.fixture
def order(stage: Stage) -> Iterator[EventOrder]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    order = EventOrder(context, stage.endpoints, **PATIENT)
    yield order
    order.close()
    context.term()


def numbers(read: list[Event]) -> list[int]:
    return [event.seq for event in read]


def hear_again(stage: Stage, order: EventOrder, wait_until: Callable[..., None]) -> list[Event]:
    """What can be read once the new process has been found: events are published until one gets through."""
    read: list[Event] = []

    def hear_another() -> object:
        read.extend(order.take(encode(stage.event())))
        return read

    wait_until(hear_another)
    return read


def test_events_in_order_are_read_one_by_one_and_nobody_is_asked(stage: Stage, order: EventOrder) -> None:
    assert [numbers(order.take(encode(stage.event()))) for _ in range(4)] == [[1], [2], [3], [4]]
    assert stage.asked == []


def test_who_comes_late_reads_from_the_first_event_kept(stage: Stage, order: EventOrder) -> None:
    for _ in range(4):
        stage.event()
    assert numbers(order.take(encode(stage.event()))) == [1, 2, 3, 4, 5]
    assert order.missed == 0


def test_what_was_read_already_is_read_no_second_time(stage: Stage, order: EventOrder) -> None:
    published = [encode(stage.event()) for _ in range(5)]
    assert numbers(order.take(published[4])) == [1, 2, 3, 4, 5]
    assert [order.take(body) for body in published] == [[]] * 5
    assert numbers(order.take(encode(stage.event()))) == [6]


def test_an_answer_that_does_not_come_leaves_the_gap_to_the_next_event(stage: Stage, order: EventOrder) -> None:
    order.take(encode(stage.event()))
    stage.event()
    stage.is_deaf = True
    order.ask_within_ms = 20
    assert order.take(encode(stage.event())) == []
    order.ask_within_ms = 20_000
    stage.is_deaf = False
    assert numbers(order.take(encode(stage.event()))) == [2, 3, 4]
    assert order.missed == 0


@pytest.mark.parametrize("first_heard", [1, 2, 5])
def test_a_spread_worker_that_begins_again_is_read_on(
    stage: Stage, order: EventOrder, first_heard: int, wait_until: Callable[..., None]
) -> None:
    for _ in range(9):
        order.take(encode(stage.event()))
    stage.begin_again()
    for _ in range(first_heard - 1):
        stage.event("worker_up")
    read = hear_again(stage, order, wait_until)
    assert numbers(read) == list(range(10, 10 + len(read)))
    assert order.missed == 0


def test_what_a_spread_worker_took_with_it_is_counted(
    stage: Stage, order: EventOrder, wait_until: Callable[..., None]
) -> None:
    order.take(encode(stage.event()))
    stage.event()
    stage.event()
    stage.begin_again()
    read = hear_again(stage, order, wait_until)
    assert numbers(read) == list(range(4, 4 + len(read)))
    assert order.missed == 2


def test_catching_up_with_nothing_new_reads_nothing(stage: Stage, order: EventOrder) -> None:
    order.take(encode(stage.event()))
    assert order.catch_up() == []
    assert order.last_seq == 1
