"""KuCoin: frames of the unified account, XBT for BTC, lots turned into coins, facts beside quotes, classic frames."""

import json

import pytest
from venue_frames import Connection, instruments, listing

from arbsniper_tui.model.errors import BadFrame, VenueRejected
from arbsniper_tui.model.fact import Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Ready
from arbsniper_tui.venues.listing import Listing

Levels = list[list[str]]

BIDS: Levels = [["64000.1", "500"]]
ASKS: Levels = [["64000.2", "30"]]


def obu(symbol: str = "BTC-USDT", bids: Levels = BIDS, asks: Levels = ASKS, time: object = 1785121200123000000) -> str:
    """A frame as the venue's page shows it for depth 1."""
    data = {"C": 20452522782, "M": time, "O": 20452522782, "a": asks, "b": bids, "s": symbol}
    kind = "obu.SPOT" if "-" in symbol else "obu.FUTURES"
    return json.dumps({"T": kind, "dp": "1", "t": "snapshot", "P": 1785121200126000509, "d": data})


def perp(*symbols: str, listed: bool = True) -> Connection:
    return Connection("kucoin", *symbols, market=Market.PERP, listed=listed)


def fact(kind: str, data: dict[str, object], pushed: int = 1785121200967760880) -> str:
    return json.dumps({"T": kind, "P": pushed, "d": data})


MARK = {"s": "XBTUSDTM", "mp": "64001.79", "ip": "64003.81", "oi": "11481754", "ts": 1785121200000}
FEE = {"s": "XBTUSDTM", "fr": "-0.000076", "lfr": "-0.000019", "nt": 1785139200000, "gl": 28800000}


def test_spot_sizes_are_coins_and_the_time_is_that_of_matching() -> None:
    quotes = Connection("kucoin", "BTC/USDT").feed(obu())
    assert list(quotes) == [Quote(0, 64000.1, 500.0, 64000.2, 30.0, 1785121200123, 20452522782)]


@pytest.mark.parametrize("symbol", ["BTC/USDT:USDT", "BTC/USD:BTC"])
def test_lots_are_turned_into_coins(symbol: str) -> None:
    (quote,) = perp(symbol).feed(obu("XBTUSDTM" if symbol.endswith("USDT") else "XBTUSDM"))
    linear, one_usd_each = (0.5, 0.03), (500 / 64000.1, 30 / 64000.2)
    expected = linear if symbol.endswith("USDT") else one_usd_each
    assert (quote.bid_size, quote.ask_size) == pytest.approx(expected, abs=1e-8)


def test_a_lot_of_a_cheap_coin_is_many_coins() -> None:
    (quote,) = perp("PEPE/USDT:USDT").feed(obu("PEPEUSDTM", [["0.0000114", "9"]], [["0.0000115", "40"]]))
    assert (quote.bid_size, quote.ask_size) == (90_000_000.0, 400_000_000.0)


def test_lots_of_unknown_size_are_no_quote() -> None:
    with pytest.raises(BadFrame, match=r"expected its contract size in the list .*XBTUSDTM"):
        perp("BTC/USDT:USDT", listed=False).feed(obu("XBTUSDTM"))


@pytest.mark.parametrize("time", ["1785121200123000000", 1785121200123456789, 1785121200123456, 1785121200123], ids=str)
def test_a_time_may_be_text_or_number_in_ns_us_or_ms(time: object) -> None:
    (quote,) = Connection("kucoin", "BTC/USDT").feed(obu(time=time))
    assert quote.ts_venue_ms == 1785121200123


def test_a_frame_without_a_time_has_none() -> None:
    (quote,) = Connection("kucoin", "BTC/USDT").feed(obu(time=None))
    assert quote.ts_venue_ms is None


def test_a_side_without_orders_has_price_0_and_a_missing_one_is_a_bad_frame() -> None:
    (quote,) = Connection("kucoin", "BTC/USDT").feed(obu(bids=[]))
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == (0.0, 0.0, 64000.2, 30.0)
    for missing in ("a", "b", "s"):
        frame = json.loads(obu())
        del frame["d"][missing]
        with pytest.raises(BadFrame, match="expected a KuCoin UTA frame"):
            Connection("kucoin", "BTC/USDT").feed(json.dumps(frame))


@pytest.mark.parametrize("depth", ["5", "50", "increment", "increment@10ms"])
def test_books_of_another_depth_are_passed_over(depth: str) -> None:
    frame = json.loads(obu()) | {"dp": depth}
    assert list(Connection("kucoin", "BTC/USDT").feed(json.dumps(frame))) == []


def test_subscriptions_begin_with_the_welcome() -> None:
    connection = Connection("kucoin", "BTC/USDT")
    assert list(connection.feed('{"sessionId":"x","message":"welcome","pingInterval":18000}')) == []
    assert connection.parser.asides == [Ready()]


def test_a_refusal_names_its_symbol_by_the_id_of_the_request() -> None:
    (asked,) = VENUES["kucoin"].subscribe(instruments("kucoin", "BTC/USDT"))
    words = "symbols are not supported for topic obu"
    with pytest.raises(VenueRejected, match=words) as refused:
        Connection("kucoin", "BTC/USDT").feed(
            json.dumps({"id": json.loads(asked)["id"], "result": False, "reason": words})
        )
    assert refused.value.venue_symbol == "BTC-USDT"
    with pytest.raises(VenueRejected, match="invalid request data"):
        Connection("kucoin").feed('{"id":"p18","result":"false","message":"invalid request data"}')
    with pytest.raises(VenueRejected, match="400100 invalid symbol"):
        Connection("kucoin").feed('{"id":"1","type":"error","code":400100,"msg":"invalid symbol"}')


def test_a_refused_unsubscription_bars_nothing() -> None:
    (taken_back,) = VENUES["kucoin"].unsubscribe(instruments("kucoin", "BTC/USDT"))
    answer = {"id": json.loads(taken_back)["id"], "result": False, "message": "invalid request data"}
    assert list(Connection("kucoin", "BTC/USDT").feed(json.dumps(answer))) == []


def test_each_symbol_has_a_frame_of_its_own() -> None:
    frames = [json.loads(each) for each in VENUES["kucoin"].subscribe(instruments("kucoin", "BTC/USDT", "ETH/USDT"))]
    assert [frame["symbol"] for frame in frames] == ["BTC-USDT", "ETH-USDT"]
    wanted = {"id": "XBTUSDTM", "action": "SUBSCRIBE", "channel": "obu", "symbol": "XBTUSDTM"}
    (frame,) = VENUES["kucoin"].subscribe(instruments("kucoin", "BTC/USDT:USDT"))
    assert json.loads(frame) == wanted | {"tradeType": "FUTURES", "depth": "1"}


def test_facts_are_asked_for_on_two_channels_under_ids_that_are_no_symbol() -> None:
    frames = [json.loads(each) for each in VENUES["kucoin"].subscribe_facts(instruments("kucoin", "BTC/USDT:USDT"))]
    assert [(frame["channel"], frame["symbol"]) for frame in frames] == [
        ("mark-price", "XBTUSDTM"),
        ("funding-fee", "XBTUSDTM"),
    ]
    assert not {"XBTUSDTM"} & {frame["id"] for frame in frames}
    assert VENUES["kucoin"].subscribe_facts(instruments("kucoin", "BTC/USDT")) == []


def test_mark_index_and_open_interest_are_told_beside_quotes() -> None:
    connection = perp("BTC/USDT:USDT")
    assert list(connection.feed(fact("mark-price", MARK))) == []
    assert connection.parser.asides == [
        Mark(0, 64001.79, 64003.81, 1785121200000),
        OpenInterest(0, 11481.754, 1785121200000),
    ]


def test_open_interest_of_an_inverse_perpetual_is_counted_in_usd() -> None:
    connection = perp("BTC/USD:BTC")
    connection.feed(fact("mark-price", MARK | {"s": "XBTUSDM", "mp": "64000", "oi": "128000000"}))
    assert OpenInterest(0, 2000.0, 1785121200000) in connection.parser.asides


def test_funding_is_told_in_percent_with_its_interval_and_next_time() -> None:
    connection = perp("BTC/USDT:USDT")
    assert list(connection.feed(fact("funding-fee", FEE))) == []
    assert connection.parser.asides == [Funding(0, -0.0076, 1785139200000, 8.0, at_ms=1785121200967)]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("mark-price", MARK | {"mp": "nan"}),
        ("mark-price", MARK | {"mp": "0"}),
        ("mark-price", MARK | {"mp": "inf"}),
        ("mark-price", {"s": "XBTUSDTM"}),
        ("funding-fee", FEE | {"fr": "nan"}),
        ("funding-fee", FEE | {"fr": "12"}),
        ("funding-fee", {"s": "XBTUSDTM"}),
    ],
)
def test_facts_that_cannot_be_are_bad_frames(kind: str, data: dict[str, object]) -> None:
    connection = perp("BTC/USDT:USDT")
    with pytest.raises(BadFrame, match="KuCoin"):
        connection.feed(fact(kind, data))
    assert connection.parser.asides == []


def test_facts_of_what_nobody_watches_and_of_unknown_size_are_left_out() -> None:
    connection = perp("ETH/USDT:USDT")
    assert [list(connection.feed(fact(*each))) for each in (("mark-price", MARK), ("funding-fee", FEE))] == [[], []]
    assert connection.parser.asides == []
    connection = perp("BTC/USDT:USDT", listed=False)
    connection.feed(fact("mark-price", MARK))
    assert connection.parser.asides == [Mark(0, 64001.79, 64003.81, 1785121200000)]


@pytest.mark.parametrize(
    "frame",
    [
        '{"topic":"/spotMarket/level1:BTC-USDT","type":"message","subject":"level1","data":{"asks":["2","1"],'
        '"bids":["1","1"],"timestamp":1785121200123}}',
        '{"topic":"/contractMarket/tickerV2:XBTUSDTM","type":"message","subject":"tickerV2","sn":1,"data":{"symbol":'
        '"XBTUSDTM","bestBidSize":1,"bestBidPrice":"1","bestAskPrice":"2","bestAskSize":1,"ts":1785121200123000000}}',
        '{"id":"hQvf8jkno","type":"welcome"}',
        '{"id":"1","type":"ack"}',
    ],
)
def test_frames_of_the_classic_sockets_are_refused(frame: str) -> None:
    with pytest.raises(BadFrame, match="expected a frame of KuCoin's UTA sockets"):
        perp().feed(frame)


@pytest.mark.parametrize(
    ("spelled", "symbol"),
    [
        ("XBTUSDTM", "BTC/USDT:USDT"),
        ("XBTUSDCM", "BTC/USDC:USDC"),
        ("XBTUSDM", "BTC/USD:BTC"),
        ("ETHUSDTM", "ETH/USDT:USDT"),
        ("1000BONKUSDTM", "BONK/USDT:USDT"),
        ("XBTMZ26", ""),
        ("XBTMM22", ""),
        ("BTC-USDT", "BTC/USDT"),
    ],
)
def test_spellings_tell_the_symbol(spelled: str, symbol: str) -> None:
    assert VENUES["kucoin"].unified(spelled, Market.PERP) == symbol


def test_the_lists_give_sizes_steps_and_what_is_halted() -> None:
    assert listing("kucoin", Market.SPOT) == {
        "BTC-USDT": Listing(tick=0.1, lot=1e-8, min_size=1e-5, min_worth=0.1, listed_ms=1508976000000),
        "ETH-BTC": Listing(tick=1e-5, lot=1e-7, min_size=0.0001),
        "OLD-USDT": Listing(is_trading=False, tick=0.0001, lot=0.01, min_size=1.0, min_worth=0.1),
    }
    futures = listing("kucoin", Market.PERP)
    assert set(futures) == {"XBTUSDTM", "ETHUSDTM", "PEPEUSDTM", "XBTUSDM", "OLDUSDTM"}, "dated contracts are left out"
    expected = Listing(0.001, tick=0.1, lot=1.0, min_size=1.0, listed_ms=1585555200000, funding_interval_h=8.0)
    assert futures["XBTUSDTM"] == expected
    assert (futures["XBTUSDM"].contract_size, futures["XBTUSDM"].is_inverse) == (1.0, True)
    assert (futures["PEPEUSDTM"].contract_size, futures["PEPEUSDTM"].funding_interval_h) == (1e7, 4.0)
    assert futures["OLDUSDTM"].fault == Reason(ReasonCode.NOT_TRADING, words="Paused")


@pytest.mark.parametrize(
    ("multiplier", "is_inverse"), [(None, False), (0, False), (-1, False), (1, True), (0, True), (None, True)]
)
def test_a_perpetual_without_a_lot_size_is_not_taken_for_one_coin_a_lot(
    multiplier: float | None, is_inverse: bool
) -> None:
    row = {"symbol": "XBTUSDTM", "type": "FFWCSX", "status": "Open", "multiplier": multiplier, "isInverse": is_inverse}
    listed = VENUES["kucoin"].parse_listings(json.dumps({"code": "200000", "data": [row]}).encode())
    assert listed["XBTUSDTM"].fault == Reason(ReasonCode.NO_CONTRACT_SIZE)


def test_a_list_that_is_an_error_is_refused_in_the_venues_words() -> None:
    with pytest.raises(BadFrame, match="Too many requests"):
        VENUES["kucoin"].parse_listings(b'{"code":"429000","msg":"Too many requests"}')
