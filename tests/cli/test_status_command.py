"""`status` of real nodes: while venues, Redis or processes fail, where no node is, and what it prints for whom."""

import os
import re
import signal
from collections.abc import Callable

import msgspec
import pytest
from node_process import DEMO_FEEDS, RunningNode
from raw_venues import RawBinance, RawKraken
from redis_server import RedisServer

from arbsniper_tui.runtime.node_folder import live_folders
from arbsniper_tui.session.health import NodeHealth, Part

READY, NOT_READY, NO_NODE = 0, 5, 6
NOWHERE = "99999999"
"""No process has this id."""
RAW_CONFIG = """
symbols = ["BTC/USDT"]
[redis]
mode = "off"
[venues.binance]
{binance}
[venues.kraken]
{kraken}
"""


class Asked:
    """A node, as one run of `status` after the other tells it."""

    def __init__(self, place, endpoint: str) -> None:
        self._place, self._endpoint = place, endpoint
        self.code = -1
        self.health = NodeHealth("down", False, False, "not asked yet")

    def ask(self) -> None:
        done = self._place.run("status", self._endpoint, "--json")
        assert done.stderr == b""
        self.code, self.health = done.returncode, msgspec.json.decode(done.stdout, type=NodeHealth)

    def printed(self, *form: str) -> str:
        """What it prints in this form; again where the node was too busy to answer within 3 s."""
        while (done := self._place.run("status", self._endpoint, *form)).returncode == NO_NODE:
            continue
        return done.stdout.decode()

    def wait_for(self, code: int, state: str, words: str = "") -> None:
        def is_so() -> bool:
            self.ask()
            return (self.code, self.health.state) == (code, state) and words in self.health.words

        self._place.wait_for(is_so, f"{code} {state} {words!r}")

    def part(self, name: str) -> Part:
        (found,) = (each for each in self.health.parts if each.name == name)
        return found


@pytest.fixture
def node(start_node: Callable[..., RunningNode]) -> RunningNode:
    return start_node("--threshold", "0.02")


@pytest.fixture
def asked(place, node: RunningNode) -> Asked:
    """A node on which all is well."""
    node.wait_for(lambda: (node.sockets / "commands").exists())
    asked = Asked(place, str(node.sockets))
    asked.wait_for(READY, "ok")
    return asked


def test_a_node_on_which_all_is_well_says_what_it_has_done(place, node: RunningNode, asked: Asked) -> None:
    node.wait_for_signals()

    def has_worked() -> bool:
        """What it has done comes with other views than its state does."""
        asked.wait_for(READY, "ok")
        figures = asked.health.figures
        return figures is not None and figures.signals > 0 and figures.connections == DEMO_FEEDS

    node.wait_for(has_worked, lambda: asked.health)
    health = asked.health
    assert (health.mode, health.pid, health.is_live, health.words) == ("demo", node.process.pid, True, "")
    figures = health.figures
    assert figures is not None
    assert (figures.exchanges_live, figures.exchanges, figures.connections) == (4, 4, DEMO_FEEDS)
    assert figures.quotes > 0 and figures.signals > 0 and figures.uptime_s > 0
    assert figures.viewers == 0, "who asks is no viewer"
    assert [each.name for each in asked.part("workers").parts] == ["supervisor", "feed", "sim", "spread"]


def test_text_has_a_line_for_each_part_and_the_short_form_has_one(place, node: RunningNode, asked: Asked) -> None:
    title, figures, *parts = asked.printed().splitlines()
    # A machine that is busy with other work may be late with a venue's data.
    assert re.fullmatch(rf"demo-\d+ \(demo, \S+, process {node.process.pid}\): (ok|degraded)", title)
    assert re.match(r"\d of 4 exchanges live, \d+ connections, [\d,]+ quotes, ", figures)
    names = [line.split()[0] for line in parts if not line.startswith(" ")]
    assert names == ["workers", "bus", "redis", "venues", "clock", "memory", "viewers"]
    assert "\x1b" not in "".join(parts)
    (line,) = asked.printed("--short").splitlines()
    assert re.match(r"(ok|degraded) \d/4 venues ", line) and len(line) <= 40


def test_on_a_terminal_states_have_colours(place, node: RunningNode, asked: Asked) -> None:
    def written() -> bytes | None:
        terminal = place.terminal("status", str(node.sockets))
        return terminal.written if terminal.exit_code() == READY else None

    assert b"\x1b[32mok" in place.wait_for(written, "an answer of a node that is ready")


def test_venues_that_fail_degrade_the_node_until_too_few_are_left(place, node: RunningNode, asked: Asked) -> None:
    node.set_fault("kraken", "kind=refuse")
    asked.wait_for(READY, "degraded", "kraken down")
    (line,) = (each for each in asked.part("venues").parts if each.name == "kraken")
    assert line.words.startswith("kraken spot: expected live, found ")
    assert "kraken" in asked.printed("--short")
    for venue in ("okx", "coinbase"):
        node.set_fault(venue, "kind=refuse")
    asked.wait_for(NOT_READY, "down", "prices come from 1, and 2 are needed")
    for venue in ("kraken", "okx", "coinbase"):
        node.set_fault(venue, "kind=none")
    asked.wait_for(READY, "ok")


def test_a_stopped_node_is_given_up_and_told_from_one_that_nobody_looks_after(
    place, node: RunningNode, asked: Asked
) -> None:
    os.kill(node.process.pid, signal.SIGSTOP)
    asked.wait_for(NOT_READY, "down", "expected 4 processes to run, found 3: supervisor down")
    os.killpg(node.process.pid, signal.SIGSTOP)
    done = place.run("status", str(node.sockets))
    assert (done.returncode, done.stdout) == (NO_NODE, b"")
    assert "within 3 s, found none: it is starting, stopped (SIGCONT lets it go on) or busy" in done.stderr.decode()
    os.killpg(node.process.pid, signal.SIGCONT)
    asked.wait_for(READY, "ok")


def test_a_node_whose_redis_is_away_is_not_ready(
    place, start_node: Callable[..., RunningNode], server: RedisServer
) -> None:
    node = start_node("--redis-url", server.url)
    node.wait_for(lambda: (node.sockets / "commands").exists())
    asked = Asked(place, str(node.sockets))
    asked.wait_for(READY, "ok")
    assert asked.part("redis").words.startswith("url ")
    server.stop()
    asked.wait_for(NOT_READY, "down", "redis: expected it to take signals, found it away")
    server.start()
    asked.wait_for(READY, "ok")


def test_without_redis_a_node_is_ready_once_two_venues_send_prices(place) -> None:
    with RawBinance() as binance, RawKraken() as kraken:
        config = place.folder / "arbsniper.toml"
        config.write_text(RAW_CONFIG.format(binance=binance.table, kraken=kraken.table))
        run = place.start_node("--no-ui", "--config", str(config))
        asked = Asked(place, str(run.process.pid))
        for venue in (binance, kraken):
            venue.wait_for_subscription()
        asked.wait_for(NOT_READY, "down", "prices come from 0, and 2 are needed")

        def is_ready() -> bool:
            for venue in (binance, kraken):
                venue.send(venue.quote(1000.0, 1000.1))
            asked.ask()
            return (asked.code, asked.health.words) == (READY, "")

        place.wait_for(is_ready, "prices of two venues")
        assert asked.part("redis").state == "ok"
        assert run.end() == 0


def test_where_no_node_is_each_form_says_so(place) -> None:
    text, line, told = (place.run("status", NOWHERE, *form) for form in ((), ("--short",), ("--json",)))
    assert {each.returncode for each in (text, line, told)} == {NO_NODE}
    assert text.stdout == b"" and f"no node at {NOWHERE}: expected" in text.stderr.decode()
    assert (line.stdout, line.stderr) == (b"no node answers\n", b"")
    health = msgspec.json.decode(told.stdout, type=NodeHealth)
    assert (health.is_live, health.is_ready, health.figures) == (False, False, None)
    assert health.words.startswith(f"no node at {NOWHERE}")


@pytest.mark.xdist_group("nodes of this user")
def test_without_an_endpoint_it_says_how_a_node_is_started(place) -> None:
    if live_folders():
        pytest.skip("another node of this user runs on this machine")
    done = place.run("status")
    assert done.returncode == NO_NODE
    assert "start one with `arbsniper-tui --no-ui`" in done.stderr.decode()


def test_wrong_usage_and_a_folder_that_others_can_write_to_are_refused(place) -> None:
    shared = place.folder / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    for arguments, said in (
        (("--json", "--short"), "--json and --short: expected one of them, found both"),
        ((str(shared),), str(shared)),
    ):
        done = place.run("status", *arguments)
        assert (done.returncode, done.stdout) == (2, b"")
        assert said in done.stderr.decode()


def test_help_says_the_exit_codes(place) -> None:
    said = " ".join(place.run("status", "--help").stdout.decode().split())
    assert "5 a node answers and is not ready, 6 no node answers" in said
