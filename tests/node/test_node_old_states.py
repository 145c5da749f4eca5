"""Whole nodes on raw venues: no signal rests on a state that was over before it was read, however that came about."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from node_process import RunningNode
from raw_venues import RawBinance, RawKraken

from arbsniper_tui.desk.feed_watch import SILENT_AFTER_NS
from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.session.session import Session

StartNode = Callable[..., RunningNode]
BASE, ASK = 45_000.0, 45_000.5
SETTINGS = """
symbols = ["BTC/USDT"]
[signals]
threshold_pct = 0.5
max_quote_age_ms = {max_age_ms}
[redis]
mode = "off"
[venues.binance]
{binance}
[venues.kraken]
{kraken}
"""


@dataclass
class Stage:
    """A node that has the same prices from both venues, and no signal yet."""

    node: RunningNode
    binance: RawBinance
    kraken: RawKraken
    session: Session

    def quiet(self) -> None:
        """Both venues as they are while nothing happens."""
        self.binance.send(self.binance.quote(BASE, ASK))
        self.kraken.send(self.kraken.quote(BASE, ASK))

    def stop_while(self, worker: str, meanwhile: Callable[[], None], for_s: float = 0.6) -> float:
        """Stop a worker for longer than any pause that it may take for its own. Returns when it went on, in ms since
        1970."""
        os.kill(self.node.pid(worker), signal.SIGSTOP)
        try:
            meanwhile()
            time.sleep(for_s)  # the fault itself: a pause has a length
        finally:
            woke_ms = time.time() * 1000
            os.kill(self.node.pid(worker), signal.SIGCONT)
        return woke_ms

    def spike(self, bid: float) -> str:
        return self.binance.quote(bid, bid + 0.5)

    def expect_only(self, bid: float) -> None:
        """A spike that stands is announced, and none was before it."""

        def announced() -> bool:
            self.quiet()
            self.binance.send(self.spike(bid))
            return bool(self.node.lines)

        self.node.wait_for(announced)
        assert {line["sell_price"] for line in self.node.lines} == {bid}, self.node.log[-3000:]
        assert all(line["buy_age_ms"] <= 5000 and line["sell_age_ms"] <= 5000 for line in self.node.lines)


@pytest.fixture
def make_stage(start_node: StartNode, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    stages: list[Stage] = []
    venues: list[RawBinance | RawKraken] = []

    def make(max_age_ms: int = 5000) -> Stage:
        binance, kraken = RawBinance(), RawKraken()
        venues.extend((binance, kraken))
        config = tmp_path / "arbsniper.toml"
        config.write_text(SETTINGS.format(max_age_ms=max_age_ms, binance=binance.table, kraken=kraken.table))
        node = start_node("--config", str(config), demo=False)
        session = node.session()
        stages.append(Stage(node, binance, kraken, session))
        for venue in (binance, kraken):
            venue.wait_for_subscription()

        def both_take_part() -> bool:
            stages[-1].quiet()
            rows = session.snapshot.quotes.values()
            return sum(not row.reason for row in rows) == 2 and all(row.quotes > 4 for row in rows)

        node.watch(session, both_take_part)
        # Answered pings prove from here on how old what is read can be.
        node.watch(session, lambda: all(feed.rtt_ms is not None for feed in session.snapshot.feeds.values()))
        return stages[-1]

    yield make
    for stage in stages:
        stage.session.close()
    for venue in venues:
        venue.__exit__(None, None, None)


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage()


def test_of_two_states_in_one_read_only_the_newest_is_judged(stage: Stage) -> None:
    for _ in range(20):
        stage.binance.send(stage.spike(46_000.0), stage.binance.quote(BASE, ASK))
    stage.expect_only(45_500.0)


def test_a_spike_that_was_over_when_a_stopped_feed_worker_goes_on_is_no_signal(stage: Stage) -> None:
    def spike_and_return() -> None:
        stage.binance.send(stage.spike(46_000.0))
        stage.kraken.send(stage.kraken.quote(44_000.0, 44_000.5))
        time.sleep(0.05)  # so that the two states are two packets
        stage.quiet()

    stage.stop_while("feed", spike_and_return)
    stage.expect_only(45_500.0)


def test_a_spike_that_is_deep_in_the_backlog_of_a_stopped_feed_worker_is_no_signal(stage: Stage) -> None:
    def spike_and_much_more() -> None:
        stage.binance.send(stage.spike(46_000.0))
        # More than one read takes.
        for _ in range(300):
            stage.binance.send(*(stage.binance.quote(BASE, ASK) for _ in range(20)))

    stage.stop_while("feed", spike_and_much_more)
    stage.expect_only(45_500.0)


def test_a_spike_that_was_over_when_a_stopped_spread_worker_goes_on_is_no_signal(stage: Stage) -> None:
    def spike_and_return() -> None:
        stage.binance.send(stage.spike(46_000.0))
        time.sleep(0.05)  # so that the two states are two messages on the bus
        stage.quiet()

    stage.stop_while("spread", spike_and_return)
    stage.expect_only(45_500.0)


@pytest.mark.parametrize("wakes_first", [False, True])
def test_a_spread_worker_that_was_stopped_for_long_blames_no_feed(stage: Stage, wakes_first: bool) -> None:
    seen = stage.session.snapshot
    pause_s = SILENT_AFTER_NS / 1e9 + 1.0

    def runs_for(seconds: float) -> None:
        assert seen.status is not None
        until_s = seen.status.uptime_s + seconds
        stage.node.watch(stage.session, lambda: seen.status is not None and seen.status.uptime_s > until_s)

    before, woke_ms = len(seen.events), 0.0

    def pause() -> None:
        nonlocal woke_ms
        woke_ms = stage.stop_while("spread", stage.quiet, for_s=pause_s)
        runs_for(pause_s / 2)  # its first frame after the pause comes behind its look at the feeds

    if wakes_first:
        stage.stop_while("feed", pause, for_s=0.0)
    else:
        pause()
    runs_for(2.0)
    # Where this machine is busy, a feed may really have been silent for so long since.
    blamed = [each for each in list(seen.events)[before:] if each.event != "venue_up"]
    assert all(each.timestamp >= woke_ms + SILENT_AFTER_NS / 1e6 for each in blamed), stage.node.log[-3000:]
    stage.node.watch(stage.session, lambda: {feed.state for feed in seen.feeds.values()} <= {"live", "silent"})
    stage.expect_only(45_500.0)


def test_a_spike_on_a_bus_that_was_full_is_no_signal(stage: Stage) -> None:
    def spike_and_much_more() -> None:
        # The bus holds the spike, and the feed worker what came long after it.
        stage.binance.send(stage.spike(46_000.0))
        for _ in range(3000):
            stage.binance.send(stage.spike(46_000.0))
        stage.quiet()

    stage.stop_while("spread", spike_and_much_more)
    stage.expect_only(45_500.0)


def test_a_pause_longer_than_the_longest_age_leaves_old_prices_out_until_the_next_quote(
    make_stage: Callable[..., Stage],
) -> None:
    stage = make_stage(max_age_ms=500)

    def spike_that_stays() -> None:
        stage.binance.send(stage.spike(46_000.0))
        stage.kraken.send(stage.kraken.quote(BASE, ASK))

    stage.stop_while("feed", spike_that_stays)
    stage.node.watch(
        stage.session,
        lambda: {reason_words(row.reason) for row in stage.session.snapshot.quotes.values()} <= {"stale", ""},
    )
    assert stage.node.lines == []
    stage.expect_only(45_500.0)


def test_a_venue_whose_own_time_falls_behind_makes_no_signal(stage: Stage) -> None:
    stage.kraken.behind_s = 12.0
    for _ in range(20):
        stage.binance.send(stage.binance.quote(BASE, ASK))
        stage.kraken.send(stage.kraken.quote(46_000.0, 46_000.5))
    feeds = stage.session.snapshot.feeds
    stage.node.watch(stage.session, lambda: (feeds["kraken spot"].lag_ms or 0) > 10_000)
    assert stage.node.lines == []
    stage.kraken.behind_s = 0.0
    stage.expect_only(45_500.0)


def test_a_venue_that_stops_answering_pings_takes_no_part_until_it_does_again(
    make_stage: Callable[..., Stage],
) -> None:
    stage = make_stage(max_age_ms=1000)
    stage.binance.answers_pings = False
    feeds = stage.session.snapshot.feeds

    def is_doubted() -> bool:
        stage.quiet()
        return "no answer to a ping" in feeds["binance spot"].detail

    stage.node.watch(stage.session, is_doubted)
    for _ in range(20):
        stage.quiet()
        stage.binance.send(stage.spike(46_000.0))
    stage.binance.answers_pings = True

    def is_trusted() -> bool:
        stage.quiet()
        return feeds["binance spot"].state == "live"

    stage.node.watch(stage.session, is_trusted)
    stage.expect_only(45_500.0)


def test_a_venue_that_never_answers_a_ping_is_believed_all_the_same(start_node: StartNode, tmp_path: Path) -> None:
    with RawBinance() as binance, RawKraken() as kraken:
        binance.answers_pings = False
        config = tmp_path / "arbsniper.toml"
        config.write_text(SETTINGS.format(max_age_ms=500, binance=binance.table, kraken=kraken.table))
        node = start_node("--config", str(config), demo=False)
        for venue in (binance, kraken):
            venue.wait_for_subscription()
        stage = Stage(node, binance, kraken, node.session())
        stage.expect_only(45_500.0)
        stage.session.close()
