"""`decode` and what cannot be read: each line by its number on stderr, and the rest goes on."""

import gzip
import json
import subprocess

import pytest

BINANCE = '{"u":7,"s":"BTCUSDT","b":"64000.10","B":"1.5","a":"64000.20","A":"2.5"}'


def line(frame: str, **beside: object) -> bytes:
    return json.dumps({"t": 1.0, "url": None, "raw": frame, **beside}).encode() + b"\n"


def test_lines_that_cannot_be_read_are_reported_by_number_and_the_rest_goes_on(place):
    tape = (
        line(BINANCE)
        + b"not a line of a tape\n"
        + line('{"u":7,"s":"BTCUSDT","b":"oops","B":"1","a":"2","A":"1"}')
        + b'{"t":1.0,"url":null}\n'
        + b'{"t":1.0,"url":null,"b64":"%%%"}\n'
        + line('{"u":8,"s":"BTCUSDT","b":"3","B":"1","a":"2","A":"1"}')
        + line('{"u":9,"s":"BTCUSDT","b":"NaN","B":"1","a":"2","A":"1"}')
        + b"\n"
        + line(BINANCE)
    )
    done = place.run("decode", "binance", stdin=tape)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2
    reports = done.stderr.decode().splitlines()
    assert [report.partition(":")[0] for report in reports] == [f"line {number}" for number in (2, 3, 4, 5, 6, 7)]
    assert "crossed" in reports[4]


def test_frames_of_an_old_wire_are_refused_with_what_was_expected(place):
    old = '[6304,{"as":[],"bs":[]},"book-25","XBT/USD"]'
    done = place.run("decode", "kraken", stdin=line(old))
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.startswith(b"line 1:") and b"expected" in done.stderr


def test_a_file_that_is_cut_off_gives_what_it_had_and_exit_code_2(place):
    whole = gzip.compress(b"".join(line(BINANCE.replace("64000", str(60000 + i))) for i in range(5000)))
    (place.folder / "cut.gz").write_bytes(whole[: len(whole) // 2])
    done = place.run("decode", "binance", "cut.gz")
    assert done.returncode == 2
    assert b"cut.gz" in done.stderr and b"Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) > 100


def test_a_file_that_is_not_there_is_refused_by_name(place):
    done = place.run("decode", "binance", "nowhere.jsonl")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"nowhere.jsonl" in done.stderr


def test_an_unknown_venue_is_refused_with_the_nearest(place):
    done = place.run("decode", "binanze")
    assert done.returncode == 2
    assert b"binanze" in done.stderr and b"did you mean binance" in done.stderr


def test_a_venue_of_the_contract_that_is_not_there_yet_says_so(place):
    done = place.run("decode", "coindcx")
    assert done.returncode == 2
    assert b"coindcx is not supported by this version" in done.stderr


def test_a_market_that_the_venue_has_not_is_refused(place):
    done = place.run("decode", "kraken", "--symbol", "BTC/USDT:USDT")
    assert done.returncode == 2
    assert b"--symbol BTC/USDT:USDT" in done.stderr and b"kraken" in done.stderr
    unknown = place.run("decode", "binance:futures")
    assert unknown.returncode == 2
    assert b"binance:perp" in unknown.stderr


def test_an_instrument_list_that_cannot_be_read_is_refused_by_its_option(place):
    (place.folder / "list.json").write_text("<html>")
    for file in ("nowhere.json", "list.json"):
        done = place.run("decode", "okx", "--instruments", file)
        assert done.returncode == 2, done
        assert b"--instruments" in done.stderr and file.encode() in done.stderr
        assert b"Traceback" not in done.stderr


def test_a_reader_that_leaves_ends_it_without_a_complaint(place):
    (place.folder / "long.jsonl").write_bytes(line(BINANCE) * 20_000)
    process = subprocess.Popen(
        [place.command, "decode", "binance", "long.jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=place.env,
        cwd=place.folder,
    )
    with process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


FORGED = "\x1b[2J\x1b]0;mine\x07\r\nline 99: forged\u202e\x9b1m"


@pytest.mark.parametrize(
    ("venue", "frame"),
    [
        ("binance", {"code": 2, "msg": FORGED}),
        ("coinbase", {"type": "error", "message": FORGED, "reason": f"{FORGED} X-USD"}),
        ("kraken", {"method": "subscribe", "success": False, "symbol": FORGED, "error": FORGED}),
        ("okx", {"event": "error", "code": FORGED, "msg": f"instId:{FORGED}"}),
        ("okx", {"event": "notice", "code": "64008", "msg": FORGED}),
        ("kraken", {"channel": FORGED}),
        ("coinbase", {"type": FORGED}),
        ("binance", {"s": FORGED}),
    ],
)
def test_control_characters_of_a_frame_reach_no_terminal(place, venue, frame):
    done = place.run("decode", venue, stdin=line(json.dumps(frame)))
    (report,) = done.stderr.decode().splitlines()
    assert report.startswith("line 1: ")
    assert report.isprintable()
    assert "[2J" in report


def test_a_name_with_control_characters_is_no_symbol_on_standard_output(place):
    frames = [json.dumps({**json.loads(BINANCE), "s": name}) for name in ("B\x1b[2JUSDT", "B\u202eUSDT", "BTCUSDT")]
    done = place.run("decode", "binance", stdin=b"".join(map(line, frames)))
    assert [json.loads(each)["symbol"] for each in done.stdout.splitlines()] == ["BTC/USDT"]
