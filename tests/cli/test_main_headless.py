"""`--no-ui`: signals and nothing else on stdout, the log on stderr, and a stop in time that leaves nothing behind."""

import json
import re
import signal
import subprocess

import msgspec
import pytest
from node_process import OF_FOUR
from waiting import DEADLINE_S

from arbsniper_tui.model.signal import Signal

REQUIRED = {
    "type": str,
    "action": str,
    "symbol": str,
    "spread_pct": float,
    "buy_price": float,
    "sell_price": float,
    "profit_estimate": float,
    "timestamp": int,
    "detected_at": int,
    "v": int,
    "id": str,
    "seq": int,
    "state": str,
    "buy_exchange": str,
    "sell_exchange": str,
    "buy_symbol": str,
    "sell_symbol": str,
    "size": float,
    "net_spread_pct": float,
    "net_profit": float,
    "buy_age_ms": int,
    "sell_age_ms": int,
    "buy_market": str,
    "sell_market": str,
}
OPTIONAL = {field.name for field in msgspec.structs.fields(Signal) if field.default is msgspec.UNSET}


def test_standard_output_holds_signals_of_the_contract_and_nothing_else(place):
    node = place.start_node("--demo", "--no-ui", "--threshold", "0.02", *OF_FOUR)
    place.wait_for(lambda: len(node.lines) >= 5, "five signals")
    assert node.end() == 0
    for line in node.lines:
        found = {name: type(line[name]) for name in REQUIRED}
        assert found == REQUIRED
        assert set(line) - set(REQUIRED) <= OPTIONAL
        assert line["type"] == "ARBITRAGE_OPPORTUNITY"
        assert line["action"] == f"BUY_{line['buy_exchange']}_SELL_{line['sell_exchange']}".upper()
        assert line["state"] in ("open", "update")
        spread = line["sell_price"] - line["buy_price"]
        assert line["spread_pct"] == pytest.approx(spread / line["buy_price"] * 100, abs=1e-4)
        assert line["spread_pct"] >= 0.02, "above it before it was rounded"
        # Rounded to ten decimals where a coin costs more than one unit, to more where it costs less.
        assert line["profit_estimate"] == pytest.approx(spread, abs=1e-10)
        assert line["timestamp"] >= line["detected_at"] > 1.6e12
        assert line["net_spread_pct"] < line["spread_pct"]
    assert [line["seq"] for line in node.lines] == list(range(1, len(node.lines) + 1))
    assert "INFO" in node.err and "Traceback" not in node.err


def test_the_demo_of_one_venue_simulates_the_venue_of_its_rate_too(place):
    node = place.start_node("--demo", "--no-ui", "--venue", "okx")

    def listed() -> list[tuple[str, str]]:
        return re.findall(r"(\w+): \d+ instruments listed by (\S+)", node.err)

    place.wait_for(lambda: "okx spot: up" in node.err and "kraken spot: up" in node.err, "both venues")
    place.wait_for(lambda: "kraken" in dict(listed()), "the list of the venue of the rate")
    assert node.end() == 0
    assert all(url.startswith("http://127.0.0.1:") for _, url in listed())
    assert "kraken.com" not in node.err and "okx.com" not in node.err


def test_an_interrupt_stops_it_cleanly_and_nobody_has_to_be_killed(place):
    node = place.start_node("--demo", "--no-ui", *OF_FOUR, command=place.patient_command)
    place.wait_for(lambda: "okx perp: up" in node.err, "a node that works")
    assert node.end(signal.SIGINT) == 0
    assert "was killed" not in node.err
    place.wait_for(lambda: not place.processes() and not place.node_folders(), "the end of every worker")


def test_a_reader_that_leaves_ends_it_without_a_complaint(place):
    reader = subprocess.Popen(
        ["head", "-n", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": place.env["PATH"]}
    )
    with reader:
        assert reader.stdin is not None
        node = subprocess.Popen(
            [place.command, "--demo", "--no-ui", "--threshold", "0.02", *OF_FOUR],
            stdin=subprocess.DEVNULL,
            stdout=reader.stdin,
            stderr=subprocess.PIPE,
            env=place.env,
            cwd=place.folder,
        )
        with node:
            reader.stdin.close()
            assert reader.stdout is not None and node.stderr is not None
            assert json.loads(reader.stdout.read())["seq"] == 1
            log = node.stderr.read().decode()
            assert node.wait(DEADLINE_S) == 0
    assert "Traceback" not in log and "BrokenPipe" not in log


def test_with_a_log_file_standard_error_stays_empty(place):
    node = place.start_node("--demo", "--no-ui", "--log-file", "node.log", "--log-level", "debug", *OF_FOUR)
    log = place.folder / "node.log"
    place.wait_for(lambda: "spread" in log.read_text() and "okx perp: up" in log.read_text(), "the workers' log")
    assert node.end() == 0
    assert node.err == ""


def test_a_log_level_in_any_case_leaves_out_what_is_below_it(place):
    node = place.start_node("--demo", "--no-ui", "--log-level", "Error", "--threshold", "0.02", *OF_FOUR)
    place.wait_for(lambda: node.lines, "a signal")
    assert node.end() == 0
    assert node.err == ""
