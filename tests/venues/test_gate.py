"""Gate: two markets with the same spellings, contracts told as numbers or texts, seconds beside ms."""

import json

import pytest
from venue_frames import Connection, instruments, list_body, listing

from arbsniper_tui.model.errors import BadFrame, VenueClosing, VenueRejected
from arbsniper_tui.model.fact import Fact, Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing

GATE = VENUES["gate"]
NOW_MS = 1785121200500


def book_ticker(family: str = "spot", **changes: object) -> str:
    top: dict[str, object] = {"t": 1671363004228, "u": 9793320464, "s": "BTC_USDT"}
    top |= {"b": "16716.8", "B": "0.0134", "a": "16716.9", "A": "0.0353"} | changes
    return json.dumps(
        {"time": 1671363004, "time_ms": 1671363004235, "channel": f"{family}.book_ticker", "event": "update"}
        | {"result": {key: value for key, value in top.items() if value is not ...}}
    )


def spot() -> Connection:
    return Connection("gate", "BTC/USDT")


def perp(*symbols: str, listed: bool = True) -> Connection:
    return Connection("gate", *(symbols or ("BTC/USDT:USDT",)), market=Market.PERP, listed=listed)


def test_spot_sizes_are_coins() -> None:
    assert list(spot().feed(book_ticker())) == [Quote(0, 16716.8, 0.0134, 16716.9, 0.0353, 1671363004228, 9793320464)]


@pytest.mark.parametrize(("bid_size", "ask_size"), [(107847, 5808), ("107847", "5808")])
def test_contracts_are_told_as_numbers_or_texts_and_turned_into_coins(bid_size: int | str, ask_size: int | str) -> None:
    (quote,) = perp().feed(book_ticker("futures", B=bid_size, A=ask_size))
    assert (quote.bid_size, quote.ask_size) == (10.7847, 0.5808)


def test_a_part_of_a_contract_keeps_its_decimals() -> None:
    (quote,) = perp("ETH/USDT:USDT").feed(book_ticker("futures", s="ETH_USDT", B="0.25", A="1053.5"))
    assert (quote.bid_size, quote.ask_size) == (0.0025, 10.535)


def test_a_perpetual_needs_its_contract_size() -> None:
    with pytest.raises(BadFrame, match=r"contract size.*BTC_USDT"):
        perp(listed=False).feed(book_ticker("futures"))
    assert [each.needs_list for each in GATE.markets] == [False, True]


def test_one_market_does_not_read_the_frames_of_the_other() -> None:
    assert list(spot().feed(book_ticker("futures"))) == []
    assert list(perp().feed(book_ticker("spot"))) == []


@pytest.mark.parametrize("no_size", ["", "0", 0])
@pytest.mark.parametrize(("side", "reason"), [("bB", "no bid"), ("aA", "no ask")])
def test_an_empty_price_is_an_empty_side(side: str, reason: str, no_size: str | int) -> None:
    changes = {side[0]: "", side[1]: no_size}
    for connection, family in ((spot(), "spot"), (perp(), "futures")):
        (quote,) = connection.feed(book_ticker(family, **changes))
        assert reason_words(defect(quote)) == reason


@pytest.mark.parametrize("key", ["b", "B", "a", "A"])
@pytest.mark.parametrize("value", [..., None, "much", [], True])
def test_a_side_that_is_missing_or_no_number_is_bad(key: str, value: object) -> None:
    with pytest.raises(BadFrame):
        spot().feed(book_ticker(**{key: value}))


@pytest.mark.parametrize(
    "frame",
    [
        '{"method":"depth.update","params":[true,{"asks":[],"bids":[["1","2"]]},"BTC_USDT"],"id":null}',
        '{"method":"ticker.update","params":["BTC_USDT",{"last":"1"}],"id":null}',
        '{"channel":"ticker","event":"update","result":{}}',
    ],
)
def test_version_3_and_channels_of_others_are_refused(frame: str) -> None:
    with pytest.raises(BadFrame, match="Gate v4"):
        spot().feed(frame)


@pytest.mark.parametrize("message", ["unknown currency pair: XYZ_USDT", "unknown currency pair XYZ_USDT"])
def test_an_unknown_pair_is_named(message: str) -> None:
    frame = {"time": 1, "channel": "spot.book_ticker", "event": "subscribe", "payload": ["XYZ_USDT"]}
    with pytest.raises(VenueRejected, match="2: unknown currency pair") as rejected:
        spot().feed(json.dumps(frame | {"error": {"code": 2, "message": message}, "result": {"status": "fail"}}))
    assert rejected.value.venue_symbol == "XYZ_USDT"


def test_an_error_that_names_no_pair_rejects_the_request() -> None:
    with pytest.raises(VenueRejected, match="1: invalid body") as rejected:
        spot().feed('{"channel":"spot.book_ticker","event":"subscribe","error":{"code":1,"message":"invalid body"}}')
    assert rejected.value.venue_symbol == ""


def test_an_announced_restart_asks_for_a_new_connection() -> None:
    with pytest.raises(VenueClosing, match="restart in 30 s"):
        perp().feed('{"channel":"futures.system","event":"update","result":{"type":"upgrade","msg":"restart in 30 s"}}')
    assert list(perp().feed('{"channel":"futures.system","event":"update","result":{"type":"other"}}')) == []


def test_each_pair_is_asked_for_by_itself_and_with_the_time() -> None:
    frames = GATE.subscribe(instruments("gate", "BTC/USDT", "ETH/USDT"), NOW_MS)
    assert [json.loads(frame) for frame in frames] == [
        {"time": 1785121200, "channel": "spot.book_ticker", "event": "subscribe", "payload": [name]}
        for name in ("BTC_USDT", "ETH_USDT")
    ]
    (frame,) = GATE.unsubscribe(instruments("gate", "BTC/USDT:USDT"), NOW_MS)
    assert json.loads(frame) == {
        "time": 1785121200,
        "channel": "futures.book_ticker",
        "event": "unsubscribe",
        "payload": ["BTC_USDT"],
    }


@pytest.mark.parametrize(("market", "family"), [(Market.SPOT, "spot"), (Market.PERP, "futures")])
def test_the_ping_is_json_with_the_time_in_seconds(market: Market, family: str) -> None:
    declared = GATE.market(market)
    assert declared is not None
    assert declared.keep_alive is not None
    assert json.loads(declared.keep_alive.frame(1, NOW_MS)) == {"time": 1785121200, "channel": f"{family}.ping"}
    assert declared.keep_alive.every_s < 30 < declared.max_silence_s


def test_perpetuals_ask_for_decimals_in_the_handshake() -> None:
    assert [dict(each.headers) for each in GATE.markets] == [{}, {"X-Gate-Size-Decimal": "1"}]


@pytest.mark.parametrize("spelled", ["BTC_USDT_20210326", "BTC", "_USDT", "BTC_"])
def test_dated_contracts_and_fragments_are_no_symbols(spelled: str) -> None:
    assert GATE.unified(spelled, Market.PERP) == ""


def test_the_list_says_what_a_pair_is() -> None:
    assert listing("gate", Market.SPOT) == {
        "BTC_USDT": Listing(tick=0.1, lot=1e-6, min_size=1e-5, min_worth=3.0, listed_ms=1451606400000),
        "1INCH_USDT": Listing(tick=1e-4, lot=0.1, min_worth=3.0),
        "OLD_USDT": Listing(is_trading=False, words="sellable", tick=1e-5, lot=0.01, min_worth=3.0),
    }


def test_the_list_says_what_a_contract_is_and_stocks_are_left_out() -> None:
    assert listing("gate", Market.PERP) == {
        "BTC_USDT": Listing(0.0001, tick=0.1, lot=1.0, min_size=1.0, listed_ms=1574035200000, funding_interval_h=8.0),
        "ETH_USDT": Listing(0.01, tick=0.05, min_size=0.1, funding_interval_h=4.0),
        "OLD_USDT": Listing(10.0, is_trading=False, words="in delisting", tick=0.0001, lot=1.0, min_size=1.0),
    }


@pytest.mark.parametrize("changes", [{"quanto_multiplier": "0"}, {"quanto_multiplier": ""}, {"type": "inverse"}])
def test_a_contract_without_a_sound_size_takes_no_part(changes: dict[str, str]) -> None:
    rows = json.loads(list_body("gate", Market.PERP))
    found = GATE.parse_listings(json.dumps([rows[0] | changes]).encode())
    assert found["BTC_USDT"].fault == Reason(ReasonCode.NO_CONTRACT_SIZE)


def test_a_list_that_is_an_error_is_refused() -> None:
    with pytest.raises(BadFrame, match="SERVER_ERROR"):
        GATE.parse_listings(b'{"label":"SERVER_ERROR","message":"maintenance"}')


BTC_FACTS: list[Fact] = [
    Funding(0, 0.0081, next_ms=1785139200000, interval_h=8.0),
    Mark(0, 64189.3, 64170.9),
    OpenInterest(0, 620.4118),
]


def at(fact: Fact, at_ms: int) -> Fact:
    return type(fact)(**{field: getattr(fact, field) for field in fact.__struct_fields__} | {"at_ms": at_ms})


def tickers(**changes: object) -> str:
    row = {"contract": "BTC_USDT", "mark_price": "64189.3", "funding_rate": "0.000081", "t": 1785121202801}
    row |= {"funding_interval": 28800, "funding_next_apply": 1785139200, "index_price": "64170.9"}
    row |= {"total_size": "6204118"} | changes
    return json.dumps({"time": 1785121202, "channel": "futures.tickers", "event": "update", "result": [row]})


def test_the_stream_of_tickers_tells_the_slow_facts() -> None:
    connection = perp()
    assert list(connection.feed(tickers())) == []
    assert connection.parser.asides == [at(each, 1785121202801) for each in BTC_FACTS]
    (frame,) = GATE.subscribe_facts(instruments("gate", "BTC/USDT:USDT"), NOW_MS)
    assert (json.loads(frame)["channel"], json.loads(frame)["payload"]) == ("futures.tickers", ["BTC_USDT"])


def test_what_a_ticker_leaves_open_is_not_told() -> None:
    connection = perp()
    connection.feed(tickers(funding_rate="", mark_price=None, total_size=""))
    assert connection.parser.asides == []
    connection.feed(tickers(funding_next_apply=None, funding_interval=0, index_price="", t=None))
    assert connection.parser.asides == [Funding(0, 0.0081), Mark(0, 64189.3), BTC_FACTS[2]]


@pytest.mark.parametrize("rate", ["nan", "inf", 1e300, "much"])
def test_a_rate_that_is_no_number_is_bad(rate: object) -> None:
    with pytest.raises(BadFrame):
        perp().feed(tickers(funding_rate=rate))


def test_the_list_of_contracts_tells_the_same_of_those_that_are_watched() -> None:
    watched = {each.venue_symbol: each for each in instruments("gate", "BTC/USDT:USDT", "ETH/USDT:USDT")}
    body, listings = list_body("gate", Market.PERP), listing("gate", Market.PERP)
    assert list(GATE.parse_facts(body, watched.get, listings)) == [
        *BTC_FACTS,
        Funding(1, -0.002, next_ms=1785124800000, interval_h=4.0),
        Mark(1, 3201.3),
        OpenInterest(1, 8802.115),
    ]
