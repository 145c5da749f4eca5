"""Alerts in whole programs: the codes reach every terminal UI of the node, between its pictures, and nothing else."""

import re

import pytest
from node_process import OF_FOUR

from arbsniper_tui.runtime.node_folder import live_folders

NOTICE = re.compile(rb"\x1b\]9;arbsniper: [ -~]+\x07\x07")


@pytest.fixture
def config(place):
    path = place.folder / "rules.toml"
    rule = '[alerts.rules.price]\nsymbols = ["BTC/USDT"]\nprice_above = 10\n'
    path.write_text(f"[signals]\nthreshold_pct = 15\n{rule}")
    return str(path)


def check_codes(terminal) -> None:
    """One notice with its bell, both whole: no other code was cut in two by them, nor they by another."""
    assert len(NOTICE.findall(terminal.written)) == terminal.written.count(b"]9;") == 1
    others = re.sub(rb"\x1b\][0-9]+;[ -~]*\x07", b"", NOTICE.sub(b"", terminal.written))
    assert b"\a" not in others and b"arbsniper: price" not in others


def test_the_terminal_ui_rings_and_notifies_once_and_draws_on(place, config):
    terminal = place.terminal("--demo", "--config", config, *OF_FOUR)
    terminal.sees("price: BTC/USDT: bid")
    place.wait_for(lambda: (terminal.read(), NOTICE.search(terminal.written))[1], "the notice")
    terminal.sees("venues up")
    terminal.type("5")
    terminal.sees("terminal 1 told")
    terminal.type("q")
    assert terminal.exit_code() == 0
    assert terminal.is_restored
    check_codes(terminal)


@pytest.mark.xdist_group("nodes of this user")
def test_a_viewer_that_comes_is_told_what_is_asked_for_from_now_on(place, config):
    if live_folders():
        pytest.skip("another node of this user runs on this machine")
    node = place.start_node("--demo", "--no-ui", "--config", config, *OF_FOUR)
    place.wait_for(lambda: "alert: price: BTC/USDT" in node.err, node.err)
    terminal = place.terminal("attach", str(node.process.pid))
    terminal.sees("venues up")
    before = terminal.written
    said = place.run("alerts", "test", "bell")
    assert said.returncode == 0 and b"every terminal UI of the node" in said.stdout
    place.wait_for(lambda: (terminal.read(), terminal.written.count(b"\a") > before.count(b"\a"))[1], "the bell")
    terminal.type("q")
    assert terminal.exit_code() == 0
    assert "\a" not in node.out + node.err and "\x1b" not in node.out + node.err
    assert node.end() == 0
