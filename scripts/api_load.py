"""Decisions, CPU and memory of a demo node whose API is under load, beside the same node without: not a test.

`make api-load`. Runs with and without alternate, because the machine's speed changes: compare the medians. Clients of
the stream and those that ask over HTTP run in this process, off the CPU that decides; the first of the stream's never
reads.
"""

import argparse
import asyncio
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import msgspec
from websockets.asyncio.client import connect

from arbsniper_tui.api.stream.messages import FromApi, PricesChange
from arbsniper_tui.model.errors import NodeUnreachable
from arbsniper_tui.model.view import StageRow
from arbsniper_tui.runtime.process_reading import read_process
from arbsniper_tui.runtime.shared_cpu import shared_cpu, stay_off
from arbsniper_tui.session.session import Session, attach_to

SYMBOLS = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "LTC", "DOT", "LINK", "AVAX")
WARM_S = 6.0
SETTINGS = """symbols = [{symbols}]
[redis]
mode = "off"
[api]
enabled = {api}
listen = "127.0.0.1:0"
"""
PATHS = (
    "/v1/best/BTC-USDT",
    "/v1/prices?symbol=ETH-USDT",
    "/v1/routes?limit=20",
    "/v1/market/SOL-USDT",
    "/v1/signals/latest?limit=50",
    "/v1/opportunities",
    "/v1/venues",
    "/health/ready",
)
ASKING = 16
"""Connections that the requests come over, each kept open."""
_SUBSCRIBE = b'{"op":"subscribe","to":{"channel":"%s"}}'
_ADDRESS = re.compile(r"answering at http://(\S+)/v1/")
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_API = re.compile(r"api: process (\d+)")


@dataclass
class Run:
    """What one run of a node was like."""

    decision: StageRow
    total: StageRow
    quotes_per_s: float
    api_cpu_pct: float = 0.0
    api_memory_mib: float = 0.0
    received_mib_per_s: float = 0.0
    ended: int = 0
    """Clients that the API cut off."""
    lags_ms: list[float] = field(default_factory=list)
    """From the view's time on the node to a client that has read its message."""
    missed: int = 0
    answered: int = 0
    refused: int = 0
    answers_ms: list[float] = field(default_factory=list)
    """From a request on its way to the whole of its answer."""


class _Reader(asyncio.Protocol):
    """A client that counts what comes, and does no more."""

    def __init__(self, host: str, *, reads: bool) -> None:
        self.received = 0
        self.has_ended = False
        self._host = host
        self._reads = reads
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(
            f"GET /v1/stream HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if not self.received and self._transport is not None:
            for channel in (b"prices", b"events"):
                text = _SUBSCRIBE % channel
                self._transport.write(bytes((0x81, 0x80 | len(text))) + b"\0\0\0\0" + text)
            if not self._reads:
                self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                self._transport.pause_reading()
        self.received += len(data)

    def resume(self) -> None:
        """Read from now on: only then it is noticed that the API has ended the connection."""
        if self._transport is not None:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.has_ended = True


@contextmanager
def demo(*, with_api: bool) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A node of its own folder, and its log."""
    with tempfile.TemporaryDirectory(prefix="arb") as name:
        folder = Path(name)
        config, log = folder / "arbsniper.toml", folder / "log"
        symbols = ", ".join(f'"{base}/USDT"' for base in SYMBOLS)
        config.write_text(SETTINGS.format(symbols=symbols, api=str(with_api).lower()))
        with log.open("wb") as stderr:
            node = subprocess.Popen(
                [sys.executable, "-m", "arbsniper_tui.cli.main", "--demo", "--no-ui", "--config", str(config)],
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        try:
            yield node, log
        finally:
            node.terminate()
            node.wait()


async def watch_prices(address: str, run: Run) -> None:
    """A client as a user writes one: it decodes what it reads."""
    decoder: msgspec.json.Decoder[FromApi] = msgspec.json.Decoder(FromApi)
    async with connect(f"ws://{address}/v1/stream", compression=None, max_size=None) as stream:
        await stream.send((_SUBSCRIBE % b"prices").decode())
        async for text in stream:
            message = decoder.decode(text)
            if isinstance(message, PricesChange):
                run.missed += message.missed
                if not message.is_snapshot:
                    run.lags_ms.append(time.time() * 1000 - message.time)


async def ask(address: str, number: int, per_s: float, run: Run) -> None:
    """Requests over one connection, at this rate: those that are late follow at once."""
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection(*address.rsplit(":", 1))
    due_s = loop.time() + number / ASKING / per_s
    for path in islice(cycle(PATHS), number % len(PATHS), None):
        await asyncio.sleep(due_s - loop.time())
        due_s += 1 / per_s
        begun_s = loop.time()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(_LENGTH.findall(head)[0]))
        run.answers_ms.append((loop.time() - begun_s) * 1000)
        is_answered = head.startswith(b"HTTP/1.1 200")
        run.answered += is_answered
        run.refused += not is_answered


async def load(address: str, pid: int, asked: argparse.Namespace, run: Run) -> None:
    """Clients and requests for this long."""
    loop = asyncio.get_running_loop()
    host, _, port = address.rpartition(":")
    readers = []
    for number in range(asked.clients - 1):
        _, reader = await loop.create_connection(
            lambda number=number: _Reader(address, reads=number > 0), host, int(port)
        )
        readers.append(reader)
    tasks = [asyncio.create_task(watch_prices(address, run))]
    if asked.requests:
        tasks += [asyncio.create_task(ask(address, i, asked.requests / ASKING, run)) for i in range(ASKING)]
    begun_s, received, cpu_s = loop.time(), sum(each.received for each in readers), _cpu_s(pid)
    while (passed_s := loop.time() - begun_s) < asked.seconds:
        await asyncio.sleep(0.2)
        reading = read_process(pid)
        run.api_memory_mib = max(run.api_memory_mib, (reading.memory_bytes if reading else 0) / 2**20)
    run.api_cpu_pct = (_cpu_s(pid) - cpu_s) / passed_s * 100
    run.received_mib_per_s = (sum(each.received for each in readers) - received) / passed_s / 2**20
    for task in tasks:
        if task.done():
            await task
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    readers[0].resume()
    await asyncio.sleep(1.0)
    run.ended = sum(each.has_ended for each in readers)


def measure(asked: argparse.Namespace, *, with_api: bool, under_load: bool) -> Run:
    """One run of a fresh node."""
    with demo(with_api=with_api) as (node, log):
        session = _session(node.pid)
        stay_off(shared_cpu("auto", os.sched_getaffinity(0), node.pid))
        _pull(session, WARM_S)
        begun = {each.name: each.count for each in session.snapshot.stages}
        run = Run(StageRow("", 0, 0, 0, 0, ()), StageRow("", 0, 0, 0, 0, ()), 0.0)
        if under_load:
            while not (found := _ADDRESS.findall(log.read_text())):
                _pull(session, 0.1)
            (address,), (pid,) = found, _API.findall(log.read_text())
            asyncio.run(load(address, int(pid), asked, run))
        else:
            time.sleep(asked.seconds)
        _pull(session, 2.0)
        stages = {each.name: each for each in session.snapshot.stages}
        run.decision, run.total = stages["decision"], stages["total"]
        run.quotes_per_s = (run.total.count - begun.get("total", 0)) / (asked.seconds + 2.0)
        session.close()
    return run


def _session(pid: int) -> Session:
    until_s = time.monotonic() + 60.0
    while True:
        try:
            return attach_to(str(pid))
        except NodeUnreachable:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.1)


def _pull(session: Session, seconds: float) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        session.pull()
        time.sleep(0.1)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200, help="of the stream")
    parser.add_argument("--requests", type=float, default=500.0, help="a second, over HTTP; 0 for none")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    kinds = {"no API": (False, False), "API": (True, False), "load": (True, True)}
    runs: dict[str, list[Run]] = {kind: [] for kind in kinds}
    cpus = os.sched_getaffinity(0)
    for number in range(asked.rounds):
        for kind, (with_api, under_load) in kinds.items():
            os.sched_setaffinity(0, cpus)
            run = measure(asked, with_api=with_api, under_load=under_load)
            runs[kind].append(run)
            print(  # noqa: T201 - it reports
                f"{number + 1} {kind:6} {run.quotes_per_s:6.0f} quotes/s; decision {run.decision.p50_us:5.0f} "
                f"{run.decision.p99_us:6.0f}; total {run.total.p50_us:5.0f} {run.total.p99_us:6.0f} us; API "
                f"{run.api_cpu_pct:4.0f} % CPU {run.api_memory_mib:4.0f} MiB; {run.received_mib_per_s:5.1f} MiB/s, "
                f"{run.ended} cut, {run.missed} missed, "
                f"lag {_shares(run.lags_ms)} ms; {run.answered} answered, {run.refused} not, in "
                f"{_shares(run.answers_ms)} ms",
                flush=True,
            )
    without, *_, loaded = runs.values()
    for name in ("decision", "total"):
        for share in ("p50_us", "p99_us"):
            ratio = _median(loaded, name, share) / _median(without, name, share)
            print(  # noqa: T201 - it reports
                f"{name} {share}: {_median(loaded, name, share):.0f} us, {ratio:.2f} times that without API"
            )


def _shares(each_ms: list[float]) -> str:
    """The p50 and the p99."""
    ordered = sorted(each_ms) or [0.0]
    return f"{ordered[len(ordered) // 2]:.0f} {ordered[-1 - len(ordered) // 100]:.0f}"


def _median(runs: list[Run], stage: str, share: str) -> float:
    return statistics.median(getattr(getattr(run, stage), share) for run in runs)


if __name__ == "__main__":
    main()
