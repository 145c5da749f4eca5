"""What a live spread worker takes in: a pause of its own is caught up with before anything is judged."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from decision_stage import MS, DecisionStage, binance, okx
from msgspec import structs

from arbsniper_tui.latency.stages import Stages
from arbsniper_tui.model.fact import Funding, Mark
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.view import FactsRow
from arbsniper_tui.runtime.clock import PAUSED_NS, now_ns
from arbsniper_tui.spread.intake import JUDGED_AT_ONCE, LiveIntake, ReplayIntake
from arbsniper_tui.wire.inbox import Inbox
from arbsniper_tui.wire.messages import Facts, FromFeed, HealthReport, InstrumentsChanged, QuoteBatch, Withdrawn, encode

BUY, SELL, OTHER = 0, 1, 2
LONG_NS = 3_600_000_000_000
"""Longer than this machine stands still: pauses are made here."""


def quote(instrument_id: int, bid: float, ask: float) -> Quote:
    return Quote(instrument_id, bid, 1.0, ask, 1.0)


class Taking:
    """An intake on a stage, told the messages of feeds one after the other."""

    def __init__(self, stage: DecisionStage, inbox: Inbox, **rules: object) -> None:
        self.stage = stage
        stage.detector.rules = structs.replace(stage.detector.rules, max_age_ns=LONG_NS, **rules)
        self.intake = LiveIntake(inbox, stage.detector, stage.journal, stage.watch, Stages(), stage.facts)
        self.intake.look_for_pause(now_ns(), now_ns() + LONG_NS)

    def take(self, *messages: FromFeed) -> None:
        for message in messages:
            self.intake.take(encode(message))

    def quote(self, instrument_id: int, bid: float, ask: float) -> None:
        at_ns = now_ns()
        self.take(QuoteBatch(at_ns, at_ns, [quote(instrument_id, bid, ask)], [at_ns]))

    def pause(self) -> None:
        """As when the process did not run."""
        self.intake.look_for_pause(now_ns(), now_ns() - 2 * PAUSED_NS)
        self.intake.look_for_pause(now_ns(), now_ns() + LONG_NS)

    def catch_up(self) -> None:
        self.take(HealthReport("feed", (binance(), okx()), sent_ns=now_ns()))

    @property
    def states(self) -> list[str]:
        return [signal["state"] for signal in self.stage.sink.signals]


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    inbox = Inbox(tmp_path / "quotes", 1)
    yield inbox
    inbox.close()


def test_after_a_pause_nothing_is_judged_until_all_that_waited_is_in(stage: DecisionStage, inbox: Inbox) -> None:
    taking = Taking(stage, inbox)
    taking.catch_up()
    taking.quote(BUY, 99.9, 100.0)
    taking.pause()
    taking.quote(SELL, 101.0, 101.1)
    taking.quote(SELL, 99.9, 100.0)
    assert taking.states == []
    taking.catch_up()
    assert taking.states == []
    taking.quote(SELL, 101.0, 101.1)
    assert taking.states == ["open"]


def test_a_cooldown_that_ends_in_a_pause_announces_nothing_by_old_prices(stage: DecisionStage, inbox: Inbox) -> None:
    taking = Taking(stage, inbox, cooldown_ns=MS)
    taking.catch_up()
    taking.quote(BUY, 99.9, 100.0)
    taking.quote(SELL, 101.0, 101.1)
    taking.quote(SELL, 99.9, 100.0)
    # Open again within the cool-down, however long this machine took to come here.
    (route,) = [each for each in stage.detector.routes.all if each.key == (BUY, SELL)]
    route.signalled_ns = now_ns() + LONG_NS
    taking.quote(SELL, 101.0, 101.1)
    route.signalled_ns = now_ns() - 2 * MS
    taking.pause()
    taking.take(Withdrawn(now_ns(), (OTHER,), Reason(ReasonCode.DISCONNECTED)))
    taking.quote(OTHER, 1.0, 1.1)
    assert taking.states == ["open"]
    taking.quote(SELL, 99.9, 100.0)
    taking.catch_up()
    assert taking.states == ["open"]


def test_what_cannot_be_told_apart_on_the_bus_is_passed_over(
    stage: DecisionStage, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    taking = Taking(stage, inbox)
    at_ns = now_ns()
    one, other = Quote(BUY, 1.0, 1.0, 1.1, 1.0), quote(SELL, 1.0, 1.1)
    replaying = ReplayIntake(stage.detector, stage.journal, stage.watch, Stages(), stage.facts, stage.rounds)
    for intake in (taking.intake, replaying):
        intake.take(encode(QuoteBatch(at_ns, at_ns, [one, other], [at_ns])))
        intake.take(encode(QuoteBatch(at_ns, at_ns, [Quote(99, 1.0, 1.0, 1.1, 1.0), one], [at_ns, at_ns])))
    assert "2 quotes with 1 times of receipt" in caplog.text
    assert "instrument 99 is not watched" in caplog.text
    assert stage.detector.legs.shown[BUY].received == 2
    assert stage.detector.legs.shown[SELL].received == 0


def many_openings(stage: DecisionStage) -> list[Quote]:
    """Of each of more coins than are judged at once an opportunity: buy at 100, sell at 101."""
    coins = range(JUDGED_AT_ONCE)
    stage.detector.add(
        [
            Instrument(100 + 2 * coin + at, venue, f"C{coin}/USDT", f"C{coin}", "USDT", 0.1)
            for coin in coins
            for at, venue in enumerate(("binance", "okx"))
        ]
    )
    return [quote(100 + 2 * coin + at, 99.9 + at, 100.0 + at) for coin in coins for at in (0, 1)]


def test_of_many_states_that_come_together_the_first_are_announced_before_the_last_are_judged(
    stage: DecisionStage, inbox: Inbox
) -> None:
    taking, openings = Taking(stage, inbox), many_openings(stage)
    taking.catch_up()
    taking.take(QuoteBatch(now_ns(), now_ns(), openings))
    assert taking.intake.unjudged == JUDGED_AT_ONCE
    assert len(taking.states) == JUDGED_AT_ONCE // 2
    taking.intake.take(None)
    assert (taking.intake.unjudged, taking.states) == (0, ["open"] * JUDGED_AT_ONCE)


def test_a_state_that_is_over_before_its_turn_is_not_judged(stage: DecisionStage, inbox: Inbox) -> None:
    taking, openings = Taking(stage, inbox), many_openings(stage)
    taking.catch_up()
    taking.take(QuoteBatch(now_ns(), now_ns(), openings))
    taking.quote(openings[-1].instrument_id, 99.9, 100.0)
    assert (taking.intake.unjudged, len(taking.states)) == (0, JUDGED_AT_ONCE - 1)


def test_nothing_that_waits_for_its_turn_is_judged_after_a_pause(stage: DecisionStage, inbox: Inbox) -> None:
    taking, openings = Taking(stage, inbox), many_openings(stage)
    taking.catch_up()
    taking.take(QuoteBatch(now_ns(), now_ns(), openings))
    taking.pause()
    assert taking.intake.unjudged == 0
    taking.intake.take(None)
    assert len(taking.states) == JUDGED_AT_ONCE // 2
    taking.catch_up()
    taking.intake.take(None)
    assert len(taking.states) == JUDGED_AT_ONCE


def test_of_facts_the_newest_of_each_kind_is_held(stage: DecisionStage, inbox: Inbox) -> None:
    taking = Taking(stage, inbox)
    taking.take(Facts(1, (Mark(BUY, 100.0), Funding(BUY, 0.01))), Facts(2, (Mark(BUY, 101.0), Mark(SELL, 99.0))))
    assert stage.facts.of(BUY) == FactsRow(BUY, Funding(BUY, 0.01), 1e-6, Mark(BUY, 101.0), 2e-6)
    assert stage.facts.of(OTHER) == FactsRow(OTHER)


def test_a_replay_holds_facts_too(stage: DecisionStage) -> None:
    intake = ReplayIntake(stage.detector, stage.journal, stage.watch, Stages(), stage.facts, stage.rounds)
    intake.take(encode(Facts(1, (Mark(BUY, 100.0),))))
    assert stage.facts.of(BUY).mark == Mark(BUY, 100.0)
    intake.take(encode(InstrumentsChanged(2, removed=(BUY,))))
    assert stage.facts.of(BUY) == FactsRow(BUY)
