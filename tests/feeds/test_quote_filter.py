"""What a feed lets through, withdraws and drops."""

from math import inf, nan

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arbsniper_tui.feeds.quote_filter import OLDER, RESTARTED, QuoteFilter
from arbsniper_tui.model.quote import Quote, Withdrawal, defect, is_older
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words

steady = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])

SOUND = Quote(0, 99.0, 1.0, 100.0, 2.0)


def q(i: int = 0, bid: float = 99.0, ask: float = 100.0, ts: int | None = None, seq: int | None = None) -> Quote:
    return Quote(i, bid, 1.0, ask, 1.0, ts, seq)


def test_sound_quotes_pass_in_their_order() -> None:
    quotes = [q(0), q(1), q(0, bid=98.0)]
    assert QuoteFilter({}).apply(quotes) == (quotes, [])


@pytest.mark.parametrize(
    ("unsound", "reason"),
    [
        (Quote(0, nan, 1.0, 100.0, 1.0), Reason(ReasonCode.INVALID_BID)),
        (Quote(0, 99.0, 1.0, nan, 1.0), Reason(ReasonCode.INVALID_ASK)),
        (Quote(0, inf, 1.0, inf, 1.0), Reason(ReasonCode.INVALID_BID)),
        (Quote(0, 99.0, 1.0, inf, 1.0), Reason(ReasonCode.INVALID_ASK)),
        (Quote(0, -1.0, 1.0, 100.0, 1.0), Reason(ReasonCode.INVALID_BID)),
        (Quote(0, 99.0, 1.0, -100.0, 1.0), Reason(ReasonCode.INVALID_ASK)),
        (Quote(0, 0.0, 0.0, 100.0, 1.0), Reason(ReasonCode.NO_BID)),
        (Quote(0, 99.0, 1.0, 0.0, 0.0), Reason(ReasonCode.NO_ASK)),
        (Quote(0, 99.0, 0.0, 100.0, 1.0), Reason(ReasonCode.INVALID_SIZE)),
        (Quote(0, 99.0, 1.0, 100.0, -1.0), Reason(ReasonCode.INVALID_SIZE)),
        (Quote(0, 99.0, nan, 100.0, 1.0), Reason(ReasonCode.INVALID_SIZE)),
        (Quote(0, 99.0, 1.0, 100.0, inf), Reason(ReasonCode.INVALID_SIZE)),
        (Quote(0, 100.1, 1.0, 100.0, 1.0), Reason(ReasonCode.CROSSED)),
    ],
)
def test_an_unsound_quote_withdraws_its_instrument_once_and_is_counted_always(unsound: Quote, reason: Reason) -> None:
    dropped: dict[str, int] = {}
    quote_filter = QuoteFilter(dropped)
    assert quote_filter.apply([SOUND]) == ([SOUND], [])
    assert quote_filter.apply([unsound]) == ([], [Withdrawal((0,), reason)])
    assert quote_filter.apply([unsound, unsound]) == ([], [])
    assert dropped == {reason_words(reason): 3}
    assert quote_filter.apply([SOUND]) == ([SOUND], [])
    assert quote_filter.apply([unsound]) == ([], [Withdrawal((0,), reason)])


def test_bid_equal_to_ask_is_locked_and_not_crossed() -> None:
    assert defect(q(bid=100.0, ask=100.0)) is None


@steady
@given(*[st.floats(allow_nan=True, allow_infinity=True)] * 4)
def test_what_has_no_defect_is_finite_positive_and_in_order(bid: float, size: float, ask: float, other: float) -> None:
    is_believable = 0 < bid <= ask < inf and 0 < size < inf and 0 < other < inf
    assert (defect(Quote(0, bid, size, ask, other)) is None) == is_believable


@pytest.mark.parametrize(
    ("held", "later"),
    [(q(seq=7), q(bid=98.0, seq=6)), (q(ts=1000), q(bid=98.0, ts=999)), (q(ts=1, seq=7), q(ts=2, seq=6))],
)
def test_an_older_quote_is_dropped_and_the_one_held_stays(held: Quote, later: Quote) -> None:
    dropped: dict[str, int] = {}
    quote_filter = QuoteFilter(dropped)
    quote_filter.apply([held])
    assert quote_filter.apply([later]) == ([], [])
    assert dropped == {reason_words(OLDER): 1}
    # What was dropped is not what the next is compared with.
    assert quote_filter.apply([held]) == ([held], [])


@pytest.mark.parametrize(
    ("held", "later"),
    [(q(seq=7), q(seq=7)), (q(ts=5), q(ts=5)), (q(), q(ts=1)), (q(ts=9), q(seq=1)), (q(ts=9, seq=1), q(ts=8, seq=2))],
)
def test_the_same_age_or_none_that_can_be_compared_is_not_older(held: Quote, later: Quote) -> None:
    assert not is_older(later, held)
    quote_filter = QuoteFilter({})
    quote_filter.apply([held])
    assert quote_filter.apply([later]) == ([later], [])


def test_an_older_quote_does_not_bring_a_withdrawn_instrument_back() -> None:
    quote_filter = QuoteFilter({})
    quote_filter.apply([q(seq=5)])
    quote_filter.apply([q(bid=101.0, seq=6)])
    assert quote_filter.apply([q(seq=4)]) == ([], [])
    assert quote_filter.apply([q(bid=101.0, seq=7)]) == ([], [])


def test_an_unsound_quote_takes_back_a_sound_one_of_the_same_frame() -> None:
    quote_filter = QuoteFilter({})
    other = q(1)
    assert quote_filter.apply([q(0), other, q(0, bid=101.0)]) == (
        [other],
        [Withdrawal((0,), Reason(ReasonCode.CROSSED))],
    )
    assert quote_filter.apply([q(0, bid=101.0), q(0)]) == ([q(0)], [])


def test_who_asks_is_told_of_every_drop() -> None:
    told: list[tuple[str, Quote]] = []
    quote_filter = QuoteFilter({}, lambda reason, quote: told.append((reason, quote)))
    quote_filter.apply([q(seq=2), q(seq=1), q(bid=101.0, seq=3)])
    assert told == [(reason_words(OLDER), q(seq=1)), ("crossed", q(bid=101.0, seq=3))]


class TestASequenceThatBeginsAgain:
    """One quote that is older is late; several in a row that are in order are a count that began anew."""

    def test_is_followed_after_a_withdrawal(self) -> None:
        dropped: dict[str, int] = {}
        quote_filter = QuoteFilter(dropped)
        quote_filter.apply([q(seq=1000)])
        assert quote_filter.apply([q(seq=1)]) == quote_filter.apply([q(seq=2)]) == ([], [])
        assert quote_filter.apply([q(seq=3)]) == ([], [Withdrawal((0,), RESTARTED)])
        assert quote_filter.apply([q(seq=4)]) == ([q(seq=4)], [])
        assert dropped == {reason_words(OLDER): 2, reason_words(RESTARTED): 1}

    def test_one_bogus_number_costs_three_quotes_and_no_more(self) -> None:
        quote_filter = QuoteFilter({})
        passed = [quote_filter.apply([q(seq=seq)])[0] for seq in (5, 2**62, 6, 7, 8, 9, 10)]
        assert [quotes[0].venue_seq for quotes in passed if quotes] == [5, 2**62, 9, 10]

    def test_the_same_holds_for_times(self) -> None:
        quote_filter = QuoteFilter({})
        passed = [quote_filter.apply([q(ts=ts)])[0] for ts in (5000, 10**15, 5001, 5002, 5003, 5004)]
        assert [quotes[0].ts_venue_ms for quotes in passed if quotes] == [5000, 10**15, 5004]

    def test_late_ones_between_good_ones_are_only_late(self) -> None:
        quote_filter = QuoteFilter({})
        passed = [quote_filter.apply([q(seq=seq)])[0] for seq in (100, 50, 101, 51, 102, 52, 103, 53)]
        assert [quotes[0].venue_seq for quotes in passed if quotes] == [100, 101, 102, 103]

    def test_late_ones_in_no_order_are_only_late(self) -> None:
        quote_filter = QuoteFilter({})
        quote_filter.apply([q(seq=100)])
        assert [quote_filter.apply([q(seq=seq)]) for seq in (50, 49, 48, 47, 46, 45)] == [([], [])] * 6


class TestABarredInstrument:
    def test_takes_no_part_whatever_comes(self) -> None:
        barred = {0}
        quote_filter = QuoteFilter({}, barred=barred)
        assert quote_filter.apply([q(0), q(1)]) == ([q(1)], [])
        assert quote_filter.apply([q(0, bid=101.0)]) == ([], [])
        assert not quote_filter.has(0)
        barred.clear()
        assert quote_filter.apply([q(0)]) == ([q(0)], [])

    def test_what_was_withdrawn_elsewhere_is_compared_with_nothing(self) -> None:
        quote_filter = QuoteFilter({})
        quote_filter.apply([q(seq=9)])
        quote_filter.withdraw(0)
        assert not quote_filter.has(0)
        assert quote_filter.apply([q(seq=1)]) == ([q(seq=1)], [])
