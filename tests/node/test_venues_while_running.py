"""Venues, symbols, rates and alerts come and go in a node that runs, beside those that stay."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from node_process import RunningNode
from simulated_venues import SimulatedVenues, simulated_venues
from waiting import DEADLINE_S, wait_until

from arbsniper_tui.session.session import Session
from arbsniper_tui.tools.settings import reload_settings

HEAD = """
symbols = {symbols}
[redis]
mode = "off"
[signals]
threshold_pct = 0.02
[quotes]
USD = {{ convert = "kraken:USDT/USD" }}
"""


class Stage:
    """A node on simulated venues of which each test turns on some."""

    def __init__(self, start: Callable[..., RunningNode], folder: Path, simulated: SimulatedVenues) -> None:
        self._simulated = simulated
        self.config = folder / "arbsniper.toml"
        self.write(["BTC/USDT"], "binance", "okx")
        self.node = start("--config", str(self.config), demo=False)
        self.session: Session = self.node.session()
        self.wait(lambda: self.quoted() == {"binance BTC/USDT", "okx BTC/USDT"})

    def write(self, symbols: list[str], *venues: str, more: str = "") -> None:
        """Kraken alone, whose market is the rate, is asked for what [quotes] counts as the same too."""
        tables = ""
        for venue in venues:
            tables += self._simulated.table(venue).partition("symbols")[0]
            tables += "" if venue == "kraken" else f"symbols = {symbols}\n"
        self.config.write_text(HEAD.format(symbols=symbols) + tables + more)

    def change(self, symbols: list[str], *venues: str, more: str = "") -> None:
        self.write(symbols, *venues, more=more)
        self.reload()

    def reload(self) -> None:
        reload_settings(str(self.node.sockets), round(DEADLINE_S * 1000))

    def quoted(self) -> set[str]:
        """What has a price that takes part, and is watched."""
        self.session.pull()
        snapshot = self.session.snapshot
        watched = {each.id: each for each in snapshot.intro.instruments} if snapshot.intro else {}
        rows = {i: row for i, row in snapshot.quotes.items() if row.quotes and row.reason is None}
        return {f"{each.venue} {each.symbol}" for i, each in watched.items() if i in rows}

    def connects(self) -> dict[str, int]:
        self.session.pull()
        return {name: feed.connects for name, feed in self.session.snapshot.feeds.items()}

    def wait(self, condition: Callable[[], object]) -> None:
        wait_until(condition, lambda: f"{self.quoted()} {self.connects()}\n{self.node.log[-3000:]}")


@pytest.fixture
def stage(start_node: Callable[..., RunningNode], tmp_path: Path) -> Iterator[Stage]:
    with simulated_venues("binance", "okx", "kraken") as simulated:
        stage = Stage(start_node, tmp_path, simulated)
        with closing(stage.session):
            yield stage
            assert stage.node.stop() == 0
        lines = [line for line in stage.node.log.splitlines() if "on the bus" in line]
        assert lines == []


def test_patterns_come_and_go_on_the_connections_that_stand(stage: Stage) -> None:
    stage.change(["*/USDT"], "binance", "okx")
    stage.wait(lambda: len(stage.quoted()) > 6)
    by_pattern = stage.quoted()
    assert {"binance BTC/USDT", "okx BTC/USDT"} <= by_pattern
    stage.change(["*/USDT", "ETH/USDT"], "binance", "okx")
    stage.change(["ETH/USDT"], "binance", "okx")
    stage.wait(lambda: stage.quoted() == {"binance ETH/USDT", "okx ETH/USDT"})
    stage.wait(lambda: stage.connects().keys() == {"binance spot", "okx spot"})
    assert stage.connects() == {"binance spot": 1, "okx spot": 1}


def test_a_venue_with_its_rate_comes_and_goes(stage: Stage) -> None:
    for _ in range(2):
        stage.change(["BTC/USDT"], "binance", "okx", "kraken")
        stage.wait(lambda: {"kraken BTC/USD", "kraken USDT/USD"} <= stage.quoted())
        stage.change(["BTC/USDT"], "binance", "okx")
        stage.wait(lambda: stage.quoted() == {"binance BTC/USDT", "okx BTC/USDT"})
    # A feed that is gone is told by the next report of its worker, after its quotes.
    stage.wait(lambda: stage.connects().keys() == {"binance spot", "okx spot"})
    assert stage.connects() == {"binance spot": 1, "okx spot": 1}


def test_a_venue_that_is_to_be_reached_elsewhere_is_connected_to_anew_alone(stage: Stage) -> None:
    stage.write(["BTC/USDT"], "binance", "okx")
    text = stage.config.read_text()
    before, okx, after = text.partition("[venues.okx]")
    stage.config.write_text(before + okx + after.replace("127.0.0.1", "localhost"))
    stage.reload()
    stage.wait(lambda: "instruments listed by http://localhost:" in stage.node.log)
    stage.wait(lambda: stage.quoted() == {"binance BTC/USDT", "okx BTC/USDT"})
    # Counted from its new beginning.
    stage.wait(lambda: stage.connects() == {"binance spot": 1, "okx spot": 1})


def test_rules_of_alerts_come_change_and_go_in_one_process(stage: Stage) -> None:
    assert stage.node.pids("alerts") == []
    rule = '[alerts.rules.wide]\nmin_net_spread_pct = -5.0\nto = ["bell"]\ncooldown_s = 0\n'
    told = lambda: [each for each in stage.session.snapshot.events if each.event == "alert"]  # noqa: E731 - read at each look
    stage.change(["BTC/USDT"], "binance", "okx", more=rule)
    stage.wait(lambda: (stage.session.pull(), told())[1])
    stage.change(["BTC/USDT"], "binance", "okx", more=rule.replace("wide", "wider"))
    stage.wait(lambda: (stage.session.pull(), [each for each in told() if each.detail.startswith("wider:")])[1])
    stage.change(["BTC/USDT"], "binance", "okx", more=rule + "muted = true\n")
    stage.change(["BTC/USDT"], "binance", "okx")
    assert len(stage.node.pids("alerts")) == 1
