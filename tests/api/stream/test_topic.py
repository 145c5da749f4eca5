"""Pages of a topic: what changed since a client's last page, what it missed, and what it is told when it begins."""

import msgspec
import pytest

from arbsniper_tui.api.stream import topic as topic_module
from arbsniper_tui.api.stream.messages import HealthChange, RoutesChange, WantedHealth, WantedRoutes
from arbsniper_tui.api.stream.topic import BEGIN, MOST_GONE, PAGE_ROWS, Cursor, HealthTopic, RouteTopic, StateTopic


class Page(msgspec.Struct):
    """The parts of a message that are the topic's own."""

    number: int
    missed: int
    is_snapshot: bool
    has_more: bool
    gone: list[str]
    routes: list[int]
    """Numbers stand for routes here."""


def page_of(topic: StateTopic, cursor: Cursor) -> tuple[Page, Cursor]:
    text, cursor = topic.page(cursor)
    return msgspec.json.decode(text, type=Page), cursor


@pytest.fixture
def topic() -> RouteTopic:
    return RouteTopic(WantedRoutes())


def put(topic: StateTopic, **rows: int) -> None:
    for key, value in rows.items():
        topic.put(key, b"%d" % value)


def test_the_first_page_is_everything_and_the_next_what_has_changed(topic: RouteTopic) -> None:
    put(topic, a=1, b=2)
    first, cursor = page_of(topic, BEGIN)
    assert (first.is_snapshot, first.routes, first.missed, first.has_more) == (True, [1, 2], 0, False)
    assert not topic.has_more(cursor)
    put(topic, a=3)
    second, cursor = page_of(topic, cursor)
    assert (second.is_snapshot, second.routes, second.missed) == (False, [3], 0)
    assert second.number > first.number and not topic.has_more(cursor)


def test_a_row_that_is_as_it_was_is_no_change(topic: RouteTopic) -> None:
    put(topic, a=1)
    _, cursor = page_of(topic, BEGIN)
    put(topic, a=1)
    assert not topic.has_more(cursor)


def test_a_client_that_is_behind_gets_the_newest_of_each_row_and_the_count_of_what_it_missed(topic: RouteTopic) -> None:
    put(topic, a=1, b=1)
    _, cursor = page_of(topic, BEGIN)
    for value in range(2, 12):
        put(topic, a=value)
    put(topic, b=2)
    page, cursor = page_of(topic, cursor)
    assert (page.routes, page.missed) == ([11, 2], 9)
    put(topic, b=3)
    assert page_of(topic, cursor)[0].missed == 0


def test_what_changed_before_a_client_came_was_not_missed_by_it(topic: RouteTopic) -> None:
    for value in range(10):
        put(topic, a=value)
    assert page_of(topic, BEGIN)[0].missed == 0


def test_a_row_that_is_gone_is_told_to_those_who_hold_it_alone(topic: RouteTopic) -> None:
    put(topic, a=1, b=2)
    _, cursor = page_of(topic, BEGIN)
    topic.drop("a", b'"a"')
    assert topic.keys() == {"b"}
    page, cursor = page_of(topic, cursor)
    assert (page.gone, page.routes) == (["a"], [])
    late, _ = page_of(topic, BEGIN)
    assert (late.gone, late.routes) == ([], [2])
    put(topic, a=1)
    assert page_of(topic, cursor)[0].routes == [1]


def test_a_large_snapshot_comes_in_pages_while_rows_change(topic: RouteTopic) -> None:
    rows = 2 * PAGE_ROWS + 10
    held: dict[int, int] = {}
    for key in range(rows):
        topic.put(key, b"%d" % key)
    cursor, pages, missed = BEGIN, 0, 0
    while cursor == BEGIN or topic.has_more(cursor):
        page, cursor = page_of(topic, cursor)
        assert len(page.routes) <= PAGE_ROWS and page.is_snapshot is (pages == 0)
        held |= {value % rows: value for value in page.routes}
        pages, missed = pages + 1, missed + page.missed
        if pages < 4:
            topic.put(0, b"%d" % (rows * pages))
            topic.put(rows - 1, b"%d" % (rows * (pages + 1) - 1))
    assert held == {key: key for key in range(1, rows - 1)} | {0: rows * 3, rows - 1: rows * 4 - 1}
    assert 0 < missed <= 4 and pages == 4


def test_a_client_that_has_read_none_of_many_that_are_gone_begins_anew(topic: RouteTopic) -> None:
    put(topic, kept=1)
    _, cursor = page_of(topic, BEGIN)
    for key in range(MOST_GONE + 1):
        topic.put(key, b"2")
        topic.drop(key, b'"%d"' % key)
    page, cursor = page_of(topic, cursor)
    assert (page.is_snapshot, page.routes, page.gone) == (True, [1], [])
    assert not topic.has_more(cursor)


def test_a_change_is_encoded_once_for_all_who_have_read_as_far(
    topic: RouteTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[object] = []
    encode = topic_module._encode
    monkeypatch.setattr(topic_module, "_encode", lambda message: encoded.append(message) or encode(message))
    put(topic, a=1)
    cursors = [topic.page(BEGIN)[1] for _ in range(50)]
    put(topic, a=2)
    assert len({topic.page(each)[0] for each in cursors}) == 1
    assert len(encoded) == 2


def test_messages_are_those_that_the_page_documents() -> None:
    health = HealthTopic(WantedHealth())
    health.put("", b'{"state":"ok","is_live":true,"is_ready":true,"words":""}')
    told = msgspec.json.decode(health.page(BEGIN)[0], type=HealthChange)
    assert told.of == WantedHealth() and told.health[0].is_ready
    empty = msgspec.json.decode(RouteTopic(WantedRoutes(venue="okx")).page(BEGIN)[0], type=RoutesChange)
    assert (empty.is_snapshot, empty.routes, empty.of) == (True, [], WantedRoutes(venue="okx"))
