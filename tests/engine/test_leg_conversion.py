"""Prices in another currency: each leg at the side of the rate at which it could be had, or no part at all."""

from math import inf

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from arbsniper_tui.config.settings import Conversion, Settings, VenueSettings
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.leg import NO_RATE, Leg, Legs
from arbsniper_tui.engine.routes import SPOT_SPOT
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.instrument import Instrument, Rate
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.universe.instruments import instruments_of

MS = 1_000_000
S = 1000 * MS
NOW = 1000 * S

HERE, THERE, RATE = 0, 1, 2


def instruments(*, is_inverted: bool, only_rate: bool = True) -> list[Instrument]:
    """One leg in the currency that counts, one in another, and the rate between them."""
    rate_symbol = "USDT/USD" if is_inverted else "USD/USDT"
    return [
        Instrument(HERE, "binance", "BTC/USDT", "BTCUSDT", "USDT", 0.1),
        Instrument(THERE, "kraken", "BTC/USD", "BTC/USD", "USDT", 0.4, rate_id=RATE, rate_inverted=is_inverted),
        Instrument(RATE, "coinbase", rate_symbol, rate_symbol, "USDT", 0.6, only_rate=only_rate),
    ]


def make_detector(*, is_inverted: bool, **rules: object) -> Detector:
    legs = instruments(is_inverted=is_inverted)
    return Detector(legs, [SPOT_SPOT], Rules(**rules), "node")  # type: ignore[arg-type]  # fields by name


def quote(i: int, bid: float, ask: float) -> Quote:
    return Quote(i, bid, 1.0, ask, 2.0)


@pytest.mark.parametrize(
    ("is_inverted", "ask", "bid"),
    [
        # A dollar price: who buys sells USDT at the bid of USDT/USD, who sells buys them back at its ask.
        (True, 102.0 / 0.98, 101.0 / 1.01),
        # A rate in USDT a dollar: who buys pays its ask for dollars, who sells gets its bid.
        (False, 102.0 * 1.01, 101.0 * 0.98),
    ],
)
def test_each_side_is_converted_at_the_side_of_the_rate_that_it_could_be_had_at(
    is_inverted: bool, ask: float, bid: float
) -> None:
    legs = Legs(instruments(is_inverted=is_inverted))
    legs.shown[RATE].put(quote(RATE, 0.98, 1.01), NOW)
    legs.shown[THERE].put(quote(THERE, 101.0, 102.0), NOW)
    assert legs.counted[THERE].ask == pytest.approx(ask, rel=1e-12)
    assert legs.counted[THERE].bid == pytest.approx(bid, rel=1e-12)
    assert legs.counted[THERE].fault is None
    assert (legs.shown[THERE].bid, legs.shown[THERE].ask) == (101.0, 102.0)


@pytest.mark.parametrize("is_inverted", [True, False])
def test_a_rate_with_a_width_never_makes_a_spread_out_of_one_price(is_inverted: bool) -> None:
    legs = Legs(instruments(is_inverted=is_inverted))
    legs.shown[RATE].put(quote(RATE, 0.98, 1.01), NOW)
    legs.shown[THERE].put(quote(THERE, 100.0, 100.0), NOW)
    assert legs.counted[THERE].bid < legs.counted[THERE].ask


def test_without_a_rate_there_is_no_part_rather_than_a_rate_of_one() -> None:
    detector = make_detector(is_inverted=True)
    detector.on_quote(quote(HERE, 99.0, 100.0), NOW, NOW)
    assert detector.on_quote(quote(THERE, 110.0, 111.0), NOW, NOW) == []
    there = detector.legs.counted[THERE]
    assert (there.ask, there.bid, there.fault) == (inf, 0.0, NO_RATE)
    (signal,) = detector.on_quote(quote(RATE, 1.0, 1.0), NOW, NOW)
    assert (signal.state, signal.sell_price) == ("open", 110.0)


def test_a_rate_that_moves_opens_and_closes_what_it_converts() -> None:
    detector = make_detector(is_inverted=True)
    detector.on_quote(quote(HERE, 99.0, 100.0), NOW, NOW)
    detector.on_quote(quote(RATE, 1.0, 1.01), NOW, NOW)
    assert detector.on_quote(quote(THERE, 101.0, 102.0), NOW, NOW) == []
    (signal,) = detector.on_quote(quote(RATE, 0.98, 0.99), NOW + MS, NOW + 2 * MS)
    assert (signal.state, signal.detected_at, signal.timestamp) == ("open", NOW // MS + 1, NOW // MS + 2)
    (closed,) = detector.on_quote(quote(RATE, 1.0, 1.01), NOW + 3 * MS, NOW + 3 * MS)
    assert (closed.state, closed.reason) == ("close", "below threshold")


@pytest.mark.parametrize(
    ("buys_there", "price", "rate"),
    [(True, 100.0 / 0.99, 0.99), (False, 101.0 / 1.01, 1.01)],
)
def test_a_signal_tells_the_converted_price_and_the_rate_used(buys_there: bool, price: float, rate: float) -> None:
    detector = make_detector(is_inverted=True)
    detector.on_quote(quote(RATE, 0.99, 1.01), NOW, NOW)
    detector.on_quote(quote(THERE, 101.0 if not buys_there else 99.0, 200.0 if not buys_there else 100.0), NOW, NOW)
    here = quote(HERE, 112.0, 130.0) if buys_there else quote(HERE, 80.0, 90.0)
    (signal,) = detector.on_quote(here, NOW, NOW)
    assert signal.quote_rate == rate
    assert (signal.buy_price if buys_there else signal.sell_price) == pytest.approx(price, rel=1e-12)
    assert signal.symbol == "BTC/USDT"
    raw = (signal.buy_raw_price, signal.sell_raw_price)
    assert raw == ((100.0, 112.0) if buys_there else (90.0, 101.0))
    assert raw[0 if buys_there else 1] == pytest.approx(price * rate, rel=1e-12)
    assert (signal.buy_symbol if buys_there else signal.sell_symbol) == "BTC/USD"


def test_a_rate_that_is_withdrawn_closes_with_the_last_price_in_the_symbols_currency() -> None:
    detector = make_detector(is_inverted=True)
    detector.on_quote(quote(RATE, 0.5, 0.5), NOW, NOW)
    detector.on_quote(quote(HERE, 99.0, 100.0), NOW, NOW)
    (opened,) = detector.on_quote(quote(THERE, 60.0, 61.0), NOW, NOW)
    (closed,) = detector.withdraw(RATE, Reason(ReasonCode.DISCONNECTED), NOW + MS)
    assert (closed.state, closed.reason) == ("close", "kraken: no rate")
    assert (closed.buy_price, closed.sell_price) == (opened.buy_price, opened.sell_price) == (100.0, 120.0)
    assert closed.spread_pct == opened.spread_pct == 20.0


def test_a_converted_leg_that_is_withdrawn_closes_with_its_last_price_in_the_symbols_currency() -> None:
    detector = make_detector(is_inverted=True)
    detector.on_quote(quote(RATE, 2.0, 2.0), NOW, NOW)
    detector.on_quote(quote(THERE, 190.0, 200.0), NOW, NOW)
    detector.on_quote(quote(HERE, 110.0, 111.0), NOW, NOW)
    (closed,) = detector.withdraw(THERE, Reason(ReasonCode.CROSSED), NOW + MS)
    assert (closed.buy_price, closed.sell_price, closed.spread_pct) == (100.0, 110.0, 10.0)


def test_a_rate_has_an_age_of_its_own_which_closes_the_opportunity() -> None:
    detector = make_detector(is_inverted=True, max_age_ns=20 * S)
    detector.on_quote(quote(RATE, 1.0, 1.0), NOW, NOW)
    detector.on_quote(quote(HERE, 99.0, 100.0), NOW + 6 * S, NOW + 6 * S)
    detector.on_quote(quote(THERE, 120.0, 121.0), NOW + 6 * S, NOW + 6 * S)
    (closed,) = detector.expire(NOW + 11 * S)
    assert (closed.reason, closed.timestamp) == ("stale", (NOW + 10 * S) // MS)
    assert detector.on_quote(quote(THERE, 120.0, 121.0), NOW + 11 * S, NOW + 11 * S) == []


SECOND = 3


def two_rates() -> Detector:
    """A dollar counts at the rate of coinbase, else at that of kraken, which is told the other way round."""
    here, there, rate = instruments(is_inverted=True)
    second = Instrument(SECOND, "kraken", "USD/USDT", "USD/USDT", "USDT", 0.6, only_rate=True)
    there = replace(there, other_rates=(Rate(SECOND, False),))
    return Detector([here, there, rate, second], [SPOT_SPOT], Rules(max_age_ns=20 * S), "node")


def test_the_second_rate_converts_while_the_first_is_not_there() -> None:
    detector = two_rates()
    there = detector.legs.counted[THERE]
    detector.on_quote(quote(THERE, 100.0, 100.0), NOW, NOW)
    assert there.fault == NO_RATE
    detector.on_quote(quote(SECOND, 0.5, 0.5), NOW, NOW)
    assert (there.ask, there.fault) == (50.0, None)
    detector.on_quote(quote(RATE, 1.0, 1.0), NOW, NOW)
    assert there.ask == 100.0, "the first is preferred"
    detector.withdraw(RATE, Reason(ReasonCode.DISCONNECTED), NOW + MS)
    assert there.ask == 50.0
    detector.withdraw(SECOND, Reason(ReasonCode.DISCONNECTED), NOW + MS)
    assert there.fault == NO_RATE


def test_an_opportunity_stands_at_the_second_rate_when_the_first_grows_too_old() -> None:
    detector = two_rates()
    detector.on_quote(quote(RATE, 1.0, 1.0), NOW, NOW)
    detector.on_quote(quote(SECOND, 0.99, 0.99), NOW + 5 * S, NOW + 5 * S)
    detector.on_quote(quote(HERE, 99.0, 100.0), NOW + 6 * S, NOW + 6 * S)
    (opened,) = detector.on_quote(quote(THERE, 110.0, 121.0), NOW + 6 * S, NOW + 6 * S)
    assert (opened.sell_price, opened.quote_rate) == (110.0, 1.0)
    (changed,) = detector.expire(NOW + 11 * S)
    assert (changed.state, changed.sell_raw_price) == ("update", 110.0)
    assert changed.sell_price == pytest.approx(110.0 * 0.99)
    assert changed.quote_rate == pytest.approx(1 / 0.99)
    (closed,) = detector.expire(NOW + 16 * S)
    assert (closed.state, closed.timestamp) == ("close", (NOW + 15 * S) // MS)


def test_a_fresh_quote_of_the_first_rate_takes_over_from_the_second_at_once() -> None:
    detector = two_rates()
    there = detector.legs.counted[THERE]
    detector.on_quote(quote(RATE, 1.0, 1.0), NOW, NOW)
    detector.on_quote(quote(SECOND, 0.5, 0.5), NOW + 11 * S, NOW + 11 * S)
    detector.on_quote(quote(THERE, 100.0, 100.0), NOW + 11 * S, NOW + 11 * S)
    assert there.ask == 50.0
    detector.on_quote(quote(RATE, 1.0, 1.0), NOW + 12 * S, NOW + 12 * S)
    assert there.ask == 100.0


def test_a_rate_on_the_users_word_alone_is_told_as_assumed() -> None:
    pair = [
        Instrument(0, "binance", "BTC/USDT", "a", "USDT", 0.1),
        Instrument(1, "kraken", "BTC/USD", "b", "USDT", 0.1),
    ]
    detector = Detector(pair, [SPOT_SPOT], Rules(), "node")
    detector.on_quote(quote(0, 99.0, 100.0), NOW, NOW)
    (assumed,) = detector.on_quote(quote(1, 102.0, 103.0), NOW, NOW)
    assert assumed.assumed_rate is True
    pair[1] = Instrument(1, "kraken", "BTC/USDT", "b", "USDT", 0.1)
    detector = Detector(pair, [SPOT_SPOT], Rules(), "node")
    detector.on_quote(quote(0, 99.0, 100.0), NOW, NOW)
    (same,) = detector.on_quote(quote(1, 102.0, 103.0), NOW, NOW)
    assert same.assumed_rate is UNSET


def test_a_new_rate_does_not_bring_a_withdrawn_instrument_back() -> None:
    legs = Legs(instruments(is_inverted=True))
    legs.shown[RATE].put(quote(RATE, 1.0, 1.0), NOW)
    legs.shown[THERE].put(quote(THERE, 100.0, 101.0), NOW)
    legs.shown[THERE].withdraw("crossed")
    legs.shown[RATE].put(quote(RATE, 1.0, 1.0), NOW)
    assert (legs.counted[THERE].fault, legs.counted[THERE].ask) == ("crossed", inf)


def test_a_market_that_is_watched_for_itself_can_be_a_rate_as_well() -> None:
    legs = Legs(instruments(is_inverted=True, only_rate=False))
    rate = legs.shown[RATE]
    rate.put(quote(RATE, 0.99, 1.01), NOW)
    assert (rate.ask, rate.bid, rate.followers) == (1.01, 0.99, (legs.counted[THERE],))


BOTH_IN_DOLLARS = [
    Instrument(0, "coinbase", "BTC/USD", "BTC-USD", "USDT", 0.6, rate_id=2, rate_inverted=True),
    Instrument(1, "kraken", "BTC/USD", "BTC/USD", "USDT", 0.4, rate_id=2, rate_inverted=True),
    Instrument(2, "kraken", "USDT/USD", "USDT/USD", "USD", 0.4, only_rate=True),
]


class TestTwoLegsInOneCurrency:
    """Each would be converted through the other side of the rate, and its width would be taken off the spread."""

    def detector(self) -> Detector:
        return Detector(BOTH_IN_DOLLARS, [SPOT_SPOT], Rules(threshold_pct=0.5), "node")

    def test_meet_at_the_prices_that_the_venues_show(self) -> None:
        detector = self.detector()
        detector.on_quote(quote(2, 0.9990, 1.0), NOW, NOW)
        detector.on_quote(quote(0, 99_990.0, 100_000.0), NOW, NOW)
        (signal,) = detector.on_quote(quote(1, 100_550.0, 100_560.0), NOW, NOW)
        assert (signal.spread_pct, signal.buy_price, signal.sell_price) == (0.55, 100_000.0, 100_550.0)
        assert signal.symbol == signal.buy_symbol == signal.sell_symbol == "BTC/USD"
        assert (signal.quote_rate, signal.buy_raw_price, signal.sell_raw_price) == (UNSET, UNSET, UNSET)

    def test_need_no_rate(self) -> None:
        detector = self.detector()
        detector.on_quote(quote(0, 99_990.0, 100_000.0), NOW, NOW)
        (signal,) = detector.on_quote(quote(1, 100_550.0, 100_560.0), NOW, NOW)
        assert signal.state == "open"
        assert detector.withdraw(2, Reason(ReasonCode.DISCONNECTED), NOW + MS) == []
        assert detector.why_not(detector.routes.all[0], NOW + MS) is None

    def test_are_as_old_as_their_own_quotes(self) -> None:
        detector = self.detector()
        detector.on_quote(quote(2, 0.9990, 1.0), NOW - 60 * S, NOW - 60 * S)
        detector.on_quote(quote(0, 99_990.0, 100_000.0), NOW, NOW)
        assert [s.state for s in detector.on_quote(quote(1, 100_550.0, 100_560.0), NOW, NOW)] == ["open"]


def test_of_two_converted_legs_the_rate_is_that_of_the_one_bought_and_both_raw_prices_are_told() -> None:
    legs = [
        Instrument(0, "coinbase", "BTC/USD", "BTC-USD", "USDT", 0.0, rate_id=2, rate_inverted=True),
        Instrument(1, "kraken", "BTC/EUR", "BTC/EUR", "USDT", 0.0, rate_id=3),
        Instrument(2, "kraken", "USDT/USD", "USDT/USD", "USD", 0.0, only_rate=True),
        Instrument(3, "kraken", "EUR/USDT", "EUR/USDT", "USDT", 0.0, only_rate=True),
    ]
    detector = Detector(legs, [SPOT_SPOT], Rules(), "node")
    detector.on_quote(quote(2, 0.98, 0.99), NOW, NOW)
    detector.on_quote(quote(3, 1.10, 1.11), NOW, NOW)
    detector.on_quote(quote(0, 97.0, 98.0), NOW, NOW)
    (signal,) = detector.on_quote(quote(1, 100.0, 101.0), NOW, NOW)
    assert (signal.symbol, signal.quote_rate) == ("BTC/USDT", 0.98)
    assert (signal.buy_raw_price, signal.sell_raw_price) == (98.0, 100.0)
    assert (signal.buy_price, signal.sell_price) == pytest.approx((100.0, 110.0), rel=1e-12)


def test_the_market_of_a_rate_against_its_like_elsewhere_shows_no_spread_that_is_not_there() -> None:
    quotes = {"USD": Conversion("kraken:USDT/USD")}
    settings = Settings(
        ("BTC/USDT", "USDT/USD"), quotes=quotes, venues={v: VenueSettings() for v in ("kraken", "coinbase")}
    )
    found = instruments_of(settings)
    detector = Detector(found, [SPOT_SPOT], Rules(threshold_pct=0.1), "node")
    signals = [
        signal
        for each in found
        for signal in detector.on_quote(
            quote(each.id, 0.98, 0.99) if each.base == "USDT" else quote(each.id, 50_000.0, 50_001.0), NOW, NOW
        )
        if signal.buy_symbol == "USDT/USD"
    ]
    assert signals == []
    assert {route.symbol for route in detector.routes.all if route.buy.instrument.base == "USDT"} == {"USDT/USD"}


def test_a_leg_has_a_price_of_its_own_for_each_currency_it_meets_others_in() -> None:
    legs = Legs(BOTH_IN_DOLLARS)
    assert isinstance(legs.counted[0], Leg) and legs.counted[0] is not legs.shown[0]
    assert (legs.shown[0].currency, legs.counted[0].currency) == ("USD", "USDT")
    assert legs.counted[2] is legs.shown[2]
