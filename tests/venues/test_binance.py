"""Binance: raw and wrapped frames, spot without a time, and what stands beside bookTicker on a connection."""

import json

import pytest
from venue_frames import Connection, instruments, listing

from arbsniper_tui.model.errors import BadFrame, VenueClosing, VenueRejected
from arbsniper_tui.model.instrument import Market, parse_symbol
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing

RAW = '{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}'
QUOTE = Quote(0, 25.3519, 31.21, 25.3652, 40.66, None, 400900217)


@pytest.mark.parametrize("frame", [RAW, f'{{"stream":"bnbusdt@bookTicker","data":{RAW}}}'])
def test_raw_and_wrapped_frames_are_the_same_quote(frame: str) -> None:
    assert list(Connection("binance", "BNB/USDT").feed(frame)) == [QUOTE]


def test_spot_has_no_time_and_none_is_made_up() -> None:
    (quote,) = Connection("binance", "BNB/USDT").feed(RAW)
    assert quote.ts_venue_ms is None
    declared = VENUES["binance"].market(Market.SPOT)
    assert declared is not None
    assert not declared.has_venue_time


def test_a_perpetuals_time_is_that_of_the_matching_engine() -> None:
    frame = json.dumps({**json.loads(RAW), "e": "bookTicker", "T": 1785121247583, "E": 1785121247999, "st": 1})
    (quote,) = Connection("binance", "BNB/USDT:USDT", market=Market.PERP).feed(frame)
    assert quote.ts_venue_ms == 1785121247583


@pytest.mark.parametrize("frame", ['{"e":"serverShutdown","E":1785121247584}'])
@pytest.mark.parametrize("wrap", ["{}", '{{"stream":"!serverShutdown","data":{}}}'])
def test_an_announced_shutdown_asks_for_a_new_connection(frame: str, wrap: str) -> None:
    with pytest.raises(VenueClosing):
        Connection("binance").feed(wrap.format(frame))


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ('{"code":2,"msg":"Invalid request: unknown variant","id":1}', "Invalid request: unknown variant"),
        ('{"code":3,"msg":"Invalid JSON: expected value"}', "Invalid JSON: expected value"),
        ('{"error":{"code":2,"msg":"Invalid request"},"id":1}', "Invalid request"),
    ],
)
def test_an_error_rejects_the_request_with_the_venues_words(frame: str, reason: str) -> None:
    with pytest.raises(VenueRejected, match=reason) as rejected:
        Connection("binance").feed(frame)
    assert rejected.value.venue_symbol == ""


@pytest.mark.parametrize("missing", ["s", "b", "B", "a", "A"])
def test_a_book_ticker_without_one_of_its_fields_is_bad(missing: str) -> None:
    frame = {key: value for key, value in json.loads(RAW).items() if key != missing}
    with pytest.raises(BadFrame, match="s, b, B, a and A"):
        Connection("binance").feed(json.dumps(frame))


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_a_number_that_the_bus_cannot_carry_is_bad(number: int) -> None:
    with pytest.raises(BadFrame):
        Connection("binance", "BNB/USDT").feed(json.dumps({**json.loads(RAW), "u": number}))
    (quote,) = Connection("binance", "BNB/USDT").feed(json.dumps({**json.loads(RAW), "u": 2**63 - 1}))
    assert quote.venue_seq == 2**63 - 1


def test_a_statistic_that_carries_bid_and_ask_is_not_their_stream() -> None:
    frame = json.dumps({**json.loads(RAW), "e": "24hrTicker"})
    assert list(Connection("binance", "BNB/USDT").feed(frame)) == []


def test_subscribes_in_one_frame_in_lower_case() -> None:
    (frame,) = VENUES["binance"].subscribe(instruments("binance", "BTC/USDT", "ETH/USDT"))
    assert json.loads(frame) == {
        "method": "SUBSCRIBE",
        "params": ["btcusdt@bookTicker", "ethusdt@bookTicker"],
        "id": 1,
    }


def test_book_streams_of_perpetuals_are_under_the_public_path() -> None:
    declared = VENUES["binance"].market(Market.PERP)
    assert declared is not None
    assert declared.ws_url + declared.ws_path == "wss://fstream.binance.com/public/ws"


def test_inverse_perpetuals_are_not_on_these_hosts() -> None:
    assert VENUES["binance"].venue_symbol(parse_symbol("BTC/USD:BTC")) == ""


@pytest.mark.parametrize("spelled", ["BTCUSDT_210625", "BTCUSD_PERP", "BTC", "", "USDT", "WHATEVER"])
def test_dated_and_unknown_spellings_name_no_symbol(spelled: str) -> None:
    assert VENUES["binance"].unified(spelled, Market.PERP) == ""


def test_only_perpetuals_of_the_list_are_listed() -> None:
    assert listing("binance", Market.PERP) == {
        "BTCUSDT": Listing(tick=0.1, lot=0.001, min_size=0.002, min_worth=100.0, listed_ms=1569398400000),
        "GONEUSDT": Listing(is_trading=False, words="SETTLING"),
    }
    assert listing("binance", Market.SPOT) == {
        "BTCUSDT": Listing(tick=0.01, lot=0.00001, min_size=0.00002, min_worth=5.0),
        "OLDUSDT": Listing(is_trading=False, words="BREAK"),
        "LASTUSDT": Listing(is_trading=False, words="CANCEL_ONLY"),
    }


SEEDS = (
    '[{"symbol":"ETHBTC","bidPrice":"0.031","bidQty":"4","askPrice":"0.032","askQty":"9"},'
    '{"symbol":"BNBUSDT","bidPrice":"25.35190000","bidQty":"31.21000000","askPrice":"25.36520000",'
    '"askQty":"40.66000000"},'
    '{"symbol":"OLDUSDT","bidPrice":"0.00000000","bidQty":"0.00000000","askPrice":"0.00000000","askQty":"0.00000000"}]'
)


def seeds(body: str, *symbols: str) -> list[Quote]:
    wanted = {each.venue_symbol: each for each in instruments("binance", *symbols)}
    return list(VENUES["binance"].parse_seeds(body.encode(), wanted.get))


def test_one_answer_seeds_all_that_were_asked_for() -> None:
    bnb, old = seeds(SEEDS, "BTC/USDT", "BNB/USDT", "OLD/USDT")
    assert bnb == Quote(1, 25.3519, 31.21, 25.3652, 40.66)
    assert (old.instrument_id, reason_words(defect(old))) == (2, "no bid")


def test_a_seed_of_a_perpetual_has_the_matching_engines_time_and_no_number_of_the_stream() -> None:
    row = '{"lastUpdateId":1027024,"symbol":"BTCUSDT","bidPrice":"4.0","bidQty":"431","askPrice":"4.1","askQty":"9"'
    (quote,) = seeds(f'[{row},"time":1589437530011}}]', "BTC/USDT:USDT")
    assert (quote.ts_venue_ms, quote.venue_seq) == (1589437530011, None)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        '{"code":-1003,"msg":"Too much request weight used"}',
        '[{"symbol":"BNBUSDT"}]',
        '[{"symbol":"BNBUSDT","bidPrice":"1_0","bidQty":"1","askPrice":"12","askQty":"1"}]',
        SEEDS[:-20],
    ],
)
def test_seeds_that_cannot_be_read_are_refused(body: str) -> None:
    with pytest.raises(BadFrame, match="expected a Binance bookTicker"):
        seeds(body, "BNB/USDT")


@pytest.mark.parametrize("market", list(Market))
def test_both_markets_say_that_a_subscription_brings_no_first_state(market: Market) -> None:
    declared = VENUES["binance"].market(market)
    assert declared is not None
    assert (
        declared.seed_path
        == {Market.SPOT: "/api/v3/ticker/bookTicker", Market.PERP: "/fapi/v1/ticker/bookTicker"}[market]
    )


def test_unsubscribes_the_same_streams_under_another_number() -> None:
    (frame,) = VENUES["binance"].unsubscribe(instruments("binance", "BTC/USDT"))
    assert json.loads(frame) == {"method": "UNSUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 2}
