"""Events come out in the order of their numbers, each once, whichever way they came."""

from said_events import event, written

from arbsniper_tui.tools.consume import numbering
from arbsniper_tui.tools.consume.numbering import Gap, Heard, Numbering, Origin, heard_event

CHANNEL, STREAM = Origin.CHANNEL, Origin.STREAM
PATIENCE_NS = 5


def heard(seq: int, origin: Origin = CHANNEL, *, node: str = "a", run: str = "1", detail: str = "") -> Heard:
    return heard_event(written(event(seq, "settings", node, run, detail=detail)), origin)


def numbers(events: list[Heard]) -> list[int]:
    return [each.head.seq for each in events]


def test_what_comes_both_ways_comes_out_once() -> None:
    order = Numbering(PATIENCE_NS)
    assert numbers(order.take(heard(1), 0)) == [1]
    assert numbers(order.take(heard(1, STREAM), 0)) == []
    assert numbers(order.take(heard(2, STREAM), 0)) == [2]
    assert numbers(order.take(heard(2), 0)) == []
    assert order.repeats == 0


def test_a_repeat_from_the_same_place_is_counted() -> None:
    order = Numbering(PATIENCE_NS)
    order.take(heard(1), 0)
    assert order.take(heard(1), 0) == []
    order.take(heard(1, STREAM), 0)
    order.take(heard(1, STREAM), 0)
    assert order.repeats == 2


def test_other_bytes_under_a_known_number_are_marked() -> None:
    order = Numbering(PATIENCE_NS)
    order.take(heard(1), 0)
    [conflict] = order.take(heard(1, detail="other"), 0)
    assert conflict.is_conflicting
    assert order.repeats == 0


def test_later_events_wait_for_the_stream_to_bring_a_missing_one() -> None:
    order = Numbering(PATIENCE_NS)
    order.take(heard(1), 0)
    assert order.take(heard(3), 0) == order.take(heard(4), 0) == []
    assert order.is_waiting
    released = order.take(heard(2, STREAM), 1)
    assert numbers(released) == [2, 3, 4]
    assert not any(each.is_late for each in released)
    assert not order.is_waiting


def test_an_event_that_comes_on_the_channel_behind_a_later_one_is_late() -> None:
    order = Numbering(PATIENCE_NS)
    order.take(heard(1), 0)
    order.take(heard(3), 0)
    assert [each.is_late for each in order.take(heard(2), 0)] == [True, False]


def test_a_gap_is_given_up_when_patience_ends() -> None:
    order = Numbering(PATIENCE_NS)
    order.take(heard(1), 0)
    order.take(heard(4), 10)
    order.take(heard(6), 11)
    assert order.give_up(14) == []
    [(gap, events)] = order.give_up(15)
    assert gap == Gap(("a", "1"), 2, 3, is_beginning=False, is_excused=False)
    assert numbers(events) == [4]
    assert order.give_up(16) == [], "the next gap has a patience of its own"
    [(gap, events)] = order.give_up(20)
    assert (gap.first, gap.last, numbers(events)) == (5, 5, [6])


def test_each_node_and_each_run_has_numbers_of_its_own() -> None:
    order = Numbering(PATIENCE_NS)
    for node, run in (("a", "1"), ("b", "1"), ("a", "2"), ("", "")):
        assert numbers(order.take(heard(1, node=node, run=run), 0)) == [1]
    assert numbers(order.take(heard(2, node="b"), 0)) == [2]


def test_a_reader_that_comes_later_begins_where_the_stream_ends() -> None:
    order = Numbering(PATIENCE_NS)
    order.learn(heard(7, STREAM))
    assert order.take(heard(7), 0) == []
    assert numbers(order.take(heard(8), 0)) == [8]


def test_the_first_numbers_of_a_node_never_heard_before_are_excused() -> None:
    order = Numbering(PATIENCE_NS)
    order.take(heard(7), 0)
    [(gap, events)] = order.give_up(PATIENCE_NS)
    assert gap == Gap(("a", "1"), 1, 6, is_beginning=True, is_excused=True)
    assert numbers(events) == [7]


def test_the_next_run_of_a_node_has_to_begin_at_one() -> None:
    order = Numbering(PATIENCE_NS)
    order.take(heard(1), 0)
    order.take(heard(2, run="2"), 0)
    [(gap, _)] = order.give_up(PATIENCE_NS)
    assert gap == Gap(("a", "2"), 1, 1, is_beginning=True, is_excused=False)


def test_one_gap_of_each_run_is_excused_when_redis_came_back_without_its_stream() -> None:
    order = Numbering(PATIENCE_NS)
    order.take(heard(1), 0)
    order.forgive()
    order.take(heard(3), 0)
    assert [gap.is_excused for gap, _ in order.give_up(PATIENCE_NS)] == [True]
    order.take(heard(5), PATIENCE_NS)
    assert [gap.is_excused for gap, _ in order.give_up(2 * PATIENCE_NS)] == [False]


def test_memory_is_bounded_and_what_it_forgot_is_a_repeat() -> None:
    order = Numbering(PATIENCE_NS)
    last = numbering.REMEMBERED + 1
    for seq in range(1, last + 1):
        order.take(heard(seq), 0)
    assert order.take(heard(1, detail="other"), 0) == []
    assert order.repeats == 1
    assert [each.is_conflicting for each in order.take(heard(2, detail="other"), 0)] == [True]
