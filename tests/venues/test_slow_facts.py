"""What Binance and OKX say of perpetuals beside their quotes: funding, mark, index, open interest."""

import json
from math import inf, nan

import pytest
from venue_frames import Connection, instruments, listing

from arbsniper_tui.model.errors import BadFrame, FrameError
from arbsniper_tui.model.fact import Fact, Funding, FundingInterval, InstrumentStatus, Mark, OpenInterest, is_sound
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Aside

MARK_PRICE = {
    "e": "markPriceUpdate",
    "E": 1562305380000,
    "s": "BTCUSDT",
    "p": "11794.15000000",
    "ap": "11794.1",
    "i": "11784.62659091",
    "P": "11784.25641265",
    "r": "0.00038167",
    "T": 1562306400000,
    "st": 1,
}
FUNDING = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "fundingRate": "0.0001",
    "fundingTime": "1785110400000",
    "nextFundingRate": "",
    "nextFundingTime": "1785139200000",
    "method": "current_period",
    "ts": "1785096000123",
}


def said(venue: str, *frames: object) -> list[Aside]:
    symbols = ("BTC/USDT:USDT", "BTC/USD:BTC")[: 1 + (venue == "okx")]
    connection = Connection(venue, *symbols, market=Market.PERP)
    for frame in frames:
        assert list(connection.feed(json.dumps(frame))) == []
    return connection.parser.asides


def okx(channel: str, name: str = "BTC-USDT-SWAP", **data: str) -> dict[str, object]:
    return {"arg": {"channel": channel, "instId": name}, "data": [{"instId": name, "ts": "1630049139746", **data}]}


@pytest.mark.parametrize("frame", [MARK_PRICE, {"stream": "btcusdt@markPrice", "data": MARK_PRICE}])
def test_a_mark_price_of_binance_tells_mark_index_and_funding(frame: object) -> None:
    assert said("binance", frame) == [
        Mark(0, 11794.15, 11784.62659091, 1562305380000),
        Funding(0, 0.038167, 1562306400000, None, None, 1562305380000),
    ]


def test_a_contract_without_funding_tells_its_mark_alone() -> None:
    assert said("binance", MARK_PRICE | {"r": "", "T": 0, "i": ""}) == [Mark(0, 11794.15, None, 1562305380000)]


def test_what_nobody_watches_tells_nothing() -> None:
    assert said("binance", MARK_PRICE | {"s": "ETHUSDT"}) == []
    assert said("okx", okx("mark-price", "ETH-USDT-SWAP", markPx="3"), okx("candle1m", close="1")) == []


def test_binance_tells_unusual_intervals_and_all_others_are_settled_every_8_hours() -> None:
    perpetuals = {each.venue_symbol: each for each in instruments("binance", "BTC/USDT:USDT", "BLZ/USDT:USDT")}
    body = b'[{"symbol":"BLZUSDT","adjustedFundingRateCap":"0.02","fundingIntervalHours":4,"disclaimer":false}]'
    told = VENUES["binance"].parse_facts(body, perpetuals.get, listing("binance", Market.PERP))
    assert list(told) == [FundingInterval(0, 8.0), FundingInterval(1, 4.0)]


def test_binance_tells_the_open_interest_of_one_symbol() -> None:
    perpetuals = {each.venue_symbol: each for each in instruments("binance", "BTC/USDT:USDT")}
    body = b'{"openInterest":"10659.509","symbol":"BTCUSDT","time":1589437530011}'
    assert list(VENUES["binance"].parse_facts(body, perpetuals.get, {})) == [OpenInterest(0, 10659.509, 1589437530011)]
    assert list(VENUES["binance"].parse_facts(body, {}.get, {})) == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[7]", b'{"code":-1121,"msg":"Invalid symbol."}', b'[{"symbol":"X"}]'])
def test_facts_that_cannot_be_read_are_refused(body: bytes) -> None:
    with pytest.raises(BadFrame, match="expected .*, found "):
        VENUES["binance"].parse_facts(body, {}.get, {})


def test_okx_tells_the_rate_its_interval_and_the_next_settlement() -> None:
    frame = {"arg": {"channel": "funding-rate", "instId": "BTC-USDT-SWAP"}, "data": [FUNDING]}
    assert said("okx", frame) == [Funding(0, 0.01, 1785110400000, 8.0, None, 1785096000123)]
    later = {**frame, "data": [FUNDING | {"nextFundingRate": "-0.0002", "nextFundingTime": ""}]}
    assert said("okx", later) == [Funding(0, 0.01, 1785110400000, None, -0.02, 1785096000123)]


def test_an_index_of_okx_stands_beside_the_next_mark_of_its_swap() -> None:
    frames = (
        okx("mark-price", markPx="42310.6"),
        okx("index-tickers", "BTC-USDT", idxPx="42300.5"),
        okx("index-tickers", "BTC-USD", idxPx="42299"),
        okx("mark-price", markPx="42310.7"),
        okx("mark-price", "BTC-USD-SWAP", markPx="42310.8"),
    )
    assert said("okx", *frames) == [
        Mark(0, 42310.6, None, 1630049139746),
        Mark(0, 42310.7, 42300.5, 1630049139746),
        Mark(1, 42310.8, 42299.0, 1630049139746),
    ]


def test_open_interest_of_okx_is_told_in_coins() -> None:
    assert said("okx", okx("open-interest", oi="5000", oiCcy="555.55")) == [OpenInterest(0, 555.55, 1630049139746)]


@pytest.mark.parametrize("channel", ["funding-rate", "mark-price", "open-interest", "index-tickers"])
@pytest.mark.parametrize("number", ["x", "1_0", "٣", "nan", ""])
def test_texts_that_write_no_number_tell_nothing(channel: str, number: str) -> None:
    fields = dict.fromkeys(("fundingRate", "markPx", "oiCcy", "idxPx"), number)
    name = "BTC-USDT" if channel == "index-tickers" else "BTC-USDT-SWAP"
    assert said("okx", okx(channel, name, **fields)) == []
    told = said("binance", MARK_PRICE | {"r": number, "i": number})
    assert told == [Mark(0, 11794.15, None, 1562305380000)]


@pytest.mark.parametrize("channel", ["funding-rate", "mark-price", "open-interest", "index-tickers"])
@pytest.mark.parametrize("number", [7, None, {}])
def test_what_is_no_text_where_one_stands_is_a_bad_frame(channel: str, number: object) -> None:
    fields = dict.fromkeys(("fundingRate", "markPx", "oiCcy", "idxPx"), number)
    name = "BTC-USDT" if channel == "index-tickers" else "BTC-USDT-SWAP"
    with pytest.raises(FrameError):
        said("okx", {"arg": {"channel": channel, "instId": name}, "data": [{**fields, "ts": "1"}]})
    with pytest.raises(FrameError):
        said("binance", MARK_PRICE | {"r": number})


def test_okx_asks_for_an_index_under_its_own_name() -> None:
    asked = [json.loads(text) for text in VENUES["okx"].subscribe_facts(instruments("okx", "BTC/USDT:USDT"))]
    assert [(arg["channel"], arg["instId"]) for each in asked for arg in each["args"]] == [
        ("funding-rate", "BTC-USDT-SWAP"),
        ("mark-price", "BTC-USDT-SWAP"),
        ("open-interest", "BTC-USDT-SWAP"),
        ("index-tickers", "BTC-USDT"),
    ]
    many = instruments("okx", *(f"COIN{number}/USDT:USDT" for number in range(600)))
    assert max(map(len, VENUES["okx"].subscribe_facts(many))) < 65536


@pytest.mark.parametrize(
    "fact",
    [
        Funding(0, nan),
        Funding(0, 101.0),
        Funding(0, 0.01, predicted_pct=-inf),
        Funding(0, 0.01, interval_h=0.0),
        FundingInterval(0, nan),
        Mark(0, 0.0),
        Mark(0, 1.0, nan),
        OpenInterest(0, -1.0),
        OpenInterest(0, inf),
    ],
)
def test_numbers_that_cannot_be_true_are_no_facts(fact: Fact) -> None:
    assert not is_sound(fact)


@pytest.mark.parametrize(
    "fact",
    [Funding(0, -0.5, 1, 8.0, 0.3), FundingInterval(0, 1.0), Mark(0, 1e-9), OpenInterest(0, 0.0)]
    + [InstrumentStatus(0, is_trading=False)],
)
def test_numbers_that_can_be_true_are_facts(fact: Fact) -> None:
    assert is_sound(fact)
