"""What health becomes: events, and withdrawals where a worker is silent or gone."""

import pytest
from decision_bench import DecisionBench, binance, okx

from arbsniper_tui.desk.feed_watch import SILENT_AFTER_NS
from arbsniper_tui.model.health import FeedState, WorkerHealth
from arbsniper_tui.model.reason import Reason, ReasonCode

DOWN = FeedState.DOWN


def worker(name: str, *, up: bool, detail: str = "", pid: int = 77) -> WorkerHealth:
    return WorkerHealth(name, pid, up, detail=detail)


def test_a_feed_that_comes_up_is_told_once(bench: DecisionBench) -> None:
    bench.report(binance(FeedState.CONNECTING))
    bench.report(binance(FeedState.SUBSCRIBED))
    bench.report(binance())
    bench.report(binance())
    bench.report(binance(FeedState.SILENT))
    assert bench.told == [("venue_up", "binance spot", "")]


def test_a_feed_that_goes_down_is_told_with_its_reason_and_again_when_it_is_back(bench: DecisionBench) -> None:
    bench.report(binance())
    bench.report(binance(DOWN, "code 1012 service restart"))
    bench.report(binance(FeedState.CONNECTING))
    bench.report(binance())
    assert bench.told == [
        ("venue_up", "binance spot", ""),
        ("venue_down", "binance spot", "code 1012 service restart"),
        ("venue_up", "binance spot", ""),
    ]


def test_one_outage_is_told_once_whatever_further_attempts_say(bench: DecisionBench) -> None:
    bench.report(binance())
    for detail in ("code 1012 service restart", "connection refused", "HTTP 503"):
        bench.report(binance(DOWN, detail))
        bench.report(binance(FeedState.CONNECTING))
    assert [detail for _, _, detail in bench.told] == ["", "code 1012 service restart"]
    assert bench.watch.feeds["binance spot"].state is FeedState.CONNECTING


def test_a_venue_that_is_down_from_the_start_is_told(bench: DecisionBench) -> None:
    bench.report(binance(DOWN, "connection refused"))
    bench.report(binance(DOWN, "HTTP 503"))
    assert bench.told == [("venue_down", "binance spot", "connection refused")]


def test_the_silence_of_others_during_a_pause_of_ones_own_says_nothing(bench: DecisionBench) -> None:
    bench.report(binance(), okx())
    bench.opportunity()
    bench.now_ns += 100 * SILENT_AFTER_NS
    bench.watch.wake(bench.now_ns)
    assert bench.watch.check(bench.now_ns + SILENT_AFTER_NS) == []
    assert [signal.state for signal in bench.watch.check(bench.now_ns + SILENT_AFTER_NS + 1)] == ["close"]


def test_the_newest_report_of_each_feed_stands(bench: DecisionBench) -> None:
    bench.report(binance(), okx(), conflated=3)
    bench.report(binance(DOWN, "gone"), okx(), conflated=9)
    assert bench.watch.feeds == {"binance spot": binance(DOWN, "gone"), "okx spot": okx()}
    assert bench.watch.changed_feeds == {"binance spot", "okx spot"}
    assert bench.watch.conflated == 9


def test_a_worker_that_reports_is_left_alone(bench: DecisionBench) -> None:
    bench.opportunity()
    for _ in range(10):
        bench.report(binance(), okx())
        bench.now_ns += SILENT_AFTER_NS
        assert bench.watch.check(bench.now_ns) == []
    assert bench.detector.open_count == 1


def test_a_silent_worker_costs_what_it_fed_once(bench: DecisionBench) -> None:
    bench.report(binance(), okx())
    bench.opportunity()
    bench.now_ns += SILENT_AFTER_NS + 1
    [closed] = bench.watch.check(bench.now_ns)
    assert (closed.state, closed.reason) == ("close", "binance: feed worker does not answer")
    assert [bench.detector.legs.shown[i].fault for i in (0, 1)] == [Reason(ReasonCode.FEED_SILENT)] * 2
    assert bench.watch.feeds["okx spot"].state is DOWN
    assert bench.watch.feeds["okx spot"].detail == "feed worker does not answer"
    told = bench.told
    assert told[-2:] == [
        ("venue_down", "binance spot", "feed worker does not answer"),
        ("venue_down", "okx spot", "feed worker does not answer"),
    ]
    bench.now_ns += SILENT_AFTER_NS
    assert bench.watch.check(bench.now_ns) == []
    assert bench.told == told


def test_a_worker_that_speaks_again_is_up_again_with_its_next_report(bench: DecisionBench) -> None:
    bench.report(binance())
    bench.now_ns += SILENT_AFTER_NS + 1
    bench.watch.check(bench.now_ns)
    bench.report(binance())
    assert bench.told[-1] == ("venue_up", "binance spot", "")
    bench.now_ns += SILENT_AFTER_NS + 1
    bench.quote(0, 99.0, 100.0)
    bench.watch.check(bench.now_ns)
    assert bench.detector.legs.shown[0].fault == Reason(ReasonCode.FEED_SILENT)


def test_only_the_silent_workers_feeds_are_lost(bench: DecisionBench) -> None:
    bench.report(binance(), worker="feed 1")
    bench.report(okx(), worker="feed 2")
    bench.opportunity()
    bench.now_ns += SILENT_AFTER_NS + 1
    bench.report(okx(), worker="feed 2")
    bench.watch.check(bench.now_ns)
    assert [bench.detector.legs.shown[i].fault for i in (0, 1)] == [Reason(ReasonCode.FEED_SILENT), None]
    assert bench.watch.feeds["okx spot"].state is FeedState.LIVE


def test_a_feed_worker_that_dies_costs_its_quotes_at_once(bench: DecisionBench) -> None:
    bench.report(binance(), okx())
    bench.opportunity()
    bench.watch.notice(worker("feed", up=True), bench.now_ns)
    [closed] = bench.watch.notice(worker("feed", up=False, detail="ended by signal 9"), bench.now_ns)
    assert closed.reason == "binance: feed worker is down"
    assert ("worker_down", "", "feed: ended by signal 9") in bench.told
    bench.watch.notice(worker("feed", up=True), bench.now_ns)
    assert bench.told[-1] == ("worker_up", "", "feed")


def test_a_late_word_of_a_death_costs_the_next_process_nothing(bench: DecisionBench) -> None:
    bench.report(binance(), okx(), pid=77)
    bench.report(binance(), okx(), pid=78)
    bench.opportunity()
    assert bench.watch.notice(worker("feed", up=False, detail="ended by signal 9", pid=77), bench.now_ns) == []
    assert bench.detector.open_count == 1
    assert bench.told[-1] == ("worker_down", "", "feed: ended by signal 9")
    assert bench.watch.feeds["okx spot"].state is FeedState.LIVE
    [closed] = bench.watch.notice(worker("feed", up=False, pid=78), bench.now_ns)
    assert closed.reason == "binance: feed worker is down"


def test_a_late_report_of_a_dead_process_does_not_bring_its_feeds_back(bench: DecisionBench) -> None:
    bench.report(binance(), okx(), pid=77)
    bench.watch.notice(worker("feed", up=False, pid=77), bench.now_ns)
    bench.report(binance(), okx(), pid=77)
    assert bench.watch.feeds["okx spot"].state is DOWN
    bench.watch.notice(worker("feed", up=True, pid=78), bench.now_ns)
    bench.report(binance(), okx(), pid=77)
    assert bench.watch.feeds["okx spot"].state is DOWN
    bench.report(binance(), okx(), pid=78)
    assert bench.watch.feeds["okx spot"].state is FeedState.LIVE


def test_a_word_that_comes_twice_is_told_once(bench: DecisionBench) -> None:
    for _ in range(2):
        bench.watch.notice(worker("feed", up=False, detail="ended by signal 9"), bench.now_ns)
    for _ in range(2):
        bench.watch.notice(worker("feed", up=True, pid=78), bench.now_ns)
    assert bench.told == [("worker_down", "", "feed: ended by signal 9"), ("worker_up", "", "feed")]


def test_the_first_word_of_a_worker_that_runs_is_no_news(bench: DecisionBench) -> None:
    assert bench.watch.notice(worker("sim", up=True), bench.now_ns) == []
    assert bench.told == []
    assert bench.watch.workers["sim"].up


def test_the_first_word_of_a_worker_that_is_down_is_news(bench: DecisionBench) -> None:
    bench.watch.notice(worker("spread", up=False, detail="ended by signal 9"), bench.now_ns)
    assert bench.told == [("worker_down", "", "spread: ended by signal 9")]


@pytest.mark.parametrize("name", ["spread", "sim"])
def test_a_worker_that_feeds_nothing_costs_no_quote(bench: DecisionBench, name: str) -> None:
    bench.report(binance(), okx())
    bench.opportunity()
    assert bench.watch.notice(worker(name, up=False), bench.now_ns) == []
    assert bench.detector.open_count == 1


def test_every_event_has_the_wall_time_of_its_cause(bench: DecisionBench) -> None:
    bench.report(binance())
    assert bench.publisher.events[0].timestamp == (bench.now_ns + bench.detector.wall_offset_ns) // 1_000_000
