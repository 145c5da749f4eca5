"""`replay` of two recorded markets: the openings that were counted apart from this project."""

import json

import pytest

CONFIG = """
symbols = ["BTC/USDT", "BTC/USDT:USDT"]
[signals]
threshold_pct = 0.05
routes = ["spot-perp"]
[venues.binance]
"""
OPENINGS = {"0.05": 48, "0.06": 20, "0.1": 3}


@pytest.fixture
def markets(captures) -> list[str]:
    return [
        str(captures / f"{folder}/hftbacktest.btcusdt_20240808.jsonl.gz") for folder in ("binance_spot", "binance_usdm")
    ]


def test_it_finds_the_openings_that_are_there_and_the_same_bytes_twice(place, markets):
    (place.folder / "arbsniper.toml").write_text(CONFIG)
    once = place.run("replay", *markets, "--no-ui", "--speed", "max")
    again = place.run("replay", *markets, "--no-ui", "--speed", "max")
    assert (once.returncode, again.returncode) == (0, 0), once.stderr
    assert again.stdout == once.stdout
    assert openings(once) == OPENINGS["0.05"]


@pytest.mark.parametrize("threshold", ["0.06", "0.1"])
def test_a_higher_threshold_finds_fewer_of_them(place, markets, threshold):
    (place.folder / "arbsniper.toml").write_text(CONFIG)
    done = place.run("replay", *markets, "--no-ui", "--speed", "max", "--threshold", threshold)
    assert done.returncode == 0, done.stderr
    assert openings(done) == OPENINGS[threshold]


def openings(done) -> int:
    return sum(json.loads(line)["state"] == "open" for line in done.stdout.splitlines())
