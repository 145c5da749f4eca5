"""What viewers ask, and what they are answered."""

import math

import pytest
from decision_stage import DecisionStage, S, binance

from arbsniper_tui.model.health import FeedState, RedisState, WorkerHealth
from arbsniper_tui.model.threshold import HIGHEST_THRESHOLD_PCT
from arbsniper_tui.model.view import ReplayStatus
from arbsniper_tui.wire.messages import (
    Done,
    Events,
    EventsSince,
    Hello,
    Playback,
    Refused,
    SetRules,
    TapeReport,
    Welcome,
    WorkerNotice,
)


def welcome(stage: DecisionStage) -> Welcome:
    reply = stage.ask(Hello())
    assert isinstance(reply, Welcome)
    return reply


def test_a_newcomer_gets_the_introduction_and_everything_there_is(stage: DecisionStage) -> None:
    stage.quote(0, 99.0, 100.0)
    stage.report(binance())
    stage.watch.notice(WorkerHealth("feed", 5, True), stage.now_ns)
    stage.views.viewers = 3
    greeted = welcome(stage)
    assert greeted.intro == stage.plan.intro
    view = greeted.view
    assert view.is_full
    assert [row.instrument_id for row in view.quotes] == [0, 1, 2]
    assert [feed.feed for feed in view.feeds] == ["binance spot"]
    assert [worker.name for worker in view.workers] == ["feed"]
    assert view.redis is not None and view.redis.state is RedisState.UP
    assert view.last_event == stage.journal.last_seq == 1
    assert view.status.viewers == 3
    assert len(view.stages) == 5


def test_a_newcomer_takes_nothing_away_from_the_others(stage: DecisionStage) -> None:
    stage.quote(0, 99.0, 100.0)
    stage.report(binance())
    number = stage.next_view().number
    stage.quote(1, 98.0, 99.0)
    stage.report(binance(FeedState.DOWN, "gone"))
    assert welcome(stage).view.number == number
    view = stage.next_view()
    assert view.number == number + 1
    assert [row.instrument_id for row in view.quotes] == [1]
    assert [feed.detail for feed in view.feeds] == ["gone"]


def test_a_view_tells_only_what_the_one_before_did_not(stage: DecisionStage) -> None:
    stage.quote(0, 99.0, 100.0)
    stage.report(binance())
    first, second = stage.next_view(), stage.next_view()
    assert not first.is_full and not second.is_full
    assert (len(first.quotes), len(first.feeds)) == (1, 1)
    assert (second.quotes, second.feeds, second.workers) == ((), (), ())
    assert first.redis is not None and second.redis is None
    assert second.number == first.number + 1


def test_the_latency_is_told_twice_a_second(stage: DecisionStage) -> None:
    told = []
    for _ in range(10):
        told.append(bool(stage.next_view().stages))
        stage.now_ns += S // 10
    assert told == [True, False, False, False, False] * 2


def test_the_rate_is_that_of_the_last_second(stage: DecisionStage) -> None:
    stage.views.measure_rate(stage.now_ns)
    for _ in range(300):
        stage.quote(0, 99.0, 100.0)
    stage.views.measure_rate(stage.now_ns + 2 * S)
    assert stage.next_view().status.quotes_per_s == 150.0
    stage.views.measure_rate(stage.now_ns + 3 * S)
    assert stage.next_view().status.quotes_per_s == 0.0


def test_a_threshold_is_in_force_at_once_and_told_and_kept(stage: DecisionStage) -> None:
    stage.opportunity()
    assert stage.ask(SetRules(threshold_pct=2.0)) == Done()
    assert stage.next_view().status.threshold_pct == 2.0
    assert stage.told[-1] == ("settings", "", "threshold 2.00% gross")
    [closed] = stage.requests.take_signals()
    assert (closed.state, closed.reason) == ("close", "below threshold")
    assert stage.requests.take_signals() == []
    held = stage.memory_after_a_kill().rules
    kept = held and held.rules
    assert kept is not None and kept.threshold_pct == 2.0


def test_a_fine_threshold_is_told_as_it_is(stage: DecisionStage) -> None:
    assert stage.ask(SetRules(threshold_pct=0.125)) == Done()
    assert stage.told[-1] == ("settings", "", "threshold 0.125% gross")


def test_a_lower_threshold_opens_what_it_lets_through(stage: DecisionStage) -> None:
    stage.quote(0, 99.9, 100.0)
    stage.quote(1, 100.3, 100.4)
    stage.ask(SetRules(threshold_pct=0.2))
    assert [signal.state for signal in stage.requests.take_signals()] == ["open"]


def test_the_basis_is_changed_by_itself(stage: DecisionStage) -> None:
    assert stage.ask(SetRules(basis="net")) == Done()
    status = stage.next_view().status
    assert (status.threshold_pct, status.basis) == (0.5, "net")


def test_what_is_in_force_already_is_no_news(stage: DecisionStage) -> None:
    assert stage.ask(SetRules(threshold_pct=0.5, basis="gross")) == Done()
    assert stage.told == []


@pytest.mark.parametrize("threshold_pct", [-0.01, HIGHEST_THRESHOLD_PCT + 1, math.nan, math.inf])
def test_a_threshold_that_makes_no_sense_is_refused_in_words(stage: DecisionStage, threshold_pct: float) -> None:
    reply = stage.ask(SetRules(threshold_pct=threshold_pct))
    assert isinstance(reply, Refused)
    assert "expected a percentage from 0 to 100" in reply.why
    assert stage.detector.rules.threshold_pct == 0.5
    assert stage.told == []


def test_a_basis_that_does_not_exist_is_refused_in_words(stage: DecisionStage) -> None:
    reply = stage.ask(SetRules(threshold_pct=1.0, basis="grass"))
    assert reply == Refused("basis 'grass': expected gross or net")
    assert stage.detector.rules.threshold_pct == 0.5


def test_missed_events_are_handed_out_again(stage: DecisionStage) -> None:
    for number in range(3):
        stage.journal.write("heartbeat", number, stage.now_ns)
    reply = stage.ask(EventsSince(1))
    assert isinstance(reply, Events)
    assert [event.seq for event in reply.events] == [2, 3]


def test_the_supervisors_word_is_taken_and_what_follows_from_it_announced(stage: DecisionStage) -> None:
    stage.report(binance())
    stage.opportunity()
    down = WorkerHealth("feed", 77, False, detail="ended by signal 9")
    assert stage.ask(WorkerNotice(down)) == Done()
    assert [signal.state for signal in stage.requests.take_signals()] == ["close"]
    assert stage.next_view().workers == (down,)


def test_the_status_counts_signals_and_what_is_open(stage: DecisionStage) -> None:
    stage.opportunity()
    status = stage.next_view().status
    assert (status.signals, status.open_opportunities) == (1, 1)
    assert status.clock_ms == (stage.now_ns + stage.detector.wall_offset_ns) / 1e6


REPORT = TapeReport(ReplayStatus(1, 2, 3, 1.0))


def test_the_worker_that_plays_is_answered_with_what_a_viewer_asked_for(stage: DecisionStage) -> None:
    stage.be_desk(is_replay=True)
    assert stage.ask(REPORT) == Done(), "nobody has asked for anything"
    assert stage.next_view().replay == REPORT.status
    for wanted in (Playback(2.0, True), Playback(None)):
        assert stage.ask(wanted) == Done()
        assert stage.ask(REPORT) == wanted


@pytest.mark.parametrize("speed", [0.0, -1.0, math.nan, math.inf])
def test_a_speed_that_is_none_is_refused_in_words(stage: DecisionStage, speed: float) -> None:
    stage.be_desk(is_replay=True)
    reply = stage.ask(Playback(speed))
    assert isinstance(reply, Refused) and "expected a number above 0" in reply.why
    assert stage.ask(REPORT) == Done()


def test_what_is_live_cannot_be_paused(stage: DecisionStage) -> None:
    assert isinstance(stage.ask(Playback(1.0, True)), Refused)
    assert stage.next_view().replay is None
