"""The settings that tapes carry: a replay plays under them, and only options and an explicit --config have a say."""

import gzip
import json
import re
from pathlib import Path

import pytest

from arbsniper_tui.config.settings import SignalSettings
from arbsniper_tui.tapes.tape import SETTINGS, TapeWriter

SETTINGS_OF_THE_RECORDING = """
symbols = ["BTC/USDT", "ETH/USDT"]
[signals]
threshold_pct = 0.05
max_quote_age_ms = 4000
[quotes]
USD = { convert = "kraken:USDT/USD" }
[venues.binance]
taker_fee_pct = { spot = 0.02 }
[venues.coinbase]
[venues.okx]
symbols = ["BTC/USDT"]
"""
START_S = 1_700_000_000.0
BINANCE_URL, OKX_URL = "wss://stream.binance.com:9443/ws", "wss://ws.okx.com:8443/ws/v5/public"


def lines(tape: Path) -> list[dict]:
    with gzip.open(tape) as stream:
        return [json.loads(line) for line in stream]


def signals(done) -> list[dict]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def recording(shared_place) -> list[str]:
    """Tapes of a demo under settings of its own."""
    place = shared_place
    (place.folder / "recording.toml").write_text(SETTINGS_OF_THE_RECORDING)
    node = place.start_node(
        "record",
        "tapes",
        "--demo",
        "--no-ui",
        "--config",
        "recording.toml",
        "--threshold",
        "0.01",
        command=place.patient_command,
    )
    place.wait_for(
        lambda: (
            {line["symbol"] for line in node.lines} == {"BTC/USDT", "ETH/USDT"}
            and any("quote_rate" in line for line in node.lines)
        ),
        "signals of both coins, and one at a rate",
    )
    assert node.end() == 0
    return sorted(str(tape) for tape in (place.folder / "tapes").iterdir())


@pytest.fixture(scope="module")
def played(shared_place, recording):
    """What a replay of the recording gives without any option."""
    return shared_place.run("replay", *recording, "--no-ui", "--speed", "max")


def test_every_tape_begins_with_the_settings_in_force(recording):
    heads = [lines(Path(tape))[0] for tape in recording]
    assert {head["kind"] for head in heads} == {"settings"}
    (carried,) = {head["raw"] for head in heads}
    settings = json.loads(carried)
    signals = settings.pop("signals")
    assert (signals["threshold_pct"], signals["max_quote_age_ms"]) == (0.01, 4000.0)
    assert set(signals) == set(SignalSettings.__struct_fields__), "defaults too: a later version may have others"
    assert settings == {
        "symbols": ["BTC/USDT", "ETH/USDT"],
        "quotes": {"USD": {"convert": "kraken:USDT/USD", "max_age_ms": 10_000}},
        "venues": {
            "binance": {"taker_fee_pct": {"spot": 0.02, "perp": 0.05}},
            "coinbase": {"taker_fee_pct": {"spot": 0.6}},
            "okx": {"taker_fee_pct": {"spot": 0.1, "perp": 0.05}, "symbols": ["BTC/USDT"]},
        },
    }


def test_a_replay_plays_under_the_settings_of_its_tapes(place, recording, played):
    found = signals(played)
    assert found and all(signal["spread_pct"] >= 0.01 for signal in found)
    assert "nobody watches" not in played.stderr.decode()
    assert any("quote_rate" in signal for signal in found), "Coinbase's dollars are converted at Kraken's rate"
    fee = {"binance": 0.0002, "coinbase": 0.006, "okx": 0.001}
    for s in found:
        fees = s["buy_price"] * fee[s["buy_exchange"]] + s["sell_price"] * fee[s["sell_exchange"]]
        assert s["net_profit"] == pytest.approx(s["profit_estimate"] - fees, abs=1e-6)

    (place.folder / "arbsniper.toml").write_text("symbols = ['SOL/USDT']\n[signals]\nthreshold_pct = 9\nnonsense = 1\n")
    place.env |= {"ARBSNIPER_SIGNALS__THRESHOLD_PCT": "9", "ARBSNIPER_NONSENSE": "1"}
    again = place.run("replay", *recording, "--no-ui", "--speed", "max")
    assert again.stdout == played.stdout, "neither a file that is found nor the environment has a say"
    assert b"arbsniper.toml is not read, the tapes carry their settings" in again.stderr


def test_options_and_an_explicit_config_override_the_tapes(place, recording, played):
    play = ("replay", *recording, "--no-ui", "--speed", "max")
    everything = signals(played)
    assert {signal["symbol"] for signal in everything} == {"BTC/USDT", "ETH/USDT"}
    assert signals(place.run(*play, "--threshold", "9")) == []
    bitcoin = place.run(*play, "--symbol", "BTC/USDT")
    assert {signal["symbol"] for signal in signals(bitcoin)} == {"BTC/USDT"}
    assert b"nobody watches ETH/USDT of binance: add --symbol ETH/USDT" in bitcoin.stderr
    (place.folder / "mine.toml").write_text("[signals]\nbasis = 'net'\n")
    by_file = place.run(*play, "--config", "mine.toml")
    assert all(signal["net_spread_pct"] >= 0.01 for signal in signals(by_file))
    assert len(signals(by_file)) < len(everything)
    two_venues = signals(place.run(*play, "--venue", "binance", "--venue", "okx"))
    assert {s["buy_exchange"] for s in two_venues} | {s["sell_exchange"] for s in two_venues} <= {"binance", "okx"}


def test_a_venue_without_a_tape_is_refused(place, recording):
    binance = [tape for tape in recording if "binance" in tape]
    done = place.run("replay", *binance, "--no-ui", "--venue", "okx")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--venue: found no tape of okx" in done.stderr


def test_part_of_a_recording_is_played_as_far_as_it_goes(place, recording):
    binance = [tape for tape in recording if "binance" in tape]
    done = place.run("replay", *binance, "--no-ui", "--speed", "max")
    assert signals(done) == []
    assert b"no route is possible on binance" in done.stderr
    assert b": 0 frames played" not in done.stderr


def binance(serial: int, bid: float, symbol: str = "BTCUSDT") -> str:
    return f'{{"u":{serial},"s":"{symbol}","b":"{bid:.2f}","B":"1.0","a":"{bid + 0.01:.2f}","A":"1.0"}}'


def okx(serial: int, bid: float, instrument: str = "BTC-USDT") -> str:
    return (
        f'{{"arg":{{"channel":"bbo-tbt","instId":"{instrument}"}},"data":[{{"asks":[["{bid + 0.01:.2f}","2","0","1"]],'
        f'"bids":[["{bid:.2f}","2","0","1"]],"ts":"{round(START_S * 1000) + serial}","seqId":{serial}}}]}}'
    )


def write(place, name: str, venue: str, settings: dict, *frames: tuple[float, str]) -> str:
    url = {"binance": BINANCE_URL, "okx": OKX_URL}[venue]
    writer = TapeWriter(place.folder / name, venue)
    writer.write(START_S, "", json.dumps(settings).encode(), kind=SETTINGS)
    for after_s, frame in frames:
        writer.write(START_S + after_s, url, frame.encode(), market="spot")
    writer.close()
    return name


def of_binance(place, **settings) -> str:
    frames = ((0.1, binance(1, 60000.0)), (0.2, binance(2, 3000.0, "ETHUSDT")))
    return write(place, "b", "binance", {"venues": {"binance": {}}, **settings}, *frames)


def of_okx(place, **settings) -> str:
    frames = ((0.3, okx(1, 60600.0)), (0.4, okx(2, 3030.0, "ETH-USDT")))
    return write(place, "o", "okx", {"venues": {"okx": {}}, **settings}, *frames)


def test_venues_and_symbols_of_several_recordings_are_united(place):
    tapes = of_binance(place, symbols=["BTC/USDT"]), of_okx(place, symbols=["ETH/USDT"])
    found = signals(place.run("replay", *tapes, "--no-ui", "--speed", "max"))
    assert [signal["symbol"] for signal in found] == ["BTC/USDT", "ETH/USDT"]


@pytest.mark.parametrize(
    ("one", "other", "said", "override"),
    [
        (
            {"signals": {"threshold_pct": 0.5}},
            {"signals": {"threshold_pct": 0.7}},
            "signals.threshold_pct: found 0.5 on tape b and 0.7 on tape o, expected one value: "
            "give it by --threshold or --config",
            ["--threshold", "0.6"],
        ),
        (
            {"signals": {"basis": "net"}},
            {"signals": {"basis": "gross"}},
            'signals.basis: found "net" on tape b and "gross" on tape o, expected one value: give it by --config',
            ["--config", "mine.toml"],
        ),
        (
            {"quotes": {"USD": "USDT"}},
            {},
            'quotes.USD: found "USDT" on tape b and nothing on tape o, expected one value: give it by --config',
            ["--config", "mine.toml"],
        ),
    ],
)
def test_a_setting_that_differs_is_refused_with_both_tapes_and_values_unless_it_is_given(
    place, one, other, said, override
):
    tapes = of_binance(place, **one), of_okx(place, **other)
    done = place.run("replay", *tapes, "--no-ui", "--speed", "max")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().splitlines() == [said]
    (place.folder / "mine.toml").write_text("[signals]\nbasis = 'gross'\n[quotes]\nUSD = 'USDT'\n")
    assert len(signals(place.run("replay", *tapes, "--no-ui", "--speed", "max", *override))) == 1


def test_settings_of_a_later_version_or_of_another_hand_do_no_harm(place):
    strange = {
        "redis": {"url": "redis://127.0.0.1:1/0", "mode": "url"},
        "signals": {"threshold_pct": 0.5, "unheard_of": 1},
        "venues": {"binance": {"ws_url": "ws://127.0.0.1:1"}, "moonex": {}},
        "engine": {"cpu": "auto"},
    }
    tapes = of_binance(place, **strange), of_okx(place)
    assert len(signals(place.run("replay", *tapes, "--no-ui", "--speed", "max"))) == 1


@pytest.mark.parametrize("carried", ["not json", '{"signals": {"threshold_pct": "a lot"}}', "[1]"])
def test_settings_that_cannot_be_read_are_refused_with_their_tape(place, carried):
    of_binance(place)
    writer = TapeWriter(place.folder / "x", "okx")
    writer.write(START_S, "", carried.encode(), kind=SETTINGS)
    writer.write(START_S, OKX_URL, okx(1, 60600.0).encode())
    writer.close()
    done = place.run("replay", "b", "x", "--no-ui", "--speed", "max")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"tape x" in done.stderr and b"Traceback" not in done.stderr


def test_no_secret_is_on_a_tape(place):
    """Venues behind a gateway that asks for a password, and a Redis that has one."""
    simulated = place.start_node("--demo", "--no-ui", "--symbol", "BTC/USDT")
    listed = re.compile(r"(okx|binance): \d+ instruments listed by http://(127\.0\.0\.1:\d+)/")
    place.wait_for(lambda: len(set(listed.findall(simulated.err))) == 2, "the addresses of the simulated venues")
    toml = "[redis]\nurl = 'redis://user:hunter2@127.0.0.1:1/0?password=hunter3'\nmode = 'url'\n"
    for venue, address in set(listed.findall(simulated.err)):
        toml += (
            f"[venues.{venue}]\nws_url = 'ws://user:hunter2@{address}'\nrest_url = 'http://user:hunter2@{address}'\n"
        )
    (place.folder / "secret.toml").write_text(toml)
    node = place.start_node("record", "tapes", "--no-ui", "--config", "secret.toml", command=place.patient_command)
    place.wait_for(lambda: "okx spot: up" in node.err and "binance spot: up" in node.err, "both venues")
    simulated.end()
    place.wait_for(lambda: "okx spot: down" in node.err and "binance spot: down" in node.err, "the disconnects")
    assert node.end() == 0
    tapes = list((place.folder / "tapes").iterdir())
    kinds = {line.get("kind") for tape in tapes for line in lines(tape)}
    assert kinds >= {"settings", "disconnected", None}
    for tape in tapes:
        assert b"hunter" not in gzip.decompress(tape.read_bytes()), tape
        assert b"user" not in gzip.decompress(tape.read_bytes()), tape
