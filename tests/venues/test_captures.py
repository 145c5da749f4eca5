"""Whole recordings: our own of each market, and those that exchanges really sent, where their folder is beside the
checkout."""

import json
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import pytest
from venue_frames import CAPTURES, MARKETS, Connection, frames

from arbsniper_tui.model.errors import BadFrame, BookLost, FrameError
from arbsniper_tui.model.fact import Fact, Funding, Mark
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.tapes.tape import TapeLine, read_tape
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import SymbolsByRule
from arbsniper_tui.venues.listing import Listing

needs_captures = pytest.mark.skipif(not CAPTURES.is_dir(), reason="no recorded frames at ../shared/captures")

LATEST_S = 5.0
"""A frame is received within this time of the moment that it says; recorders' clocks were up to 1.3 s off."""


def lines(folder: str, source: str) -> list[TapeLine]:
    found = [line for _, line in read_tape(CAPTURES / folder / f"{source}.jsonl.gz")]
    assert all(isinstance(line, TapeLine) for line in found)
    return [line for line in found if isinstance(line, TapeLine) and line.dir != "out"]


class Reading:
    """What a parser made of a whole capture."""

    def __init__(
        self, venue: str, market: Market, frames: list[TapeLine], listings: Mapping[str, Listing] | None = None
    ) -> None:
        connection = Connection(venue, market=market, listings=listings)
        self.quotes: list[tuple[Quote, float | None]] = []
        self.errors: list[FrameError] = []
        self.silent: list[TapeLine] = []
        for line in frames:
            try:
                quotes = connection.feed(line.frame())
            except FrameError as error:
                self.errors.append(error)
                continue
            self.quotes += [(quote, line.t) for quote in quotes]
            if not quotes:
                self.silent.append(line)
        self.facts = [aside for aside in connection.parser.asides if isinstance(aside, Fact)]
        self.symbols = {instrument.symbol for instrument in connection.by_rule.all}


@pytest.mark.parametrize(("venue", "market"), MARKETS)
def test_our_own_frames_are_read_whole_with_what_stands_between_them(venue: str, market: Market) -> None:
    quoting, other = frames(venue, market), frames(venue, market, "other")
    mixed = [frame for frame in chain(*zip_longest(quoting, other)) if frame is not None]
    recorded = [TapeLine(t=float(number), b64=b64encode(frame).decode()) for number, frame in enumerate(mixed)]
    reading = Reading(venue, market, recorded)
    assert reading.errors == []
    assert [line.frame() for line in reading.silent] == other
    assert len(reading.quotes) >= len(quoting)
    assert {defect(quote) for quote, _ in reading.quotes} == {None}


@needs_captures
@pytest.mark.parametrize(
    ("folder", "source", "market", "frames", "quotes", "symbols"),
    [
        ("binance_spot", "hftbacktest.btcusdt_20240808", Market.SPOT, 41248, 28040, {"BTC/USDT"}),
        ("binance_usdm", "hftbacktest.btcusdt_20240808", Market.PERP, 93953, 66089, {"BTC/USDT:USDT"}),
        (
            "binance_spot",
            "cryptofeed.binance.ws.1.0",
            Market.SPOT,
            263,
            84,
            {"NKN/USDT", "LRC/BTC", "BLZ/ETH"},
        ),
        (
            "binance_usdm",
            "cryptofeed.binance_futures.ws.1.0",
            Market.PERP,
            1468,
            613,
            {f"{coin}/USDT:USDT" for coin in ("SUSHI", "CTK", "AKRO", "KEEP")},
        ),
    ],
)
def test_binance_gives_a_quote_for_each_book_ticker_and_nothing_else(
    folder: str, source: str, market: Market, frames: int, quotes: int, symbols: set[str]
) -> None:
    recorded = lines(folder, source)
    reading = Reading("binance", market, recorded)
    assert (len(recorded), len(reading.quotes), reading.errors) == (frames, quotes, [])
    assert reading.symbols == symbols
    assert all("bookTicker" not in (line.raw or "") for line in reading.silent)
    assert {defect(quote) for quote, _ in reading.quotes} == {None}
    if market is Market.SPOT:
        assert all(quote.ts_venue_ms is None for quote, _ in reading.quotes)
    else:
        assert_ages_are_plausible(reading)


def assert_ages_are_plausible(reading: Reading) -> None:
    for quote, t in reading.quotes:
        assert t is not None
        assert quote.ts_venue_ms is not None
        assert abs(t - quote.ts_venue_ms / 1000) < LATEST_S


@needs_captures
@pytest.mark.parametrize(("folder", "market"), [("binance_spot", Market.SPOT), ("binance_usdm", Market.PERP)])
def test_binance_reads_what_older_parsers_were_tested_with(folder: str, market: Market) -> None:
    recorded = lines(folder, "crypto-msg-parser")
    reading = Reading("binance", market, recorded)
    assert reading.errors == []
    dated = sum("_2" in (line.raw or "") and "bookTicker" in (line.raw or "") for line in recorded)
    tickers = sum("bookTicker" in (line.raw or "") for line in recorded)
    assert len(reading.quotes) == tickers - dated


@needs_captures
@pytest.mark.parametrize("capture", ["crypto-msg-parser", "cryptofeed.bybit.ws.25.0", "cryptofeed.bybit.ws.26.0"])
def test_bybit_version_2_is_refused_frame_by_frame_and_never_misread(capture: str) -> None:
    recorded = lines("bybit", capture)
    reading = Reading("bybit", Market.PERP, recorded)
    assert reading.quotes == []
    assert len(reading.errors) == len(recorded) > 0
    assert {type(error) for error in reading.errors} == {BadFrame}


@needs_captures
def test_coinbase_gives_the_top_after_each_snapshot_and_each_change() -> None:
    recorded = lines("coinbase", "cryptofeed.coinbase.ws.28.0")
    reading = Reading("coinbase", Market.SPOT, recorded)
    assert reading.errors == []
    assert len(reading.quotes) == 9719 + 10
    assert len(reading.symbols) == 10
    assert {defect(quote) for quote, _ in reading.quotes} == {None}
    for quote, t in reading.quotes:
        assert t is not None
        assert quote.ts_venue_ms is None or abs(t - quote.ts_venue_ms / 1000) < LATEST_S
    untimed = sum(quote.ts_venue_ms is None for quote, _ in reading.quotes)
    # Those snapshots carry no time, and most of the books change soon after.
    assert 10 <= untimed < 100


@needs_captures
@pytest.mark.parametrize("capture", ["crypto-msg-parser"] + [f"cryptofeed.kraken.ws.{n}.0" for n in (48, 49, 50)])
def test_kraken_version_1_is_refused_frame_by_frame_and_never_misread(capture: str) -> None:
    recorded = lines("kraken", capture)
    reading = Reading("kraken", Market.SPOT, recorded)
    assert reading.quotes == []
    assert len(reading.errors) == len(recorded) > 0
    assert {type(error) for error in reading.errors} == {BadFrame}


@needs_captures
def test_okx_reads_the_tops_of_what_it_can_name_and_refuses_version_3() -> None:
    recorded = lines("okx", "crypto-msg-parser")
    reading = Reading("okx", Market.PERP, recorded)
    version_3 = [line for line in recorded if '"table"' in (line.raw or "")]
    assert len(reading.errors) == len(version_3) > 0
    assert {type(error) for error in reading.errors} == {BadFrame}
    # The other half of the tops are of futures and options, which have no unified symbol here.
    assert reading.symbols == {"BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"}
    assert {defect(quote) for quote, _ in reading.quotes} == {None}
    sizes = {quote.bid: (quote.bid_size, quote.ask_size) for quote, _ in reading.quotes}
    assert sizes[31774.6] == (0.3392211, 0.14368878)
    assert sizes[20386.7] == pytest.approx((0.5, 0.07))
    assert sizes[19918.9] == pytest.approx((34 * 100 / 19918.9, 3 * 100 / 19920))


@needs_captures
def test_okx_passes_over_channels_that_it_did_not_ask_for() -> None:
    recorded = lines("okx", "cryptofeed.okx.ws.1.0")
    reading = Reading("okx", Market.SPOT, recorded)
    assert (len(reading.quotes), reading.errors, len(reading.silent)) == (0, [], 392)


@needs_captures
def test_kucoin_refuses_its_classic_sockets_and_passes_over_books_of_more_levels() -> None:
    for source in ("crypto-msg-parser", "cryptofeed.kucoin.ws.1.0", "nemanull-profiles_202609"):
        recorded = lines("kucoin", source)
        reading = Reading("kucoin", Market.PERP, recorded)
        classic = [line for line in recorded if '"topic"' in (line.raw or "")]
        assert (reading.quotes, len(reading.errors)) == ([], len(classic))
        assert {type(error) for error in reading.errors} == {BadFrame}
        assert len(reading.silent) == len(recorded) - len(classic)


@needs_captures
def test_kucoin_reads_the_top_of_a_recorded_book_as_it_stands_there() -> None:
    """No frame of depth 1 was recorded; those of more levels have the same fields, the best level first."""
    recorded = lines("kucoin", "nemanull-profiles_202609")
    (snapshot,) = (line.raw for line in recorded if '"snapshot"' in (line.raw or ""))
    assert snapshot is not None
    reading = Reading("kucoin", Market.PERP, [TapeLine(t=None, raw=snapshot.replace("increment@10ms", "1"))])
    ((quote, _),) = reading.quotes
    body = json.loads(snapshot)["d"]
    (bid, bid_lots), (ask, ask_lots) = body["b"][0], body["a"][0]
    bid_size, ask_size = (float(Decimal(lots) * Decimal("0.01")) for lots in (bid_lots, ask_lots))
    assert quote == Quote(0, float(bid), bid_size, float(ask), ask_size, body["M"] // 10**6, body["C"])
    assert reading.symbols == {"ETH/USDT:USDT"}


@needs_captures
def test_mexc_gives_the_tops_that_an_independent_reading_finds() -> None:
    recorded = lines("mexc", "darkcite-latency-probe_20260923")
    top = re.compile(rb"\xda\x13.\x0a.([\d.]+)\x12.([\d.]+)\x1a.([\d.]+)\x22.([\d.]+)\*", re.DOTALL)
    for market, host in ((Market.SPOT, "wbs-api.mexc.com"), (Market.PERP, "contract.mexc.com")):
        frames = [line for line in recorded if host in (line.url or "")]
        reading = Reading("mexc", market, frames)
        assert reading.errors == []
        for (quote, _), frame in zip(reading.quotes, (line.frame() for line in frames), strict=True):
            if market is Market.SPOT:
                found = top.search(frame)
                assert found is not None
                assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == tuple(map(float, found.groups()))
            else:
                book = json.loads(frame)["data"]
                (bid, bid_contracts, _), (ask, ask_contracts, _) = book["bids"][0], book["asks"][0]
                assert (quote.bid, quote.ask, quote.ts_venue_ms) == (bid, ask, book["cts"])
                sizes = (bid_contracts / 10_000, ask_contracts / 10_000)
                assert (quote.bid_size, quote.ask_size) == pytest.approx(sizes)


@needs_captures
def test_mexc_passes_over_other_channels_of_contracts_and_refuses_the_spot_api_that_is_retired() -> None:
    recorded = lines("mexc", "crypto-msg-parser")
    reading = Reading("mexc", Market.PERP, recorded)
    retired = [line for line in recorded if '"ts"' not in (line.raw or "")]
    assert len(reading.errors) == len(retired) == 5
    assert {type(error) for error in reading.errors} == {BadFrame}
    books = [json.loads(line.raw or "") for line in recorded if "push.depth.full" in (line.raw or "")]
    assert [(quote.bid, quote.ask) for quote, _ in reading.quotes] == [
        (each["data"]["bids"][0][0], each["data"]["asks"][0][0]) for each in books
    ]
    assert reading.symbols >= {"BTC/USDT:USDT", "BTC/USD:BTC"}
    as_spot = Reading("mexc", Market.SPOT, recorded)
    assert (len(as_spot.errors), as_spot.quotes) == (len(recorded), [])


@needs_captures
@pytest.mark.parametrize("market", list(Market))
@pytest.mark.parametrize("capture", ["crypto-msg-parser", "cryptofeed.bitget.ws.1.0", "cryptofeed.bitget.ws.2.0"])
def test_bitget_version_1_is_refused_frame_by_frame_and_never_misread(capture: str, market: Market) -> None:
    recorded = lines("bitget", capture)
    reading = Reading("bitget", market, recorded)
    assert reading.quotes == []
    assert len(reading.errors) == len(recorded) > 0
    assert {type(error) for error in reading.errors} == {BadFrame}


@needs_captures
@pytest.mark.parametrize("market", list(Market))
def test_bitget_passes_over_the_full_books_of_both_current_generations(market: Market) -> None:
    reading = Reading("bitget", market, lines("bitget", "nemanull-profiles_202609"))
    assert (reading.quotes, reading.errors, len(reading.silent)) == ([], [], 4)


def top_of(sides: dict[str, dict[int, int]]) -> tuple[float, float, float, float]:
    """The top of a Phemex book in whole numbers, as the nearest floats to the decimals that they mean."""
    bid, ask = max(sides["bids"]), min(sides["asks"])
    numbers = (bid, sides["bids"][bid], ask, sides["asks"][ask])
    return tuple(float(Decimal(each).scaleb(-8)) for each in numbers)  # type: ignore[return-value]  # four of them


@needs_captures
def test_phemex_keeps_the_top_of_each_recorded_spot_book() -> None:
    adapter = VENUES["phemex"]
    by_rule = SymbolsByRule(adapter, Market.SPOT)
    coins = ("GRT", "SUSHI", "ENJ", "BCH", "LINK")
    parser = adapter.parser(Market.SPOT, by_rule.find, {f"s{coin}USDT": Listing(1e-8) for coin in coins})
    books: dict[str, dict[str, dict[int, int]]] = {}
    quoted = 0
    for line in lines("phemex", "cryptofeed.phemex.ws.1.0"):
        quotes = parser.feed(line.frame())
        frame = json.loads(line.frame())
        if "book" not in frame or not frame["symbol"].startswith("s"):
            assert list(quotes) == []
            continue
        if frame["type"] == "snapshot":
            books[frame["symbol"]] = {"bids": {}, "asks": {}}
        for side, levels in books[frame["symbol"]].items():
            levels.update(dict(frame["book"][side]))
            kept = sorted((price for price, size in levels.items() if size), reverse=side == "bids")[:30]
            books[frame["symbol"]][side] = {price: levels[price] for price in kept}
        (quote,) = quotes
        assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == top_of(books[frame["symbol"]])
        assert defect(quote) is None
        assert quote.ts_venue_ms == frame["timestamp"] // 10**6
        quoted += 1
    assert quoted > 400
    assert {each.symbol for each in by_rule.all} == {f"{coin}/USDT" for coin in coins}


@needs_captures
def test_phemex_reads_recorded_perpetuals_from_their_snapshot_on() -> None:
    reading = Reading("phemex", Market.PERP, lines("phemex", "nemanull-profiles_202609"))
    ((quote, _),) = reading.quotes
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == (2763.86, 32.22, 2763.87, 0.06)
    # The other instrument's recording begins without one.
    assert [type(error) for error in reading.errors] == [BookLost]


@needs_captures
def test_coindcx_reads_the_book_the_marks_and_the_packets_that_were_recorded() -> None:
    recorded = lines("coindcx", "nemanull-profiles_202609")
    reading = Reading("coindcx", Market.PERP, recorded)
    # The only update is of another pair, before its snapshot; trades and price changes stand beside them.
    assert [str(error) for error in reading.errors] == ["B-CHR_USDT: an update came before its snapshot"]
    whole = json.loads(json.loads((recorded[0].raw or "").removeprefix("42"))[1]["data"])
    (bid, bid_size), (ask, ask_size) = (
        best((float(price), float(size)) for price, size in whole[side].items())
        for best, side in ((max, "bids"), (min, "asks"))
    )
    assert [quote for quote, _ in reading.quotes] == [Quote(0, bid, bid_size, ask, ask_size, whole["ts"])]
    assert {"ETH/USDT:USDT"} <= reading.symbols
    control = Reading("coindcx", Market.PERP, lines("coindcx", "nemanull-profiles_202609.control"))
    assert (control.quotes, control.errors, len(control.silent)) == ([], [], 3)


@needs_captures
def test_acks_and_errors_that_were_recorded_raise_nothing_but_frame_errors() -> None:
    seen: Counter[str] = Counter()
    for folder, venue, market in (
        ("binance_spot", "binance", Market.SPOT),
        ("binance_usdm", "binance", Market.PERP),
        ("bitget", "bitget", Market.SPOT),
        ("bitmex", "bitmex", Market.PERP),
        ("bybit", "bybit", Market.PERP),
        ("coinbase", "coinbase", Market.SPOT),
        ("coindcx", "coindcx", Market.PERP),
        ("kraken", "kraken", Market.SPOT),
        ("kucoin", "kucoin", Market.SPOT),
        ("mexc", "mexc", Market.SPOT),
        ("okx", "okx", Market.SPOT),
        ("phemex", "phemex", Market.SPOT),
        ("gate_spot", "gate", Market.SPOT),
        ("gate_futures", "gate", Market.PERP),
        ("deribit", "deribit", Market.PERP),
    ):
        for capture in sorted(Path(CAPTURES / folder).glob("*.control.jsonl.gz")):
            reading = Reading(venue, market, lines(folder, capture.name.removesuffix(".jsonl.gz")))
            assert reading.quotes == []
            seen[venue] += len(reading.silent) + len(reading.errors)
    assert set(seen) == set(VENUES)


def read_anew(recorded: list[TapeLine]) -> list[dict[str, Any]]:
    """The frames as plain JSON, for a reading apart from the parser's."""
    return [json.loads(line.raw or "") for line in recorded]


@needs_captures
@pytest.mark.parametrize(
    ("source", "quotes", "retired"), [("crypto-msg-parser", 1, 4), ("cryptofeed.gateio.ws.1.0", 0, 0)]
)
def test_gate_spot_reads_book_tickers_and_refuses_version_3(source: str, quotes: int, retired: int) -> None:
    recorded = lines("gate_spot", source)
    reading = Reading("gate", Market.SPOT, recorded)
    tops = [frame["result"] for frame in read_anew(recorded) if frame.get("channel") == "spot.book_ticker"]
    assert [quote for quote, _ in reading.quotes] == [
        Quote(0, float(top["b"]), float(top["B"]), float(top["a"]), float(top["A"]), top["t"], top["u"]) for top in tops
    ]
    assert (len(reading.quotes), len(reading.errors)) == (quotes, retired)
    assert {type(error) for error in reading.errors} <= {BadFrame}


@needs_captures
@pytest.mark.parametrize(
    ("source", "quotes"),
    [("cryptofeed.gateio_futures.ws.1.0", 75), ("nemanull-profiles_202609", 1), ("crypto-msg-parser", 1)],
)
def test_gate_perpetuals_are_read_in_coins(source: str, quotes: int) -> None:
    recorded = lines("gate_futures", source)
    tops = [frame["result"] for frame in read_anew(recorded) if frame["channel"] == "futures.book_ticker"]
    # Contracts of BTC_USD are of another settlement currency, on a connection that this venue does not open here.
    tops = [top for top in tops if top["s"].endswith("_USDT")]
    listings = {top["s"]: Listing(0.01) for top in tops}
    reading = Reading("gate", Market.PERP, recorded, listings)
    assert len(reading.quotes) == len(tops) == quotes
    for (quote, _), top in zip(reading.quotes, tops, strict=True):
        assert (quote.bid, quote.ask, quote.ts_venue_ms) == (float(top["b"]), float(top["a"]), top["t"])
        assert quote.bid_size == pytest.approx(float(top["B"]) / 100)
        assert quote.ask_size == pytest.approx(float(top["A"]) / 100)
    facts = [each for each in reading.facts if isinstance(each, Funding) and each.next_ms]
    assert all(each == Funding(each.instrument_id, 0.0072, 1789459200000, 8.0, None, 1789456337802) for each in facts)
    assert len(facts) == (source == "nemanull-profiles_202609")
    if recorded[0].t is not None:
        assert_ages_are_plausible(reading)


@needs_captures
@pytest.mark.parametrize(
    ("source", "quotes", "marks"),
    [("crypto-msg-parser", 1, 1), ("cryptofeed.deribit.ws.1.0", 0, 0), ("nemanull-profiles_202609", 0, 1)],
)
def test_deribit_reads_quotes_and_tickers_of_perpetuals_and_passes_over_the_rest(
    source: str, quotes: int, marks: int
) -> None:
    recorded = lines("deribit", source)
    reading = Reading("deribit", Market.PERP, recorded)
    told = [frame["params"] for frame in read_anew(recorded) if "-PERPETUAL" in frame["params"]["channel"]]
    tops = [each["data"] for each in told if each["channel"].startswith("quote.")]
    assert (len(reading.quotes), len(tops), reading.errors) == (quotes, quotes, [])
    for (quote, _), top in zip(reading.quotes, tops, strict=True):
        assert "_" not in top["instrument_name"], "expected inverse perpetuals alone, whose amounts are USD"
        assert (quote.bid, quote.ask) == (top["best_bid_price"], top["best_ask_price"])
        assert quote.bid_size == pytest.approx(top["best_bid_amount"] / top["best_bid_price"], abs=1e-8)
        assert quote.ask_size == pytest.approx(top["best_ask_amount"] / top["best_ask_price"], abs=1e-8)
        assert quote.ts_venue_ms == top["timestamp"]
    tickers = [each["data"] for each in told if each["channel"].startswith("ticker.")]
    found = [each for each in reading.facts if isinstance(each, Mark)]
    assert [(each.mark, each.index, each.at_ms) for each in found] == [
        (each["mark_price"], each["index_price"], each["timestamp"]) for each in tickers
    ]
    assert len(found) == marks
