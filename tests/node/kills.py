"""Kills parts of a node, or its Redis, at random moments under load, and counts what readers of Redis find wrong after
it. `make kills` runs this file; `test_kills.py` runs it with few kills."""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import redis
from node_process import RunningNode
from redis_server import RedisServer
from waiting import wait_until

from arbsniper_tui.model.threshold import HIGHEST_THRESHOLD_PCT

VICTIMS = ("spread", "feed", "redis")
PROGRAM = str(Path(__file__).parents[1] / "node_program.py")
TIMINGS = '{"first_delay_s": 0.01, "longest_delay_s": 0.01, "deaths_allowed": 1000000}'
LONGEST_PAUSE_S = 0.5
"""Between the first event after one kill and the next kill."""
_PAGE = 1000


@dataclass
class Findings:
    """What stands in the stream, and what is wrong with it; all but the first four are faults."""

    events: int = 0
    opened: int = 0
    repeats: int = 0
    """Events that stand there once more, byte for byte."""
    told_lost: int = 0
    """How many will never stand there, by the node's own word."""
    missing: list[int] = field(default_factory=list)
    """Numbers."""
    late: list[int] = field(default_factory=list)
    """Numbers that stand behind larger ones."""
    changed: list[int] = field(default_factory=list)
    """Numbers that stand there twice with different bytes."""
    unclosed: list[str] = field(default_factory=list)
    """Opportunities."""
    closed_twice: list[str] = field(default_factory=list)
    closed_unopened: list[str] = field(default_factory=list)
    announced_twice: list[str] = field(default_factory=list)
    """Opened twice, in the stream or with different bytes on the channel."""

    @property
    def faults(self) -> dict[str, list[Any]]:
        """What is wrong, by kind."""
        return {name: value for name, value in vars(self).items() if isinstance(value, list) and value}


def examine(stream: Iterable[bytes], channel: Iterable[bytes]) -> Findings:
    """Read the stream of one run from its beginning to its end, and the messages of the signals' channel."""
    found = Findings()
    by_number: dict[int, bytes] = {}
    opened: Counter[str] = Counter()
    closed: Counter[str] = Counter()
    highest = 0
    for written in stream:
        event = json.loads(written)
        number = event["seq"]
        if number in by_number:
            if by_number[number] == written:
                found.repeats += 1
            else:
                found.changed.append(number)
            continue
        if number < highest:
            found.late.append(number)
        highest, by_number[number] = max(highest, number), written
        found.told_lost = max(found.told_lost, event.get("lost", 0))
        if event["event"] == "open":
            opened[event["signal"]["id"]] += 1
        elif event["event"] == "close":
            closed[event["signal"]["id"]] += 1
    announced = Counter(each["id"] for each in map(json.loads, set(channel)) if each["state"] == "open")
    found.events, found.opened = len(by_number), len(opened)
    found.missing = [number for number in range(1, highest + 1) if number not in by_number]
    found.unclosed = [*((opened.keys() | announced.keys()) - closed.keys())]
    found.closed_twice = [each for each, times in closed.items() if times > 1]
    found.closed_unopened = [*(closed.keys() - opened.keys())]
    found.announced_twice = [each for each, times in (opened | announced).items() if times > 1]
    if found.told_lost:
        # Redis was away for longer than events are kept: those that the node counts as lost may be any.
        found.missing = found.missing[found.told_lost :]
        found.unclosed, found.closed_unopened = [], []
    return found


class Reader:
    """Follows the stream and the signals' channel in two threads, over every death of the server."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._is_over = threading.Event()
        self.stream: list[bytes] = []
        self.channel: list[bytes] = []
        self.last_id = b"0-0"
        self._threads = [threading.Thread(target=self._follow, args=(read,)) for read in (self._read, self._listen)]
        for thread in self._threads:
            thread.start()

    def _follow(self, read: Any) -> None:
        while not self._is_over.is_set():
            client = self._server.client()
            try:
                read(client)
            except redis.RedisError:
                time.sleep(0.01)
            finally:
                client.close()

    def _read(self, client: Any) -> None:
        while not self._is_over.is_set():
            for _, entries in client.xread({"arbitrage:stream": self.last_id}, count=_PAGE, block=100):
                for self.last_id, fields in entries:
                    self.stream.append(fields[b"json"])

    def _listen(self, client: Any) -> None:
        with client.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe("arbitrage:signals")
            while not self._is_over.is_set():
                if message := channel.get_message(timeout=0.1):
                    self.channel.append(message["data"])

    def close(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()


def kill(victim: str, times: int, chance: random.Random, folder: Path) -> Findings:
    """Kill it so many times; what readers found at the end, once the node was stopped."""
    server = RedisServer(folder / "redis", "--appendonly", "yes")
    server.start()
    reader = Reader(server)
    (folder / "node").mkdir()
    node = RunningNode(folder / "node", (), (PROGRAM, TIMINGS, server.url))
    try:
        node.wait_for_signals()
        for _ in range(times):
            time.sleep(chance.uniform(0.0, LONGEST_PAUSE_S))
            if victim == "redis":
                server.stop()
                time.sleep(chance.uniform(0.0, LONGEST_PAUSE_S))
                server.start()
            else:
                before = node.pid(victim)
                os.kill(before, signal.SIGKILL)
                node.wait_for(lambda before=before: node.pids(victim)[-1] != before)
            _wait_for_an_opening(node, reader)
        _close_all(node, reader)
        assert node.stop() == 0
        with server.client() as client:
            wait_until(lambda: client.xinfo_stream("arbitrage:stream")["last-generated-id"] == reader.last_id)
    finally:
        node.close()
        reader.close()
        server.stop()
    return examine(reader.stream, reader.channel)


def _close_all(node: RunningNode, reader: Reader) -> None:
    """Let everything close while Redis takes it: a node that stops waits for Redis half a second at most."""
    with closing(node.session()) as session:
        node.watch(session, lambda: session.snapshot.status is not None)
        session.set_threshold(HIGHEST_THRESHOLD_PCT)
        node.watch(session, lambda: session.snapshot.status and session.snapshot.status.open_opportunities == 0)
    node.wait_for(lambda: not examine(list(reader.stream), ()).unclosed, lambda: reader.stream[-3:])


def _wait_for_an_opening(node: RunningNode, reader: Reader) -> None:
    """So that quotes and signals flow again."""
    seen = len(reader.stream)
    node.wait_for(lambda: any(b'"event":"open"' in written for written in reader.stream[seen:]))


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """The table, and 1 for a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100, help="kills of each victim (100)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="of the moments (the clock's)")
    parser.add_argument("victims", nargs="*", default=list(VICTIMS), help=f"of {', '.join(VICTIMS)} (all)")
    asked = parser.parse_args()
    tell(f"seed {asked.seed}, {asked.times} kills of each, Redis with appendonly yes")
    tell(f"{'killed':8}{'events':>9}{'openings':>10}{'repeats':>9}{'told lost':>11}   faults")
    is_faulty = False
    for victim in asked.victims:
        folder = Path(tempfile.mkdtemp(prefix="arb"))
        try:
            found = kill(victim, asked.times, random.Random(asked.seed), folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        is_faulty = is_faulty or bool(found.faults)
        faults = {name: (len(values), values[:5]) for name, values in found.faults.items()}
        counts = f"{found.events:9}{found.opened:10}{found.repeats:9}{found.told_lost:11}"
        tell(f"{victim:8}{counts}   {faults or 'none'}")
    return int(is_faulty)


if __name__ == "__main__":
    sys.exit(main())
