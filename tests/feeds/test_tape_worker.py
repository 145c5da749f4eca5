"""The process that plays tapes: nothing of a tape is lost however far its reader is behind."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import zmq
from made_tapes import SPOT_URL, binance, instruments, line, write_tape
from waiting import DEADLINE_S, wait_until

from arbsniper_tui.feeds.plan import TapePlan
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.view import ReplayStatus
from arbsniper_tui.runtime.anonymous_file import anonymous_file_with
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.runtime.process import WorkerSetup
from arbsniper_tui.tapes.source import TapeSource
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.inbox import Inbox
from arbsniper_tui.wire.messages import Command, Playback, QuoteBatch, Reply, TapeReport, TapesEnded, decode_from_feed
from arbsniper_tui.wire.publisher import CommandServer


@contextmanager
def tape_worker(plan: TapePlan, *under: str) -> Iterator["subprocess.Popen[bytes]"]:
    """As a supervisor starts it; `under` another command."""
    file = anonymous_file_with(msgspec.json.encode(plan))
    setup = msgspec.json.encode(WorkerSetup(file, "INFO", log_waits=True)).decode()
    command = [*under, sys.executable, "-P", "-m", "arbsniper_tui.workers.tape", setup]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(file,))
    os.close(file)
    assert worker.stdin is not None
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()
        worker.stdin.close()


def read_to_the_end(inbox: Inbox) -> tuple[list[tuple[int, Quote]], TapesEnded]:
    quotes: list[tuple[int, Quote]] = []

    def end() -> TapesEnded | None:
        if (body := inbox.receive(20)) is None:
            return None
        message = decode_from_feed(body)
        if isinstance(message, QuoteBatch):
            quotes.extend(zip(message.recv_ns, message.quotes, strict=True))
        return message if isinstance(message, TapesEnded) else None

    ended = wait_until(end, lambda: f"{len(quotes)} quotes", between=lambda: None)
    return quotes, ended


def test_every_quote_and_the_end_arrive_and_the_worker_stays_until_it_is_told_to_stop(tmp_path: Path) -> None:
    count = 3000
    tape = write_tape(tmp_path / "a", *(line(1.0 + n, SPOT_URL, binance(100 + n)) for n in range(count)))
    with tempfile.TemporaryDirectory(prefix="tape-") as folder:
        plan = TapePlan("tape", folder, (TapeSource(tape),), tuple(instruments(("binance", "BTC/USDT"))))
        inbox = Inbox(Endpoints(Path(folder)).quotes, usual_wait_ms=20)
        with tape_worker(plan) as worker:
            try:
                quotes, end = read_to_the_end(inbox)
                # Closing its socket would take with it what a slower reader had not read yet.
                with pytest.raises(subprocess.TimeoutExpired):
                    worker.wait(0.5)
                worker.stdin.close()
                assert worker.wait(DEADLINE_S) == 0
            finally:
                inbox.close()
    assert [(at_ns, quote.bid) for at_ns, quote in quotes] == [((n + 1) * 10**9, 100.0 + n) for n in range(count)]
    assert (end.at_ns, end.frames, end.dropped) == (count * 10**9, count, {})


def test_the_time_of_a_read_is_by_the_clock_of_ages(tmp_path: Path) -> None:
    """Where the system lets us, in a time namespace whose machine has slept for a day."""
    slept_s = 86_400
    after_a_sleep = ("unshare", "--time", "--boottime", str(slept_s))
    if subprocess.run((*after_a_sleep, "true"), capture_output=True, check=False).returncode:
        after_a_sleep, slept_s = (), 0
    tape = write_tape(tmp_path / "a", line(1.0, SPOT_URL, binance(100)))
    with tempfile.TemporaryDirectory(prefix="tape-") as folder:
        plan = TapePlan("tape", folder, (TapeSource(tape),), tuple(instruments(("binance", "BTC/USDT"))))
        inbox = Inbox(Endpoints(Path(folder)).quotes, usual_wait_ms=20)
        began_ns = now_ns()
        with tape_worker(plan, *after_a_sleep):
            batches: list[QuoteBatch] = []
            try:
                while not batches and now_ns() - began_ns < DEADLINE_S * 1e9:
                    body = inbox.receive(20)
                    message = None if body is None else decode_from_feed(body)
                    if isinstance(message, QuoteBatch):
                        batches.append(message)
            finally:
                inbox.close()
    (batch,) = batches
    assert began_ns <= batch.ts_parsed_ns - slept_s * 10**9 <= now_ns()


def test_the_node_is_told_how_far_it_is_and_says_how_to_play_on(tmp_path: Path) -> None:
    frames = (line(10.0 + n, SPOT_URL, binance(100 + n)) for n in range(50))
    tape = write_tape(tmp_path / "a", *frames, line(60.0, SPOT_URL, "unreadable"))
    told: list[ReplayStatus] = []
    answers: list[Reply] = [Playback(1.0, True), Playback(1000.0, False)]

    def answer(command: Command) -> Reply:
        assert isinstance(command, TapeReport)
        told.append(command.status)
        wanted = answers[0]
        assert isinstance(wanted, Playback)
        if len(answers) > 1 and (command.status.is_paused, command.status.speed) == (wanted.is_paused, wanted.speed):
            answers.pop(0)
        return wanted

    with tempfile.TemporaryDirectory(prefix="tape-") as folder:
        endpoints = Endpoints(Path(folder))
        plan = TapePlan("tape", folder, (TapeSource(tape),), tuple(instruments(("binance", "BTC/USDT"))), speed=1.0)
        inbox = Inbox(endpoints.quotes, usual_wait_ms=20)
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        desk = CommandServer(context, endpoints)
        with tape_worker(plan):
            try:
                deadline_s = time.monotonic() + DEADLINE_S
                while not (told and told[-1].is_over):
                    assert time.monotonic() < deadline_s, told[-1:]
                    inbox.receive(5)
                    desk.serve(answer)
            finally:
                inbox.close()
                desk.close()
                context.term()
    assert any(status.is_paused for status in told)
    over = told[-1]
    assert (over.begins_ns, over.now_ns, over.ends_ns) == (10 * 10**9, 59 * 10**9, 60 * 10**9)
    assert (over.speed, over.is_paused, over.share) == (1000.0, False, 1.0)
    assert (over.frames, over.quotes, over.dropped) == (51, 50, {"unreadable": 1})
    assert over.took_s > 0.0
