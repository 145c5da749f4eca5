"""Bitget: two generations of keys on one socket, markets that share their names, and what was retired."""

import json

import pytest
from venue_frames import Connection, instruments, listing

from arbsniper_tui.model.errors import BadFrame, VenueRejected
from arbsniper_tui.model.fact import Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing

Levels = list[list[str]]

BIDS: Levels = [["76671.22", "0.531211"]]
ASKS: Levels = [["76671.23", "0.41581"]]
SIDES = {"v3": ("b", "a"), "v2": ("bids", "asks")}


def arg(version: str, market: Market = Market.SPOT, channel: str = "books1", symbol: str = "BTCUSDT") -> dict[str, str]:
    kind = "spot" if market is Market.SPOT else "usdt-futures"
    if version == "v3":
        return {"instType": kind, "topic": channel, "symbol": symbol}
    return {"instType": kind.upper(), "channel": channel, "instId": symbol}


def books1(version: str = "v3", market: Market = Market.SPOT, bids: Levels = BIDS, asks: Levels = ASKS) -> str:
    bid_key, ask_key = SIDES[version]
    top = {ask_key: asks, bid_key: bids, "ts": "1777358880105", "seq": 451057506670, "pseq": 0}
    return json.dumps({"action": "snapshot", "arg": arg(version, market), "data": [top], "ts": 1777358880106})


@pytest.mark.parametrize("version", SIDES)
@pytest.mark.parametrize(("market", "symbol"), [(Market.SPOT, "BTC/USDT"), (Market.PERP, "BTC/USDT:USDT")])
def test_both_generations_are_read_with_the_time_of_the_book(version: str, market: Market, symbol: str) -> None:
    quotes = Connection("bitget", symbol, market=market).feed(books1(version, market))
    assert list(quotes) == [Quote(0, 76671.22, 0.531211, 76671.23, 0.41581, 1777358880105)]


@pytest.mark.parametrize("version", SIDES)
def test_the_other_market_of_the_same_name_is_not_mistaken_for_this_one(version: str) -> None:
    assert list(Connection("bitget", "BTC/USDT").feed(books1(version, Market.PERP))) == []
    perp = Connection("bitget", "BTC/USDT:USDT", market=Market.PERP)
    assert list(perp.feed(books1(version, Market.SPOT))) == []


@pytest.mark.parametrize("version", SIDES)
@pytest.mark.parametrize("market", list(Market))
def test_a_tape_of_both_markets_is_told_apart(version: str, market: Market) -> None:
    connection = Connection("bitget", market=market)
    quotes = [*connection.feed(books1(version, Market.SPOT)), *connection.feed(books1(version, Market.PERP))]
    symbols = {each.id: each.symbol for each in connection.by_rule.all}
    assert [symbols[quote.instrument_id] for quote in quotes] == ["BTC/USDT", "BTC/USDT:USDT"]


@pytest.mark.parametrize("version", SIDES)
@pytest.mark.parametrize(("bids", "asks", "reason"), [([], ASKS, "no bid"), (BIDS, [], "no ask"), ([], [], "no bid")])
def test_an_empty_list_is_an_empty_side(version: str, bids: Levels, asks: Levels, reason: str) -> None:
    (quote,) = Connection("bitget", "BTC/USDT").feed(books1(version, bids=bids, asks=asks))
    assert reason_words(defect(quote)) == reason


@pytest.mark.parametrize(
    "change", [{"a": None}, {"b": None}, {"a": [["1"]]}, {"b": [["price", "1"]]}, {"ts": "soon"}, {"ts": str(2**63)}]
)
def test_a_side_or_a_time_that_cannot_be_read_is_bad(change: dict[str, object]) -> None:
    frame = json.loads(books1())
    frame["data"][0].update(change)
    with pytest.raises(BadFrame):
        Connection("bitget", "BTC/USDT").feed(json.dumps(frame))


@pytest.mark.parametrize(("version", "side"), [(version, side) for version, keys in SIDES.items() for side in keys])
def test_a_missing_side_is_bad_and_no_empty_one(version: str, side: str) -> None:
    frame = json.loads(books1(version))
    del frame["data"][0][side]
    with pytest.raises(BadFrame, match="asks and bids"):
        Connection("bitget", "BTC/USDT").feed(json.dumps(frame))


@pytest.mark.parametrize(
    "frame",
    [
        '{"action":"snapshot","arg":{"instType":"sp","channel":"books1","instId":"BTCUSDT"},"data":[{"asks":[["2","1"]],'
        '"bids":[["1","1"]],"ts":"1649290077309"}]}',
        '{"action":"snapshot","arg":{"instType":"mc","channel":"ticker","instId":"BTCUSDT"},"data":[{"bestBid":"1"}]}',
        '{"action":"partial","data":[{"asks":[["2","5"]],"bids":[["1","5"]],"instrument_id":"cmt_btcusdt",'
        '"timestamp":"1622432420458"}],"table":"swap/depth"}',
        '{"op":"subscribe","args":[]}',
    ],
)
@pytest.mark.parametrize("market", list(Market))
def test_retired_generations_and_requests_are_refused(frame: str, market: Market) -> None:
    with pytest.raises(BadFrame, match="of Bitget v3 or v2"):
        Connection("bitget", market=market).feed(frame)


def error(words: str, **more: object) -> str:
    return json.dumps({"event": "error", "code": 30001, "msg": words, **more})


@pytest.mark.parametrize(
    "frame",
    [
        error('{"instType":"spot","symbol":"NOPEUSDT","topic":"books1"} doesn\'t exist', connId="9f1c"),
        error("instType:SPOT,channel:books1,instId:NOPEUSDT doesn't exist", arg=arg("v2", symbol="NOPEUSDT")),
    ],
)
def test_a_refused_argument_is_named(frame: str) -> None:
    with pytest.raises(VenueRejected, match="30001") as rejected:
        Connection("bitget").feed(frame)
    assert rejected.value.venue_symbol == "NOPEUSDT"


def test_an_error_without_an_argument_rejects_the_request() -> None:
    with pytest.raises(VenueRejected, match="30003: Illegal op") as rejected:
        Connection("bitget").feed('{"event":"error","code":"30003","msg":"Illegal op"}')
    assert rejected.value.venue_symbol == ""


def test_the_pong_is_text_and_the_ping_comes_in_time() -> None:
    assert list(Connection("bitget").feed("pong")) == []
    for declared in VENUES["bitget"].markets:
        assert declared.keep_alive is not None
        assert declared.keep_alive.send == "ping"
        assert declared.keep_alive.every_s < 30 < declared.max_silence_s


def test_requests_stay_within_the_arguments_and_bytes_of_one_frame() -> None:
    wanted = instruments("bitget", *(f"COIN{number}/USDT" for number in range(50)))
    asked = VENUES["bitget"].subscribe(wanted)
    assert [len(json.loads(frame)["args"]) for frame in asked] == [20, 20, 10]
    assert max(len(frame.encode()) for frame in asked) <= 4096
    assert json.loads(asked[0])["args"][0] == {"instType": "spot", "topic": "books1", "symbol": "COIN0USDT"}
    assert [json.loads(frame)["op"] for frame in VENUES["bitget"].unsubscribe(wanted)] == ["unsubscribe"] * 3


def facts(version: str, **ticker: str) -> list[object]:
    connection = Connection("bitget", "BTC/USDT:USDT", market=Market.PERP)
    frame = {"action": "snapshot", "arg": arg(version, Market.PERP, "ticker"), "data": [ticker], "ts": 1777358880110}
    assert list(connection.feed(json.dumps(frame))) == []
    return list(connection.parser.asides)


@pytest.mark.parametrize(("version", "interest"), [("v3", "openInterest"), ("v2", "holdingAmount")])
def test_the_ticker_tells_funding_mark_and_open_interest(version: str, interest: str) -> None:
    ticker = {"markPrice": "76670.1", "indexPrice": "76690.5", "fundingRate": "0.00007", interest: "30123.5"}
    assert facts(version, nextFundingTime="1777363200000", **ticker) == [
        Funding(0, 0.007, 1777363200000, 8.0, at_ms=1777358880110),
        Mark(0, 76670.1, 76690.5, 1777358880110),
        OpenInterest(0, 30123.5, 1777358880110),
    ]


@pytest.mark.parametrize("nothing", ["", "nan", "soon", "1e999"])
def test_a_ticker_without_a_number_tells_no_fact(nothing: str) -> None:
    assert facts("v3", markPrice=nothing, indexPrice=nothing, fundingRate=nothing, openInterest=nothing) == []
    found = facts("v3", markPrice="1", indexPrice=nothing, fundingRate="-0.0001", nextFundingTime=nothing)
    assert found == [Funding(0, -0.01, None, 8.0, at_ms=1777358880110), Mark(0, 1.0, None, 1777358880110)]


def test_facts_are_asked_for_on_the_ticker_of_perpetuals_alone() -> None:
    (frame,) = VENUES["bitget"].subscribe_facts(instruments("bitget", "BTC/USDT:USDT"))
    assert json.loads(frame) == {"op": "subscribe", "args": [arg("v3", Market.PERP, "ticker")]}
    assert VENUES["bitget"].subscribe_facts(instruments("bitget", "BTC/USDT")) == []


def test_the_lists_tell_steps_minimums_and_what_trades() -> None:
    assert listing("bitget", Market.SPOT) == {
        "BTCUSDT": Listing(tick=0.01, lot=0.000001, min_worth=1.0, listed_ms=1532454360000),
        "WAITUSDT": Listing(is_trading=False, words="gray", tick=0.0001, lot=1.0, min_worth=1.0),
    }
    perp = listing("bitget", Market.PERP)
    assert list(perp) == ["BTCUSDT", "1000BONKUSDT", "OLDUSDT"]
    assert perp["BTCUSDT"] == Listing(tick=0.1, lot=0.0001, min_size=0.0001, min_worth=5.0, funding_interval_h=8.0)
    # 5 steps of a millionth.
    assert (perp["1000BONKUSDT"].tick, perp["1000BONKUSDT"].lot) == (0.000005, 10.0)
    assert (perp["1000BONKUSDT"].funding_interval_h, perp["1000BONKUSDT"].listed_ms) == (4.0, 1702000000000)
    assert perp["OLDUSDT"].fault == Reason(ReasonCode.NOT_TRADING, words="off")


def test_a_list_that_is_an_error_is_refused_in_the_venues_words() -> None:
    with pytest.raises(BadFrame, match="System is abnormal"):
        VENUES["bitget"].parse_listings(b'{"code":"40015","msg":"System is abnormal","data":null}')


@pytest.mark.parametrize(
    ("spelled", "market", "symbol"),
    [
        ("BTCUSDT", Market.SPOT, "BTC/USDT"),
        ("BTCUSDT", Market.PERP, "BTC/USDT:USDT"),
        ("1000BONKUSDT", Market.PERP, "BONK/USDT:USDT"),
        ("1INCHUSDT", Market.SPOT, "1INCH/USDT"),
        ("BTCUSDT_DELIVERY", Market.PERP, ""),
        ("BTCPERP", Market.PERP, ""),
        ("perp:BTCUSDT", Market.SPOT, "BTC/USDT:USDT"),
    ],
)
def test_spellings_tell_the_symbol(spelled: str, market: Market, symbol: str) -> None:
    assert VENUES["bitget"].unified(spelled, market) == symbol
