"""MEXC: protobuf beside text acks on spot, whole books of contracts on the perpetual market."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from venue_frames import Connection, frames, instruments, listing

from arbsniper_tui.model.errors import BadFrame, FrameError, VenueRejected
from arbsniper_tui.model.fact import Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing

MEXC = VENUES["mexc"]
TOPIC = "spot@public.aggre.bookTicker.v3.api.pb@10ms@"


def text(field: int, held: bytes | str) -> bytes:
    """One field of a length below 128 and a number below 16, or 313 to 315."""
    held = held.encode() if isinstance(held, str) else held
    tag = bytes([field << 3 | 2]) if field < 16 else {313: b"\xca\x13", 314: b"\xd2\x13", 315: b"\xda\x13"}[field]
    return tag + bytes([len(held)]) + held


def ticker(*fields: str, symbol: str = "BTCUSDT", more: bytes = b"") -> bytes:
    """A frame with bid, its size, ask and its size; an empty text leaves its field away."""
    top = b"".join(text(number, each) for number, each in enumerate(fields, 1) if each)
    return text(1, TOPIC + symbol) + text(3, symbol) + b"\x30\xe2\x87\x80\x9f\xef\x33" + text(315, top + more)


def perp(*symbols: str, listed: bool = True) -> Connection:
    return Connection("mexc", *symbols, market=Market.PERP, listed=listed)


def depth(bids: object, asks: object, symbol: str = "BTC_USDT") -> str:
    data = {"cts": 1785121200081, "asks": asks, "bids": bids, "version": 77}
    return json.dumps({"symbol": symbol, "data": data, "channel": "push.depth.full", "ts": 1785121200085})


def test_a_frame_written_by_another_encoder_gives_its_quote() -> None:
    frame = (
        "0a3373706f74407075626c69632e61676772652e626f6f6b5469636b65722e76332e6170692e70624031306d7340425443555344541a07"
        "4254435553445430e287809fef33da13290a0836323338332e3536120a302e30373935363635311a0836323338332e35372207302e3039"
        "353536"
    )
    assert list(Connection("mexc", "BTC/USDT").feed(bytes.fromhex(frame))) == [
        Quote(0, 62383.56, 0.07956651, 62383.57, 0.09556, 1782208005090)
    ]
    assert bytes.fromhex(frame) == ticker("62383.56", "0.07956651", "62383.57", "0.09556")


def test_deals_of_another_encoder_pass() -> None:
    frame = (
        "0a2e73706f74407075626c69632e61676772652e6465616c732e76332e6170692e70624031306d7340425443555344541a074254435553"
        "445430"
        "9b90809fef33d213490a1f0a0836323338332e3536120a302e30303030383233351802209790809fef33122673706f74407075626c6963"
        "2e61676772652e6465616c732e76332e6170692e70624031306d73"
    )
    assert list(Connection("mexc", "BTC/USDT").feed(bytes.fromhex(frame))) == []


def test_fields_that_nobody_knows_are_skipped_wherever_they_stand() -> None:
    unknown = b"\x7b\x0a\x01x\x7c" + b"\x79" + b"8 bytes." + b"\x7d" + b"4 by" + text(14, "text") + b"\x70\xff\x01"
    frame = unknown + ticker("1.5", "2", "1.6", "3", more=unknown) + unknown
    # Field 15 as a group would make the first byte that of a JSON frame.
    frame = frame.removeprefix(b"\x7b\x0a\x01x\x7c")
    assert list(Connection("mexc", "BTC/USDT").feed(frame)) == [Quote(0, 1.5, 2.0, 1.6, 3.0, 1782208005090)]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (("", "", "62383.57", "0.09"), "no bid"),
        (("62383.56", "0.07", "", ""), "no ask"),
        (("0", "0", "62383.57", "0.09"), "no bid"),
        (("", "", "", ""), "no bid"),
    ],
)
def test_a_missing_price_is_an_empty_side(fields: tuple[str, ...], reason: str) -> None:
    (quote,) = Connection("mexc", "BTC/USDT").feed(ticker(*fields))
    assert reason_words(defect(quote)) == reason


@pytest.mark.parametrize(
    "price", ["nan", "NaN", "inf", "1_0", "0x10", "٣", "1,5", "1e999", "price", "1 2", "{}", "\x00"]
)
def test_a_price_that_is_no_number_is_bad(price: str) -> None:
    with pytest.raises(BadFrame, match="aggre.bookTicker"):
        Connection("mexc", "BTC/USDT").feed(ticker(price, "1", "2", "1"))


def test_a_time_that_is_missing_is_not_made_up() -> None:
    frame = ticker("1", "1", "2", "1").replace(b"\x30\xe2\x87\x80\x9f\xef\x33", b"")
    assert list(Connection("mexc", "BTC/USDT").feed(frame)) == [Quote(0, 1.0, 1.0, 2.0, 1.0)]


@pytest.mark.parametrize(
    "frame",
    [
        text(1, TOPIC + "BTCUSDT") + text(3, "BTCUSDT"),
        text(3, "BTCUSDT"),
        text(1, "futures@x") + text(3, "BTCUSDT"),
        ticker("1", "1", "2", "1").replace(text(3, "BTCUSDT"), b""),
        ticker("1", "1", "2", "1").replace(text(3, "BTCUSDT"), text(3, b"\xff\xfe")),
        ticker("1", "1", "2", "1", more=b"\x0a\x7f"),
    ],
    ids=["no ticker", "no channel", "another channel", "no symbol", "no UTF-8", "a ticker cut short"],
)
def test_a_message_without_what_is_needed_is_bad(frame: bytes) -> None:
    with pytest.raises(BadFrame):
        Connection("mexc", "BTC/USDT").feed(frame)


@pytest.mark.parametrize(
    "frame",
    [
        '{"c":"spot@public.bookTicker.v3.api@BTCUSDT","d":{"A":"4","B":"1","a":"2","b":"1"},"s":"BTCUSDT","t":16611}',
        '{"symbol":"BTC_USDT","data":{"bids":[{"p":"39763.35","q":"0.054","a":"2149.9"}]},"channel":"push.depth"}',
        '["push.symbol",{"symbol":"BTC_USDT","data":{"deals":[{"t":161637,"p":"57005.89","q":"0.0078","T":1}]}}]',
    ],
)
@pytest.mark.parametrize("market", Market)
def test_the_retired_json_of_spot_is_refused(frame: str, market: Market) -> None:
    with pytest.raises(BadFrame, match="MEXC"):
        Connection("mexc", market=market).feed(frame)


def test_a_refused_topic_is_named() -> None:
    words = f"Not Subscribed successfully! [{TOPIC}XYZUSDT]. Reason: Blocked! "
    with pytest.raises(VenueRejected, match="Blocked!") as rejected:
        Connection("mexc").feed(json.dumps({"id": 0, "code": 0, "msg": words}))
    assert rejected.value.venue_symbol == "XYZUSDT"


@pytest.mark.parametrize(
    ("code", "words"), [(700, "too fast"), (0, "message is invalid"), (0, f"Not unsubscribed! [{TOPIC}BTCUSDT]")]
)
def test_other_words_of_the_venue_are_shown_and_refuse_no_symbol(code: int, words: str) -> None:
    with pytest.raises(VenueRejected, match=words.partition("[")[0]) as rejected:
        Connection("mexc").feed(json.dumps({"id": 0, "code": code, "msg": words}))
    assert rejected.value.venue_symbol == ""


def test_an_unknown_contract_is_named() -> None:
    with pytest.raises(VenueRejected, match="not exists") as rejected:
        perp().feed('{"channel":"rs.error","data":"Contract [XYZ_USDT] not exists","ts":1789498321790}')
    assert rejected.value.venue_symbol == "XYZ_USDT"


@pytest.mark.parametrize(
    ("symbol", "bid_size", "ask_size"),
    [
        ("BTC/USDT:USDT", 256 * 0.0001, 415 * 0.0001),
        ("PEPE/USDT:USDT", 256 * 1e7, 415 * 1e7),
        ("BTC/USD:BTC", 256 * 100 / 8476.97, 415 * 100 / 8476.98),
    ],
)
def test_contracts_are_turned_into_coins(symbol: str, bid_size: float, ask_size: float) -> None:
    (instrument,) = instruments("mexc", symbol)
    frame = depth([[8476.97, 256, 1], [8476.9, 9, 1]], [[8476.98, 415, 2]], instrument.venue_symbol)
    (quote,) = perp(symbol).feed(frame)
    assert (quote.bid, quote.ask, quote.ts_venue_ms, quote.venue_seq) == (8476.97, 8476.98, 1785121200081, 77)
    assert (quote.bid_size, quote.ask_size) == (pytest.approx(bid_size), pytest.approx(ask_size))


def test_contracts_of_unknown_size_are_refused_rather_than_taken_for_coins() -> None:
    with pytest.raises(BadFrame, match="contract size in the list of instruments.*BTC_USDT"):
        perp("BTC/USDT:USDT", listed=False).feed(depth([[1, 1, 1]], [[2, 1, 1]]))


@pytest.mark.parametrize(("bids", "asks", "reason"), [([], [[2, 1, 1]], "no bid"), ([[1, 1, 1]], [], "no ask")])
def test_an_empty_list_is_an_empty_side(bids: object, asks: object, reason: str) -> None:
    (quote,) = perp("BTC/USDT:USDT").feed(depth(bids, asks))
    assert reason_words(defect(quote)) == reason


@pytest.mark.parametrize(("bids", "asks"), [(None, []), ([[1]], []), ([["1", "1"]], []), ({}, {})])
def test_a_side_that_is_no_list_of_levels_is_bad(bids: object, asks: object) -> None:
    with pytest.raises(BadFrame, match="MEXC contract"):
        perp("BTC/USDT:USDT").feed(depth(bids, asks))


@pytest.mark.parametrize("frame", ['{"channel":"rs.error","data":7,"ts":1}', '{"channel":"depth","ts":1}'])
def test_what_the_contract_market_does_not_send_is_bad(frame: str) -> None:
    with pytest.raises(BadFrame, match="MEXC contract"):
        perp().feed(frame)


def test_funding_mark_and_open_interest_come_beside_quotes() -> None:
    connection = perp("BTC/USDT:USDT")
    for frame in frames("mexc", Market.PERP, "other"):
        connection.feed(frame)
    assert connection.parser.asides == [
        Funding(0, 0.0081, 1785139200000, at_ms=1785121200050),
        Mark(0, 64188.4, 64185.2, 1785121200070),
        OpenInterest(0, 51230.04, 1785121200070),
    ]


def test_open_interest_of_an_inverse_contract_is_in_coins() -> None:
    connection = perp("BTC/USD:BTC")
    data = {"fairPrice": 50000, "indexPrice": 50010, "holdVol": 17766}
    frame = {"symbol": "BTC_USD", "data": data, "channel": "push.ticker", "ts": 1785121200070}
    connection.feed(json.dumps(frame))
    assert connection.parser.asides[1] == OpenInterest(0, 35.532, 1785121200070)


def test_facts_are_asked_for_contract_by_contract() -> None:
    asked = MEXC.subscribe_facts(instruments("mexc", "BTC/USDT:USDT", "BTC/USD:BTC"))
    assert [json.loads(frame) for frame in asked] == [
        {"method": f"sub.{channel}", "param": {"symbol": symbol}}
        for channel in ("ticker", "funding.rate")
        for symbol in ("BTC_USDT", "BTC_USD")
    ]
    assert MEXC.subscribe_facts(instruments("mexc", "BTC/USDT")) == []


def test_each_symbol_is_asked_for_by_itself() -> None:
    spot, perpetual = instruments("mexc", "BTC/USDT", "ETH/USDT"), instruments("mexc", "BTC/USDT:USDT")
    assert [json.loads(frame) for frame in MEXC.subscribe(spot)] == [
        {"method": "SUBSCRIPTION", "params": [TOPIC + symbol]} for symbol in ("BTCUSDT", "ETHUSDT")
    ]
    assert json.loads(MEXC.unsubscribe(spot)[0]) == {"method": "UNSUBSCRIPTION", "params": [f"{TOPIC}BTCUSDT"]}
    param = {"symbol": "BTC_USDT", "limit": 5}
    assert [json.loads(each) for each in MEXC.subscribe(perpetual)] == [{"method": "sub.depth.full", "param": param}]
    assert [json.loads(each)["method"] for each in MEXC.unsubscribe(perpetual)] == ["unsub.depth.full"]


def test_the_seeds_are_read_and_a_side_without_orders_is_empty() -> None:
    body = (
        b'[{"symbol":"AEUSDT","bidPrice":"0.11001","bidQty":"115.59","askPrice":"0.11127","askQty":"215.48"},'
        b'{"symbol":"BTCUSDT","bidPrice":"1.5","bidQty":"2","askPrice":null,"askQty":null}]'
    )
    found = {each.venue_symbol: each for each in instruments("mexc", "BTC/USDT", "AE/USDT")}
    assert list(MEXC.parse_seeds(body, found.get)) == [
        Quote(1, 0.11001, 115.59, 0.11127, 215.48),
        Quote(0, 1.5, 2.0, 0.0, 0.0),
    ]


def test_the_list_of_spot_says_who_takes_part_and_in_what_steps() -> None:
    assert listing("mexc", Market.SPOT) == {
        "BTCUSDT": Listing(tick=0.01, lot=1e-6, min_size=1e-6, min_worth=1.0),
        "SLOWUSDT": Listing(tick=1e-5, lot=0.01, min_worth=5.0),
        "WAITUSDT": Listing(is_trading=False, words="pause", tick=1e-5, lot=0.1, min_size=0.1, min_worth=1.0),
        **{
            name: Listing(
                is_trading=False, words="not all orders allowed", tick=1e-4, lot=0.01, min_size=0.01, min_worth=1.0
            )
            for name in ("WEBUSDT", "EXITUSDT")
        },
    }


def test_the_list_of_contracts_says_who_takes_part_and_in_what_steps() -> None:
    one = {"lot": 1.0, "min_size": 1.0}
    assert listing("mexc", Market.PERP) == {
        "BTC_USDT": Listing(0.0001, tick=0.1, listed_ms=1591242684000, **one),
        "PEPE_USDT": Listing(1e7, tick=1e-9, lot=1.0, min_size=2.0, listed_ms=1683187200000),
        "BTC_USD": Listing(100.0, is_inverse=True, tick=0.5, **one),
        "WEB_USDT": Listing(10.0, is_trading=False, words="not allowed by API", tick=0.001, **one),
        "OLD_USDT": Listing(1.0, is_trading=False, words="offline", tick=0.01, **one),
    }


@pytest.mark.parametrize("changes", [{"contractSize": 0}, {"contractSize": None}, {"settleCoin": "BTC"}])
def test_a_contract_whose_size_is_not_told_takes_no_part(changes: dict[str, object]) -> None:
    row = {"symbol": "ETH_USDT", "baseCoin": "ETH", "quoteCoin": "USDT", "settleCoin": "USDT", "contractSize": 0.01}
    body = json.dumps({"success": True, "code": 0, "data": [row | {"state": 0} | changes]}).encode()
    assert MEXC.parse_listings(body)["ETH_USDT"].contract_size is None


def test_contracts_with_an_end_are_not_listed() -> None:
    rows = [{"symbol": "ETH_USDT", "state": 0, "type": kind} for kind in (1, 2)]
    rows[1]["symbol"] = "ETH_USDT_261225"
    assert set(MEXC.parse_listings(json.dumps({"data": rows}).encode())) == {"ETH_USDT"}


def test_a_list_that_is_an_error_is_refused_in_the_venues_words() -> None:
    with pytest.raises(BadFrame, match="too frequent"):
        MEXC.parse_listings(b'{"success":false,"code":510,"message":"Requests are too frequent"}')


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.sampled_from((1, 2, 3, 4, 5, 6, 14, 313, 314, 315)), st.binary(max_size=20)), max_size=6))
def test_messages_with_other_fields_raise_nothing_but_frame_errors(fields: list[tuple[int, bytes]]) -> None:
    more = b"".join(text(field, held) for field, held in fields)
    connection = Connection("mexc", "BTC/USDT")
    for frame in (more, ticker("1", "1", "2", "1")[:-2] + more, ticker("1", "1", "2", "1") + more):
        try:
            connection.feed(frame)
        except FrameError:
            continue
