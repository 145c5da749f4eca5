"""Kraken v2: acks, refusals, heartbeats, empty books, and the names of version 1."""

import json
import time
from collections.abc import Iterator

import pytest
from venue_frames import Connection, instruments, listing

from arbsniper_tui.model.errors import BadFrame, VenueRejected
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing


def ticker(*tops: dict[str, object], kind: str = "update") -> str:
    return json.dumps({"channel": "ticker", "type": kind, "data": tops})


def top(symbol: str = "BTC/USD", **more: object) -> dict[str, object]:
    return {"symbol": symbol, "bid": 99.9, "bid_qty": 1.2, "ask": 100.1, "ask_qty": 2.3, **more}


@pytest.mark.parametrize("kind", ["snapshot", "update"])
def test_snapshot_and_update_are_both_the_whole_state(kind: str) -> None:
    frame = ticker(top(last=99.9, timestamp="2026-07-27T03:00:00.123999Z"), kind=kind)
    assert list(Connection("kraken", "BTC/USD").feed(frame)) == [Quote(0, 99.9, 1.2, 100.1, 2.3, 1785121200123)]


def test_a_time_is_optional() -> None:
    (quote,) = Connection("kraken", "BTC/USD").feed(ticker(top()))
    assert quote.ts_venue_ms is None


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
def test_a_time_without_a_zone_is_in_utc() -> None:
    (quote,) = Connection("kraken", "BTC/USD").feed(ticker(top(timestamp="2026-07-27T03:00:00.123")))
    assert quote.ts_venue_ms == 1785121200123


def test_an_empty_book_is_no_price_of_1970() -> None:
    frame = ticker(top(bid=0.0, bid_qty=0.0, ask=0.0, ask_qty=0.0, timestamp="1970-01-01T00:00:00.000000Z"))
    (quote,) = Connection("kraken", "BTC/USD").feed(frame)
    assert reason_words(defect(quote)) == "no bid"
    assert quote.ts_venue_ms is None


def test_several_symbols_of_a_frame_are_several_quotes() -> None:
    quotes = Connection("kraken", "ETH/USD", "BTC/USD").feed(ticker(top(), top("XRP/USD"), top("ETH/USD")))
    assert [quote.instrument_id for quote in quotes] == [1, 0]


def test_a_refused_symbol_is_named() -> None:
    frame = (
        '{"error":"Currency pair not supported XYZ/USD","method":"subscribe","success":false,"symbol":"XYZ/USD",'
        '"time_in":"2026-07-27T03:00:00Z","time_out":"2026-07-27T03:00:00Z","req_id":1}'
    )
    with pytest.raises(VenueRejected, match="Currency pair not supported") as rejected:
        Connection("kraken").feed(frame)
    assert rejected.value.venue_symbol == "XYZ/USD"


def test_a_failed_unsubscription_rejects_no_symbol() -> None:
    frame = '{"error":"Subscription Not Found","method":"unsubscribe","success":false,"symbol":"BTC/USD","req_id":2}'
    assert list(Connection("kraken", "BTC/USD").feed(frame)) == []


@pytest.mark.parametrize(
    "frame",
    [
        '[340,{"a":["5525.40","1","1.0"],"b":["5525.10","1","1.0"]},"ticker","XBT/USD"]',
        '[0,["5698.4","5700.0","1542057299.5","1.01","0.98"],"spread","XBT/USD"]',
        '{"event":"heartbeat"}',
        '{"event":"systemStatus","connectionID":8628615390848610000,"status":"online","version":"1.0.0"}',
        '{"channelID":340,"channelName":"ticker","event":"subscriptionStatus","pair":"XBT/USD","status":"subscribed"}',
        '{"channel":"no such channel","data":[]}',
    ],
)
def test_version_1_and_unknown_channels_are_refused(frame: str) -> None:
    with pytest.raises(BadFrame):
        Connection("kraken").feed(frame)


@pytest.mark.parametrize("missing", ["symbol", "bid", "bid_qty", "ask", "ask_qty"])
def test_a_ticker_without_one_of_its_fields_is_bad(missing: str) -> None:
    fields = {key: value for key, value in top().items() if key != missing}
    with pytest.raises(BadFrame, match=f"missing required field `{missing}`"):
        Connection("kraken").feed(ticker(fields))


def test_numbers_in_quotes_are_not_kraken_v2() -> None:
    with pytest.raises(BadFrame):
        Connection("kraken").feed(ticker(top(bid="99.9")))


def test_asks_for_every_change_of_the_top_and_not_only_for_trades() -> None:
    (frame,) = VENUES["kraken"].subscribe(instruments("kraken", "BTC/USD", "ETH/USDT"))
    assert json.loads(frame) == {
        "method": "subscribe",
        "params": {
            "channel": "ticker",
            "symbol": ["BTC/USD", "ETH/USDT"],
            "event_trigger": "bbo",
            "snapshot": True,
        },
        "req_id": 1,
    }


def test_the_list_is_read_under_the_names_of_version_2() -> None:
    assert listing("kraken", Market.SPOT) == {
        "BTC/USDT": Listing(tick=0.1, lot=1e-8, min_size=0.00005, min_worth=0.5),
        "BTC/USD": Listing(is_trading=True),
        "DOGE/USD": Listing(is_trading=True),
        "ETH/BTC": Listing(is_trading=False, words="post_only"),
        "SOL/USDT": Listing(is_trading=True),
        "AAPLx/USD": Listing(is_trading=True),
    }


def test_small_letters_of_a_symbol_stay() -> None:
    frame = (
        '{"channel":"ticker","type":"update","data":[{"symbol":"ANETx/USD","bid":1,"bid_qty":2,"ask":3,"ask_qty":4}]}'
    )
    connection = Connection("kraken")
    assert len(connection.feed(frame)) == 1
    assert [each.symbol for each in connection.by_rule.all] == ["ANETx/USD"]
    assert VENUES["kraken"].unified("AAPLx/USD", Market.SPOT) == "AAPLx/USD"


def test_a_list_that_is_an_error_is_refused() -> None:
    with pytest.raises(BadFrame):
        VENUES["kraken"].parse_listings(b'{"error":["EGeneral:Temporary lockout"]}')


def test_unsubscribing_asks_for_no_snapshot() -> None:
    (frame,) = VENUES["kraken"].unsubscribe(instruments("kraken", "BTC/USD"))
    params = {"channel": "ticker", "symbol": ["BTC/USD"], "event_trigger": "bbo"}
    assert json.loads(frame) == {"method": "unsubscribe", "params": params, "req_id": 2}
