"""What health becomes: events, and withdrawals where a worker is silent or gone."""

import pytest
from decision_stage import DecisionStage, binance, okx
from msgspec.structs import replace

from arbsniper_tui.desk.feed_watch import SILENT_AFTER_NS
from arbsniper_tui.model.health import FeedState, RecordingHealth, WorkerHealth
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.wire.messages import HealthReport, WorkerReport

DOWN = FeedState.DOWN


def worker(name: str, *, up: bool, detail: str = "", pid: int = 77) -> WorkerHealth:
    return WorkerHealth(name, pid, up, detail=detail)


def test_a_feed_that_comes_up_is_told_once(stage: DecisionStage) -> None:
    stage.report(binance(FeedState.CONNECTING))
    stage.report(binance(FeedState.SUBSCRIBED))
    stage.report(binance())
    stage.report(binance())
    stage.report(binance(FeedState.SILENT))
    assert stage.told == [("venue_up", "binance spot", "")]


def test_a_feed_that_goes_down_is_told_with_its_reason_and_again_when_it_is_back(stage: DecisionStage) -> None:
    stage.report(binance())
    stage.report(binance(DOWN, "code 1012 service restart"))
    stage.report(binance(FeedState.CONNECTING))
    stage.report(binance())
    assert stage.told == [
        ("venue_up", "binance spot", ""),
        ("venue_down", "binance spot", "code 1012 service restart"),
        ("venue_up", "binance spot", ""),
    ]


def test_one_outage_is_told_once_whatever_further_attempts_say(stage: DecisionStage) -> None:
    stage.report(binance())
    for detail in ("code 1012 service restart", "connection refused", "HTTP 503"):
        stage.report(binance(DOWN, detail))
        stage.report(binance(FeedState.CONNECTING))
    assert [detail for _, _, detail in stage.told] == ["", "code 1012 service restart"]
    assert stage.watch.feeds["binance spot"].state is FeedState.CONNECTING


def test_a_venue_that_is_down_from_the_start_is_told(stage: DecisionStage) -> None:
    stage.report(binance(DOWN, "connection refused"))
    stage.report(binance(DOWN, "HTTP 503"))
    assert stage.told == [("venue_down", "binance spot", "connection refused")]


def test_the_silence_of_others_during_a_pause_of_ones_own_says_nothing(stage: DecisionStage) -> None:
    stage.report(binance(), okx())
    stage.opportunity()
    stage.now_ns += 100 * SILENT_AFTER_NS
    stage.watch.wake(stage.now_ns)
    assert stage.watch.check(stage.now_ns + SILENT_AFTER_NS) == []
    assert [signal.state for signal in stage.watch.check(stage.now_ns + SILENT_AFTER_NS + 1)] == ["close"]


def test_the_newest_report_of_each_feed_stands(stage: DecisionStage) -> None:
    stage.report(binance(), okx(), conflated=3)
    stage.report(binance(DOWN, "gone"), okx(), conflated=9)
    assert stage.watch.feeds == {"binance spot": binance(DOWN, "gone"), "okx spot": okx()}
    assert stage.watch.changed_feeds == {"binance spot", "okx spot"}
    assert stage.watch.conflated == 9


def test_what_a_silent_worker_has_counted_stands(stage: DecisionStage) -> None:
    counted = replace(binance(), connects=2, frames=90, quotes=80, bytes=900, dropped={"crossed": 3}, conflated=4)
    stage.report(counted, okx())
    stage.watch.check(stage.now_ns + SILENT_AFTER_NS + 1)
    down = stage.watch.feeds["binance spot"]
    assert down.state is DOWN
    assert (down.connects, down.frames, down.quotes, down.bytes) == (2, 90, 80, 900)
    assert (down.dropped, down.conflated) == ({"crossed": 3}, 4)


def test_a_worker_that_reports_is_left_alone(stage: DecisionStage) -> None:
    stage.opportunity()
    for _ in range(10):
        stage.report(binance(), okx())
        stage.now_ns += SILENT_AFTER_NS
        assert stage.watch.check(stage.now_ns) == []
    assert stage.detector.open_count == 1


def test_a_silent_worker_costs_what_it_fed_once(stage: DecisionStage) -> None:
    stage.report(binance(), okx())
    stage.opportunity()
    stage.now_ns += SILENT_AFTER_NS + 1
    [closed] = stage.watch.check(stage.now_ns)
    assert (closed.state, closed.reason) == ("close", "binance: feed worker does not answer")
    assert [stage.detector.legs.shown[i].fault for i in (0, 1)] == [Reason(ReasonCode.FEED_SILENT)] * 2
    assert stage.watch.feeds["okx spot"].state is DOWN
    assert stage.watch.feeds["okx spot"].detail == "feed worker does not answer"
    told = stage.told
    assert told[-2:] == [
        ("venue_down", "binance spot", "feed worker does not answer"),
        ("venue_down", "okx spot", "feed worker does not answer"),
    ]
    stage.now_ns += SILENT_AFTER_NS
    assert stage.watch.check(stage.now_ns) == []
    assert stage.told == told


def test_a_worker_that_speaks_again_is_up_again_with_its_next_report(stage: DecisionStage) -> None:
    stage.report(binance())
    stage.now_ns += SILENT_AFTER_NS + 1
    stage.watch.check(stage.now_ns)
    stage.report(binance())
    assert stage.told[-1] == ("venue_up", "binance spot", "")
    stage.now_ns += SILENT_AFTER_NS + 1
    stage.quote(0, 99.0, 100.0)
    stage.watch.check(stage.now_ns)
    assert stage.detector.legs.shown[0].fault == Reason(ReasonCode.FEED_SILENT)


def test_only_the_silent_workers_feeds_are_lost(stage: DecisionStage) -> None:
    stage.report(binance(), worker="feed 1")
    stage.report(okx(), worker="feed 2")
    stage.opportunity()
    stage.now_ns += SILENT_AFTER_NS + 1
    stage.report(okx(), worker="feed 2")
    stage.watch.check(stage.now_ns)
    assert [stage.detector.legs.shown[i].fault for i in (0, 1)] == [Reason(ReasonCode.FEED_SILENT), None]
    assert stage.watch.feeds["okx spot"].state is FeedState.LIVE


def test_a_feed_worker_that_dies_costs_its_quotes_at_once(stage: DecisionStage) -> None:
    stage.report(binance(), okx())
    stage.opportunity()
    stage.watch.notice(worker("feed", up=True), stage.now_ns)
    [closed] = stage.watch.notice(worker("feed", up=False, detail="ended by signal 9"), stage.now_ns)
    assert closed.reason == "binance: feed worker is down"
    assert ("worker_down", "", "feed: ended by signal 9") in stage.told
    stage.watch.notice(worker("feed", up=True), stage.now_ns)
    assert stage.told[-1] == ("worker_up", "", "feed")


def test_a_late_word_of_a_death_costs_the_next_process_nothing(stage: DecisionStage) -> None:
    stage.report(binance(), okx(), pid=77)
    stage.report(binance(), okx(), pid=78)
    stage.opportunity()
    assert stage.watch.notice(worker("feed", up=False, detail="ended by signal 9", pid=77), stage.now_ns) == []
    assert stage.detector.open_count == 1
    assert stage.told[-1] == ("worker_down", "", "feed: ended by signal 9")
    assert stage.watch.feeds["okx spot"].state is FeedState.LIVE
    [closed] = stage.watch.notice(worker("feed", up=False, pid=78), stage.now_ns)
    assert closed.reason == "binance: feed worker is down"


def test_the_first_report_of_the_next_process_costs_the_quotes_of_the_dead_one(stage: DecisionStage) -> None:
    stage.report(binance(), okx(), pid=77)
    stage.opportunity()
    next_report = HealthReport("feed", (binance(FeedState.CONNECTING), okx(FeedState.CONNECTING)), pid=78)
    [closed] = stage.watch.take(next_report, stage.now_ns)
    assert (closed.state, closed.reason) == ("close", "binance: feed worker is down")
    assert [stage.detector.legs.shown[i].fault for i in (0, 1)] == [Reason(ReasonCode.FEED_DOWN)] * 2
    assert [kind for kind, _, _ in stage.told[-2:]] == ["venue_down", "venue_down"]
    assert stage.watch.take(HealthReport("feed", (binance(), okx()), pid=77), stage.now_ns) == []
    assert stage.watch.feeds["okx spot"].state is FeedState.CONNECTING


def test_a_late_report_of_a_dead_process_does_not_bring_its_feeds_back(stage: DecisionStage) -> None:
    stage.report(binance(), okx(), pid=77)
    stage.watch.notice(worker("feed", up=False, pid=77), stage.now_ns)
    stage.report(binance(), okx(), pid=77)
    assert stage.watch.feeds["okx spot"].state is DOWN
    stage.watch.notice(worker("feed", up=True, pid=78), stage.now_ns)
    stage.report(binance(), okx(), pid=77)
    assert stage.watch.feeds["okx spot"].state is DOWN
    stage.report(binance(), okx(), pid=78)
    assert stage.watch.feeds["okx spot"].state is FeedState.LIVE


def test_a_word_that_comes_twice_is_told_once(stage: DecisionStage) -> None:
    for _ in range(2):
        stage.watch.notice(worker("feed", up=False, detail="ended by signal 9"), stage.now_ns)
    for _ in range(2):
        stage.watch.notice(worker("feed", up=True, pid=78), stage.now_ns)
    assert stage.told == [("worker_down", "", "feed: ended by signal 9"), ("worker_up", "", "feed")]


def test_the_first_word_of_a_worker_that_runs_is_no_news(stage: DecisionStage) -> None:
    assert stage.watch.notice(worker("sim", up=True), stage.now_ns) == []
    assert stage.told == []
    assert stage.watch.workers["sim"].up


def test_the_first_word_of_a_worker_that_is_down_is_news(stage: DecisionStage) -> None:
    stage.watch.notice(worker("spread", up=False, detail="ended by signal 9"), stage.now_ns)
    assert stage.told == [("worker_down", "", "spread: ended by signal 9")]


@pytest.mark.parametrize("name", ["spread", "sim"])
def test_a_worker_that_feeds_nothing_costs_no_quote(stage: DecisionStage, name: str) -> None:
    stage.report(binance(), okx())
    stage.opportunity()
    assert stage.watch.notice(worker(name, up=False), stage.now_ns) == []
    assert stage.detector.open_count == 1


def test_every_event_has_the_wall_time_of_its_cause(stage: DecisionStage) -> None:
    stage.report(binance())
    assert stage.publisher.events[0].timestamp == (stage.now_ns + stage.detector.wall_offset_ns) // 1_000_000


def test_a_workers_word_on_itself_is_shown_until_it_is_another_process_and_is_no_event(stage: DecisionStage) -> None:
    up = worker("alerts", up=True)
    stage.watch.notice(up, stage.now_ns)
    stage.watch.changed_workers.clear()
    stage.watch.describe(WorkerReport("alerts", 77, "hook 1 sent\x1b[2J"))
    assert stage.watch.workers["alerts"].detail == "hook 1 sent\\x1b[2J"
    assert stage.watch.changed_workers == {"alerts"}
    stage.watch.notice(up, stage.now_ns)
    stage.watch.describe(WorkerReport("alerts", 78, "of another process"))
    stage.watch.describe(WorkerReport("unknown", 77, "of nobody"))
    assert stage.watch.workers["alerts"].detail == "hook 1 sent\\x1b[2J"
    assert not stage.told
    stage.watch.notice(worker("alerts", up=False, detail="ended by signal 9"), stage.now_ns)
    stage.watch.describe(WorkerReport("alerts", 77, "from the grave"))
    assert stage.watch.workers["alerts"].detail == "ended by signal 9"
    assert stage.told == [("worker_down", "", "alerts: ended by signal 9")]


def test_what_several_workers_record_and_replace_is_added_up(stage: DecisionStage) -> None:
    assert stage.watch.recording is None
    for worker, pid, conflated in (("feed", 1, 5), ("ticks", 2, 7), ("feed", 1, 6)):
        report = HealthReport(worker, (), conflated, RecordingHealth("tapes", conflated, 100), pid=pid)
        stage.watch.take(report, stage.now_ns)
    assert stage.watch.conflated == 13
    assert stage.watch.recording == RecordingHealth("tapes", 13, 200)
    full = RecordingHealth("tapes", 7, 100, "No space left on device")
    stage.watch.take(HealthReport("ticks", (), 7, full, pid=2), stage.now_ns)
    assert stage.watch.recording.failure == "No space left on device"
