"""`decode`: one JSON line for each quote, from a file, zipped or not, or from the standard input."""

import gzip
import json

import pytest

FIELDS = ["venue", "symbol", "bid", "bid_size", "ask", "ask_size", "ts_venue_ms", "t"]
BINANCE = '{"u":7,"s":"BTCUSDT","b":"64000.10","B":"1.5","a":"64000.20","A":"2.5"}'
BINANCE_PERP = (
    '{"e":"bookTicker","u":8,"s":"ETHUSDT","ps":"ETHUSDT","b":"3000.10","B":"4.0","a":"3000.20","A":"5.0",'
    '"T":1700000000001,"E":1700000000002}'
)
KRAKEN = (
    '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":63990.1,"bid_qty":1.2,"ask":64010.1,'
    '"ask_qty":2.3,"timestamp":"2023-11-14T22:13:20.003456Z"}]}'
)
COINBASE_SNAPSHOT = (
    '{"type":"snapshot","product_id":"BTC-USD","bids":[["64000.00","0.40"],["63999.00","1"]],'
    '"asks":[["64001.00","0.50"]],"time":"2023-11-14T22:13:20.004000Z"}'
)
COINBASE_UPDATE = (
    '{"type":"l2update","product_id":"BTC-USD","changes":[["buy","64000.50","0.70"]],'
    '"time":"2023-11-14T22:13:20.005000Z"}'
)
OKX = (
    '{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["64000.3","1.1","0","3"]],'
    '"bids":[["64000.2","1.3","0","2"]],"ts":"1700000000006","seqId":9}]}'
)
OKX_SWAP = OKX.replace("BTC-USDT", "BTC-USDT-SWAP").replace('"1.1"', '"110"').replace('"1.3"', '"130"')
OKX_INVERSE = OKX.replace("BTC-USDT", "BTC-USD-SWAP").replace("64000.3", "50000").replace("64000.2", "40000")
OKX_LIST = {
    "code": "0",
    "msg": "",
    "data": [
        {"instId": "BTC-USDT-SWAP", "ctVal": "0.01", "ctMult": "1", "ctType": "linear", "state": "live"},
        {"instId": "BTC-USD-SWAP", "ctVal": "100", "ctMult": "1", "ctType": "inverse", "state": "live"},
    ],
}


def tape(*frames: str, url: str | None = None, t: float | None = 1700000000.25) -> bytes:
    return b"".join(json.dumps({"t": t, "url": url, "raw": frame, "kind": "test"}).encode() + b"\n" for frame in frames)


def quotes(done) -> list[dict]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("venue", "frames", "symbol", "expected"),
    [
        ("binance", [BINANCE], "BTC/USDT", [64000.10, 1.5, 64000.20, 2.5, None]),
        ("binance:perp", [BINANCE_PERP], "ETH/USDT:USDT", [3000.10, 4.0, 3000.20, 5.0, 1700000000001]),
        ("kraken", [KRAKEN], "BTC/USD", [63990.1, 1.2, 64010.1, 2.3, 1700000000003]),
        (
            "coinbase",
            [COINBASE_SNAPSHOT, COINBASE_UPDATE],
            "BTC/USD",
            [64000.5, 0.7, 64001.0, 0.5, 1700000000005],
        ),
        ("okx", [OKX], "BTC/USDT", [64000.2, 1.3, 64000.3, 1.1, 1700000000006]),
    ],
)
def test_every_venue_gives_lines_of_exactly_the_contracts_fields(place, venue, frames, symbol, expected):
    done = place.run("decode", venue, "--symbol", symbol, stdin=tape(*frames))
    last = quotes(done)[-1]
    assert list(last) == FIELDS
    assert list(last.values()) == [venue.partition(":")[0], symbol, *expected, 1700000000.25]
    assert done.stderr == b""


def test_without_a_receive_time_t_is_null(place):
    assert quotes(place.run("decode", "binance", stdin=tape(BINANCE, t=None)))[0]["t"] is None


def test_sizes_in_contracts_come_out_in_coins_by_the_venues_list(place):
    (place.folder / "list.json").write_text(json.dumps(OKX_LIST))
    wanted = ["--symbol", "BTC/USDT:USDT", "--symbol", "BTC/USD:BTC"]
    linear, inverse = quotes(
        place.run("decode", "okx", *wanted, "--instruments", "list.json", stdin=tape(OKX_SWAP, OKX_INVERSE))
    )
    assert (linear["symbol"], inverse["symbol"]) == ("BTC/USDT:USDT", "BTC/USD:BTC")
    assert (linear["bid_size"], linear["ask_size"]) == pytest.approx((1.3, 1.1))
    assert (inverse["bid_size"], inverse["ask_size"]) == pytest.approx((1.3 * 100 / 40000, 1.1 * 100 / 50000))


def test_without_the_list_contracts_are_refused_by_line_and_not_taken_for_coins(place):
    done = place.run("decode", "okx", "--symbol", "BTC/USDT:USDT", "--symbol", "BTC/USDT", stdin=tape(OKX_SWAP, OKX))
    assert [quote["symbol"] for quote in quotes(done)] == ["BTC/USDT"]
    message = done.stderr.decode()
    assert message.startswith("line 1:") and "--instruments" in message


def test_only_the_symbols_asked_for_come_out(place):
    frames = tape(BINANCE, BINANCE.replace("BTC", "ETH"), BINANCE.replace("BTC", "SOL"))
    assert [q["symbol"] for q in quotes(place.run("decode", "binance", stdin=frames))] == [
        "BTC/USDT",
        "ETH/USDT",
        "SOL/USDT",
    ]
    wanted = ["--symbol", "BTC/USDT", "--symbol", "SOL/USDT"]
    assert [q["symbol"] for q in quotes(place.run("decode", "binance", *wanted, stdin=frames))] == [
        "BTC/USDT",
        "SOL/USDT",
    ]


def test_the_url_of_a_line_tells_the_market(place):
    url = "wss://fstream.binance.com/stream"
    wrapped = f'{{"stream":"ethusdt@bookTicker","data":{BINANCE_PERP}}}'
    assert quotes(place.run("decode", "binance", stdin=tape(wrapped, url=url)))[0]["symbol"] == "ETH/USDT:USDT"


def test_a_file_and_a_zipped_file_give_what_the_standard_input_gives(place):
    frames = tape(BINANCE, BINANCE)
    (place.folder / "plain.jsonl").write_bytes(frames)
    (place.folder / "zipped").write_bytes(gzip.compress(frames))
    outputs = [
        place.run("decode", "binance", "plain.jsonl"),
        place.run("decode", "binance", "zipped"),
        place.run("decode", "binance", stdin=frames),
        place.run("decode", "binance", "-", stdin=gzip.compress(frames)),
    ]
    assert len({done.stdout for done in outputs}) == 1
    assert len(quotes(outputs[0])) == 2


def test_what_was_sent_is_not_decoded(place):
    sent = json.dumps({"t": 1.0, "url": None, "dir": "out", "raw": BINANCE}).encode() + b"\n"
    assert quotes(place.run("decode", "binance", stdin=sent)) == []
