"""A venue that has closed: its tapes are read, and whatever would connect to it says so instead."""

import json

import pytest

SAID = b"--venue: venues.bitmex: bitmex closed on 2026-09-23 and cannot be connected to"
OKX_URL, BITMEX_URL = "wss://ws.okx.com:8443/ws/v5/public", "wss://ws.bitmex.com/realtime"
START_S = 1785121200.0


@pytest.mark.parametrize(
    "verb", [["--no-ui"], ["--demo", "--no-ui"], ["record", "tapes", "--no-ui"], ["config", "check"]]
)
def test_turning_it_on_says_since_when_it_is_closed_and_what_it_is_good_for(place, verb):
    done = place.run(*verb, "--venue", "bitmex", "--venue", "okx")
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.splitlines()
    assert line.startswith(SAID) and b"the verbs decode and replay still read its recorded tapes" in line


def test_its_tapes_are_replayed_beside_those_of_others(place):
    def bitmex(bid: float) -> str:
        row = {"symbol": "XBTUSD", "bidSize": 60000, "bidPrice": bid, "askPrice": bid + 0.5, "askSize": 60000}
        return json.dumps({"table": "quote", "action": "insert", "data": [row]})

    def okx(bid: float) -> str:
        top = {"bids": [[str(bid), "100", "0", "1"]], "asks": [[str(bid + 1), "100", "0", "1"]], "ts": "1785121200000"}
        return json.dumps({"arg": {"channel": "bbo-tbt", "instId": "BTC-USD-SWAP"}, "data": [top]})

    place.tape("x", "", BITMEX_URL, *((START_S + i / 10, bitmex(60000.0)) for i in range(1, 20)))
    place.tape("o", "", OKX_URL, (START_S + 1, okx(60600.0)))
    listed = [{"instId": "BTC-USD-SWAP", "ctVal": "100", "ctMult": "1", "ctType": "inverse", "state": "live"}]
    (place.folder / "list.json").write_text(json.dumps({"code": "0", "data": listed, "msg": ""}))
    wanted = ["--symbol", "BTC/USD:BTC", "--instruments", "okx=list.json"]
    done = place.run("replay", "x", "o", "--no-ui", "--speed", "max", *wanted)
    assert done.returncode == 0, done.stderr
    (signal,) = map(json.loads, done.stdout.splitlines())
    assert (signal["action"], signal["buy_price"], signal["sell_price"]) == ("BUY_BITMEX_SELL_OKX", 60000.5, 60600.0)
    assert b"closed" not in done.stderr
