"""What viewers ask, and what they are answered."""

import math

import msgspec
import pytest
from decision_bench import NO_SINK, DecisionBench, S, binance

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


def next_view(bench: DecisionBench) -> View:
    topic, body = bench.viewer_desk.next_view(bench.now_ns, bench.now_ns)
    assert topic == VIEW_TOPIC
    return decode_view(body)


def welcome(bench: DecisionBench) -> Welcome:
    reply = bench.viewer_desk.answer(Hello(), bench.now_ns)
    assert isinstance(reply, Welcome)
    return reply


def test_a_newcomer_gets_the_introduction_and_everything_there_is(bench: DecisionBench) -> None:
    bench.quote(0, 99.0, 100.0)
    bench.report(binance())
    bench.watch.notice(WorkerHealth("feed", 5, True), bench.now_ns)
    bench.viewer_desk.viewers = 3
    greeted = welcome(bench)
    assert greeted.intro == bench.plan.intro
    view = greeted.view
    assert view.is_full
    assert [row.instrument_id for row in view.quotes] == [0, 1, 2]
    assert [feed.feed for feed in view.feeds] == ["binance spot"]
    assert [worker.name for worker in view.workers] == ["feed"]
    assert view.redis is not None and view.redis.state is RedisState.UP
    assert view.last_event == bench.journal.last_seq == 1
    assert view.status.viewers == 3
    assert len(view.stages) == 5


def test_a_newcomer_takes_nothing_away_from_the_others(bench: DecisionBench) -> None:
    bench.quote(0, 99.0, 100.0)
    bench.report(binance())
    number = next_view(bench).number
    bench.quote(1, 98.0, 99.0)
    bench.report(binance(FeedState.DOWN, "gone"))
    assert welcome(bench).view.number == number
    view = next_view(bench)
    assert view.number == number + 1
    assert [row.instrument_id for row in view.quotes] == [1]
    assert [feed.detail for feed in view.feeds] == ["gone"]


def test_a_view_tells_only_what_the_one_before_did_not(bench: DecisionBench) -> None:
    bench.quote(0, 99.0, 100.0)
    bench.report(binance())
    first, second = next_view(bench), next_view(bench)
    assert not first.is_full and not second.is_full
    assert (len(first.quotes), len(first.feeds)) == (1, 1)
    assert (second.quotes, second.feeds, second.workers) == ((), (), ())
    assert first.redis is not None and second.redis is None
    assert second.number == first.number + 1


def test_the_latency_is_told_twice_a_second(bench: DecisionBench) -> None:
    told = []
    for _ in range(10):
        told.append(bool(next_view(bench).stages))
        bench.now_ns += S // 10
    assert told == [True, False, False, False, False] * 2


def test_the_rate_is_that_of_the_last_second(bench: DecisionBench) -> None:
    bench.viewer_desk.measure_rate(bench.now_ns)
    for _ in range(300):
        bench.quote(0, 99.0, 100.0)
    bench.viewer_desk.measure_rate(bench.now_ns + 2 * S)
    assert next_view(bench).status.quotes_per_s == 150.0
    bench.viewer_desk.measure_rate(bench.now_ns + 3 * S)
    assert next_view(bench).status.quotes_per_s == 0.0


def test_a_threshold_is_in_force_at_once_and_told_and_kept(bench: DecisionBench) -> None:
    bench.opportunity()
    assert bench.viewer_desk.answer(SetRules(threshold_pct=2.0), bench.now_ns) == Done()
    assert next_view(bench).status.threshold_pct == 2.0
    assert bench.told[-1] == ("settings", "", "threshold 2.00% gross")
    [closed] = bench.viewer_desk.take_announcements()
    assert (closed.state, closed.reason) == ("close", "below threshold")
    assert bench.viewer_desk.take_announcements() == []
    kept = bench.memory_after_a_kill().rules
    assert kept is not None and kept.threshold_pct == 2.0


def test_a_fine_threshold_is_told_as_it_is(bench: DecisionBench) -> None:
    assert bench.viewer_desk.answer(SetRules(threshold_pct=0.125), bench.now_ns) == Done()
    assert bench.told[-1] == ("settings", "", "threshold 0.125% gross")


def test_a_lower_threshold_opens_what_it_lets_through(bench: DecisionBench) -> None:
    bench.quote(0, 99.9, 100.0)
    bench.quote(1, 100.3, 100.4)
    bench.viewer_desk.answer(SetRules(threshold_pct=0.2), bench.now_ns)
    assert [signal.state for signal in bench.viewer_desk.take_announcements()] == ["open"]


def test_the_basis_is_changed_by_itself(bench: DecisionBench) -> None:
    assert bench.viewer_desk.answer(SetRules(basis="net"), bench.now_ns) == Done()
    status = next_view(bench).status
    assert (status.threshold_pct, status.basis) == (0.5, "net")


def test_what_is_in_force_already_is_no_news(bench: DecisionBench) -> None:
    assert bench.viewer_desk.answer(SetRules(threshold_pct=0.5, basis="gross"), bench.now_ns) == Done()
    assert bench.told == []


@pytest.mark.parametrize("threshold_pct", [-0.01, HIGHEST_THRESHOLD_PCT + 1, math.nan, math.inf])
def test_a_threshold_that_makes_no_sense_is_refused_in_words(bench: DecisionBench, threshold_pct: float) -> None:
    reply = bench.viewer_desk.answer(SetRules(threshold_pct=threshold_pct), bench.now_ns)
    assert isinstance(reply, Refused)
    assert "expected a percentage from 0 to 100" in reply.why
    assert bench.detector.rules.threshold_pct == 0.5
    assert bench.told == []


def test_a_basis_that_does_not_exist_is_refused_in_words(bench: DecisionBench) -> None:
    reply = bench.viewer_desk.answer(SetRules(threshold_pct=1.0, basis="grass"), bench.now_ns)
    assert reply == Refused("basis 'grass': expected gross or net")
    assert bench.detector.rules.threshold_pct == 0.5


def test_missed_events_are_handed_out_again(bench: DecisionBench) -> None:
    for number in range(3):
        bench.journal.write("heartbeat", number, bench.now_ns)
    reply = bench.viewer_desk.answer(EventsSince(1), bench.now_ns)
    assert isinstance(reply, Events)
    assert [event.seq for event in reply.events] == [2, 3]


def test_the_supervisors_word_is_taken_and_what_follows_from_it_announced(bench: DecisionBench) -> None:
    bench.report(binance())
    bench.opportunity()
    down = WorkerHealth("feed", 77, False, detail="ended by signal 9")
    assert bench.viewer_desk.answer(WorkerNotice(down), bench.now_ns) == Done()
    assert [signal.state for signal in bench.viewer_desk.take_announcements()] == ["close"]
    assert next_view(bench).workers == (down,)


def test_the_status_counts_signals_and_what_is_open(bench: DecisionBench) -> None:
    bench.opportunity()
    status = next_view(bench).status
    assert (status.signals, status.open_opportunities) == (1, 1)
    assert status.clock_ms == (bench.now_ns + bench.detector.wall_offset_ns) / 1e6


REPORT = TapeReport(ReplayStatus(1, 2, 3, 1.0))


def as_replay(bench: DecisionBench) -> None:
    intro = msgspec.structs.replace(bench.plan.intro, mode="replay")
    plan = msgspec.structs.replace(bench.plan, intro=intro)
    bench.viewer_desk = ViewerDesk(plan, bench.detector, bench.journal, bench.watch, Stages(), NO_SINK, bench.memory)


def test_the_worker_that_plays_is_answered_with_what_a_viewer_asked_for(bench: DecisionBench) -> None:
    as_replay(bench)
    assert bench.viewer_desk.answer(REPORT, bench.now_ns) == Done(), "nobody has asked for anything"
    assert next_view(bench).replay == REPORT.status
    for wanted in (Playback(2.0, True), Playback(None)):
        assert bench.viewer_desk.answer(wanted, bench.now_ns) == Done()
        assert bench.viewer_desk.answer(REPORT, bench.now_ns) == wanted


@pytest.mark.parametrize("speed", [0.0, -1.0, math.nan, math.inf])
def test_a_speed_that_is_none_is_refused_in_words(bench: DecisionBench, speed: float) -> None:
    as_replay(bench)
    reply = bench.viewer_desk.answer(Playback(speed), bench.now_ns)
    assert isinstance(reply, Refused) and "expected a number above 0" in reply.why
    assert bench.viewer_desk.answer(REPORT, bench.now_ns) == Done()


def test_what_is_live_cannot_be_paused(bench: DecisionBench) -> None:
    assert isinstance(bench.viewer_desk.answer(Playback(1.0, True), bench.now_ns), Refused)
    assert next_view(bench).replay is None
