"""Signals of perpetuals tell their funding: from simulated venues through all processes, and again from the tapes."""

import json

FUNDING = ("funding_rate", "funding_interval_h", "next_funding")


def legs_with_funding(line: dict) -> list[bool]:
    return [all(f"{side}_{name}" in line for name in FUNDING) for side in ("buy", "sell")]


def test_signals_of_perpetuals_tell_rate_interval_and_next_settlement(place):
    wanted = ("--symbol", "BTC/USDT:USDT", "--symbol", "BTC/USDT", "--venue", "binance", "--venue", "okx")
    node = place.start_node(
        "record", "tapes", "--demo", "--no-ui", "--threshold", "0.001", *wanted, command=place.patient_command
    )
    place.wait_for(lambda: any(all(legs_with_funding(line)) for line in node.lines), "both legs with their funding")
    assert node.end() == 0
    line = next(line for line in node.lines if all(legs_with_funding(line)))
    for side in ("buy", "sell"):
        assert line[f"{side}_market"] == "perp"
        assert abs(line[f"{side}_funding_rate"]) < 0.05, "percent for one interval"
        assert line[f"{side}_funding_interval_h"] in (4.0, 8.0)
        # The venues tell each second what is next, so that it may just have been.
        assert -60_000 < line[f"{side}_next_funding"] - line["timestamp"] < 8 * 3_600_000
    spot = [line for line in node.lines if line["buy_market"] == "spot"]
    assert spot and not any("funding" in name for line in spot for name in line)

    tapes = sorted((place.folder / "tapes").iterdir())
    done = place.run("replay", *map(str, tapes), "--no-ui", "--speed", "max")
    assert done.returncode == 0, done.stderr
    replayed = [json.loads(each) for each in done.stdout.splitlines()]
    assert any(all(legs_with_funding(each)) for each in replayed)
