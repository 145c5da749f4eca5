"""What patterns bring is on the tapes: a replay watches the same, and finds the same signals twice."""

import json

SETTINGS = """
symbols = ["*/USDT:USDT", "*/USDT"]
exclude = ["DOGE/*"]
[signals]
threshold_pct = 0.03
[venues.binance]
[venues.okx]
"""


def test_a_replay_watches_what_patterns_brought(place) -> None:
    (place.folder / "arbsniper.toml").write_text(SETTINGS)
    recording = place.start_node(
        "record", "tapes", "--demo", "--no-ui", "--config", "arbsniper.toml", command=place.patient_command
    )
    lines = (place.folder / "tapes").glob("*")
    place.wait_for(lambda: len(recording.lines) >= 5, "five signals")
    assert recording.end() == 0
    tapes = sorted(str(path) for path in lines)
    once = place.run("replay", *tapes, "--no-ui", "--speed", "max")
    again = place.run("replay", *tapes, "--no-ui", "--speed", "max")
    assert (once.returncode, again.returncode) == (0, 0), once.stderr
    assert once.stdout == again.stdout
    signals = [json.loads(line) for line in once.stdout.splitlines()]
    assert len(signals) >= 5
    assert {signal["buy_market"] for signal in signals} <= {"spot", "perp"}
    assert not any(signal["symbol"].startswith("DOGE") for signal in signals if signal["buy_market"] == "spot")
