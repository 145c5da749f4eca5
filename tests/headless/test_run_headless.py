"""A node without a terminal, from its start to the end of its tapes or to a signal."""

import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO

import pytest
from node_process import COMMAND, OF_FOUR, RunningNode
from waiting import DEADLINE_S

from arbsniper_tui.config.settings import RedisSettings, Settings, SignalSettings, VenueSettings
from arbsniper_tui.headless.run import run_headless
from arbsniper_tui.node.launch import Launch
from arbsniper_tui.node.node import Node
from arbsniper_tui.runtime.exit_codes import CLEAN
from arbsniper_tui.tapes.source import TapeSource

BINANCE, KRAKEN = "wss://stream.binance.com:9443/ws", "wss://ws.kraken.com/v2"


def binance_line(t: float, number: int, bid: float) -> dict[str, Any]:
    raw = f'{{"u":{number},"s":"BTCUSDT","b":"{bid}","B":"1.0","a":"{bid + 1}","A":"1.0"}}'
    return {"t": t, "url": BINANCE, "raw": raw}


def kraken_line(t: float, bid: float) -> dict[str, Any]:
    top = {"symbol": "BTC/USDT", "bid": bid, "bid_qty": 2.0, "ask": bid + 1, "ask_qty": 2.0}
    return {"t": t, "url": KRAKEN, "raw": json.dumps({"channel": "ticker", "type": "update", "data": [top]})}


def write_tapes(folder: Path, opportunities: int) -> tuple[TapeSource, ...]:
    """Two tapes on which kraken's bid rises above binance's ask and falls again, so many times."""
    binance, kraken = folder / "binance.jsonl", folder / "kraken.jsonl"
    start = 1_700_000_000.0
    with binance.open("w") as low, kraken.open("w") as high:
        for number in range(opportunities):
            print(json.dumps(binance_line(start + number, number, 1000.0)), file=low)
            print(json.dumps(kraken_line(start + number + 0.2, 1020.0)), file=high)
            print(json.dumps(kraken_line(start + number + 0.7, 999.5)), file=high)
    return TapeSource(str(binance)), TapeSource(str(kraken))


@pytest.fixture(autouse=True)
def _handlers_as_before() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def output(tmp_path: Path) -> Iterator[BinaryIO]:
    """A file in place of standard output."""
    with (tmp_path / "output").open("wb") as file:
        yield file


def replay_of(tapes: tuple[TapeSource, ...], speed: float | None = None) -> Launch:
    settings = Settings(
        ("BTC/USDT",),
        SignalSettings(threshold_pct=0.5),
        venues={"binance": VenueSettings(), "kraken": VenueSettings()},
        redis=RedisSettings(mode="off"),
    )
    return Launch(settings, mode="replay", tapes=tapes, speed=speed)


def test_the_end_of_the_tapes_is_a_clean_end_with_every_signal_on_standard_output(
    tmp_path: Path, output: BinaryIO, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    node = Node(replay_of(write_tapes(tmp_path, 300)))
    assert run_headless(node, output.fileno()) == CLEAN
    signals = [json.loads(line) for line in (tmp_path / "output").read_bytes().splitlines()]
    assert [each["seq"] for each in signals] == list(range(1, 301))
    assert {each["action"] for each in signals} == {"BUY_BINANCE_SELL_KRAKEN"}
    assert [each["detected_at"] for each in signals[:2]] == [1_700_000_000_200, 1_700_000_001_200]
    assert "tapes ended: 900 frames played" in caplog.text
    assert node.pids == {}
    assert node.endpoints is not None and not node.endpoints.folder.exists()


def test_the_same_tapes_give_the_same_lines(tmp_path: Path) -> None:
    tapes = write_tapes(tmp_path, 40)
    outputs = []
    for speed in (None, 1000.0):
        with (tmp_path / "output").open("wb") as output:
            assert run_headless(Node(replay_of(tapes, speed)), output.fileno()) == CLEAN
        outputs.append((tmp_path / "output").read_bytes())
    assert outputs[0] == outputs[1] != b""


def test_a_signal_ends_it_cleanly_before_the_tapes_do(tmp_path: Path, output: BinaryIO) -> None:
    node = Node(replay_of(write_tapes(tmp_path, 300), speed=1.0))
    has_ended = threading.Event()

    def insist() -> None:
        while not has_ended.wait(0.3):
            os.kill(os.getpid(), signal.SIGTERM)

    # Until the run listens to it, the signal means nothing.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    insisting = threading.Thread(target=insist)
    insisting.start()
    try:
        assert run_headless(node, output.fileno()) == CLEAN
    finally:
        has_ended.set()
        insisting.join()
    assert node.pids == {}
    assert node.endpoints is not None and not node.endpoints.folder.exists()


def test_nothing_but_signals_stands_on_standard_output_and_the_log_on_standard_error(
    start_node: Callable[..., RunningNode],
) -> None:
    node = start_node("--threshold", "0.02")
    node.wait_for_signals(2)
    assert node.stop(signal.SIGINT) == 0
    assert not node.strays
    assert "okx perp: up" in node.log


def test_a_reader_who_has_had_enough_ends_it_cleanly(short_folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, *COMMAND, "--demo", "--no-ui", "--threshold", "0", *OF_FOUR],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(short_folder)},
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().startswith(b'{"type"')
        process.stdout.close()
        log = process.stderr.read()
        assert process.wait(DEADLINE_S) == 0
        assert b"Traceback" not in log and b"Exception ignored" not in log
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def unread_bytes(pipe: IO[bytes]) -> int:
    return int.from_bytes(fcntl.ioctl(pipe.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder)


def test_a_reader_who_is_slow_loses_nothing_of_a_replay(
    tmp_path: Path, short_folder: Path, wait_until: Callable[..., None]
) -> None:
    tapes = write_tapes(tmp_path, 1500)
    process = subprocess.Popen(
        [
            *(sys.executable, *COMMAND, "replay", *(tape.path for tape in tapes), "--speed", "max", "--no-ui"),
            *("--symbol", "BTC/USDT", "--threshold", "0.5"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(short_folder)},
    )
    try:
        assert process.stdout is not None
        pipe = process.stdout
        # The pipe fills until nobody can write, and everything before the writer piles up.
        waiting = [unread_bytes(pipe)]

        def is_stuck() -> bool:
            waiting.append(unread_bytes(pipe))
            return waiting[-1] > 0 and len(waiting) > 50 and len(set(waiting[-50:])) == 1

        wait_until(is_stuck, lambda: waiting[-1])
        lines = process.stdout.read().splitlines()
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, 1501))


def test_a_replay_whose_parent_is_killed_leaves_nobody_behind_even_in_the_middle_of_its_tapes(
    tmp_path: Path, start_node: Callable[..., RunningNode]
) -> None:
    tapes = [tape.path for tape in write_tapes(tmp_path, 20_000)]
    options = ("--symbol", "BTC/USDT", "--threshold", "0.5")
    node = start_node("replay", *tapes, "--speed", "max", *options, demo=False)
    node.wait_for_signals()
    everyone, sockets = node.everyone(), node.sockets
    # With the front end held up, the tape worker is soon held up too.
    node.process.send_signal(signal.SIGSTOP)
    node.process.kill()
    node.process.wait()
    node.wait_until_gone(everyone, sockets)
