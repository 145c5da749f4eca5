"""`replay` of two recorded markets: the openings that were counted apart from this project."""

import json

CONFIG = """
symbols = ["BTC/USDT", "BTC/USDT:USDT"]
[signals]
threshold_pct = 0.05
routes = ["spot-perp"]
[venues.binance]
"""


def test_it_finds_the_openings_that_are_there(place, captures):
    markets = [
        str(captures / f"{folder}/hftbacktest.btcusdt_20240808.jsonl.gz") for folder in ("binance_spot", "binance_usdm")
    ]
    (place.folder / "arbsniper.toml").write_text(CONFIG)
    done = place.run("replay", *markets, "--no-ui", "--speed", "max")
    assert done.returncode == 0, done.stderr
    assert sum(json.loads(line)["state"] == "open" for line in done.stdout.splitlines()) == 48
