"""Several states at hand at once, the end of a detector, and what another detector had announced before it."""

import pytest
from msgspec import UNSET

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.routes import SPOT_SPOT
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.signal import Signal

MS = 1_000_000
S = 1000 * MS
NOW = 1000 * S


def two_venues(**rules: object) -> Detector:
    """Buy at `binance` (0), sell at `okx` (1)."""
    pair = [Instrument(i, venue, "BTC/USDT", "BTCUSDT", "USDT", 0.1) for i, venue in enumerate(("binance", "okx"))]
    return Detector(pair, [SPOT_SPOT], Rules(**rules), "node")  # type: ignore[arg-type]  # fields by name


def quote(i: int, bid: float, ask: float) -> Quote:
    return Quote(i, bid, 1.0, ask, 1.0)


def opened(detector: Detector, now_ns: int = NOW) -> list[Signal]:
    return [
        *detector.on_quote(quote(0, 99.9, 100.0), now_ns, now_ns),
        *detector.on_quote(quote(1, 101.0, 101.1), now_ns, now_ns),
    ]


class TestWhatIsAtHandTogether:
    def test_only_the_newest_state_of_an_instrument_is_judged(self) -> None:
        detector = two_venues()
        detector.put(quote(0, 99.9, 100.0), NOW)
        detector.put(quote(1, 101.0, 101.1), NOW)
        detector.put(quote(1, 99.9, 100.0), NOW + MS)
        assert detector.judge({0: NOW, 1: NOW + MS}, NOW + 2 * MS) == []

    def test_a_route_that_two_of_them_touch_is_announced_once(self) -> None:
        detector = two_venues()
        detector.put(quote(0, 99.9, 100.0), NOW)
        detector.put(quote(1, 101.0, 101.1), NOW + MS)
        (signal,) = detector.judge({0: NOW, 1: NOW + MS}, NOW + 2 * MS)
        assert (signal.state, signal.buy_age_ms, signal.sell_age_ms) == ("open", 2, 1)

    def test_an_opportunity_that_is_over_is_closed_and_not_opened_again_by_what_came_between(self) -> None:
        detector = two_venues()
        opened(detector)
        detector.put(quote(1, 90.0, 90.1), NOW + MS)
        detector.put(quote(1, 103.0, 103.1), NOW + MS)
        detector.put(quote(1, 100.1, 100.2), NOW + MS)
        (closed,) = detector.judge({1: NOW + MS}, NOW + MS)
        assert (closed.state, closed.best_spread_pct) == ("close", 1.0)

    def test_what_has_expired_before_them_is_closed_at_its_own_time(self) -> None:
        detector = two_venues(max_age_ns=5 * S)
        opened(detector)
        closed = detector.expire(NOW + 9 * S)
        detector.put(quote(0, 99.9, 100.0), NOW + 9 * S)
        detector.put(quote(1, 101.0, 101.1), NOW + 9 * S)
        opened_again = detector.judge({0: NOW + 9 * S, 1: NOW + 9 * S}, NOW + 9 * S)
        told = [(signal.state, signal.timestamp) for signal in (*closed, *opened_again)]
        assert told == [("close", (NOW + 5 * S) // MS), ("open", (NOW + 9 * S) // MS)]


class TestWhileNewerStatesWait:
    """After a pause of the process: what stands by old prices may be over by those that wait."""

    def test_what_a_cooldown_held_back_is_not_announced(self) -> None:
        detector = two_venues(cooldown_ns=2 * S)
        opened(detector)
        detector.on_quote(quote(1, 100.0, 100.1), NOW + S, NOW + S)
        detector.on_quote(quote(1, 101.0, 101.1), NOW + S, NOW + S)
        detector.is_behind = True
        assert detector.expire(NOW + 3 * S) == []
        detector.put(quote(1, 100.0, 100.1), NOW + 3 * S)
        detector.is_behind = False
        assert detector.judge({1: NOW + 3 * S}, NOW + 3 * S) == []
        assert detector.open_count == 0

    def test_a_withdrawal_closes_what_rested_on_it_and_announces_nothing_else(self) -> None:
        trio = [Instrument(i, venue, "BTC/USDT", "BTCUSDT", "USDT", 0.1) for i, venue in enumerate("abc")]
        detector = Detector(trio, [SPOT_SPOT], Rules(cooldown_ns=2 * S), "node")
        opened(detector)
        detector.on_quote(quote(1, 100.0, 100.1), NOW + S, NOW + S)
        detector.on_quote(quote(1, 101.0, 101.1), NOW + S, NOW + S)
        detector.is_behind = True
        assert detector.withdraw(2, Reason(ReasonCode.DISCONNECTED), NOW + 3 * S) == []
        # It was never announced, so it has no close.
        assert detector.withdraw(1, Reason(ReasonCode.DISCONNECTED), NOW + 3 * S) == []

    def test_other_rules_are_judged_by_when_the_newer_states_are_in(self) -> None:
        detector = two_venues(threshold_pct=5.0)
        opened(detector)
        detector.is_behind = True
        assert detector.change_rules(Rules(threshold_pct=0.5), NOW + S) == []
        detector.put(quote(0, 100.4, 100.5), NOW + S)
        detector.is_behind = False
        assert detector.judge({0: NOW + S}, NOW + S) == []
        detector.is_behind = True
        detector.change_rules(Rules(threshold_pct=0.4), NOW + S)
        detector.is_behind = False
        assert [signal.state for signal in detector.judge({}, NOW + S)] == ["open"]


def test_an_instrument_that_is_not_watched_costs_no_close_of_others() -> None:
    for act in (
        lambda detector: detector.on_quote(quote(7, 1.0, 1.1), NOW + 9 * S, NOW + 9 * S),
        lambda detector: detector.withdraw(7, Reason(ReasonCode.DISCONNECTED), NOW + 9 * S),
    ):
        detector = two_venues(max_age_ns=5 * S)
        opened(detector)
        with pytest.raises(KeyError):
            act(detector)
        assert [signal.state for signal in detector.expire(NOW + 9 * S)] == ["close"]


class TestEnd:
    def test_everything_that_is_open_is_closed_with_the_reason(self) -> None:
        detector = two_venues()
        (signal,) = opened(detector)
        (closed,) = detector.close_all(Reason(ReasonCode.STOPPED), NOW + 40 * MS)
        assert (closed.state, closed.id, closed.reason, closed.duration_ms) == ("close", signal.id, "stopped", 40)
        assert detector.open_count == 0
        assert detector.close_all(Reason(ReasonCode.STOPPED), NOW + 50 * MS) == []

    def test_what_was_never_announced_is_not_closed_either(self) -> None:
        detector = two_venues(cooldown_ns=60 * S)
        opened(detector)
        detector.on_quote(quote(1, 100.0, 100.1), NOW, NOW)
        detector.on_quote(quote(1, 101.0, 101.1), NOW, NOW)
        assert detector.close_all(Reason(ReasonCode.STOPPED), NOW + S) == []


class TestAnOpportunityThatAnotherGateHadAnnounced:
    def detector(self) -> Detector:
        detector = two_venues()
        detector.resumable = {(0, 1): "node-old-7"}
        detector.signal_seq = 41
        return detector

    def test_opens_under_a_new_id_that_names_the_old_one_and_takes_no_number(self) -> None:
        detector = self.detector()
        (signal,) = opened(detector)
        assert (signal.state, signal.id, signal.resumed_from, signal.seq) == ("open", "node-1", "node-old-7", 41)
        assert detector.resumable == {}

    def test_names_it_for_as_long_as_it_stands(self) -> None:
        detector = self.detector()
        opened(detector)
        (update,) = detector.on_quote(quote(1, 102.0, 102.1), NOW + S, NOW + S)
        assert (update.state, update.resumed_from, update.seq) == ("update", "node-old-7", 42)
        (closed,) = detector.on_quote(quote(1, 100.0, 100.1), NOW + S, NOW + S)
        assert (closed.state, closed.resumed_from) == ("close", "node-old-7")

    def test_is_forgotten_once_both_prices_say_that_it_is_over(self) -> None:
        detector = self.detector()
        detector.on_quote(quote(0, 99.9, 100.0), NOW, NOW)
        assert detector.resumable
        detector.on_quote(quote(1, 100.0, 100.1), NOW, NOW)
        assert detector.resumable == {}
        (signal,) = detector.on_quote(quote(1, 101.0, 101.1), NOW, NOW)
        assert (signal.resumed_from, signal.seq) == (UNSET, 42)

    def test_is_found_among_states_that_are_at_hand_together(self) -> None:
        detector = self.detector()
        detector.put(quote(0, 99.9, 100.0), NOW)
        detector.put(quote(1, 101.0, 101.1), NOW)
        (signal,) = detector.judge({0: NOW, 1: NOW}, NOW)
        assert signal.resumed_from == "node-old-7"
