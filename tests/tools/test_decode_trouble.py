"""`decode` and what cannot be read: each line by its number on stderr, and the rest goes on."""

import gzip
import json
import subprocess

import pytest
from waiting import DEADLINE_S

from arbsniper_tui.config.venue_names import NAMED_VENUES
from arbsniper_tui.venues import VENUES

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
    assert [report.partition(":")[0] for report in reports[:-1]] == [f"line {n}" for n in (2, 3, 4, 5, 6, 7)]
    assert "crossed" in reports[4]
    assert reports[-1] == "8 frames: 2 quotes, 4 unreadable, 1 crossed, 1 invalid bid"


def test_each_kind_of_trouble_is_reported_a_few_times_and_then_counted(place):
    crossed = line('{"u":8,"s":"BTCUSDT","b":"3","B":"1","a":"2","A":"1"}')
    done = place.run("decode", "binance", stdin=(b"nonsense\n" + crossed) * 50 + line(BINANCE))
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
    reports = done.stderr.decode().splitlines()
    assert [r.partition(":")[0] for r in reports[:10]] == [f"line {n}" for n in range(1, 11)]
    assert reports[10:] == ["101 frames: 1 quote, 50 unreadable, 50 crossed"]


def test_frames_of_an_old_wire_are_refused_with_what_was_expected(place):
    old = '[6304,{"as":[],"bs":[]},"book-25","XBT/USD"]'
    done = place.run("decode", "kraken", stdin=line(old))
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"line 1:") and b"expected" in done.stderr
    assert b"1 frame: 0 quotes, 1 unreadable" in done.stderr


OKX = (
    '{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["64000.3","1.1","0","3"]],'
    '"bids":[["64000.2","1.3","0","2"]],"ts":"1700000000006","seqId":9}]}'
)


@pytest.mark.parametrize("venue", ["binance", "coinbase", "kraken"])
def test_the_tape_of_another_venue_ends_with_counts_and_exit_code_2(place, venue):
    """Binance's parser passes over frames of OKX without a word: they look like acks."""
    tape = line(OKX, url="wss://ws.okx.com:8443/ws/v5/public") * 300
    done = place.run("decode", venue, stdin=tape)
    assert (done.returncode, done.stdout) == (2, b"")
    *reports, counts, why = done.stderr.decode().splitlines()
    assert len(reports) <= 5
    assert counts.startswith("300 frames: 0 quotes")
    assert why == f"no quote could be read as {venue}: the frames come from okx, by their URL; write decode okx"


def test_a_symbol_that_is_not_on_the_tape_ends_with_exit_code_2(place):
    done = place.run("decode", "binance", "--symbol", "ETH/USDT", stdin=line(BINANCE) * 3)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == "3 frames: 0 quotes\nno quote could be read as binance of ETH/USDT\n"


def test_without_a_venue_the_file_is_not_taken_for_one(place):
    (place.folder / "some.jsonl").write_bytes(line(BINANCE, venue="binance"))
    for arguments in (["some.jsonl"], ["nowhere.gz"], ["-"]):
        done = place.run("decode", *arguments)
        assert (done.returncode, done.stdout) == (2, b""), arguments
        assert done.stderr.decode().startswith(f"decode {arguments[0]}: VENUE is missing"), arguments
        assert b"one of binance, " in done.stderr
    nothing = place.run("decode")
    assert nothing.returncode == 2 and b"VENUE" in nothing.stderr


def test_a_venue_is_taken_in_any_case(place):
    done = place.run("decode", "Binance:SPOT", stdin=line(BINANCE))
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["venue"] == "binance"


def test_a_file_that_is_cut_off_gives_what_it_had_with_counts(place):
    whole = gzip.compress(b"".join(line(BINANCE.replace("64000", str(60000 + i))) for i in range(5000)))
    (place.folder / "cut.gz").write_bytes(whole[: len(whole) // 2])
    done = place.run("decode", "binance", "cut.gz")
    assert done.returncode == 0
    cut, counts = done.stderr.decode().splitlines()
    quotes = len(done.stdout.splitlines())
    assert quotes > 100
    assert cut.startswith(f"tape cut.gz, line {quotes + 1}: the tape is cut off here")
    assert counts == f"{quotes:,} frames: {quotes:,} quotes, 1 cut tape"


def test_a_file_that_is_cut_off_before_its_first_frame_ends_with_exit_code_2(place):
    (place.folder / "cut.gz").write_bytes(gzip.compress(line(BINANCE))[:12])
    done = place.run("decode", "binance", "cut.gz")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().splitlines()[-1] == "no quote could be read as binance"


def test_a_file_that_is_not_there_is_refused_by_name(place):
    done = place.run("decode", "binance", "nowhere.jsonl")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"nowhere.jsonl" in done.stderr


def test_an_unknown_venue_is_refused_with_the_nearest(place):
    done = place.run("decode", "binanze")
    assert done.returncode == 2
    assert b"binanze" in done.stderr and b"did you mean binance" in done.stderr


@pytest.mark.parametrize("venue", sorted(set(NAMED_VENUES) - set(VENUES))[:1])
def test_a_venue_of_the_contract_that_is_not_there_yet_says_so(place, venue):
    done = place.run("decode", venue)
    assert done.returncode == 2
    assert f"{venue} is not supported by this version".encode() in done.stderr


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
        assert process.wait(DEADLINE_S) == 0


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
    report, *_ = said = done.stderr.decode().splitlines()
    assert report.startswith("line 1: ")
    assert all(each.isprintable() for each in said)
    assert "[2J" in report


def test_a_name_with_control_characters_is_no_symbol_on_standard_output(place):
    frames = [json.dumps({**json.loads(BINANCE), "s": name}) for name in ("B\x1b[2JUSDT", "B\u202eUSDT", "BTCUSDT")]
    done = place.run("decode", "binance", stdin=b"".join(map(line, frames)))
    assert [json.loads(each)["symbol"] for each in done.stdout.splitlines()] == ["BTC/USDT"]
