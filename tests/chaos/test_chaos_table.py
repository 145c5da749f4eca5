"""Some cells of the table that `make chaos` prints, and that its verdicts find what they are to find."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from played import Played
from verdict import MENDED_NS, WARM_UP_NS, judge

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.sim.chaos import Chaos
from arbsniper_tui.sim.market import Top
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments
from arbsniper_tui.sim.truth import Truth
from arbsniper_tui.sim.venue_chaos import Struck

TESTS = Path(__file__).parents[1]
CELLS = (
    "gap:phemex",
    "dup:gate",
    "reorder:coinbase",
    "cross:kraken",
    "freeze:bybit",
    "freeze:okx",
    "garbage:coindcx",
    "skew:mexc",
    "skew:okx",
    "slow:bybit",
    "cut:binance",
    "cut:kucoin",
    "refuse:deribit",
    "gap:bitget",
)
S = 1_000_000_000
BEGAN_NS = 1000 * S
OFFSET_NS = 1_700_000_000 * S
BUY, SELL = 0, 1


def table(*cells: str) -> subprocess.CompletedProcess[str]:
    script = Path(__file__).with_name("chaos_table.py")
    paths = os.pathsep.join((str(TESTS), str(TESTS.parent)))
    return subprocess.run(
        [sys.executable, script, "--verbose", *cells],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )


def test_nothing_false_is_said_and_nothing_is_missed_while_a_venue_fails() -> None:
    played = table(*CELLS)
    assert played.returncode == 0, played.stdout + played.stderr
    assert f"{len(CELLS)} cells" in played.stdout and "0 of them not good" in played.stdout


def test_the_same_seed_gives_the_same_cell_and_another_one_another() -> None:
    first, again, other = (table("cut:okx", *more).stdout.splitlines()[1] for more in ((), (), ("--seed", "2")))
    assert first == again != other


def test_a_cell_that_does_not_exist_is_told_with_those_that_do() -> None:
    refused = table("melt:okx")
    assert refused.returncode == 1
    assert "found 'melt:okx', expected one of gap, dup" in refused.stderr


class Stage:
    """Two venues whose true prices are set by hand, and a detector that hears what it is told."""

    def __init__(self) -> None:
        listed = list_instruments(SimPlan(venues=("okx", "bybit"), bases=("BTC",)))
        self.truth = Truth(listed)
        self._listed = {each.venue: each for each in listed if each.symbol == "BTC/USDT"}
        instruments = [
            Instrument(number, venue, "BTC/USDT", "", "USDT", 0.1) for number, venue in enumerate(("okx", "bybit"))
        ]
        self.detector = Detector(instruments, ("spot-spot",), Rules(threshold_pct=0.05), "stage")
        self.detector.wall_offset_ns = OFFSET_NS
        self.events: list[Event] = []
        self.struck: list[Struck] = []

    def is_true(self, venue: str, bid: float, at_s: float) -> None:
        """From this second on a venue's best bid is this, and its ask 0.1 above."""
        listed = self._listed[venue]
        bid_ticks, ask_ticks = (round(price * 10**listed.price_digits) for price in (bid, bid + 0.1))
        self.truth.note(Top(listed.id, 0, bid_ticks, 1, ask_ticks, 1), BEGAN_NS + round(at_s * S))

    def hears(self, venue: int, bid: float, at_s: float) -> None:
        at_ns = BEGAN_NS + round(at_s * S)
        self.tell(*self.detector.on_quote(Quote(venue, bid, 1.0, bid + 0.1, 1.0), at_ns, at_ns))

    def tell(self, *signals: Signal) -> None:
        for each in signals:
            self.events.append(Event(event=each.state, seq=len(self.events) + 1, timestamp=each.timestamp, signal=each))

    def played(self) -> Played:
        routes = self.detector.routes.all
        return Played(self.events, self.struck, self.truth, routes, BEGAN_NS, BEGAN_NS + 60 * S, OFFSET_NS)


@pytest.fixture
def stage() -> Stage:
    """Bybit stands 100 above okx between the 20th and the 30th second."""
    stage = Stage()
    for venue in ("okx", "bybit"):
        stage.is_true(venue, 64_000.0, 0.0)
    stage.is_true("bybit", 64_100.0, 20.0)
    stage.is_true("bybit", 64_000.0, 30.0)
    return stage


def follow_the_truth(stage: Stage) -> None:
    stage.hears(BUY, 64_000.0, 19.0)
    stage.hears(SELL, 64_100.0, 20.0)
    stage.hears(BUY, 64_000.0, 24.0)
    stage.hears(SELL, 64_000.0, 30.0)


def test_a_spread_that_stood_and_was_told_of_is_good(stage: Stage) -> None:
    follow_the_truth(stage)
    verdict = judge(stage.played())
    assert verdict.is_good and (verdict.signals, verdict.standing) == (1, 1)


def test_a_spread_that_nobody_told_of_is_missed(stage: Stage) -> None:
    (missed,) = judge(stage.played()).missed
    assert missed.route == "okx BTC/USDT > bybit BTC/USDT"
    assert (missed.begins_ns, missed.ends_ns) == (BEGAN_NS + 20 * S, BEGAN_NS + 30 * S)


@pytest.mark.parametrize(
    ("began_s", "ended_s", "missed_from_s"), [(19.0, 31.0, None), (19.0, 22.0, 22.0), (25.0, 31.0, 20.0)]
)
def test_only_the_part_that_could_be_seen_is_missed(
    stage: Stage, began_s: float, ended_s: float, missed_from_s: float | None
) -> None:
    ended_ns = round(ended_s * S) - MENDED_NS
    stage.struck.append(Struck("bybit", Chaos.SLOW, BEGAN_NS + round(began_s * S), BEGAN_NS + ended_ns, amount_s=0.0))
    missed = judge(stage.played()).missed
    expected = [] if missed_from_s is None else [BEGAN_NS + round(missed_from_s * S)]
    assert [each.begins_ns for each in missed] == expected


def test_a_fault_of_another_venue_or_long_ago_hides_nothing(stage: Stage) -> None:
    for venue, second in (("kraken", 19), ("bybit", 5)):
        at_ns = BEGAN_NS + second * S
        stage.struck.append(Struck(venue, Chaos.SLOW, at_ns, at_ns + 10 * S))
    assert len(judge(stage.played()).missed) == 1
    assert WARM_UP_NS < 20 * S


def test_a_price_that_was_over_for_longer_than_a_quote_may_be_old_is_false(stage: Stage) -> None:
    follow_the_truth(stage)
    stage.hears(BUY, 64_000.0, 35.0)
    stage.hears(SELL, 64_100.0, 35.5)
    stage.hears(SELL, 64_000.0, 36.0)
    assert [each.timestamp for each in judge(stage.played()).false_signals] == []
    stage.hears(SELL, 64_100.0, 36.5)
    stage.hears(SELL, 64_000.0, 37.0)
    (false,) = judge(stage.played()).false_signals
    assert false.timestamp == (BEGAN_NS + OFFSET_NS) // 1_000_000 + 36_500


def test_a_price_that_was_better_than_what_was_said_is_counted_apart(stage: Stage) -> None:
    follow_the_truth(stage)
    stage.hears(SELL, 64_099.0, 26.0)
    stage.hears(SELL, 64_000.0, 27.0)
    verdict = judge(stage.played())
    assert (verdict.worse, verdict.false_signals) == (1, []) and verdict.is_good


def test_a_price_that_never_was_is_false(stage: Stage) -> None:
    follow_the_truth(stage)
    stage.hears(SELL, 64_100.1, 26.0)
    stage.hears(SELL, 64_000.0, 27.0)
    assert len(judge(stage.played()).false_signals) == 1


def test_doubled_events_and_openings_without_a_close_are_counted(stage: Stage) -> None:
    follow_the_truth(stage)
    opened, closed = (event.signal for event in stage.events)
    assert opened is not None and closed is not None
    stage.tell(opened)
    assert (judge(stage.played()).doubled, judge(stage.played()).unclosed) == (1, 0)
    del stage.events[1:]
    assert (judge(stage.played()).doubled, judge(stage.played()).unclosed) == (0, 1)
