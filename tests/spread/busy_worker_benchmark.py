"""How long quotes wait in a busy spread worker, by rate, with and without a viewer: not a test.

`python tests/spread/busy_worker_benchmark.py [QUOTES_PER_S ...]`. One process sends quotes of 12 venues x 300 coins on
the bus, one decides, one views. Rounds with and without a viewer alternate, because the machine's speed changes.
"""
# ruff: noqa: T201 - it prints what it measured

import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.latency.stages import Stages
from arbsniper_tui.model.health import RedisHealth, RedisState
from arbsniper_tui.model.instrument import Instrument, instrument_key
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.view import NodeIntro
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.runtime.process import settle_memory
from arbsniper_tui.session.session import Session
from arbsniper_tui.spread.spread_worker import SpreadWorker
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.sender import QuoteSender

VENUES, SYMBOLS = 12, 300
RATES = (1000, 2650, 11_000, 28_000)
ROUNDS, ROUND_S, WARM_S = 3, 5.0, 2.0
VIEWED_HZ = 10
SHORTEST_PAUSE_S = 0.0005


def instruments() -> tuple[Instrument, ...]:
    symbols = [f"C{number:03}/USDT" for number in range(SYMBOLS)]
    return tuple(
        Instrument(instrument_key(f"venue{at:02}", symbol), f"venue{at:02}", symbol, symbol, "USDT", 0.1)
        for at in range(VENUES)
        for symbol in symbols
    )


def decide(folder: str, results: Connection) -> None:
    """The spread worker. What it measured since the last SIGUSR1 goes to `results` when it is stopped."""
    lifeline, _ = os.pipe()
    os.dup2(lifeline, 0)
    os.set_blocking(0, False)
    intro = NodeIntro("benchmark", "0", "live", os.getpid(), instruments(), ("spot-spot",), 0, 5000.0, 0.0)
    worker = SpreadWorker(SpreadPlan("spread", folder, intro, Rules(), 10.0, RedisHealth(RedisState.OFF)))

    def begin_anew(signum: int, frame: object) -> None:
        stages = Stages()
        for name in ("parse", "bus", "decision", "publish", "total"):
            setattr(worker._stages, name, getattr(stages, name))  # noqa: SLF001 - a benchmark may look inside
        begun.append((now_ns(), time.process_time_ns()))

    def stop(signum: int, frame: object) -> None:
        worker.must_stop = True

    begun = [(now_ns(), time.process_time_ns())]
    signal.signal(signal.SIGUSR1, begin_anew)
    signal.signal(signal.SIGTERM, stop)
    settle_memory()
    worker.run()
    at_ns, cpu_ns = begun[-1]
    share = (time.process_time_ns() - cpu_ns) / (now_ns() - at_ns)
    total = worker._stages.total  # noqa: SLF001 - read apart from views
    quantiles = [total.quantile_us(each) for each in (0.5, 0.9, 0.99, 0.999)]
    results.send((total.count, [*quantiles, total.max_ns / 1000], share))


def send(folder: str, per_s: float, results: Connection) -> None:
    """Quotes of all instruments, each at a random moment, as a feed worker sends them."""
    dice, listed = random.Random(7), instruments()
    sender = QuoteSender(Endpoints(Path(folder)).quotes)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda signum, frame: stopped.set())
    due_s = time.monotonic()
    sent = 0
    while not stopped.is_set():
        now_s = time.monotonic()
        while due_s <= now_s:
            mid, at_ns = 100.0 + dice.gauss(0.0, 0.03), now_ns()
            sender.send_quotes([Quote(dice.choice(listed).id, mid - 0.01, 1.0, mid + 0.01, 1.0)], at_ns)
            due_s += dice.expovariate(per_s)
            sent += 1
        if sender.is_holding:
            sender.flush()
        time.sleep(max(due_s - time.monotonic(), SHORTEST_PAUSE_S))
    results.send((sent, sender.conflated))


def view(folder: str) -> None:
    """A viewer, ten times a second."""
    session = Session(Endpoints(Path(folder)))
    while True:
        session.pull()
        time.sleep(1 / VIEWED_HZ)


def measured(per_s: float, *, is_viewed: bool) -> str:
    """One round in words."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="arb") as folder:
        decided, decides = context.Pipe(duplex=False)
        counted, counts = context.Pipe(duplex=False)
        worker = context.Process(target=decide, args=(folder, decides))
        sender = context.Process(target=send, args=(folder, per_s, counts))
        viewer = context.Process(target=view, args=(folder,))
        worker.start()
        while not (Path(folder) / "commands").exists():
            time.sleep(0.01)
        sender.start()
        if is_viewed:
            viewer.start()
        time.sleep(WARM_S)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGUSR1)
        time.sleep(ROUND_S)
        sender.terminate()
        sent, conflated = counted.recv()
        worker.terminate()
        count, (p50, p90, p99, p999, most), share = decided.recv()
        if is_viewed:
            viewer.kill()
            viewer.join()
        worker.join()
        sender.join()
    who = "viewed" if is_viewed else "alone "
    held = f"{conflated / sent * 100:.1f} % conflated"
    times = f"p50 {p50:6.0f}, p90 {p90:6.0f}, p99 {p99:6.0f}, p99.9 {p999:6.0f}, most {most:6.0f} us"
    return f"{per_s:6.0f}/s {who} {count / ROUND_S:6.0f}/s decided, {times}; {share * 100:3.0f} % of a CPU, {held}"


def main() -> None:
    for per_s in map(float, sys.argv[1:] or RATES):
        for _ in range(ROUNDS):
            for is_viewed in (False, True):
                print(measured(per_s, is_viewed=is_viewed), flush=True)


if __name__ == "__main__":
    main()
