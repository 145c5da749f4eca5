"""What viewers ask, and what they are answered."""

import math

import msgspec
import pytest
from decision_stage import NO_SINK, DecisionStage, S, binance

from arbsniper_tui.desk.viewer_desk import ViewerDesk
from arbsniper_tui.latency.stages import Stages
from arbsniper_tui.model.health import FeedState, RedisState, WorkerHealth
from arbsniper_tui.model.threshold import HIGHEST_THRESHOLD_PCT
from arbsniper_tui.model.view import ReplayStatus
from arbsniper_tui.wire.messages import (
    VIEW_TOPIC,
    Done,
    Events,
    EventsSince,
    Hello,
    Playback,
    Refused,
    SetRules,
    TapeReport,
    View,
    Welcome,
    WorkerNotice,
    decode_view,
)


def next_view(stage: DecisionStage) -> View:
    topic, body = stage.viewer_desk.next_view(stage.now_ns, stage.now_ns)
    assert topic == VIEW_TOPIC
    return decode_view(body)


def welcome(stage: DecisionStage) -> Welcome:
    reply = stage.viewer_desk.answer(Hello(), stage.now_ns)
    assert isinstance(reply, Welcome)
    return reply


def test_a_newcomer_gets_the_introduction_and_everything_there_is(stage: DecisionStage) -> None:
    stage.quote(0, 99.0, 100.0)
    stage.report(binance())
    stage.watch.notice(WorkerHealth("feed", 5, True), stage.now_ns)
    stage.viewer_desk.viewers = 3
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
    number = next_view(stage).number
    stage.quote(1, 98.0, 99.0)
    stage.report(binance(FeedState.DOWN, "gone"))
    assert welcome(stage).view.number == number
    view = next_view(stage)
    assert view.number == number + 1
    assert [row.instrument_id for row in view.quotes] == [1]
    assert [feed.detail for feed in view.feeds] == ["gone"]


def test_a_view_tells_only_what_the_one_before_did_not(stage: DecisionStage) -> None:
    stage.quote(0, 99.0, 100.0)
    stage.report(binance())
    first, second = next_view(stage), next_view(stage)
    assert not first.is_full and not second.is_full
    assert (len(first.quotes), len(first.feeds)) == (1, 1)
    assert (second.quotes, second.feeds, second.workers) == ((), (), ())
    assert first.redis is not None and second.redis is None
    assert second.number == first.number + 1


def test_the_latency_is_told_twice_a_second(stage: DecisionStage) -> None:
    told = []
    for _ in range(10):
        told.append(bool(next_view(stage).stages))
        stage.now_ns += S // 10
    assert told == [True, False, False, False, False] * 2


def test_the_rate_is_that_of_the_last_second(stage: DecisionStage) -> None:
    stage.viewer_desk.measure_rate(stage.now_ns)
    for _ in range(300):
        stage.quote(0, 99.0, 100.0)
    stage.viewer_desk.measure_rate(stage.now_ns + 2 * S)
    assert next_view(stage).status.quotes_per_s == 150.0
    stage.viewer_desk.measure_rate(stage.now_ns + 3 * S)
    assert next_view(stage).status.quotes_per_s == 0.0


def test_a_threshold_is_in_force_at_once_and_told_and_kept(stage: DecisionStage) -> None:
    stage.opportunity()
    assert stage.viewer_desk.answer(SetRules(threshold_pct=2.0), stage.now_ns) == Done()
    assert next_view(stage).status.threshold_pct == 2.0
    assert stage.told[-1] == ("settings", "", "threshold 2.00% gross")
    [closed] = stage.viewer_desk.take_announcements()
    assert (closed.state, closed.reason) == ("close", "below threshold")
    assert stage.viewer_desk.take_announcements() == []
    kept = stage.memory_after_a_kill().rules
    assert kept is not None and kept.threshold_pct == 2.0


def test_a_fine_threshold_is_told_as_it_is(stage: DecisionStage) -> None:
    assert stage.viewer_desk.answer(SetRules(threshold_pct=0.125), stage.now_ns) == Done()
    assert stage.told[-1] == ("settings", "", "threshold 0.125% gross")


def test_a_lower_threshold_opens_what_it_lets_through(stage: DecisionStage) -> None:
    stage.quote(0, 99.9, 100.0)
    stage.quote(1, 100.3, 100.4)
    stage.viewer_desk.answer(SetRules(threshold_pct=0.2), stage.now_ns)
    assert [signal.state for signal in stage.viewer_desk.take_announcements()] == ["open"]


def test_the_basis_is_changed_by_itself(stage: DecisionStage) -> None:
    assert stage.viewer_desk.answer(SetRules(basis="net"), stage.now_ns) == Done()
    status = next_view(stage).status
    assert (status.threshold_pct, status.basis) == (0.5, "net")


def test_what_is_in_force_already_is_no_news(stage: DecisionStage) -> None:
    assert stage.viewer_desk.answer(SetRules(threshold_pct=0.5, basis="gross"), stage.now_ns) == Done()
    assert stage.told == []


@pytest.mark.parametrize("threshold_pct", [-0.01, HIGHEST_THRESHOLD_PCT + 1, math.nan, math.inf])
def test_a_threshold_that_makes_no_sense_is_refused_in_words(stage: DecisionStage, threshold_pct: float) -> None:
    reply = stage.viewer_desk.answer(SetRules(threshold_pct=threshold_pct), stage.now_ns)
    assert isinstance(reply, Refused)
    assert "expected a percentage from 0 to 100" in reply.why
    assert stage.detector.rules.threshold_pct == 0.5
    assert stage.told == []


def test_a_basis_that_does_not_exist_is_refused_in_words(stage: DecisionStage) -> None:
    reply = stage.viewer_desk.answer(SetRules(threshold_pct=1.0, basis="grass"), stage.now_ns)
    assert reply == Refused("basis 'grass': expected gross or net")
    assert stage.detector.rules.threshold_pct == 0.5


def test_missed_events_are_handed_out_again(stage: DecisionStage) -> None:
    for number in range(3):
        stage.journal.write("heartbeat", number, stage.now_ns)
    reply = stage.viewer_desk.answer(EventsSince(1), stage.now_ns)
    assert isinstance(reply, Events)
    assert [event.seq for event in reply.events] == [2, 3]


def test_the_supervisors_word_is_taken_and_what_follows_from_it_announced(stage: DecisionStage) -> None:
    stage.report(binance())
    stage.opportunity()
    down = WorkerHealth("feed", 77, False, detail="ended by signal 9")
    assert stage.viewer_desk.answer(WorkerNotice(down), stage.now_ns) == Done()
    assert [signal.state for signal in stage.viewer_desk.take_announcements()] == ["close"]
    assert next_view(stage).workers == (down,)


def test_the_status_counts_signals_and_what_is_open(stage: DecisionStage) -> None:
    stage.opportunity()
    status = next_view(stage).status
    assert (status.signals, status.open_opportunities) == (1, 1)
    assert status.clock_ms == (stage.now_ns + stage.detector.wall_offset_ns) / 1e6


REPORT = TapeReport(ReplayStatus(1, 2, 3, 1.0))


def as_replay(stage: DecisionStage) -> None:
    intro = msgspec.structs.replace(stage.plan.intro, mode="replay")
    plan = msgspec.structs.replace(stage.plan, intro=intro)
    stage.viewer_desk = ViewerDesk(plan, stage.detector, stage.journal, stage.watch, Stages(), NO_SINK, stage.memory)


def test_the_worker_that_plays_is_answered_with_what_a_viewer_asked_for(stage: DecisionStage) -> None:
    as_replay(stage)
    assert stage.viewer_desk.answer(REPORT, stage.now_ns) == Done(), "nobody has asked for anything"
    assert next_view(stage).replay == REPORT.status
    for wanted in (Playback(2.0, True), Playback(None)):
        assert stage.viewer_desk.answer(wanted, stage.now_ns) == Done()
        assert stage.viewer_desk.answer(REPORT, stage.now_ns) == wanted


@pytest.mark.parametrize("speed", [0.0, -1.0, math.nan, math.inf])
def test_a_speed_that_is_none_is_refused_in_words(stage: DecisionStage, speed: float) -> None:
    as_replay(stage)
    reply = stage.viewer_desk.answer(Playback(speed), stage.now_ns)
    assert isinstance(reply, Refused) and "expected a number above 0" in reply.why
    assert stage.viewer_desk.answer(REPORT, stage.now_ns) == Done()


def test_what_is_live_cannot_be_paused(stage: DecisionStage) -> None:
    assert isinstance(stage.viewer_desk.answer(Playback(1.0, True), stage.now_ns), Refused)
    assert next_view(stage).replay is None
