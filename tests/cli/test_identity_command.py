"""`identity`: what a running node holds, and verdicts that are in force at once, after a kill, and in the next run."""

import json
import os
import re
import signal
import stat

import pytest
from node_process import OF_FOUR
from raw_venues import RawBinance, RawKraken

from arbsniper_tui.runtime.node_folder import live_folders
from arbsniper_tui.runtime.state_folder import host_name

CONFIG = """
symbols = ["BTC/USDT"]
[signals]
max_spread_pct = 100
[redis]
mode = "off"
[venues.binance]
{binance}
[venues.kraken]
{kraken}
"""


class Watched:
    """A node on two venues of which one asks 1.6 times the price of the other, and the commands about it."""

    def __init__(self, place, binance: RawBinance, kraken: RawKraken, low: float, high: float) -> None:
        self._place, self._venues, self._prices = place, (binance, kraken), (low, high)
        config = place.folder / "arbsniper.toml"
        config.write_text(CONFIG.format(binance=binance.table, kraken=kraken.table))
        seen = [len([text for text in venue.heard if "ubscri" in text.lower()]) for venue in self._venues]
        self.run = place.start_node("--no-ui", "--config", str(config))
        for venue, count in zip(self._venues, seen, strict=True):
            venue.wait_for_subscription(count + 1)

    def quote(self) -> None:
        for venue, price in zip(self._venues, self._prices, strict=True):
            venue.send(venue.quote(price, price * 1.0001))

    def command(self, *arguments: str):
        """Again where the node was too busy to answer."""
        node = ("--node", str(self.run.process.pid))
        while b"did not answer within" in (done := self._place.run("identity", *arguments, *node)).stderr:
            continue
        return done

    def held(self) -> list[dict]:
        self.quote()
        listed = self.command("--json")
        # The sockets of a worker that has just been killed are there again once the next one runs.
        return json.loads(listed.stdout)["held"] if listed.returncode == 0 else []

    def wait_for_held(self, *venues: str) -> list[dict]:
        def listed():
            held = self.held()
            return held if [each["venue"] for each in held] == list(venues) else None

        return self._place.wait_for(listed, "the list")

    def wait_for_signal(self, told: int = 0) -> dict:
        """The first behind those that were told before."""

        def signalled():
            self.quote()
            return self.run.lines[told:]

        return self._place.wait_for(signalled, "a signal")[0]


@pytest.fixture
def venues():
    with RawBinance() as binance, RawKraken() as kraken:
        yield binance, kraken


def kept(place):
    return place.folder / ".local" / "state" / "arbsniper-tui" / host_name() / "identity.toml"


def write(place, text: str) -> None:
    for folder in (kept(place).parent.parent, kept(place).parent):
        folder.mkdir(parents=True, mode=0o700)
    kept(place).write_text(text)


@pytest.mark.xdist_group("nodes of this user")
def test_without_a_node_a_verdict_is_written_for_the_next(place) -> None:
    if live_folders():
        pytest.skip("another node of this user runs on this machine")
    done = place.run("identity", "set", "kraken", "btc/usdt", "different")
    assert "no node runs here: written to" in done.stdout.decode()
    assert '["kraken"."BTC/USDT"]\nverdict = "different"' in kept(place).read_text()
    listed = place.run("identity").stdout.decode()
    assert listed.startswith("no node runs here\n")
    assert "different coin" in listed


def test_a_verdict_is_in_force_at_once_after_a_kill_and_in_the_next_run(place, venues) -> None:
    node = Watched(place, *venues, 1000.0, 1600.0)
    low, high = node.wait_for_held("binance", "kraken")
    assert (low["why"], high["why"]) == ("identity: 0.62 x its peer", "identity: 1.6 x its peer")
    assert [each["price"] for each in high["peers"]] == [pytest.approx(1000.05)]
    assert node.run.lines == []
    done = node.command("set", "kraken", "BTC/USDT", "same")
    assert done.stdout.decode() == "kraken BTC/USDT: same coin; in force\n"
    assert node.wait_for_signal()["sell_exchange"] == "kraken"
    place.wait_for(
        lambda: kept(place).exists() and "ratio = 1.6" in kept(place).read_text(), "the evidence in the file"
    )
    assert stat.S_IMODE(kept(place).stat().st_mode) == 0o600
    node.command("set", "kraken", "BTC/USDT", "different")
    place.wait_for(lambda: '"different"' in kept(place).read_text(), "the verdict in the file")
    (spread,) = re.findall(r"supervisor: spread: process (\d+)", node.run.err)
    os.kill(int(spread), signal.SIGKILL)
    place.wait_for(lambda: len(re.findall(r"supervisor: spread: process", node.run.err)) == 2, "the next worker")
    (other,) = node.wait_for_held("kraken")
    assert other["why"] == "another coin, by your word"
    node.command("set", "kraken", "BTC/USDT", "same")
    assert node.run.end() == 0
    again = Watched(place, *venues, 1000.0, 1600.0)
    assert again.wait_for_signal()["spread_pct"] == pytest.approx(59.98, abs=0.01)


def test_a_different_coin_stays_out_in_the_next_run(place, venues) -> None:
    write(place, '[kraken."BTC/USDT"]\nverdict = "different"\n')
    node = Watched(place, *venues, 1000.0, 1010.0)
    (other,) = node.wait_for_held("kraken")
    assert other["why"] == "another coin, by your word"
    assert node.run.lines == []


def test_a_multiplier_scales_prices_and_sizes_from_the_next_start(place, venues) -> None:
    node = Watched(place, *venues, 1000.0, 1_010_000.0)
    low, high = node.wait_for_held("binance", "kraken")
    assert high["why"] == "identity: 1000 x the price of its peer"
    done = node.command("set", "kraken", "BTC/USDT", "multiplier=1000")
    assert done.stdout.decode().endswith("1000 coins sold as one; in force from the node's next start\n")
    (waits,) = node.wait_for_held("kraken")
    assert waits["why"] == "1000 coins sold as one, from the next start"
    assert node.run.end() == 0
    again = Watched(place, *venues, 1000.0, 1_010_000.0)
    signalled = again.wait_for_signal()
    assert (signalled["sell_price"], signalled["size"]) == (1010.0, 4.06)


def test_what_is_no_verdict_or_not_watched_is_refused(place, venues) -> None:
    node = Watched(place, *venues, 1000.0, 1010.0)
    for arguments, said in (
        (("kraken", "BTC/USDT", "maybe"), "expected same, different, or multiplier=N"),
        (("kraken", "ETH/USDT", "same"), "expected an instrument that this node watches"),
        (("nowhere", "BTC/USDT", "same"), "venue 'nowhere': expected one of"),
        (("kraken", "BTC", "same"), "expected BASE/QUOTE"),
    ):
        done = node.command("set", *arguments)
        assert done.returncode == 2
        assert said in done.stderr.decode()


def test_a_node_does_not_start_on_a_file_that_says_what_is_no_verdict(place) -> None:
    write(place, '[kraken."BTC/USDT"]\nverdict = "sort of"\n')
    done = place.run("--no-ui", "--symbol", "BTC/USDT", "--venue", "kraken", "--venue", "binance")
    assert done.returncode == 2
    assert "[kraken.\"BTC/USDT\"]: verdict 'sort of': expected same, different" in done.stderr.decode()


def test_a_demo_reads_and_writes_no_verdicts(place) -> None:
    run = place.start_node("--demo", "--no-ui", *OF_FOUR)
    node = ("--node", str(run.process.pid))

    def told():
        done = place.run("identity", "set", "kraken", "BTC/USD", "different", *node)
        return done.returncode == 0

    place.wait_for(told, "the verdict")
    assert run.end(signal.SIGTERM) == 0
    assert not kept(place).exists()
