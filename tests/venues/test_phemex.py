"""Phemex: whole numbers on spot, books whose changes show no gap, one list of all, refusals by number."""

import json
from typing import Any

import pytest
from venue_frames import Connection, instruments, list_body, listing

from arbsniper_tui.model.errors import BadFrame, BookLost, VenueRejected
from arbsniper_tui.model.fact import Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing

Levels = list[list[Any]]

SPOT_BIDS: Levels = [[892376000000, 3257300]]
SPOT_ASKS: Levels = [[892697000000, 1781800], [892708000000, 7543500]]


def spot_book(
    kind: str = "snapshot", bids: Levels = SPOT_BIDS, asks: Levels = SPOT_ASKS, sequence: int = 7, **more: Any
) -> str:
    frame = {"book": {"asks": asks, "bids": bids}, "depth": 30, "sequence": sequence, "symbol": "sBTCUSDT"}
    return json.dumps({**frame, "timestamp": 1590570810187571013, "type": kind, **more})


def perp_book(kind: str, bids: Levels, asks: Levels, sequence: int = 7, **more: Any) -> str:
    frame = {"orderbook_p": {"asks": asks, "bids": bids}, "depth": 30, "sequence": sequence, "symbol": "BTCUSDT"}
    return json.dumps({**frame, "timestamp": 1790133513674330491, "type": kind, **more})


def spot(*, listed: bool = True) -> Connection:
    return Connection("phemex", "BTC/USDT", "PEPE/USDT", listed=listed)


def perp() -> Connection:
    connection = Connection("phemex", "BTC/USDT:USDT", market=Market.PERP)
    connection.feed(perp_book("snapshot", [["100", "1"], ["99", "2"]], [["101", "3"], ["102", "4"]]))
    return connection


def test_spot_is_told_in_whole_numbers_and_its_time_in_nanoseconds() -> None:
    (quote,) = spot().feed(spot_book())
    assert quote == Quote(0, 8923.76, 0.032573, 8926.97, 0.017818, 1590570810187)


def test_sizes_have_the_decimals_that_the_list_gives_the_coin() -> None:
    (quote,) = spot().feed(spot_book(bids=[[1150, 12345]], asks=[[1151, 700]], symbol="sPEPEUSDT"))
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == (0.0000115, 123.45, 0.00001151, 7.0)


@pytest.mark.parametrize(
    ("price_ep", "size_ev", "price", "size"),
    [
        (1238100, 11840000000, 0.012381, 118.4),
        (8654030000000, 11840012345678, 86540.3, 118400.12345678),
        (3, 1, 3e-8, 1e-8),
    ],
)
def test_whole_numbers_become_the_decimals_that_they_mean(
    price_ep: int, size_ev: int, price: float, size: float
) -> None:
    (quote,) = spot().feed(spot_book(bids=[[price_ep, size_ev]]))
    assert (repr(quote.bid), repr(quote.bid_size)) == (repr(price), repr(size))


def test_spot_sizes_of_unknown_decimals_are_refused() -> None:
    with pytest.raises(BadFrame, match="contract size in the list of instruments.*sBTCUSDT"):
        spot(listed=False).feed(spot_book())
    needs = {declared.market: declared.needs_list for declared in VENUES["phemex"].markets}
    assert needs == {Market.SPOT: True, Market.PERP: False}


def test_changes_move_the_top_and_a_size_of_zero_takes_a_level_away() -> None:
    connection = perp()
    (better,) = connection.feed(perp_book("incremental", [["100.5", "9"]], []))
    assert (better.bid, better.bid_size, better.ask) == (100.5, 9.0, 101.0)
    (worse,) = connection.feed(perp_book("incremental", [["100.5", "0"], ["100", "0"]], [["101", "0"]]))
    assert (worse.bid, worse.bid_size, worse.ask, worse.ask_size) == (99.0, 2.0, 102.0, 4.0)
    assert worse.ts_venue_ms == 1790133513674
    (empty,) = connection.feed(perp_book("incremental", [["99", "0"]], []))
    assert reason_words(defect(empty)) == "no bid"


def test_a_new_snapshot_replaces_the_book() -> None:
    (quote,) = perp().feed(perp_book("snapshot", [["90", "1"]], [["91", "1"]], sequence=8))
    assert (quote.bid, quote.ask) == (90.0, 91.0)


def test_levels_behind_the_depth_are_forgotten_as_the_venue_forgets_them() -> None:
    connection = Connection("phemex", "BTC/USDT:USDT", market=Market.PERP)
    connection.feed(perp_book("snapshot", [["100", "1"], ["99", "2"]], [["101", "3"]], depth=2))
    connection.feed(perp_book("incremental", [["100.5", "1"]], [], depth=2))
    # 99 fell behind two better ones: the venue does not say when it goes, and tells what takes its place.
    (quote,) = connection.feed(perp_book("incremental", [["100.5", "0"], ["100", "0"], ["98", "5"]], [], depth=2))
    assert (quote.bid, quote.bid_size) == (98.0, 5.0)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (perp_book("incremental", [["-1", "1"]], [], 8), "positive price"),
        (perp_book("incremental", [], [["101", "-1"]], 8), "positive price"),
        (perp_book("incremental", [["nan", "1"]], [], 8), "positive price"),
        (perp_book("snapshot", [["0", "1"]], [["101", "1"]], 8), "positive prices"),
        (perp_book("incremental", [], [], 6), "sequence of at least 7, found 6"),
        (perp_book("incremental", [], [], sequence=-1), "sequence"),
        (perp_book("later", [], [], 8), "snapshot or incremental"),
        (perp_book("incremental", [["100"]], [], 8), "Phemex frame"),
        (perp_book("incremental", [], [], 8, symbol=""), "a symbol"),
        (perp_book("incremental", [["100", "0"]], [], 8)[:-40], "Phemex frame"),
    ],
)
def test_a_change_that_cannot_be_taken_costs_the_connection(frame: str, words: str) -> None:
    connection = perp()
    with pytest.raises(BookLost, match=words) as lost:
        connection.feed(frame)
    assert lost.value.venue_symbol == ""
    assert list(connection.feed(perp_book("incremental", [["100.1", "1"]], [], 9))) == []
    assert len(connection.feed(perp_book("snapshot", [["90", "1"]], [["91", "1"]], 10))) == 1


def test_an_update_before_its_snapshot_costs_the_connection_once() -> None:
    connection = Connection("phemex", "BTC/USDT:USDT", market=Market.PERP)
    with pytest.raises(BookLost, match="before its snapshot") as lost:
        connection.feed(perp_book("incremental", [["100", "1"]], []))
    assert lost.value.venue_symbol == ""
    assert list(connection.feed(perp_book("incremental", [["100", "1"]], [], 8))) == []


def test_an_equal_sequence_is_no_fault() -> None:
    assert len(perp().feed(perp_book("incremental", [], [], sequence=7))) == 1


def test_another_channel_that_cannot_be_read_costs_no_book() -> None:
    connection = perp()
    with pytest.raises(BadFrame):
        connection.feed('{"trades_p":[[1,"Buy","1","1"]],"symbol":7}')
    assert len(connection.feed(perp_book("incremental", [], []))) == 1


def test_the_book_of_the_other_family_is_refused() -> None:
    frame = perp_book("snapshot", [["1", "1"]], [["2", "1"]], symbol="sBTCUSDT")
    with pytest.raises(BadFrame, match="book for sBTCUSDT"):
        spot().feed(frame)
    with pytest.raises(BadFrame, match="orderbook_p for BTCUSDT"):
        perp().feed(spot_book(symbol="BTCUSDT"))


def test_one_symbol_a_request_and_a_refusal_finds_it_by_the_number() -> None:
    wanted = instruments("phemex", "BTC/USDT:USDT", "ETH/USDT:USDT")
    asked = [json.loads(frame) for frame in VENUES["phemex"].subscribe(wanted)]
    assert [(each["method"], each["params"]) for each in asked] == [
        ("orderbook_p.subscribe", ["BTCUSDT"]),
        ("orderbook_p.subscribe", ["ETHUSDT"]),
    ]
    assert len({each["id"] for each in asked}) == 2
    assert all(0 < each["id"] < 2**31 for each in asked)
    refusal = {"error": {"code": 6001, "message": "invalid argument"}, "id": asked[0]["id"], "result": None}
    with pytest.raises(VenueRejected, match="6001: invalid argument") as rejected:
        perp().feed(json.dumps(refusal))
    assert rejected.value.venue_symbol == "BTCUSDT"
    with pytest.raises(VenueRejected) as rejected:
        perp().feed(json.dumps({**refusal, "id": 106}))
    assert rejected.value.venue_symbol == ""


def test_no_symbol_can_be_unsubscribed_alone() -> None:
    assert VENUES["phemex"].unsubscribe(instruments("phemex", "BTC/USDT:USDT")) == []


FIELDS = ["symbol", "lastRp", "openInterestRv", "indexRp", "markRp", "fundingRateRr", "predFundingRateRr"]


def pack(*rows: list[str], fields: list[str] | None = None) -> str:
    frame = {"data": rows, "method": "perp_market24h_pack_p.update", "timestamp": 1666862556850547000}
    return json.dumps(frame | ({"type": "incremental"} if fields is None else {"fields": fields, "type": "snapshot"}))


def test_the_pack_tells_slow_facts_by_the_fields_of_its_snapshot() -> None:
    connection = perp()
    row = ["BTCUSDT", "16545.6", "1848.114", "16553.57", "16554.74", "-0.00007", "0.0001"]
    connection.feed(pack(["ETHUSDT", *row[1:]], row, fields=FIELDS))
    at_ms = 1666862556850
    assert connection.parser.asides == [
        Funding(0, -0.007, None, 8.0, 0.01, at_ms),
        Mark(0, 16554.74, 16553.57, at_ms),
        OpenInterest(0, 1848.114, at_ms),
    ]
    connection.parser.asides.clear()
    connection.feed(pack(["BTCUSDT", "1", "1849", "", "16555", "", ""]))
    assert connection.parser.asides == [Mark(0, 16555.0, None, at_ms), OpenInterest(0, 1849.0, at_ms)]


@pytest.mark.parametrize("frame", [pack(["BTCUSDT"]), pack(["BTCUSDT"], fields=FIELDS), pack(fields=FIELDS)[:-50]])
def test_a_pack_that_cannot_be_read_is_bad(frame: str) -> None:
    connection = Connection("phemex", "BTC/USDT:USDT", market=Market.PERP)
    with pytest.raises((BadFrame, BookLost)):
        connection.feed(frame)
    assert connection.parser.asides == []


def test_facts_of_all_instruments_take_one_subscription() -> None:
    wanted = instruments("phemex", "BTC/USDT:USDT", "ETH/USDT:USDT")
    assert VENUES["phemex"].subscribe_facts(wanted) == [
        '{"id":1,"method":"perp_market24h_pack_p.subscribe","params":[]}'
    ]


def test_the_list_tells_steps_minimums_and_what_trades_without_the_coin_margined() -> None:
    assert listing("phemex", Market.SPOT) == {
        "sBTCUSDT": Listing(1e-8, tick=0.01, lot=100.0, min_worth=10.0, listed_ms=1589338800000, coin_name="Bitcoin"),
        "sPEPEUSDT": Listing(0.01, tick=1e-8, lot=100.0, min_worth=1.0, coin_name="Pepe"),
        "sOLDUSDT": Listing(
            1e-8, is_trading=False, words="Delisted", tick=0.0001, lot=1e8, min_worth=1.0, coin_name="Old"
        ),
    }
    found = listing("phemex", Market.PERP)
    assert found["BTCUSDT"] == Listing(
        tick=0.1, lot=0.001, min_worth=1.0, listed_ms=1668225600000, funding_interval_h=8.0
    )
    assert found["u1000PEPEUSDT"].funding_interval_h == 4.0
    assert found["OLDUSDT"].fault == Reason(ReasonCode.NOT_TRADING, words="Delisted")


@pytest.mark.parametrize("change", [{"priceScale": 4}, {"priceScale": None}, {"baseCurrency": "NOBODY"}])
def test_a_spot_instrument_of_unknown_scale_has_no_known_size(change: dict[str, object]) -> None:
    body = json.loads(list_body("phemex", Market.SPOT))
    body["data"]["products"][1].update(change)
    found = VENUES["phemex"].parse_listings(json.dumps(body).encode())
    assert found["sBTCUSDT"].fault == Reason(ReasonCode.NO_CONTRACT_SIZE)
    assert found["sPEPEUSDT"].fault is None


def test_a_list_that_is_an_error_is_refused_in_the_venues_words() -> None:
    with pytest.raises(BadFrame, match="too many requests"):
        VENUES["phemex"].parse_listings(b'{"code":10500,"msg":"too many requests","data":null}')


@pytest.mark.parametrize(
    ("spelled", "symbol"),
    [
        ("sBTCUSDT", "BTC/USDT"),
        ("BTCUSDT", "BTC/USDT:USDT"),
        ("SUSHIUSDT", "SUSHI/USDT:USDT"),
        ("sSUSHIUSDT", "SUSHI/USDT"),
        ("u1000PEPEUSDT", "PEPE/USDT:USDT"),
        ("BTCUSD", ""),
        ("cETHUSD", ""),
    ],
)
@pytest.mark.parametrize("market", list(Market))
def test_the_spelling_tells_the_market(spelled: str, symbol: str, market: Market) -> None:
    assert VENUES["phemex"].unified(spelled, market) == symbol
