"""What the spread worker holds of slow facts, and what of it views and signals are told."""

from decision_stage import WALL_OFFSET_NS, DecisionStage

from arbsniper_tui.model.fact import Fact, Funding, FundingInterval, Mark, OpenInterest, OrderLimits
from arbsniper_tui.model.view import FactsRow
from arbsniper_tui.spread.facts import ROWS_A_VIEW
from arbsniper_tui.wire.messages import Facts

WALL_MS = WALL_OFFSET_NS / 1e6


def tell(stage: DecisionStage, at_ms: int, *facts: Fact) -> None:
    stage.facts.take(Facts(at_ms * 1_000_000, facts))


def told(stage: DecisionStage) -> tuple[FactsRow, ...]:
    """What the next view tells of facts."""
    return stage.next_view().facts


def bought(stage: DecisionStage) -> dict[int, object]:
    """The fields of a signal that buys, by instrument."""
    return {i: terms.if_bought for i, terms in stage.detector.funding.items()}


def test_each_fact_is_shown_with_its_own_time_and_travels_once(stage: DecisionStage) -> None:
    tell(stage, 5, Mark(1, 100.0, 99.0), Funding(1, 0.01, 7, 8.0))
    tell(stage, 9, OpenInterest(1, 12.5))
    row = FactsRow(
        1,
        Funding(1, 0.01, 7, 8.0),
        WALL_MS + 5,
        Mark(1, 100.0, 99.0),
        WALL_MS + 5,
        OpenInterest(1, 12.5),
        WALL_MS + 9,
    )
    assert told(stage) == (row,)
    assert told(stage) == ()
    assert stage.views.whole(stage.now_ns).facts == (row,)


def test_so_many_rows_a_view_and_the_others_in_the_next(stage: DecisionStage) -> None:
    tell(stage, 5, *(Mark(number, 1.0) for number in range(ROWS_A_VIEW + 3)))
    tell(stage, 6, Mark(0, 2.0))
    first, second = (told(stage) for _ in range(2))
    assert [row.instrument_id for row in (*first, *second)] == list(range(ROWS_A_VIEW + 3))
    assert len(second) == 3
    assert first[0].mark == Mark(0, 2.0)


def test_an_interval_that_is_told_apart_completes_the_rate_before_and_after_it(stage: DecisionStage) -> None:
    tell(stage, 5, Funding(1, 0.01, 7))
    assert bought(stage) == {1: {"buy_funding_rate": 0.01, "buy_next_funding": 7}}
    tell(stage, 6, FundingInterval(1, 4.0))
    assert stage.facts.of(1).funding == Funding(1, 0.01, 7, 4.0)
    tell(stage, 7, Funding(1, 0.02))
    assert stage.facts.of(1) == FactsRow(1, Funding(1, 0.02, None, 4.0), 7.0)
    assert bought(stage) == {1: {"buy_funding_rate": 0.02, "buy_funding_interval_h": 4.0}}
    tell(stage, 8, FundingInterval(2, 1.0), Funding(2, 0.03, None, 8.0))
    assert bought(stage)[2] == {"buy_funding_rate": 0.03, "buy_funding_interval_h": 8.0}


def test_what_is_not_watched_any_more_is_forgotten(stage: DecisionStage) -> None:
    tell(stage, 5, Funding(1, 0.01), Mark(2, 3.0), FundingInterval(1, 4.0))
    stage.facts.forget([1, 7])
    assert stage.detector.funding == {}
    assert [row.instrument_id for row in told(stage)] == [2]
    tell(stage, 6, Funding(1, 0.01))
    assert bought(stage) == {1: {"buy_funding_rate": 0.01}}


def test_what_orders_a_venue_takes_holds_for_every_price_of_the_instrument(stage: DecisionStage) -> None:
    tell(stage, 5, OrderLimits(1, 0.1, 0.25, 0.5, 60.0), OrderLimits(99, 0.1, 1.0, 1.0, 1.0))
    for legs in (stage.detector.legs.shown, stage.detector.legs.counted):
        assert (legs[1].lot, legs[1].min_size, legs[1].min_worth) == (0.25, 0.5, 60.0)
    assert stage.facts.of(1).limits == OrderLimits(1, 0.1, 0.25, 0.5, 60.0)
