"""Which instruments a venue serves: by its list, which can take back what it said, and by its word."""

import pytest
from feeding import instruments

from arbsniper_tui.feeds.served import Served
from arbsniper_tui.model.fact import InstrumentStatus
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.venues.listing import Listing

BTC, ETH = instruments("okx", ("BTC/USDT", "ETH/USDT"))
TRADING, HALTED = Listing(), Listing(is_trading=False)


@pytest.fixture
def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def served(told: list[tuple[str, str]]) -> Served:
    def note(instrument: Instrument, reason: Reason) -> None:
        told.append((instrument.symbol, reason_words(reason)))

    return Served((BTC, ETH), note)


def test_before_any_word_everything_is_wanted(served: Served) -> None:
    assert served.wanted == [BTC, ETH]
    assert served.barred == set() and served.reasons == {}


def test_what_is_not_listed_or_not_trading_is_barred_with_the_reason(
    served: Served, told: list[tuple[str, str]]
) -> None:
    assert served.take_list({"BTC-USDT": HALTED}) == []
    assert served.reasons == {BTC.id: Reason(ReasonCode.NOT_TRADING), ETH.id: Reason(ReasonCode.NOT_LISTED)}
    assert served.barred == {BTC.id, ETH.id} and served.wanted == []
    assert told == [("BTC/USDT", "not trading"), ("ETH/USDT", "not listed")]


def test_the_same_list_once_more_is_no_news(served: Served, told: list[tuple[str, str]]) -> None:
    for _ in range(3):
        served.take_list({"BTC-USDT": HALTED, "ETH-USDT": TRADING})
    assert told == [("BTC/USDT", "not trading")]


def test_what_rests_on_a_list_falls_with_it(served: Served) -> None:
    served.take_list({"BTC-USDT": HALTED})
    assert served.take_list({"BTC-USDT": TRADING, "ETH-USDT": TRADING}) == [BTC, ETH]
    assert served.wanted == [BTC, ETH] and served.barred == set() and served.reasons == {}


def test_a_rejected_symbol_is_barred(served: Served, told: list[tuple[str, str]]) -> None:
    served.reject(BTC, Reason(ReasonCode.REJECTED, words="no"))
    assert served.wanted == [ETH]
    assert told == [("BTC/USDT", "rejected: no")]


def test_a_status_takes_an_instrument_out_and_brings_it_back(served: Served, told: list[tuple[str, str]]) -> None:
    for _ in range(2):
        assert served.take_status(InstrumentStatus(BTC.id, is_trading=False, words="maintenance")) == []
    assert told == [("BTC/USDT", "not trading: maintenance")]
    assert served.wanted == [ETH]
    assert served.take_status(InstrumentStatus(BTC.id, is_trading=True)) == [BTC]
    assert served.take_status(InstrumentStatus(BTC.id, is_trading=True)) == []
    assert served.wanted == [BTC, ETH]


def test_a_list_has_the_last_word_on_what_a_status_took_out(served: Served) -> None:
    served.take_status(InstrumentStatus(BTC.id, is_trading=False))
    assert served.take_list({"BTC-USDT": TRADING, "ETH-USDT": TRADING}) == [BTC]


def test_what_concerns_some_instruments_leaves_the_others_alone(served: Served) -> None:
    assert served.take_list({}, [BTC]) == []
    served.reject(ETH, Reason(ReasonCode.REJECTED, words="no"))
    served.ask_again([BTC])
    assert served.reasons == {BTC.id: Reason(ReasonCode.NOT_LISTED), ETH.id: Reason(ReasonCode.REJECTED, words="no")}


def test_a_list_that_has_what_was_rejected_brings_it_back(served: Served) -> None:
    served.reject(BTC, Reason(ReasonCode.REJECTED, words="in maintenance"))
    assert served.take_list({"BTC-USDT": TRADING, "ETH-USDT": TRADING}) == [BTC]
    assert served.wanted == [BTC, ETH]


def test_a_new_connection_asks_again_for_what_was_rejected_and_not_for_what_is_not_listed(served: Served) -> None:
    served.take_list({"BTC-USDT": TRADING})
    served.reject(BTC, Reason(ReasonCode.REJECTED, words="in maintenance"))
    served.reject(ETH, Reason(ReasonCode.REJECTED, words="unknown"))
    served.ask_again()
    assert served.wanted == [BTC]
    assert served.reasons == {ETH.id: Reason(ReasonCode.NOT_LISTED)}
