"""Each route is looked at in turn: reasons are counted for an hour, and what is usual for a spread is learned."""

from pathlib import Path

import pytest
from decision_stage import MS, DecisionStage, S

from arbsniper_tui.desk.sampling import FEWEST_SPREADS, PERIODS, SPREADS, WINDOW_NS
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.view import RouteCounts

CHORES_NS = 20 * MS


@pytest.fixture
def stage(tmp_path: Path) -> DecisionStage:
    return DecisionStage(tmp_path)


def look(stage: DecisionStage, seconds: float, every_ns: int = CHORES_NS) -> None:
    for _ in range(round(seconds * S / every_ns)):
        stage.now_ns += every_ns
        stage.sampling.look_at_slice(stage.now_ns, every_ns)


def test_every_route_is_looked_at_once_in_ten_seconds(stage: DecisionStage) -> None:
    routes = len(stage.detector.routes.all)
    look(stage, 10.0)
    assert routes <= stage.sampling.why("BTC/USDT").looks <= 2 * routes + 500


def test_the_most_frequent_reasons_are_told_with_the_venue_at_fault(stage: DecisionStage) -> None:
    stage.quote(0, 99.9, 100.0)
    stage.quote(1, 100.1, 100.2)
    stage.sampling.look_at_all(stage.now_ns)
    reasons = dict(stage.sampling.why("BTC/USDT").reasons)
    assert reasons[Reason(ReasonCode.GROSS_BELOW)] == 2
    stage.now_ns += 6 * S
    stage.quote(1, 100.1, 100.2)
    stage.sampling.look_at_all(stage.now_ns)
    assert dict(stage.sampling.why("BTC/USDT").reasons)[Reason(ReasonCode.STALE, "binance")] == 2


def test_all_routes_are_counted_by_their_first_reason_when_each_has_been_looked_at(stage: DecisionStage) -> None:
    routes = len(stage.detector.routes.all)
    look(stage, 4.0)
    assert stage.sampling.counts is None
    look(stage, 7.0)
    assert stage.sampling.counts == RouteCounts(0, {ReasonCode.NO_DATA: routes})
    stage.opportunity()
    stage.sampling.look_at_all(stage.now_ns)
    assert stage.sampling.counts == RouteCounts(1, {ReasonCode.GROSS_BELOW: routes - 1})


def test_reasons_of_more_than_an_hour_ago_are_forgotten(stage: DecisionStage) -> None:
    stage.sampling.look_at_all(stage.now_ns)
    assert stage.sampling.why("BTC/USDT").looks
    for _ in range(PERIODS):
        stage.now_ns += WINDOW_NS // PERIODS
        looks = stage.sampling.why("BTC/USDT").looks
        stage.sampling.look_at_all(stage.now_ns)
    assert stage.sampling.why("BTC/USDT").looks == looks


def test_what_is_usual_is_known_after_a_minute_and_covers_an_hour_in_little_memory(stage: DecisionStage) -> None:
    route = stage.detector.routes.find((0, 1))
    assert route is not None
    for number in range(4000):
        stage.now_ns += 10 * S
        stage.quote(0, 99.9, 100.0)
        stage.quote(1, 100.3 if number < 2000 else 100.1, 100.4)
        stage.sampling.look_at_all(stage.now_ns)
        assert (route.usual is not None) == (number + 1 >= FEWEST_SPREADS)
        if route.usual and number < 2000:
            assert route.usual.median_pct == pytest.approx(0.3)
    assert route.usual is not None
    assert route.usual.median_pct == pytest.approx(0.1)
    held = stage.sampling._spreads[route.number]  # noqa: SLF001  # its bound is what is tested
    assert len(held.pcts) == SPREADS


def test_a_route_without_fresh_prices_teaches_nothing(stage: DecisionStage) -> None:
    route = stage.detector.routes.find((0, 1))
    assert route is not None
    stage.quote(0, 99.9, 100.0)
    stage.quote(1, 100.3, 100.4)
    stage.now_ns += 6 * S
    for _ in range(FEWEST_SPREADS + 1):
        stage.now_ns += 10 * S
        stage.sampling.look_at_all(stage.now_ns)
    assert route.usual is None
