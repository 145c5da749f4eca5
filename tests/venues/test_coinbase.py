"""Coinbase: the top of a book that is kept from a snapshot and its changes."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from venue_frames import Connection, instruments, listing

from arbsniper_tui.model.errors import BadFrame, BookLost, VenueRejected
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote, defect, is_older
from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing

TIME = "2026-07-27T03:00:00.123456Z"
TIME_MS = 1785121200123

Level = tuple[str, str]
Change = tuple[str, str, str]


def snapshot(bids: list[Level], asks: list[Level], **more: object) -> str:
    return json.dumps({"type": "snapshot", "product_id": "BTC-USD", "bids": bids, "asks": asks, **more})


def update(*changes: Change, time: str | None = TIME, product: str = "BTC-USD") -> str:
    frame = {"type": "l2update", "product_id": product, "changes": changes, "time": time}
    return json.dumps({key: value for key, value in frame.items() if value is not None})


@pytest.fixture
def book() -> Connection:
    connection = Connection("coinbase", "BTC/USD", "ETH/USD")
    connection.feed(snapshot([("100", "1"), ("99", "2")], [("101", "3"), ("102", "4")], time=TIME))
    return connection


def top(connection: Connection, frame: str) -> tuple[float, float, float, float]:
    (quote,) = connection.feed(frame)
    return quote.bid, quote.bid_size, quote.ask, quote.ask_size


def test_a_snapshot_is_a_quote_in_any_order_of_levels() -> None:
    connection = Connection("coinbase", "BTC/USD")
    frame = snapshot([("99", "2"), ("100", "1"), ("98", "9")], [("103", "5"), ("101", "3")], time=TIME)
    assert list(connection.feed(frame)) == [Quote(0, 100.0, 1.0, 101.0, 3.0, TIME_MS)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("buy", "100.5", "0.7"), (100.5, 0.7, 101.0, 3.0)),
        (("buy", "100", "0.25"), (100.0, 0.25, 101.0, 3.0)),
        (("buy", "100.00", "0.25"), (100.0, 0.25, 101.0, 3.0)),
        (("buy", "100", "0.00000000"), (99.0, 2.0, 101.0, 3.0)),
        (("buy", "99", "0"), (100.0, 1.0, 101.0, 3.0)),
        (("buy", "50", "8"), (100.0, 1.0, 101.0, 3.0)),
        (("buy", "98.5", "0"), (100.0, 1.0, 101.0, 3.0)),
        (("sell", "100.9", "0.1"), (100.0, 1.0, 100.9, 0.1)),
        (("sell", "101", "0"), (100.0, 1.0, 102.0, 4.0)),
        (("sell", "101", "7"), (100.0, 1.0, 101.0, 7.0)),
    ],
)
def test_a_change_sets_the_new_size_of_its_level_and_zero_removes_it(
    book: Connection, change: Change, expected: tuple[float, ...]
) -> None:
    assert top(book, update(change)) == expected


def test_the_changes_of_a_frame_are_one_new_state(book: Connection) -> None:
    changes = ("buy", "101", "1"), ("sell", "101", "0"), ("sell", "102", "0"), ("sell", "101.5", "6")
    assert top(book, update(*changes)) == (101.0, 1.0, 101.5, 6.0)


def test_a_side_that_was_emptied_has_no_price(book: Connection) -> None:
    (quote,) = book.feed(update(("sell", "101", "0"), ("sell", "102", "0")))
    assert (quote.ask, quote.ask_size) == (0.0, 0.0)
    assert reason_words(defect(quote)) == "no ask"


def lost_by(connection: Connection, frame: str | bytes) -> str:
    """The product whose book a frame costs; empty where it costs all of them."""
    with pytest.raises(BookLost) as lost:
        connection.feed(frame)
    return lost.value.venue_symbol


UNREADABLE_SIZES = ("-1", "0.-10000", "nan", "inf", "-inf", "", "x", "1_000", "١٠٢", " 1", "0x1", None, [], {})
UNREADABLE_PRICES = ("-5", "0", "nan", "inf", "", "1_000", "١٠٢", None, [])


@pytest.mark.parametrize(
    "change",
    [
        *(("buy", "100", size) for size in UNREADABLE_SIZES),
        *(("sell", price, "1") for price in UNREADABLE_PRICES),
        ("hold", "100", "9"),
        ("", "100", "9"),
        ("Buy", "100", "9"),
        ("buy", "100"),
        (),
    ],
    ids=str,
)
def test_an_update_that_cannot_be_read_whole_costs_the_book_and_none_of_it_is_applied(
    book: Connection, change: tuple[object, ...]
) -> None:
    book.feed(snapshot([("10", "1")], [("11", "1")]).replace("BTC-USD", "ETH-USD"))
    sound = ("buy", "100", "0"), ("sell", "100.8", "1")
    frame = {"type": "l2update", "product_id": "BTC-USD", "changes": [*sound, change, *sound], "time": TIME}
    assert lost_by(book, json.dumps(frame)) == "BTC-USD"
    for _ in range(3):
        assert list(book.feed(update(("buy", "98", "1")))) == []
    assert top(book, update(("buy", "10.5", "2"), product="ETH-USD")) == (10.5, 2.0, 11.0, 1.0)
    assert top(book, snapshot([("50", "1")], [("60", "2")])) == (50.0, 1.0, 60.0, 2.0)
    assert top(book, update(("buy", "51", "3"))) == (51.0, 3.0, 60.0, 2.0)


@pytest.mark.parametrize("frame", [update(("buy", "100", "0")), snapshot([("7", "1")], [("8", "1")])])
def test_a_frame_cut_short_anywhere_never_passes_and_costs_no_book_but_its_own(frame: str) -> None:
    for cut in range(len(frame)):
        connection = Connection("coinbase", "BTC/USD", "ETH/USD")
        connection.feed(snapshot([("100", "1")], [("101", "3")]))
        connection.feed(snapshot([("10", "1")], [("11", "1")]).replace("BTC-USD", "ETH-USD"))
        is_named = '"product_id": "BTC-USD"' in frame[:cut]
        assert lost_by(connection, frame[:cut]) == ("BTC-USD" if is_named else "")
        assert list(connection.feed(update(("buy", "98", "1")))) == []
        others = len(connection.feed(update(("buy", "9", "1"), product="ETH-USD")))
        assert others == (1 if is_named else 0)


@pytest.mark.parametrize(
    ("frame", "product"),
    [
        ('{"type":"l2update","product_id":"BTC-USD"}', "BTC-USD"),
        ('{"type":"l2update","product_id":"BTC-USD","changes":null}', "BTC-USD"),
        ('{"type":"l2update","product_id":"BTC-USD","changes":[],"time":"yesterday"}', "BTC-USD"),
        ('{"type":"l2update","product_id":"BTC-USD","changes":[]} {"type":"l2update"}', "BTC-USD"),
        ('{"type":"l2update","changes":[["buy","1","1"]]}', ""),
        ('{"type":"l2update","product_id":"","changes":[["buy","1","1"]]}', ""),
        ('{"type":"l2update","product_id":7,"changes":[["buy","1","1"]]}', ""),
        ('{"type":"l2update","product_id":"BTC-USD","changes":[[}{"product_id":"ETH-USD"', ""),
        ('{"type":"snapshot","product_id":"BTC-USD","bids":[["1","1"]]}', "BTC-USD"),
        ('{"type":"snapshot","product_id":"BTC-USD","asks":[["1","1"]]}', "BTC-USD"),
        ('{"product_id":"BTC-USD","changes":[["buy","100"', "BTC-USD"),
        (b"\x00\x01", ""),
        ("", ""),
        ('{"data":' + "[" * 100_000, ""),
    ],
)
def test_what_may_have_been_an_update_costs_the_product_it_names_or_else_every_book(
    book: Connection, frame: str | bytes, product: str
) -> None:
    assert lost_by(book, frame) == product
    assert list(book.feed(update(("buy", "98", "1")))) == []


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"ticker","product_id":"BTC-USD","price":"22345.6',
        '{"type":"heartbeat","product_id":"BTC-USD","time":"soon"}',
        '{"type":"a new one","product_id":"BTC-USD"}',
        '{"type":"l2update","product_id":"XRP-USD","changes":[["buy","x","1"]]}',
        '{"type":"l2update","product_id":"XRP-USD","changes":[["buy","1',
        '{"product_id":"BTC-USD"}',
        "null",
        "[]",
        '"l2update"',
    ],
)
def test_what_cannot_have_been_an_update_of_ours_costs_no_book(book: Connection, frame: str) -> None:
    with pytest.raises(BadFrame):
        book.feed(frame)
    assert top(book, update(("buy", "98", "1"))) == (100.0, 1.0, 101.0, 3.0)


@pytest.mark.parametrize(
    ("back_ms", "told"), [(1, True), (1000, True), (1001, False), (3_600_000, False)], ids=lambda each: str(each)
)
def test_a_time_that_goes_back_does_not_make_a_newer_state_look_older(
    book: Connection, back_ms: int, told: bool
) -> None:
    def at(ms: int) -> str:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat()

    (held,) = book.feed(update(("buy", "98", "1")))
    (newer,) = book.feed(update(("buy", "100", "0"), time=at(TIME_MS - back_ms)))
    assert (newer.bid, newer.ts_venue_ms) == (99.0, TIME_MS if told else None)
    assert not is_older(newer, held)
    (next_one,) = book.feed(update(("buy", "97", "1"), time=at(TIME_MS - back_ms + 5)))
    assert not is_older(next_one, newer)
    (again,) = book.feed(snapshot([("50", "1")], [("60", "2")], time=at(TIME_MS - back_ms)))
    assert not is_older(again, next_one)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z", None])
def test_a_time_of_the_year_one_or_none_says_nothing_of_the_age(book: Connection, time: str | None) -> None:
    (quote,) = book.feed(update(("buy", "98", "1"), time=time))
    assert quote.ts_venue_ms is None
    (quote,) = book.feed(update(("buy", "97", "1")))
    assert quote.ts_venue_ms == TIME_MS


def test_a_snapshot_without_a_time_has_none_and_not_that_of_the_book_before(book: Connection) -> None:
    (quote,) = book.feed(snapshot([("1", "1")], [("2", "1")]))
    assert quote.ts_venue_ms is None
    (quote,) = book.feed(update(("buy", "1", "2"), time=None))
    assert quote.ts_venue_ms is None
    (quote,) = book.feed(update(("buy", "1", "3")))
    assert quote.ts_venue_ms == TIME_MS


def test_a_loss_is_told_once_and_again_for_the_snapshot_that_was_to_mend_it(book: Connection) -> None:
    cut = update(("buy", "100", "0"))[:-30]
    assert lost_by(book, cut) == "BTC-USD"
    for unreadable in (cut, update(("buy", "100", "x")), update(("hold", "100", "1")), update(("buy", "-1", "1"))):
        assert list(book.feed(unreadable)) == []
    assert lost_by(book, snapshot([("100", "1")], [("101", "x")])) == "BTC-USD"
    assert lost_by(book, snapshot([("100", "1")], [("101", "3")])[:-30]) == "BTC-USD"
    assert list(book.feed(cut)) == []
    assert top(book, snapshot([("100", "1")], [("101", "3")])) == (100.0, 1.0, 101.0, 3.0)
    assert lost_by(book, cut) == "BTC-USD"


def test_changes_before_their_snapshot_mean_that_the_book_is_lost(book: Connection) -> None:
    assert lost_by(book, update(("buy", "98", "1"), product="ETH-USD")) == "ETH-USD"
    assert list(book.feed(update(("buy", "98", "1"), product="ETH-USD"))) == []
    assert top(book, update(("buy", "98", "1"))) == (100.0, 1.0, 101.0, 3.0)


def test_a_new_connection_begins_without_a_book(book: Connection) -> None:
    assert lost_by(Connection("coinbase", "BTC/USD"), update(("buy", "98", "1"))) == "BTC-USD"


def test_a_new_snapshot_replaces_the_whole_book(book: Connection) -> None:
    assert top(book, snapshot([("50", "1")], [("60", "2")])) == (50.0, 1.0, 60.0, 2.0)
    assert top(book, update(("buy", "50", "0"))) == (0.0, 0.0, 60.0, 2.0)


@pytest.mark.parametrize(
    "level", [("x", "1"), ("-1", "1"), ("0", "1"), ("nan", "1"), ("1", "-1"), ("1", "inf"), ("1",)]
)
def test_a_snapshot_that_cannot_be_read_costs_the_book(book: Connection, level: Level) -> None:
    assert lost_by(book, snapshot([("100", "1"), level], [("101", "1")])) == "BTC-USD"
    assert list(book.feed(update(("buy", "98", "1")))) == []


def test_an_error_names_the_product_that_the_venue_refuses() -> None:
    frame = '{"type":"error","message":"Failed to subscribe","reason":"XYZ-USD is not a valid product"}'
    with pytest.raises(VenueRejected) as rejected:
        Connection("coinbase").feed(frame)
    assert rejected.value.venue_symbol == "XYZ-USD"
    assert rejected.value.reason == "Failed to subscribe: XYZ-USD is not a valid product"


def test_a_failed_unsubscription_rejects_no_product() -> None:
    frame = '{"type":"error","message":"Failed to unsubscribe","reason":"BTC-USD is not subscribed"}'
    assert list(Connection("coinbase", "BTC/USD").feed(frame)) == []


def test_an_error_without_a_product_rejects_the_request() -> None:
    with pytest.raises(VenueRejected, match="rate limit") as rejected:
        Connection("coinbase").feed('{"type":"error","message":"rate limit exceeded"}')
    assert rejected.value.venue_symbol == ""


def test_each_product_is_asked_for_in_a_frame_of_its_own_with_its_heartbeat() -> None:
    asked = [json.loads(text) for text in VENUES["coinbase"].subscribe(instruments("coinbase", "BTC/USD", "ETH/USDT"))]
    assert asked == [
        {"type": "subscribe", "product_ids": [product], "channels": ["level2_batch", "heartbeat"]}
        for product in ("BTC-USD", "ETH-USDT")
    ]


def test_the_list_says_what_is_online_and_not_disabled() -> None:
    assert listing("coinbase", Market.SPOT) == {
        "BTC-USD": Listing(tick=0.01, lot=1e-8, min_worth=1.0),
        "OLD-USD": Listing(is_trading=False, words="delisted"),
        "WAIT-USD": Listing(is_trading=False, words="trading disabled"),
        "LAST-USD": Listing(is_trading=False, words="cancel only"),
    }


# A book that stays crossed is lost, so the sides do not overlap here.
low_prices, high_prices = (
    st.integers(first, last).map(lambda ticks: f"{ticks / 4:.2f}") for first, last in ((1, 15), (16, 30))
)
sizes = st.sampled_from(("0", "0.00000000", "0.5", "1", "20.25"))
changes = st.tuples(st.just("buy"), low_prices, sizes) | st.tuples(st.just("sell"), high_prices, sizes)
batches = st.lists(st.lists(changes, min_size=1, max_size=6), max_size=40)


@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    batches, st.lists(st.tuples(low_prices, sizes), max_size=10), st.lists(st.tuples(high_prices, sizes), max_size=10)
)
def test_the_top_is_that_of_a_plain_dictionary(
    batches: list[list[Change]], bids: list[Level], asks: list[Level]
) -> None:
    connection = Connection("coinbase", "BTC/USD")
    # A level that a snapshot names twice is as good as none.
    bids, asks = list(dict(bids).items()), list(dict(asks).items())
    plain = {
        "buy": {float(price): float(size) for price, size in bids if float(size)},
        "sell": {float(price): float(size) for price, size in asks if float(size)},
    }

    def expected() -> tuple[float, float, float, float]:
        bid, ask = max(plain["buy"], default=0.0), min(plain["sell"], default=0.0)
        return bid, plain["buy"].get(bid, 0.0), ask, plain["sell"].get(ask, 0.0)

    assert top(connection, snapshot(bids, asks)) == expected()
    for batch in batches:
        for side, price, size in batch:
            plain[side][float(price)] = float(size)
            if not float(size):
                del plain[side][float(price)]
        assert top(connection, update(*batch)) == expected()


def test_a_book_that_stays_crossed_has_missed_a_change_and_is_lost(book: Connection) -> None:
    for size in ("1", "2"):
        assert top(book, update(("buy", "101.5", size))) == (101.5, float(size), 101.0, 3.0)
    with pytest.raises(BookLost, match=r"BTC-USD: the bid 101.5 stays above the ask 101: a change was missed"):
        book.feed(update(("buy", "101.5", "3")))
    assert not book.feed(update(("buy", "101.5", "0")))
    assert top(book, snapshot([("100", "1")], [("101", "3")])) == (100.0, 1.0, 101.0, 3.0)


def test_a_book_that_is_crossed_between_two_changes_stays(book: Connection) -> None:
    for _ in range(4):
        assert top(book, update(("buy", "101.5", "1")))[0] == 101.5
        assert top(book, update(("buy", "101.5", "0")))[0] == 100.0


def test_unsubscribes_product_by_product() -> None:
    frames = VENUES["coinbase"].unsubscribe(instruments("coinbase", "BTC/USD", "ETH/USD"))
    assert [json.loads(text) for text in frames] == [
        {"type": "unsubscribe", "product_ids": [product], "channels": ["level2_batch", "heartbeat"]}
        for product in ("BTC-USD", "ETH-USD")
    ]
