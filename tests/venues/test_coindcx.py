"""What is peculiar to CoinDCX: packets of Socket.IO, books as objects with JSON in JSON, versions, Binance's books."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from venue_frames import Connection, instruments, listing

from arbsniper_tui.model.errors import BadFrame, BookLost, VenueClosing, VenueRejected
from arbsniper_tui.model.fact import Funding, Mark
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues import VENUES, venue_of_url
from arbsniper_tui.venues.base import Ready, Reply
from arbsniper_tui.venues.listing import Listing

COINDCX = VENUES["coindcx"]
Levels = dict[str, str]


def event(name: str, data: object) -> str:
    return "42" + json.dumps([name, {"event": name, "data": data if isinstance(data, str) else json.dumps(data)}])


def depth(vs: object, bids: object, asks: object, name: str = "depth-update", **more: object) -> str:
    data = {"ts": 1785121200500, "vs": vs, "asks": asks, "bids": bids, "type": name, "pr": "futures", "s": "BTCUSDT"}
    return event(name, data | more)


def snapshot(vs: int, bids: Levels, asks: Levels, **more: object) -> str:
    return depth(vs, bids, asks, "depth-snapshot", **more)


@pytest.fixture
def book() -> Connection:
    connection = Connection("coindcx", "BTC/USDT:USDT", "ETH/USDT:USDT", market=Market.PERP)
    connection.feed(snapshot(7, {"100": "1", "99": "2"}, {"102": "4", "101": "3"}))
    return connection


def top(connection: Connection, frame: str) -> tuple[float, float, float, float]:
    (quote,) = connection.feed(frame)
    return quote.bid, quote.bid_size, quote.ask, quote.ask_size


def lost_by(connection: Connection, frame: str) -> str:
    with pytest.raises(BookLost) as lost:
        connection.feed(frame)
    return lost.value.venue_symbol


def test_the_top_is_the_best_price_and_not_the_first_key() -> None:
    connection = Connection("coindcx", "ETH/USDT:USDT", market=Market.PERP)
    asks = {"2777": "0.548", "2776.91": "12.065", "2776.92": "0.016"}
    bids = {"2770": "5", "2776.88": "0.991", "2776.9": "89.848"}
    frame = snapshot(3, bids, asks, s="ETHUSDT")
    assert list(connection.feed(frame)) == [Quote(0, 2776.9, 89.848, 2776.91, 12.065, 1785121200500)]


@pytest.mark.parametrize(
    ("bids", "asks", "expected"),
    [
        ({"100.5": "0.7"}, {}, (100.5, 0.7, 101.0, 3.0)),
        ({"100": "0.25"}, {}, (100.0, 0.25, 101.0, 3.0)),
        ({"100": "0"}, {}, (99.0, 2.0, 101.0, 3.0)),
        ({"100": "0", "99": "0"}, {}, (0.0, 0.0, 101.0, 3.0)),
        ({"98": "9"}, {"101": "0", "101.5": "6"}, (100.0, 1.0, 101.5, 6.0)),
        ({"50": "0"}, {}, (100.0, 1.0, 101.0, 3.0)),
        ({}, {}, (100.0, 1.0, 101.0, 3.0)),
    ],
)
def test_an_update_sets_the_sizes_of_its_levels_and_zero_removes_one(
    book: Connection, bids: Levels, asks: Levels, expected: tuple[float, ...]
) -> None:
    assert top(book, depth(8, bids, asks)) == expected


def test_a_level_behind_the_tenth_is_forgotten_since_the_venue_does_not_say_when_it_is_gone(book: Connection) -> None:
    book.feed(snapshot(1, {str(price): "1" for price in range(1, 11)}, {"20": "1"}))
    book.feed(depth(2, {"11": "1", "12": "1"}, {}))
    # 1 and 2 fell behind the ten best, and were cancelled there unsaid.
    assert top(book, depth(3, {str(price): "0" for price in range(4, 13)}, {})) == (3.0, 1.0, 20.0, 1.0)
    assert top(book, depth(4, {"3": "0"}, {})) == (0.0, 0.0, 20.0, 1.0)


def test_a_frame_that_is_sent_twice_costs_nothing(book: Connection) -> None:
    for frame in (depth(8, {"100": "5"}, {}), depth(9, {"100": "6"}, {})):
        assert len(book.feed(frame)) == 1
        assert list(book.feed(frame)) == []
    assert top(book, depth(10, {"100": "7"}, {}))[1] == 7.0


@pytest.mark.parametrize("vs", [7, 9, 6, 0, -1])
def test_a_version_that_does_not_follow_costs_the_book_until_the_next_snapshot(book: Connection, vs: int) -> None:
    with pytest.raises(BookLost, match=f"expected version 8, found {vs}") as lost:
        book.feed(depth(vs, {"100": "5"}, {}))
    assert lost.value.venue_symbol == "B-BTC_USDT"
    assert list(book.feed(depth(8, {"100": "5"}, {}))) == []
    assert top(book, snapshot(30, {"50": "1"}, {"60": "2"})) == (50.0, 1.0, 60.0, 2.0)
    assert top(book, depth(31, {"51": "1"}, {})) == (51.0, 1.0, 60.0, 2.0)


def test_each_pair_has_versions_of_its_own(book: Connection) -> None:
    assert top(book, snapshot(900, {"10": "1"}, {"11": "1"}, s="ETHUSDT")) == (10.0, 1.0, 11.0, 1.0)
    assert top(book, depth(8, {"100": "3"}, {})) == (100.0, 3.0, 101.0, 3.0)
    assert top(book, depth(901, {"10": "3"}, {}, s="ETHUSDT")) == (10.0, 3.0, 11.0, 1.0)


def test_an_update_before_the_first_snapshot_is_told_once_so_that_the_feed_joins_again(book: Connection) -> None:
    assert lost_by(book, depth(4, {"10": "1"}, {"11": "1"}, s="ETHUSDT")) == "B-ETH_USDT"
    assert list(book.feed(depth(5, {"10": "1"}, {}, s="ETHUSDT"))) == []
    assert top(book, snapshot(6, {"10": "2"}, {"11": "1"}, s="ETHUSDT")) == (10.0, 2.0, 11.0, 1.0)


@pytest.mark.parametrize(
    "frame",
    [
        depth(8, {"100": "-1"}, {}),
        depth(8, {"-100": "1"}, {}),
        depth(8, {"0": "1"}, {}),
        depth(8, {"nan": "1"}, {}),
        depth(8, {"100": "inf"}, {}),
        depth(8, {"1_0": "1"}, {}),
        depth(8, {"١٠٢": "1"}, {}),
        depth(8, {"100": None}, {}),
        depth(8, None, {}),
        depth(8, [["100", "1"]], {}),
        depth("8", {"100": "1"}, {}).replace('"8\\"', '"x\\"'),
        depth(2**70, {"100": "1"}, {}),
        depth(None, {"100": "1"}, {}),
        depth(8, {"100": "1"}, {}, E="soon"),
        snapshot(8, {"100": "x"}, {"101": "1"}),
    ],
)
def test_a_book_frame_that_cannot_be_read_whole_costs_the_book_that_it_names(book: Connection, frame: str) -> None:
    book.feed(snapshot(1, {"10": "1"}, {"11": "1"}, s="ETHUSDT"))
    assert lost_by(book, frame) == "B-BTC_USDT"
    assert list(book.feed(depth(9, {"100": "1"}, {}))) == []
    assert list(book.feed(depth(9, {"100": "x"}, {}))) == []
    assert top(book, depth(2, {"10": "2"}, {}, s="ETHUSDT")) == (10.0, 2.0, 11.0, 1.0)


def test_a_frame_cut_short_anywhere_never_passes_and_the_next_one_shows_the_gap() -> None:
    frame = depth(8, {"100": "0"}, {"101": "5"})
    for cut in range(len(frame) - 1):
        connection = Connection("coindcx", "BTC/USDT:USDT", market=Market.PERP)
        connection.feed(snapshot(7, {"100": "1", "99": "2"}, {"101": "3"}))
        if frame[:cut] not in ("4", "42"):
            with pytest.raises(BadFrame):
                connection.feed(frame[:cut])
        assert lost_by(connection, depth(9, {"98": "1"}, {})) == "B-BTC_USDT"


def test_spot_and_futures_are_told_apart_by_their_word_since_their_names_are_the_same(book: Connection) -> None:
    assert list(book.feed(depth(8, {"100": "9"}, {}, pr="spot"))) == []
    assert list(book.feed(snapshot(8, {"1": "9"}, {"2": "1"}, pr="spot"))) == []
    assert top(book, depth(8, {"98": "1"}, {})) == (100.0, 1.0, 101.0, 3.0)
    spot = Connection("coindcx", "BTC/USDT")
    assert list(spot.feed(snapshot(8, {"1": "9"}, {"2": "1"}))) == []
    assert top(spot, snapshot(8, {"1": "9"}, {"2": "1"}, pr="spot")) == (1.0, 9.0, 2.0, 1.0)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("ETHUSDT", "ETH/USDT:USDT"),
        ("1INCHUSDT", "1INCH/USDT:USDT"),
        ("1000PEPEUSDT", "PEPE/USDT:USDT"),
        ("BTCDOMUSDT", "BTCDOM/USDT:USDT"),
        ("USDCUSDT", "USDC/USDT:USDT"),
    ],
)
def test_an_instrument_is_found_by_the_name_in_the_frames(name: str, symbol: str) -> None:
    connection = Connection("coindcx", market=Market.PERP)
    assert len(connection.feed(snapshot(1, {"1": "1"}, {"2": "1"}, s=name))) == 1
    assert [each.symbol for each in connection.by_rule.all] == [symbol]


@pytest.mark.parametrize("name", ["", "USDT", "BTC_USDT", "B-BTC_USDT", "BTCXYZ", "\x1b[2JUSDT"])
def test_a_name_that_is_none_of_theirs_is_no_quote(name: str) -> None:
    connection = Connection("coindcx", market=Market.PERP)
    assert list(connection.feed(snapshot(1, {"1": "1"}, {"2": "1"}, s=name))) == []


def test_the_time_is_that_of_binances_event_and_never_goes_back_behind_a_snapshots(book: Connection) -> None:
    assert [each.ts_venue_ms for each in book.feed(depth(8, {"98": "1"}, {}, E=1785121200433))] == [1785121200500]
    assert [each.ts_venue_ms for each in book.feed(depth(9, {"98": "2"}, {}, E=1785121200933))] == [1785121200933]


def test_packets_of_the_handshake_and_the_heartbeat_are_answered() -> None:
    connection = Connection("coindcx")
    for frame in ('0{"sid":"a","pingInterval":25000}', '40{"sid":"b"}', "2", "3", "6"):
        assert list(connection.feed(frame)) == []
    assert connection.parser.asides == [Reply("40"), Ready(), Reply("3")]


@pytest.mark.parametrize(
    "frame", ["40", "0", "0{}", "40{}", "40[]", "4", "42", "420[]", "42{}", "22", "5", "45-[]", "43"]
)
def test_packets_of_older_protocols_and_unheard_of_ones_are_refused(frame: str) -> None:
    connection = Connection("coindcx")
    with pytest.raises(BadFrame, match="expected .*, found "):
        connection.feed(frame)
    assert connection.parser.asides == []


@pytest.mark.parametrize("frame", ["1", "41"])
def test_an_end_is_announced(frame: str) -> None:
    with pytest.raises(VenueClosing):
        Connection("coindcx").feed(frame)


def test_a_refused_connection_says_why() -> None:
    with pytest.raises(VenueRejected, match="Invalid namespace") as refused:
        Connection("coindcx").feed('44{"message":"Invalid namespace"}')
    assert refused.value.venue_symbol == ""


def prices(pairs: object, **more: object) -> str:
    return event("currentPrices@futures#update", {"ts": 1785121200754, "pr": "futures", "prices": pairs} | more)


def test_mark_and_the_coming_rate_of_funding_stand_beside_quotes(book: Connection) -> None:
    told = {"mp": 64018.27, "fr": 0.00005, "efr": 0.0001, "bmST": 1785121200264}
    assert list(book.feed(prices({"B-BTC_USDT": told, "B-XRP_USDT": told, "B-ETH_USDT": {"mp": 3201.5}}))) == []
    assert book.parser.asides == [
        Mark(0, 64018.27, at_ms=1785121200264),
        Funding(0, 0.01, at_ms=1785121200264),
        Mark(1, 3201.5, at_ms=1785121200754),
    ]


def test_a_settled_rate_alone_is_not_the_coming_one(book: Connection) -> None:
    assert list(book.feed(prices({"B-BTC_USDT": {"fr": 0.0001, "ls": 64000.1}}))) == []
    assert book.parser.asides == []


@pytest.mark.parametrize("pairs", [None, [], {"B-BTC_USDT": 7}, {"B-BTC_USDT": {"mp": "1"}}])
def test_prices_that_cannot_be_read_are_refused_and_cost_no_book(book: Connection, pairs: object) -> None:
    with pytest.raises(BadFrame):
        book.feed(prices(pairs))
    assert top(book, depth(8, {"98": "1"}, {})) == (100.0, 1.0, 101.0, 3.0)


def test_each_pair_is_joined_by_a_frame_of_its_own_with_the_suffix_of_its_market() -> None:
    asked = COINDCX.subscribe(instruments("coindcx", "BTC/USDT", "ETH/USDT"))
    assert asked == [
        '42["join",{"channelName":"B-BTC_USDT@orderbook@10"}]',
        '42["join",{"channelName":"B-ETH_USDT@orderbook@10"}]',
    ]
    perpetuals = instruments("coindcx", "BTC/USDT:USDT", "ETH/USDT:USDT")
    assert COINDCX.subscribe(perpetuals)[0] == '42["join",{"channelName":"B-BTC_USDT@orderbook@10-futures"}]'
    assert COINDCX.unsubscribe(perpetuals)[1] == '42["leave",{"channelName":"B-ETH_USDT@orderbook@10-futures"}]'
    assert COINDCX.subscribe_facts(perpetuals) == ['42["join",{"channelName":"currentPrices@futures@rt"}]']


def test_the_list_of_spot_has_binances_books_alone_with_their_steps() -> None:
    listed = listing("coindcx", Market.SPOT)
    assert set(listed) == {"B-BTC_USDT", "B-ETH_USDT", "B-PEPE_USDT", "B-OLD_USDT"}
    assert listed["B-PEPE_USDT"] == Listing(
        tick=1e-8, lot=1.0, min_size=1.0, min_worth=1.0, words="active", is_trading=True, coin_name="PEPE"
    )
    assert (listed["B-OLD_USDT"].is_trading, listed["B-OLD_USDT"].words) == (False, "inactive")


def test_the_list_of_futures_is_the_names_of_those_that_trade() -> None:
    assert listing("coindcx", Market.PERP) == dict.fromkeys(("B-BTC_USDT", "B-ETH_USDT", "B-1000PEPE_USDT"), Listing())


def test_a_tape_tells_its_market_by_the_host() -> None:
    for market, host in ((Market.SPOT, "stream-spot.coindcx.com"), (Market.PERP, "stream.coindcx.com")):
        assert venue_of_url(f"wss://{host}/socket.io/?EIO=4&transport=websocket") == ("coindcx", (market,))


# A book that stays crossed is lost, so the sides do not overlap here.
low_side, high_side = (
    st.dictionaries(st.integers(first, last).map(str), st.sampled_from(("0", "1", "2.5")), max_size=8)
    for first, last in ((1, 25), (26, 50))
)


@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(low_side, high_side), max_size=30))
def test_the_top_is_that_of_a_plain_dictionary_of_ten_levels(updates: list[tuple[Levels, Levels]]) -> None:
    connection = Connection("coindcx", "BTC/USDT:USDT", market=Market.PERP)
    connection.feed(snapshot(0, {}, {}))
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    for vs, (changed_bids, changed_asks) in enumerate(updates, 1):
        for plain, changed, is_bid in ((bids, changed_bids, True), (asks, changed_asks, False)):
            plain |= {float(price): float(size) for price, size in changed.items()}
            best = sorted((price for price in plain if plain[price]), reverse=is_bid)[:10]
            kept = {price: plain[price] for price in best}
            plain.clear()
            plain.update(kept)
        bid, ask = max(bids, default=0.0), min(asks, default=0.0)
        expected = (bid, bids.get(bid, 0.0), ask, asks.get(ask, 0.0))
        assert top(connection, depth(vs, changed_bids, changed_asks)) == expected
