"""`replay` of the test's own tapes: where their venue is read from, what is reported, and which exit code ends it."""

import gzip
import json
import re

import pytest

BINANCE_URL = "wss://stream.binance.com:9443/stream"
START_S = 1_700_000_000.0


def binance(serial: int, bid: float, symbol: str = "BTCUSDT") -> str:
    book = f'{{"u":{serial},"s":"{symbol}","b":"{bid:.2f}","B":"1.0","a":"{bid + 0.01:.2f}","A":"1.0"}}'
    return f'{{"stream":"{symbol.lower()}@bookTicker","data":{book}}}'


def okx(serial: int, bid: float, instrument: str = "BTC-USDT") -> str:
    return (
        f'{{"arg":{{"channel":"bbo-tbt","instId":"{instrument}"}},"data":[{{"asks":[["{bid + 0.01:.2f}","2","0","1"]],'
        f'"bids":[["{bid:.2f}","2","0","1"]],"ts":"{round(START_S * 1000) + serial}","seqId":{serial}}}]}}'
    )


def tape_line(ts_s: float, frame: str) -> bytes:
    return json.dumps({"t": ts_s, "url": BINANCE_URL, "raw": frame}).encode() + b"\n"


@pytest.fixture
def tapes(place) -> list[str]:
    """Binance steady, OKX one percent above it from its third frame on for a while."""
    place.tape("b", "", BINANCE_URL, *((START_S + i / 10, binance(i, 60000.0)) for i in range(1, 40)))
    prices = [60000.0 if i < 3 or i > 30 else 60600.0 for i in range(1, 40)]
    place.tape(
        "o", "", "wss://ws.okx.com:8443/ws/v5/public", *((START_S + i / 10, okx(i, p)) for i, p in enumerate(prices, 1))
    )
    return ["b", "o"]


def signals(done) -> list[dict]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_signals_carry_the_tapes_own_times_and_the_end_is_exit_code_0(place, tapes):
    done = place.run("replay", *tapes, "--no-ui", "--speed", "max")
    (signal,) = signals(done)
    assert signal["action"] == "BUY_BINANCE_SELL_OKX"
    assert (signal["buy_price"], signal["sell_price"]) == (60000.01, 60600.0)
    assert signal["detected_at"] == signal["timestamp"] == round(START_S * 1000) + 300
    assert b"tapes ended: 78 frames" in done.stderr


def test_any_speed_gives_the_same_bytes(place, tapes):
    fastest = place.run("replay", *tapes, "--no-ui", "--speed", "max", "--threshold", "0.2")
    assert signals(fastest)
    for speed in ("20", "max"):
        again = place.run("replay", *tapes, "--no-ui", "--speed", speed, "--threshold", "0.2")
        assert again.stdout == fastest.stdout
        assert again.returncode == 0


def test_the_order_of_tapes_breaks_ties_and_nothing_else(place, tapes):
    one = signals(place.run("replay", *tapes, "--no-ui", "--speed", "max"))
    other = signals(place.run("replay", *reversed(tapes), "--no-ui", "--speed", "max"))
    assert [s["action"] for s in one] == [s["action"] for s in other]


def test_a_threshold_above_the_spread_gives_no_signal(place, tapes):
    done = place.run("replay", *tapes, "--no-ui", "--speed", "max", "--threshold", "1.5")
    assert signals(done) == []


def test_a_tape_whose_url_does_not_tell_takes_its_venue_from_the_command_line(place, tapes):
    place.tape("x", "", "wss://relay.example/1", *((START_S + i / 10, binance(i, 60000.0)) for i in range(1, 40)))
    refused = place.run("replay", "x", "o", "--no-ui", "--speed", "max")
    assert refused.returncode == 2
    assert b"binance" in refused.stderr and b"x" in refused.stderr
    named = place.run("replay", "binance=x", "o", "--no-ui", "--speed", "max")
    assert [s["action"] for s in signals(named)] == ["BUY_BINANCE_SELL_OKX"]


def test_a_tape_takes_its_market_from_the_command_line(place):
    def perp(i: int) -> str:
        return f'{{"e":"bookTicker","u":{i},"s":"BTCUSDT","b":"60000","B":"1","a":"60001","A":"1","T":{i},"E":{i}}}'

    place.tape("p", "", "", *((START_S + i / 10, perp(i)) for i in range(1, 20)))
    place.tape("o", "", "wss://ws.okx.com:8443/ws/v5/public", (START_S + 1, okx(1, 60600.0)))
    (place.folder / "arbsniper.toml").write_text('[signals]\nroutes = ["spot-perp"]\n')
    wanted = ["--symbol", "BTC/USDT", "--symbol", "BTC/USDT:USDT"]
    done = place.run("replay", "binance:perp=p", "okx=o", "--no-ui", "--speed", "max", *wanted)
    (signal,) = signals(done)
    assert (signal["buy_symbol"], signal["sell_symbol"]) == ("BTC/USDT:USDT", "BTC/USDT")


def test_a_line_that_cannot_be_read_is_reported_with_file_and_line_and_the_rest_goes_on(place, tapes):
    frames = [(START_S + i / 10, binance(i, 60000.0)) for i in range(1, 40)]
    frames[5] = (frames[5][0], '{"stream":"btcusdt@bookTicker","data":{"u":"?"}}')
    place.tape("bad", "", BINANCE_URL, *frames)
    done = place.run("replay", "bad", "o", "--no-ui", "--speed", "max")
    assert len(signals(done)) == 1
    assert b"bad:6:" in done.stderr
    assert b"unreadable" in done.stderr


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan", "inf", "1_0", "٣"])
def test_a_speed_that_is_none_is_refused(place, tapes, speed):
    done = place.run("replay", *tapes, "--no-ui", "--speed", speed)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--speed" in done.stderr and b"max" in done.stderr


def test_a_tape_that_is_not_there_is_refused_by_name(place, tapes):
    for name in ("nowhere.gz", "binance=nowhere.gz"):
        done = place.run("replay", "b", name, "--no-ui", "--speed", "max")
        assert (done.returncode, done.stdout) == (2, b""), name
        assert b"nowhere.gz" in done.stderr


def test_the_standard_input_is_refused(place, tapes):
    for argument in ("-", "binance=-", "binance:spot=-"):
        done = place.run("replay", argument, "--no-ui", stdin=(place.folder / "b").read_bytes())
        assert (done.returncode, done.stdout) == (2, b"")
        assert f"replay {argument}: expected files" in done.stderr.decode()


def test_a_tape_without_frames_is_refused_alone_and_passed_over_among_others(place, tapes):
    (place.folder / "empty").write_bytes(b"")
    said = b"tape empty: expected recorded frames, found none"
    alone = place.run("replay", "empty", "--no-ui", "--speed", "max")
    assert (alone.returncode, alone.stdout) == (2, b"") and said in alone.stderr
    among = place.run("replay", "empty", *tapes, "--no-ui", "--speed", "max")
    assert len(signals(among)) == 1 and said in among.stderr


def test_an_instrument_list_for_an_unknown_venue_or_without_a_file_is_refused(place, tapes):
    for given in ("okx", "nowhere=list.json", "okx=nowhere.json"):
        done = place.run("replay", *tapes, "--no-ui", "--speed", "max", "--instruments", given)
        assert (done.returncode, done.stdout) == (2, b""), (given, done)
        assert b"--instruments" in done.stderr


def test_a_list_of_the_venue_turns_contracts_into_coins(place):
    listed = {"instId": "BTC-USDT-SWAP", "ctVal": "0.01", "ctMult": "1", "ctType": "linear", "state": "live"}
    (place.folder / "list.json").write_text(json.dumps({"code": "0", "msg": "", "data": [listed]}))
    place.tape("o", "", "wss://ws.okx.com:8443/ws/v5/public", (START_S, okx(1, 60600.0, "BTC-USDT-SWAP")))
    fstream = "wss://fstream.binance.com/stream"
    place.tape("b", "", fstream, (START_S + 0.1, binance(1, 60000.0)))
    wanted = ["--symbol", "BTC/USDT:USDT", "--instruments", "okx=list.json"]
    (signal,) = signals(place.run("replay", "b", "o", "--no-ui", "--speed", "max", *wanted))
    assert signal["size"] == pytest.approx(0.02)


def test_a_tape_that_is_cut_off_ends_where_it_is_cut_and_the_others_play_on(place, tapes):
    whole = gzip.compress(b"".join(tape_line(START_S + i / 10, binance(i, 60000.0 + i % 7)) for i in range(1, 3000)))
    (place.folder / "cut").write_bytes(whole[: len(whole) * 3 // 4])
    done = place.run("replay", "cut", "o", "--no-ui", "--speed", "max")
    assert done.returncode == 0
    assert re.search(rb" cut:\d+: the tape is cut off here", done.stderr) and b"Traceback" not in done.stderr
    assert b"starts again" not in done.stderr


def test_redis_is_left_alone(place, tapes):
    """The default settings look for a server, or start one; a replay does neither."""
    (place.folder / "arbsniper.toml").write_text('[redis]\nmode = "embedded"\n')
    done = place.run("replay", *tapes, "--no-ui", "--speed", "max", "--log-level", "debug")
    assert len(signals(done)) == 1
    assert b"redis" not in done.stderr.lower()


def test_in_a_terminal_it_can_be_paused_and_sped_up_and_stays_at_its_end_with_a_summary(place, tapes):
    place.env["TZ"] = "UTC"
    terminal = place.terminal("replay", *tapes, "--speed", "0.1")
    terminal.sees("REPLAY")
    terminal.sees("2023-11-14 22:13:20")
    terminal.sees("of 3s")
    terminal.type("p")
    terminal.sees("paused")
    terminal.type(">>>>>")
    terminal.sees("speed 5")
    terminal.type("p")
    summary = terminal.sees("The tapes have ended")
    for figure in ("frames        78", "quotes        78", "signals       1", "on the tapes"):
        assert figure in terminal.sees(figure), summary
    terminal.type("\x1b")
    terminal.misses("The tapes have ended")
    terminal.sees("the tapes have ended: 78 frames, 78 quotes, 1 signal")
    terminal.type("q")
    assert terminal.exit_code() == 0
    assert terminal.is_restored
