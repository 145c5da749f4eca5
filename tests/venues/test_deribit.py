"""Deribit: JSON-RPC, heartbeats that must be answered, amounts in USD or coins, funding without an instant."""

import json

import pytest
from venue_frames import Connection, instruments, list_body, listing

from arbsniper_tui.model.errors import BadFrame, VenueRejected
from arbsniper_tui.model.fact import Fact, Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Reply
from arbsniper_tui.venues.listing import Listing

DERIBIT = VENUES["deribit"]
INVERSE, LINEAR = "BTC/USD:BTC", "BTC/USDC:USDC"


def notification(channel: str, **data: object) -> str:
    params = {"channel": channel, "data": {key: value for key, value in data.items() if value is not ...}}
    return json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params})


def quote_frame(name: str = "BTC-PERPETUAL", **changes: object) -> str:
    top: dict[str, object] = {"timestamp": 1765541767174, "instrument_name": name}
    top |= {"best_ask_price": 92288.5, "best_bid_price": 92288.0}
    top |= {"best_ask_amount": 99470.0, "best_bid_amount": 133440.0} | changes
    return notification(f"quote.{name}", **top)


def perp(*symbols: str, listed: bool = True) -> Connection:
    return Connection("deribit", *(symbols or (INVERSE, LINEAR)), market=Market.PERP, listed=listed)


def test_amounts_of_inverse_perpetuals_are_usd() -> None:
    assert list(perp().feed(quote_frame())) == [Quote(0, 92288.0, 1.44590846, 92288.5, 1.07781576, 1765541767174)]


def test_amounts_of_linear_perpetuals_are_coins_and_not_multiplied_by_the_contract_size() -> None:
    frame = quote_frame("BTC_USDC-PERPETUAL", best_ask_amount=0.3001, best_bid_amount=0.0645)
    assert list(perp().feed(frame)) == [Quote(1, 92288.0, 0.0645, 92288.5, 0.3001, 1765541767174)]


def test_sizes_need_no_list() -> None:
    assert perp(listed=False).feed(quote_frame()) == perp().feed(quote_frame())
    assert not any(each.needs_list for each in DERIBIT.markets)


def test_numbers_may_have_exponents() -> None:
    frame = quote_frame("BTC_USDC-PERPETUAL").replace("92288.0", "9.2288e4").replace("133440.0", "2.2e3")
    (quote,) = perp().feed(frame)
    assert (quote.bid, quote.bid_size) == (92288.0, 2200.0)


@pytest.mark.parametrize("name", ["BTC-PERPETUAL", "BTC_USDC-PERPETUAL"])
@pytest.mark.parametrize("price", [None, 0, 0.0])
@pytest.mark.parametrize("amount", [None, 0.0])
@pytest.mark.parametrize(("side", "reason"), [("bid", "no bid"), ("ask", "no ask")])
def test_null_or_0_is_an_empty_side(
    name: str, price: float | None, amount: float | None, side: str, reason: str
) -> None:
    (quote,) = perp().feed(quote_frame(name, **{f"best_{side}_price": price, f"best_{side}_amount": amount}))
    assert reason_words(defect(quote)) == reason


@pytest.mark.parametrize("key", ["best_bid_price", "best_bid_amount", "best_ask_price", "best_ask_amount"])
@pytest.mark.parametrize("value", [..., "92288.0", []])
def test_a_side_that_is_missing_or_no_number_is_bad(key: str, value: object) -> None:
    with pytest.raises(BadFrame, match="Deribit JSON-RPC"):
        perp().feed(quote_frame(**{key: value}))


def test_every_test_request_is_answered() -> None:
    connection = perp()
    for _ in range(2):
        connection.feed('{"params":{"type":"test_request"},"method":"heartbeat","jsonrpc":"2.0"}')
        connection.feed('{"params":{"type":"heartbeat"},"method":"heartbeat","jsonrpc":"2.0"}')
    first, second = connection.parser.asides
    assert isinstance(first, Reply)
    assert first == second
    assert json.loads(first.text)["method"] == "public/test"


def test_a_connection_begins_with_asking_for_heartbeats() -> None:
    (declared,) = DERIBIT.markets
    (opening,) = declared.opening
    asked = json.loads(opening)
    assert (asked["method"], asked["params"]) == ("public/set_heartbeat", {"interval": 10})
    assert declared.max_silence_s > 2 * asked["params"]["interval"]


def test_an_error_rejects_the_request() -> None:
    frame = (
        '{"jsonrpc":"2.0","id":5,"error":{"code":13778,"message":"raw_subscriptions_not_available_for_unauthorized"}}'
    )
    with pytest.raises(VenueRejected, match="13778: raw_subscriptions_not") as rejected:
        perp().feed(frame)
    assert rejected.value.venue_symbol == ""


def test_an_answer_that_takes_no_channel_rejects_the_request() -> None:
    with pytest.raises(VenueRejected, match="none of the channels"):
        perp().feed('{"jsonrpc":"2.0","id":2,"result":[],"usDiff":93,"testnet":false}')
    assert list(perp().feed('{"jsonrpc":"2.0","id":3,"result":[],"usDiff":93,"testnet":false}')) == []


@pytest.mark.parametrize(
    "frame",
    [
        '{"id":1,"result":null}',
        '{"success":true,"notifications":[{"message":"order_book_event","result":{}}],"usIn":1}',
        '{"jsonrpc":"1.0","id":1,"result":[]}',
    ],
)
def test_version_1_and_what_is_no_json_rpc_2_is_refused(frame: str) -> None:
    with pytest.raises(BadFrame, match="Deribit JSON-RPC"):
        perp().feed(frame)


def test_all_instruments_fit_into_one_call_of_500_channels() -> None:
    some = instruments("deribit", INVERSE, LINEAR)
    (frame,) = DERIBIT.subscribe(some)
    asked = json.loads(frame)
    assert (asked["jsonrpc"], asked["id"], asked["method"]) == ("2.0", 2, "public/subscribe")
    assert asked["params"] == {"channels": ["quote.BTC-PERPETUAL", "quote.BTC_USDC-PERPETUAL"]}
    assert len(DERIBIT.subscribe(some * 251)) == 2
    (frame,) = DERIBIT.subscribe_facts(some[:1])
    assert json.loads(frame)["params"] == {"channels": ["ticker.BTC-PERPETUAL.agg2"]}


@pytest.mark.parametrize(
    ("spelled", "symbol"),
    [
        ("BTC-PERPETUAL", "BTC/USD:BTC"),
        ("ETH_USDC-PERPETUAL", "ETH/USDC:USDC"),
        ("BTC-25DEC26", ""),
        ("BTC-25DEC26-34000-C", ""),
        ("BTC_USDC", ""),
    ],
)
def test_spellings_tell_the_symbol(spelled: str, symbol: str) -> None:
    assert DERIBIT.unified(spelled, Market.PERP) == symbol


def test_the_list_counts_in_the_unit_of_amounts() -> None:
    assert listing("deribit", Market.PERP) == {
        "BTC-PERPETUAL": Listing(1.0, is_inverse=True, tick=0.5, lot=10.0, min_size=10.0, listed_ms=1534167754000),
        "BTC_USDC-PERPETUAL": Listing(1.0, tick=0.1, lot=1e-4, min_size=1e-4, listed_ms=1667470020000),
        "OLD_USDC-PERPETUAL": Listing(
            1.0, is_trading=False, words="closed", tick=0.01, lot=1.0, min_size=1.0, listed_ms=1667470020000
        ),
    }


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"is_active": False}, Reason(ReasonCode.NOT_TRADING, words="not active")),
        ({"state": "locked"}, Reason(ReasonCode.NOT_TRADING, words="locked")),
        ({"instrument_type": "quanto"}, Reason(ReasonCode.NO_CONTRACT_SIZE)),
    ],
)
def test_what_does_not_trade_or_has_no_known_unit_takes_no_part(changes: dict[str, object], fault: Reason) -> None:
    row = json.loads(list_body("deribit", Market.PERP))["result"][0]
    found = DERIBIT.parse_listings(json.dumps({"jsonrpc": "2.0", "result": [row | changes]}).encode())
    assert found["BTC-PERPETUAL"].fault == fault


def ticker(name: str, **changes: object) -> str:
    data: dict[str, object] = {"timestamp": 1785121200887, "state": "open", "instrument_name": name}
    data |= {"index_price": 64170.11, "mark_price": 64000.0, "open_interest": 3.2e8, "current_funding": 1.423e-4}
    return notification(f"ticker.{name}.agg2", **(data | changes))


AT_MS = 1785121200887
FACTS: list[Fact] = [
    # Continuous: what 8 hours would cost at the rate of this moment, and no next settlement.
    Funding(0, 0.01423, next_ms=None, interval_h=8.0, at_ms=AT_MS),
    Mark(0, 64000.0, 64170.11, AT_MS),
    OpenInterest(0, 5000.0, AT_MS),
]


def test_the_ticker_tells_the_slow_facts() -> None:
    connection = perp()
    assert list(connection.feed(ticker("BTC-PERPETUAL"))) == []
    assert connection.parser.asides == FACTS


def test_open_interest_of_linear_perpetuals_is_in_coins() -> None:
    connection = perp(LINEAR)
    connection.feed(ticker("BTC_USDC-PERPETUAL", open_interest=459.3409))
    assert OpenInterest(0, 459.3409, AT_MS) in connection.parser.asides


def test_what_a_ticker_leaves_open_is_not_told() -> None:
    connection = perp()
    connection.feed(ticker("BTC-PERPETUAL", current_funding=None, mark_price=None))
    assert connection.parser.asides == []
