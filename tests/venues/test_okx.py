"""OKX: text pongs, an ack an argument, contracts turned into coins."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from venue_frames import Connection, instruments, listing

from arbsniper_tui.model.errors import BadFrame, VenueClosing, VenueRejected
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.sizes import in_coins

Levels = list[list[str]]

BIDS: Levels = [["8476.97", "256", "0", "12"]]
ASKS: Levels = [["8476.98", "415", "0", "13"]]


def bbo(instrument: str = "BTC-USDT", bids: Levels = BIDS, asks: Levels = ASKS) -> str:
    top = {"asks": asks, "bids": bids, "ts": "1597026383085", "seqId": 123456}
    return json.dumps({"arg": {"channel": "bbo-tbt", "instId": instrument}, "data": [top]})


def perp(*symbols: str, listed: bool = True) -> Connection:
    return Connection("okx", *symbols, market=Market.PERP, listed=listed)


def test_spot_sizes_are_coins() -> None:
    quotes = Connection("okx", "BTC/USDT").feed(bbo())
    assert list(quotes) == [Quote(0, 8476.97, 256.0, 8476.98, 415.0, 1597026383085, 123456)]


@pytest.mark.parametrize(
    ("symbol", "bid_size", "ask_size"),
    [
        ("BTC/USDT:USDT", 256 * 0.01, 415 * 0.01),
        ("PEPE/USDT:USDT", 256 * 100 * 1000, 415 * 100 * 1000),
        ("BTC/USD:BTC", 256 * 100 / 8476.97, 415 * 100 / 8476.98),
    ],
)
def test_contracts_are_turned_into_coins(symbol: str, bid_size: float, ask_size: float) -> None:
    (instrument,) = instruments("okx", symbol)
    (quote,) = perp(symbol).feed(bbo(instrument.venue_symbol))
    assert (quote.bid, quote.ask) == (8476.97, 8476.98)
    assert quote.bid_size == pytest.approx(bid_size)
    assert quote.ask_size == pytest.approx(ask_size)


@pytest.mark.parametrize(
    ("contracts", "contract_size", "coins"),
    [
        ("10.96", 0.01, 0.1096),
        ("0.07", 0.1, 0.007),
        ("137.3", 0.001, 0.1373),
        ("5.9", 0.3, 1.77),
        ("1.1", 100_000.0, 110_000.0),
        ("123456.78", 1000.0, 123_456_780.0),
        ("0.01", 1e-7, 1e-9),
        ("33333333.33", 0.01, 333_333.3333),
        ("0", 0.01, 0.0),
    ],
)
def test_coins_have_no_more_digits_than_contracts_and_their_size(
    contracts: str, contract_size: float, coins: float
) -> None:
    instrument = instruments("okx", "BTC/USDT:USDT")[0]
    parser = VENUES["okx"].parser(
        Market.PERP, {"BTC-USDT-SWAP": instrument}.get, {"BTC-USDT-SWAP": Listing(contract_size)}
    )
    frame = bbo("BTC-USDT-SWAP", [["100", contracts, "0", "1"]], [["101", contracts, "0", "1"]])
    (quote,) = parser.feed(frame.encode())
    assert (repr(quote.bid_size), repr(quote.ask_size)) == (repr(coins), repr(coins))


@settings(max_examples=500, derandomize=True, deadline=None)
@given(st.integers(1, 10**6), st.integers(0, 6), st.integers(1, 10**3), st.integers(0, 8))
def test_coins_are_the_exact_product_in_decimals(lots: int, digits: int, units: int, unit_digits: int) -> None:
    contracts, contract_size = Decimal(lots).scaleb(-digits), Decimal(units).scaleb(-unit_digits)
    assert in_coins(float(contracts), float(contract_size)) == float(contracts * contract_size)


def test_coins_of_an_inverse_contract_end_at_the_eighth_digit() -> None:
    (quote,) = perp("BTC/USD:BTC").feed(bbo("BTC-USD-SWAP"))
    assert (quote.bid_size, quote.ask_size) == (3.01994699, 4.89561141)


@pytest.mark.parametrize("size", ["nan", "inf", "-inf", "-5", "1e300"])
@pytest.mark.parametrize("symbol", ["BTC/USDT:USDT", "BTC/USD:BTC"])
def test_a_number_of_contracts_that_cannot_be_is_no_size(symbol: str, size: str) -> None:
    (instrument,) = instruments("okx", symbol)
    (quote,) = perp(symbol).feed(bbo(instrument.venue_symbol, bids=[["8476.97", size, "0", "1"]]))
    assert reason_words(defect(quote)) == "invalid size" or (size == "1e300" and quote.bid_size > 1e290)


def test_contracts_of_unknown_size_are_refused_rather_than_taken_for_coins() -> None:
    with pytest.raises(BadFrame, match="contract size in the list of instruments.*BTC-USDT-SWAP"):
        perp("BTC/USDT:USDT", listed=False).feed(bbo("BTC-USDT-SWAP"))


def test_spot_needs_no_list() -> None:
    assert len(Connection("okx", "BTC/USDT", listed=False).feed(bbo())) == 1
    spot, swap = VENUES["okx"].markets
    assert (spot.needs_list, swap.needs_list) == (False, True)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"])
@pytest.mark.parametrize(("bids", "asks", "reason"), [([], ASKS, "no bid"), (BIDS, [], "no ask"), ([], [], "no bid")])
def test_an_empty_list_is_an_empty_side(symbol: str, bids: Levels, asks: Levels, reason: str) -> None:
    (instrument,) = instruments("okx", symbol)
    connection = Connection("okx", symbol, market=instrument.market)
    (quote,) = connection.feed(bbo(instrument.venue_symbol, bids, asks))
    assert reason_words(defect(quote)) == reason


@pytest.mark.parametrize("level", [[], ["8476.97"], ["price", "size"], [None, "1"]])
def test_a_level_without_price_and_size_is_bad(level: list[str]) -> None:
    with pytest.raises(BadFrame):
        Connection("okx", "BTC/USDT").feed(bbo(bids=[level]))


@pytest.mark.parametrize("more", [{"ts": str(10**30)}, {"ts": 2**63}, {"seqId": 2**63}, {"ts": "soon"}, {"ts": ""}])
def test_a_time_or_number_that_the_bus_cannot_carry_is_bad(more: dict[str, object]) -> None:
    frame = json.loads(bbo())
    frame["data"][0].update(more)
    with pytest.raises(BadFrame):
        Connection("okx", "BTC/USDT").feed(json.dumps(frame))


@pytest.mark.parametrize("frame", ["pong", b"pong"])
def test_the_pong_is_text_and_no_quote(frame: str | bytes) -> None:
    assert list(Connection("okx").feed(frame)) == []
    spot = VENUES["okx"].market(Market.SPOT)
    assert spot is not None
    assert spot.keep_alive is not None
    assert spot.keep_alive.send == "ping"
    assert spot.keep_alive.every_s < 30 <= spot.max_silence_s


def test_a_refused_argument_is_named() -> None:
    frame = '{"event":"error","code":"60018","msg":"channel:bbo-tbt,instId:XYZ-USDT doesn\'t exist","connId":"a4d3"}'
    with pytest.raises(VenueRejected, match="60018") as rejected:
        Connection("okx").feed(frame)
    assert rejected.value.venue_symbol == "XYZ-USDT"


def test_an_error_that_names_no_instrument_rejects_the_request() -> None:
    with pytest.raises(VenueRejected, match="60012: Illegal request") as rejected:
        Connection("okx").feed('{"event":"error","code":"60012","msg":"Illegal request: {\\"op\\":\\"x\\"}"}')
    assert rejected.value.venue_symbol == ""


def test_the_notice_of_an_upgrade_asks_for_a_new_connection() -> None:
    frame = '{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade."}'
    with pytest.raises(VenueClosing, match="service upgrade"):
        Connection("okx").feed(frame)
    assert list(Connection("okx").feed('{"event":"notice","code":"64000","msg":"something else"}')) == []


@pytest.mark.parametrize(
    "frame",
    [
        '{"table":"spot/ticker","data":[{"instrument_id":"BTC-USDT","best_bid":"1","best_ask":"2"}]}',
        '{"op":"subscribe","args":[]}',
    ],
)
def test_version_3_and_requests_are_refused(frame: str) -> None:
    with pytest.raises(BadFrame, match="OKX v5"):
        Connection("okx").feed(frame)


def test_subscribes_to_all_in_one_frame() -> None:
    (frame,) = VENUES["okx"].subscribe(instruments("okx", "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"))
    asked = json.loads(frame)
    assert asked["op"] == "subscribe"
    assert asked["id"].isalnum()
    assert asked["args"] == [
        {"channel": "bbo-tbt", "instId": name} for name in ("BTC-USDT", "BTC-USDT-SWAP", "BTC-USD-SWAP")
    ]


@pytest.mark.parametrize(
    ("spelled", "symbol"),
    [
        ("BTC-USDT", "BTC/USDT"),
        ("BTC-USDT-SWAP", "BTC/USDT:USDT"),
        ("BTC-USD-SWAP", "BTC/USD:BTC"),
        ("BTC-USD-261225", ""),
        ("BTC-USD-261225-50000-C", ""),
        ("BTC", ""),
    ],
)
def test_spellings_tell_the_symbol(spelled: str, symbol: str) -> None:
    assert VENUES["okx"].unified(spelled, Market.PERP) == symbol


def test_the_list_gives_the_size_of_a_contract() -> None:
    assert listing("okx", Market.PERP) == {
        "BTC-USDT-SWAP": Listing(0.01, tick=0.1, lot=0.01, min_size=0.02, listed_ms=1573557408000),
        "PEPE-USDT-SWAP": Listing(100_000.0),
        "BTC-USD-SWAP": Listing(100.0, is_inverse=True),
        "OLD-USDT-SWAP": Listing(1.0, is_trading=False, words="suspend"),
    }
    assert listing("okx", Market.SPOT) == {
        "BTC-USDT": Listing(tick=0.1, lot=1e-8, min_size=0.00001),
        "WAIT-USDT": Listing(is_trading=False, words="preopen"),
    }


def listed(**changes: str | None) -> Listing:
    """What becomes of BTC-USDT-SWAP when its row in the list is changed so; None takes a field away."""
    row: dict[str, str | None] = {"instId": "BTC-USDT-SWAP", "ctVal": "0.01", "ctMult": "1", "ctType": "linear"}
    row |= {"state": "live"} | changes
    sound = {"instId": "ETH-USDT-SWAP", "ctVal": "0.1", "ctMult": "1", "ctType": "linear", "state": "live"}
    rows = [{key: value for key, value in row.items() if value is not None}, sound]
    body = json.dumps({"code": "0", "msg": "", "data": rows}).encode()
    found = VENUES["okx"].parse_listings(body)
    assert found["ETH-USDT-SWAP"] == Listing(0.1)
    return found["BTC-USDT-SWAP"]


NO_NUMBERS = (None, "", "0", "0.00", "-1", "a hundredth", "nan", "inf", "1_0", "١", " 1", "1e-400")


@pytest.mark.parametrize(
    "changes", [{"ctVal": each} for each in NO_NUMBERS] + [{"ctMult": each} for each in NO_NUMBERS]
)
def test_a_swap_without_a_contract_size_is_not_taken_for_one_coin_a_contract(changes: dict[str, str | None]) -> None:
    swap = listed(**changes)
    assert swap.contract_size is None
    assert swap.fault == Reason(ReasonCode.NO_CONTRACT_SIZE)
    (instrument,) = instruments("okx", "BTC/USDT:USDT")
    parser = VENUES["okx"].parser(Market.PERP, {"BTC-USDT-SWAP": instrument}.get, {"BTC-USDT-SWAP": swap})
    with pytest.raises(BadFrame, match="contract size"):
        parser.feed(bbo("BTC-USDT-SWAP").encode())


@pytest.mark.parametrize("kind", [None, "", "quanto"])
def test_a_swap_that_is_neither_linear_nor_inverse_has_no_known_size(kind: str | None) -> None:
    assert listed(ctType=kind).fault == Reason(ReasonCode.NO_CONTRACT_SIZE)


def test_the_multiplier_counts_in_decimals() -> None:
    assert listed(ctVal="0.1", ctMult="0.1") == Listing(0.01)


def test_why_a_listing_takes_no_part_is_told_in_words() -> None:
    assert listed().fault is None
    assert listed(state="suspend").fault == Reason(ReasonCode.NOT_TRADING, words="suspend")
    assert listed(state="sus\npend", ctVal="").fault == Reason(ReasonCode.NOT_TRADING, words="sus\\npend")


def test_a_list_that_is_an_error_is_refused_in_the_venues_words() -> None:
    with pytest.raises(BadFrame, match="Too Many Requests"):
        VENUES["okx"].parse_listings(b'{"code":"50011","msg":"Too Many Requests","data":[]}')


def test_unsubscribes_the_same_arguments_under_another_name() -> None:
    (frame,) = VENUES["okx"].unsubscribe(instruments("okx", "BTC/USDT"))
    assert json.loads(frame) == {
        "id": "b2",
        "op": "unsubscribe",
        "args": [{"channel": "bbo-tbt", "instId": "BTC-USDT"}],
    }
