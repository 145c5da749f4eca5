"""BitMEX, which has closed: tables, several rows a frame, inverse and linear contracts, and what takes no part."""

import json
from typing import Any

import pytest
from venue_frames import CAPTURES, Connection, instruments, listing

from arbsniper_tui.model.errors import BadFrame, VenueRejected
from arbsniper_tui.model.fact import Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Market, parse_symbol
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.sim.registry import SIMULATED
from arbsniper_tui.tapes.tape import TapeLine, read_tape
from arbsniper_tui.venues import OPEN_VENUES, VENUES, venue_of_url
from arbsniper_tui.venues.listing import Listing

BITMEX = VENUES["bitmex"]
AT_MS = 1732315465085


def row(symbol: str = "XBTUSDT", **changes: Any) -> dict[str, Any]:
    sides = {"bidSize": 103000, "bidPrice": 48755.0, "askPrice": 48825.5, "askSize": 50000}
    return {"timestamp": "2024-11-22T22:44:25.085Z", "symbol": symbol} | sides | changes


def table(*rows: dict[str, Any], name: str = "quote", action: str = "insert") -> str:
    return json.dumps({"table": name, "action": action, "data": rows})


def perp(*symbols: str, listed: bool = True) -> Connection:
    return Connection("bitmex", *symbols, market=Market.PERP, listed=listed)


def test_it_has_closed_and_is_neither_simulated_nor_among_those_that_run() -> None:
    assert BITMEX.closed == "2026-09-23"
    assert "bitmex" not in OPEN_VENUES
    assert "bitmex" not in SIMULATED
    assert venue_of_url("wss://www.bitmex.com/realtime?subscribe=quote:XBTUSD") == ("bitmex", (Market.PERP,))


def test_linear_contracts_are_told_in_coins() -> None:
    assert list(perp("BTC/USDT:USDT").feed(table(row()))) == [Quote(0, 48755.0, 0.103, 48825.5, 0.05, AT_MS)]


@pytest.mark.parametrize("listed", [True, False])
def test_a_contract_of_bitcoin_in_usd_is_one_dollar_with_a_list_or_without(listed: bool) -> None:
    (quote,) = perp("BTC/USD:BTC", listed=listed).feed(table(row("XBTUSD")))
    assert (quote.bid_size, quote.ask_size) == (round(103000 / 48755, 8), round(50000 / 48825.5, 8))


def test_other_contracts_of_unknown_size_are_refused_rather_than_taken_for_coins() -> None:
    with pytest.raises(BadFrame, match="contract size in the list of instruments.*XBTUSDT"):
        perp("BTC/USDT:USDT", listed=False).feed(table(row()))


def test_of_several_rows_the_last_of_each_symbol_holds() -> None:
    rows = (row(askPrice=48900), row("XBTUSD"), row(askPrice=48901), row("ETHUSDT"))
    quotes = perp("BTC/USDT:USDT", "BTC/USD:BTC").feed(table(*rows, action="partial"))
    assert [(quote.instrument_id, quote.ask) for quote in quotes] == [(0, 48901.0), (1, 48825.5)]


@pytest.mark.parametrize(("side", "words"), [("bid", "no bid"), ("ask", "no ask")])
def test_null_is_an_empty_side(side: str, words: str) -> None:
    (quote,) = perp("BTC/USDT:USDT").feed(table(row(**{f"{side}Price": None, f"{side}Size": None})))
    assert reason_words(defect(quote)) == words


@pytest.mark.parametrize(
    "frame",
    [
        table({"timestamp": "2024-11-22T22:44:25.085Z", "symbol": "XBTUSDT", "bidSize": 1, "bidPrice": 2}),
        table(row(bidPrice="48755")),
        table(row(timestamp="yesterday")),
        '{"table":"quote","action":"insert"}',
        '{"op":"subscribe","args":["quote:XBTUSD"]}',
    ],
)
def test_what_it_never_sent_is_bad(frame: str) -> None:
    with pytest.raises(BadFrame, match="BitMEX"):
        perp("BTC/USDT:USDT").feed(frame)


@pytest.mark.parametrize(
    ("args", "symbol"), [(["quote:XYZUSDT"], "XYZUSDT"), ("quote:XYZUSDT", "XYZUSDT"), (["quote:A", "quote:B"], "")]
)
def test_a_refused_symbol_is_named_where_it_was_asked_for_alone(args: list[str] | str, symbol: str) -> None:
    request = {"op": "subscribe", "args": args}
    with pytest.raises(VenueRejected, match="Unknown or expired symbol") as rejected:
        perp().feed(json.dumps({"status": 400, "error": "Unknown or expired symbol.", "meta": {}, "request": request}))
    assert rejected.value.venue_symbol == symbol


def test_the_table_of_instruments_tells_what_has_changed() -> None:
    connection = perp("BTC/USD:BTC")
    whole = {"symbol": "XBTUSD", "markPrice": 50000, "indicativeSettlePrice": 50010.5, "openInterest": 321000000}
    funding = {"fundingRate": 0.0001, "indicativeFundingRate": -0.00012, "fundingTimestamp": "2026-07-27T04:00:00.000Z"}
    timed = {"timestamp": "2026-07-27T03:00:00.000Z"}
    assert list(connection.feed(table(whole | funding | timed, name="instrument", action="partial"))) == []
    at_ms = 1785121200000
    assert connection.parser.asides == [
        Mark(0, 50000.0, 50010.5, at_ms),
        Funding(0, 0.01, at_ms + 3_600_000, 8.0, -0.012, at_ms),
        OpenInterest(0, 6420.0, at_ms),
    ]
    connection.parser.asides.clear()
    change = {"symbol": "XBTUSD", "lastPrice": 50001, "timestamp": "2026-07-27T03:00:05.000Z"}
    connection.feed(table(change, name="instrument", action="update"))
    assert connection.parser.asides == []
    connection.feed(table(change | {"fundingRate": 0.0002}, name="instrument", action="update"))
    assert connection.parser.asides == [Funding(0, 0.02, at_ms + 3_600_000, 8.0, -0.012, at_ms + 5000)]


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("XBTUSD", "BTC/USD:BTC"),
        ("XBTUSDT", "BTC/USDT:USDT"),
        ("ETHUSDT", "ETH/USDT:USDT"),
        ("ETHUSD", ""),
        ("XBTU26", ""),
        ("ETHUSDM22", ""),
    ],
)
def test_bitcoin_is_xbt_and_what_pays_bitcoin_for_another_coin_has_no_unified_symbol(name: str, symbol: str) -> None:
    assert BITMEX.unified(name, Market.PERP) == symbol
    if symbol:
        assert BITMEX.venue_symbol(parse_symbol(symbol)) == name


def test_only_bitcoin_has_an_inverse_perpetual() -> None:
    assert BITMEX.venue_symbol(parse_symbol("ETH/USD:ETH")) == ""
    assert BITMEX.subscribe(instruments("bitmex", "BTC/USD:BTC")) == ['{"op":"subscribe","args":["quote:XBTUSD"]}']


def test_the_list_gives_the_size_of_a_contract() -> None:
    listed = listing("bitmex", Market.PERP)
    assert listed["XBTUSD"] == Listing(1.0, is_inverse=True, tick=0.5, lot=100.0)
    assert listed["XBTUSDT"] == Listing(1e-6, tick=0.5, lot=1000.0)
    assert listed["ETHUSD"].fault == Reason(ReasonCode.NO_CONTRACT_SIZE)
    assert listed["OLDUSDT"].fault == Reason(ReasonCode.NOT_TRADING, words="Settled")
    assert "XBTU26" not in listed


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="no recorded frames at ../shared/captures")
@pytest.mark.parametrize("capture", ["crypto-msg-parser", "cryptofeed.bitmex.ws.1.0"])
def test_the_recordings_give_the_last_row_of_each_symbol_of_each_frame(capture: str) -> None:
    lines = [line for _, line in read_tape(CAPTURES / "bitmex" / f"{capture}.jsonl.gz") if isinstance(line, TapeLine)]
    coins = ("XBT", "UNI", "ADA", "SOL", "EOS", "TRX", "MATIC")
    perpetuals = ("XBTUSD", *(f"{coin}USDT" for coin in coins))
    expected = []
    for line in lines:
        frame = json.loads(line.frame())
        if frame["table"] == "quote":
            newest = {each["symbol"]: each for each in frame["data"]}
            expected += [newest[name] for name in newest if name in perpetuals]
    connection = perp()
    connection.parser = BITMEX.parser(
        Market.PERP, connection.by_rule.find, {name: Listing(0.001) for name in perpetuals if name != "XBTUSD"}
    )
    quotes = [quote for line in lines for quote in connection.feed(line.frame())]
    names = {each.id: each.venue_symbol for each in connection.by_rule.all}
    assert len(quotes) == len(expected) > 0
    for quote, each in zip(quotes, expected, strict=True):
        assert (names[quote.instrument_id], quote.bid, quote.ask) == (
            each["symbol"],
            each["bidPrice"],
            each["askPrice"],
        )
        is_inverse = each["symbol"] == "XBTUSD"
        coins_bid = each["bidSize"] / each["bidPrice"] if is_inverse else each["bidSize"] / 1000
        assert quote.bid_size == pytest.approx(coins_bid, abs=1e-8)
        assert defect(quote) is None
