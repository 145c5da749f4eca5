"""Bybit: repeated states, restarts, old deltas, tickers that tell what has changed, names of perpetuals in USDC."""

import json
from typing import Any

import pytest
from msgspec.structs import replace
from venue_frames import Connection, instruments, list_body, listing

from arbsniper_tui.model.errors import BadFrame, VenueRejected
from arbsniper_tui.model.fact import Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Market, parse_symbol
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.venues import VENUES, venue_of_url
from arbsniper_tui.venues.listing import Listing

BYBIT = VENUES["bybit"]
BIDS, ASKS = [["27450.00", "0.500"]], [["27451.00", "0.750"]]


def book(u: int = 123456789, cts: int | None = 1709891678998, **changes: Any) -> str:
    data = {"s": "BTCUSDT", "b": BIDS, "a": ASKS, "u": u, "seq": 987654321}
    frame = {"topic": "orderbook.1.BTCUSDT", "ts": 1709891679000, "type": "snapshot", "data": data, "cts": cts}
    data |= {key: changes.pop(key) for key in ("s", "b", "a") if key in changes}
    return json.dumps(frame | changes)


def ticker(kind: str, ts: int, **data: Any) -> str:
    return json.dumps({"topic": "tickers.BTCUSDT", "type": kind, "data": data, "cs": 9532239429, "ts": ts})


def one_quote(frame: str) -> Quote:
    (quote,) = Connection("bybit", "BTC/USDT").feed(frame)
    return quote


def test_a_state_is_read_with_the_time_of_the_matching_engine() -> None:
    assert one_quote(book()) == Quote(0, 27450.0, 0.5, 27451.0, 0.75, 1709891678998, 123456789)


def test_a_state_that_is_sent_again_is_as_new_as_its_frame() -> None:
    connection = Connection("bybit", "BTC/USDT")
    (first,) = connection.feed(book())
    (again,) = connection.feed(book(ts=1709891682000))
    assert again == replace(first, ts_venue_ms=1709891682000)
    (changed,) = connection.feed(book(u=123456790, cts=1709891682001, ts=1709891682003))
    assert changed.ts_venue_ms == 1709891682001


def test_the_first_state_after_a_restart_has_no_number_so_that_it_is_not_taken_for_an_older_one() -> None:
    assert one_quote(book(u=1)).venue_seq is None
    assert one_quote(book(u=2)).venue_seq == 2


def test_without_its_own_time_a_state_has_that_of_the_frame() -> None:
    assert one_quote(book(cts=None)).ts_venue_ms == 1709891679000
    assert one_quote(book(ts="1772694601512", cts=None)).ts_venue_ms == 1772694601512


@pytest.mark.parametrize(("side", "words"), [("b", "no bid"), ("a", "no ask")])
def test_an_empty_list_is_an_empty_side(side: str, words: str) -> None:
    assert reason_words(defect(one_quote(book(**{side: []})))) == words


@pytest.mark.parametrize(
    ("changes", "top"),
    [
        ({"b": [], "a": [["27450.50", "2"]]}, (27450.0, 0.5, 27450.5, 2.0)),
        ({"b": [["27449.00", "1"]], "a": []}, (27449.0, 1.0, 27451.0, 0.75)),
        ({"b": [["27450.00", "0"], ["27449.50", "3"]], "a": []}, (27449.5, 3.0, 27451.0, 0.75)),
        ({"b": [["27450.00", "0"]], "a": []}, (0.0, 0.0, 27451.0, 0.75)),
    ],
)
def test_a_delta_of_older_recordings_changes_the_side_that_it_has(
    changes: dict[str, Any], top: tuple[float, ...]
) -> None:
    connection = Connection("bybit", "BTC/USDT")
    with pytest.raises(BadFrame, match="snapshot before a delta"):
        connection.feed(json.dumps(json.loads(book(type="delta", **changes)) | {"data": {"s": "BTCUSDT"}}))
    connection.feed(book())
    (quote,) = connection.feed(book(u=123456790, type="delta", **changes))
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == top


@pytest.mark.parametrize(
    "frame",
    [
        book(s=""),
        book(b=None),
        book(b=[["27450.00"]]),
        book(b=[["price", "size"]]),
        book(ts=None),
        book(ts=10**30),
        json.dumps({"topic": "orderbook.1.BTCUSDT", "ts": 1, "type": "snapshot", "data": {"s": "BTCUSDT", "b": BIDS}}),
    ],
)
def test_a_state_that_is_not_whole_is_bad(frame: str) -> None:
    with pytest.raises(BadFrame):
        Connection("bybit", "BTC/USDT").feed(frame)


@pytest.mark.parametrize(
    "frame",
    [
        '{"topic":"orderBookL2_25.BTCUSDT","type":"snapshot","data":{"order_book":[]},"timestamp_e6":"161"}',
        '{"topic":"trade.BTCUSDT","data":[{"symbol":"BTCUSDT","price":"57170.00","size":0.04}]}',
        '{"success":true,"ret_msg":"","conn_id":"9","request":{"op":"subscribe","args":["trade.EOSUSD"]}}',
    ],
)
def test_version_2_is_refused(frame: str) -> None:
    with pytest.raises(BadFrame, match="Bybit v5"):
        Connection("bybit").feed(frame)


@pytest.mark.parametrize(
    "words", ["error:handler not found,topic:orderbook.1.XYZUSDT", "Invalid symbol :[orderbook.1.XYZUSDT]"]
)
def test_a_refused_symbol_is_named(words: str) -> None:
    with pytest.raises(VenueRejected, match=r"XYZUSDT: \w+") as rejected:
        Connection("bybit").feed(json.dumps({"success": False, "ret_msg": words, "conn_id": "a", "op": "subscribe"}))
    assert rejected.value.venue_symbol == "XYZUSDT"


@pytest.mark.parametrize("words", ["args size >10", "error:handler not found,topic:tickers.XYZUSDT"])
def test_another_refusal_costs_no_symbol_its_quotes(words: str) -> None:
    with pytest.raises(VenueRejected) as rejected:
        Connection("bybit").feed(json.dumps({"success": False, "ret_msg": words, "conn_id": "a", "op": "subscribe"}))
    assert rejected.value.venue_symbol == ""


@pytest.mark.parametrize(
    ("op", "words"),
    [("subscribe", "error:already subscribed,topic:orderbook.1.BTCUSDT"), ("unsubscribe", "error:not subscribed")],
)
def test_what_holds_already_is_no_refusal(op: str, words: str) -> None:
    answer = {"success": False, "ret_msg": words, "conn_id": "a", "op": op}
    assert list(Connection("bybit", "BTC/USDT").feed(json.dumps(answer))) == []


def test_tickers_tell_what_has_changed_and_open_interest_of_one_side() -> None:
    connection = Connection("bybit", "BTC/USDT:USDT", market=Market.PERP)
    whole = {"symbol": "BTCUSDT", "markPrice": "66666.60", "indexPrice": "66700.19", "openInterest": "492373.72"}
    funding = {"fundingIntervalHour": "8", "nextFundingTime": "1760342400000", "fundingRate": "-0.00012345"}
    assert list(connection.feed(ticker("snapshot", 1760325052630, **whole, **funding))) == []
    mark = Mark(0, 66666.6, 66700.19, 1760325052630)
    rate = Funding(0, -0.012345, 1760342400000, 8.0, at_ms=1760325052630)
    assert connection.parser.asides == [mark, rate, OpenInterest(0, 246186.86, 1760325052630)]
    connection.parser.asides.clear()
    connection.feed(ticker("delta", 1760325052730, symbol="BTCUSDT", bid1Price="66666.50", ask1Price="66666.70"))
    assert connection.parser.asides == []
    connection.feed(ticker("delta", 1760325052830, symbol="BTCUSDT", markPrice="66666.70"))
    assert connection.parser.asides == [Mark(0, 66666.7, 66700.19, 1760325052830)]
    connection.parser.asides.clear()
    connection.feed(ticker("delta", 1760325052930, symbol="BTCUSDT", fundingRate="0.0001"))
    assert connection.parser.asides == [Funding(0, 0.01, 1760342400000, 8.0, at_ms=1760325052930)]


@pytest.mark.parametrize("price", ["nan", "inf", "", "much", None])
def test_a_ticker_with_a_number_that_cannot_be_is_bad(price: str | None) -> None:
    connection = Connection("bybit", "BTC/USDT:USDT", market=Market.PERP)
    with pytest.raises(BadFrame, match="Bybit tickers"):
        connection.feed(ticker("delta", 1760325052630, symbol="BTCUSDT", markPrice=price))
    assert connection.parser.asides == []


def test_tickers_of_what_nobody_watches_tell_nothing() -> None:
    connection = Connection("bybit", "ETH/USDT:USDT", market=Market.PERP)
    connection.feed(ticker("snapshot", 1760325052630, symbol="BTCUSDT", markPrice="66666.60"))
    assert connection.parser.asides == []


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("BTC/USDT", "BTCUSDT"),
        ("BTC/USDC", "BTCUSDC"),
        ("PERP/USDT", "PERPUSDT"),
        ("BTC/USDT:USDT", "BTCUSDT"),
        ("BTC/USDC:USDC", "BTCPERP"),
        ("PERP/USDT:USDT", "PERPUSDT"),
        ("BTC/USD:BTC", ""),
    ],
)
def test_perpetuals_in_usdc_are_named_perp(symbol: str, name: str) -> None:
    unified = parse_symbol(symbol)
    assert BYBIT.venue_symbol(unified) == name
    if name:
        assert BYBIT.unified(name, unified.market) == symbol


@pytest.mark.parametrize("name", ["BTCUSDT-25DEC26", "BTC-25DEC26", "BTCUSDZ26", "PERP", "BTC-27MAR26-70000-P-USDT"])
def test_dated_contracts_and_options_have_no_unified_symbol(name: str) -> None:
    assert BYBIT.unified(name, Market.PERP) == ""


def test_the_path_of_a_url_tells_the_market() -> None:
    assert venue_of_url("wss://stream.bybit.com/v5/public/spot") == ("bybit", (Market.SPOT,))
    assert venue_of_url("wss://stream.bybit.com/v5/public/linear") == ("bybit", (Market.PERP,))
    assert venue_of_url("wss://stream.bybit.com/realtime_public") == ("bybit", (Market.SPOT, Market.PERP))


def test_one_topic_a_frame_since_one_bad_topic_costs_the_whole_frame() -> None:
    wanted = instruments("bybit", "BTC/USDT:USDT", "BTC/USDC:USDC")
    frames = [json.loads(frame) for frame in BYBIT.subscribe(wanted)]
    assert frames == [{"op": "subscribe", "args": [f"orderbook.1.{name}"]} for name in ("BTCUSDT", "BTCPERP")]
    facts = [json.loads(frame) for frame in BYBIT.subscribe_facts(wanted)]
    assert facts == [{"op": "subscribe", "args": [f"tickers.{name}"]} for name in ("BTCUSDT", "BTCPERP")]
    assert BYBIT.subscribe_facts(instruments("bybit", "BTC/USDT")) == []


def test_a_full_connection_stays_below_the_characters_that_the_venue_takes() -> None:
    longest = "orderbook.1.1000000BABYDOGEUSDT"
    for declared in BYBIT.markets:
        assert declared.connection_limit * len(f'"{longest}",') < 21_000


def test_the_list_tells_steps_least_sizes_and_what_does_not_trade() -> None:
    assert listing("bybit", Market.SPOT) == {
        "BTCUSDT": Listing(tick=0.1, lot=0.000001, min_size=0.000011, min_worth=5.0),
        "OLDUSDT": Listing(is_trading=False, words="Closed", tick=0.0001, lot=0.01, min_size=1.0, min_worth=1.0),
    }
    perps = listing("bybit", Market.PERP)
    bitcoin = Listing(
        tick=0.1, lot=0.001, min_size=0.001, min_worth=5.0, listed_ms=1584230400000, funding_interval_h=8.0
    )
    assert perps["BTCUSDT"] == bitcoin
    assert perps["SOONUSDT"].fault == Reason(ReasonCode.NOT_TRADING, words="PreLaunch")
    assert "BTCUSDT-25DEC26" not in perps


def test_the_list_goes_on_where_its_cursor_says() -> None:
    path = BYBIT.next_list_path(Market.PERP, list_body("bybit", Market.PERP))
    cursor = "first%253D1000PEPEUSDT%2526last%253DZRXUSDT"
    assert path == f"/v5/market/instruments-info?category=linear&limit=1000&cursor={cursor}"
    assert BYBIT.next_list_path(Market.SPOT, list_body("bybit", Market.SPOT)) == ""


def test_a_list_that_is_an_error_is_refused_in_the_venues_words() -> None:
    with pytest.raises(BadFrame, match="Too many visits"):
        BYBIT.parse_listings(b'{"retCode":10006,"retMsg":"Too many visits!","result":{}}')
