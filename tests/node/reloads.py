"""Reloads the settings of a node again and again under load, with files that change at random, and counts what that
does to venues that stay as they are. `make reloads` runs this file; `test_reloads.py` runs it with few reloads."""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from node_process import RunningNode
from raw_venues import RawBinance, RawKraken, RawVenue
from simulated_venues import SimulatedVenues, simulated_venues
from waiting import DEADLINE_S

from arbsniper_tui.node.invariants import Lives
from arbsniper_tui.runtime.process_reading import read_processes
from arbsniper_tui.session.events import EventReader
from arbsniper_tui.session.session import Session
from arbsniper_tui.wire.endpoints import Endpoints

STEADY, LIVELY, COMING = "AAA/USDT", "BBB/USDT", "CCC/USDT"
"""A symbol whose opportunity stands all the time, one whose opportunities come and go, one that is watched at times."""
CHANGING = ("okx", "bybit")
QUOTE_EVERY_S = 0.004
FLIP_EVERY = 50
"""Quotes from one opening or close of the lively symbol to the next."""
WARM = 20
"""Reloads before memory is measured: what is made once is made by then."""
MOST_GROWN_KIB = 4096
"""Of a process, from then on; where there are enough reloads to tell."""
_DONE = "settings: read again"
_REFUSED = "settings stay as they are"
_HEAD = """
symbols = ["BTC/USDT"]
[redis]
mode = "off"
[signals]
threshold_pct = {threshold}
max_quote_age_ms = {age_ms}
[log]
level = "{level}"
[venues.binance]
{binance}symbols = {symbols}
[venues.kraken]
{kraken}symbols = {symbols}
taker_fee_pct = {fee}
{more}
"""


class Quoting:
    """One venue that stays as it is: it quotes both symbols from a thread, and counts."""

    def __init__(self, name: str, venue: RawBinance | RawKraken, names: tuple[str, str], high_pct: float) -> None:
        """It bids so much more than 100 for the steady symbol, and by turns for the lively one."""
        self.name = name
        self.sent = self.probes = 0
        self._venue = venue
        self._names = names
        self._factor = 1 + high_pct / 100
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._quote)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()

    def probe(self) -> None:
        """One quote of each symbol, which are not counted with the others."""
        for name in self._names:
            self._venue.send(self._venue.quote(100.0, 100.01, name))
            self.probes += 1

    def _quote(self) -> None:
        for number in count():
            if self._is_over.wait(QUOTE_EVERY_S):
                return
            # A price that moves a little each time is no frozen one.
            base = 100.0 + number % 7 / 100
            lively = self._factor if number // FLIP_EVERY % 2 else 1.0
            for name, factor in zip(self._names, (self._factor, lively), strict=True):
                self._venue.send(self._venue.quote(base * factor, (base + 0.01) * factor, name))
                self.sent += 1


@dataclass
class Findings:
    """What was seen; `faults` is what must not be."""

    reloads: int = 0
    refused: int = 0
    quotes: int = 0
    """Of the venues that stay, as they sent them."""
    conflated: int = 0
    signals: int = 0
    longest_s: float = 0.0
    """From a SIGHUP to the line of its outcome."""
    grown_kib: dict[str, int] = field(default_factory=dict)
    """By process, from the warm node to the end."""
    faults: list[str] = field(default_factory=list)


class Told:
    """The events of a node."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._reader = EventReader(endpoints)
        self._lives = Lives()
        self.opened: Counter[str] = Counter()
        self.closed: Counter[str] = Counter()

    def read(self) -> None:
        for event in self._reader.read(0):
            self._lives.take(event)
            if event.signal is not None and event.event in ("open", "close"):
                (self.opened if event.event == "open" else self.closed)[event.signal.buy_symbol] += 1

    @property
    def faults(self) -> list[str]:
        found = {
            "openings or closes that came twice": self._reader.doubled + self._lives.doubled,
            "openings without a close": self._lives.unclosed,
            "events missed": self._reader.missed,
            f"openings of {STEADY} beside the first": self.opened[STEADY] - 1,
            f"closes of {STEADY}": self.closed[STEADY],
        }
        return [f"{number} {words}" for words, number in found.items() if number]

    def close(self) -> None:
        self._reader.close()


def reload(
    times: int, chance: random.Random, folder: Path, tell: Callable[[str], object] = lambda line: None
) -> Findings:
    """Reload so many times; what was found. Every tenth file is cut off in the middle."""
    found = Findings()
    config = folder / "arbsniper.toml"
    with RawBinance() as binance, RawKraken() as kraken, simulated_venues(*CHANGING) as simulated:
        settings = _Settings(binance, kraken, simulated)
        config.write_text(settings.text(chance))
        node = RunningNode(folder, ("--config", str(config), "--no-ui"))
        venues = (
            Quoting("binance", binance, ("AAAUSDT", "BBBUSDT"), 1.0),
            Quoting("kraken", kraken, (STEADY, LIVELY), 0.0),
        )
        try:
            for raw in (binance, kraken):
                raw.wait_for_subscription()
            with closing(node.session()) as session, closing(Told(Endpoints(node.sockets))) as told:
                _await_quotes(node, session, venues)
                before = _counts(session)
                for venue in venues:
                    venue.start()
                node.watch(session, lambda: (told.read(), told.opened[STEADY])[1])
                for number in range(1, times + 1):
                    if number == min(WARM, times // 2):
                        warm = _memory(node)
                    text = settings.text(chance)
                    is_cut = number % 10 == 0
                    config.write_text(text[: text.rindex("threshold_pct = ") + 16] if is_cut else text)
                    _reload_once(node, session, told, found, is_cut=is_cut)
                    if number % 10 == 0:
                        tell(f"{number} reloads")
                for venue in venues:
                    venue.stop()
                _settle(node, session, venues, before, found)
                told.read()
                found.faults += told.faults
                found.signals = told.opened.total()
                found.grown_kib = {name: kib - warm.get(name, kib) for name, kib in _memory(node).items()}
            if times > 2 * WARM and (grown := {n: k for n, k in found.grown_kib.items() if k > MOST_GROWN_KIB}):
                found.faults.append(f"memory grew by {grown} KiB")
            if deaths := [name for name in ("feed", "spread") if len(node.pids(name)) > 1]:
                found.faults.append(f"{', '.join(deaths)} died")
            assert node.stop() == 0
        finally:
            for venue in venues:
                venue.stop()
            node.close()
    return found


class _Settings:
    def __init__(self, binance: RawVenue, kraken: RawVenue, simulated: SimulatedVenues) -> None:
        self._tables = {"binance": binance.table, "kraken": kraken.table}
        self._changing = [simulated.table(venue) for venue in CHANGING]

    def text(self, chance: random.Random) -> str:
        """Settings that leave two symbols of two venues as they are."""
        symbols = [STEADY, LIVELY, *([COMING] if chance.random() < 0.5 else [])]
        more = [table for table in self._changing if chance.random() < 0.5]
        if chance.random() < 0.5:
            more.append('[alerts.rules.wide]\nmin_net_spread_pct = 0.1\nto = ["bell"]\n')
        return _HEAD.format(
            threshold=chance.choice((0.4, 0.5, 0.6)),
            age_ms=chance.choice((50_000, 60_000)),
            level=chance.choice(("info", "debug")),
            fee=chance.choice((0.1, 0.2)),
            symbols=symbols,
            more="".join(more),
            **self._tables,
        )


def _reload_once(node: RunningNode, session: Session, told: Told, found: Findings, *, is_cut: bool) -> None:
    done, refused = node.log.count(_DONE), node.log.count(_REFUSED)
    began_s = time.monotonic()
    node.process.send_signal(signal.SIGHUP)

    def has_come() -> bool:
        told.read()
        return node.log.count(_DONE) > done or node.log.count(_REFUSED) > refused

    node.watch(session, has_come)
    found.longest_s = max(found.longest_s, time.monotonic() - began_s)
    found.reloads += 1
    found.refused += node.log.count(_REFUSED) - refused
    if (node.log.count(_REFUSED) > refused) is not is_cut:
        found.faults.append(f"reload {found.reloads} was {'taken' if is_cut else 'refused'}")


def _await_quotes(node: RunningNode, session: Session, venues: tuple[Quoting, ...]) -> None:
    """Each of the symbols that stay has a quote on both venues."""

    def quoted() -> bool:
        for venue in venues:
            venue.probe()
        rows = [row for row in session.snapshot.quotes.values() if row.quotes]
        watched = _of_steady(session)
        return len([row for row in rows if row.instrument_id in watched]) == 4

    node.watch(session, quoted)
    # What was sent so far is read before the counting begins: each quote was one frame.
    node.watch(session, lambda: all(_counts(session)[0][venue.name] == venue.probes for venue in venues))


def _of_steady(session: Session) -> dict[int, str]:
    intro = session.snapshot.intro
    return {each.id: each.venue for each in intro.instruments if each.symbol in (STEADY, LIVELY)} if intro else {}


def _counts(session: Session) -> tuple[Counter[str], Counter[str]]:
    """Frames that the feed has read and quotes that the deciding process has taken, by venue."""
    frames = Counter({each.venue: each.frames for each in session.snapshot.feeds.values()})
    quotes: Counter[str] = Counter()
    for i, venue in _of_steady(session).items():
        quotes[venue] += session.snapshot.quotes[i].quotes if i in session.snapshot.quotes else 0
    return frames, quotes


def _settle(
    node: RunningNode,
    session: Session,
    venues: tuple[Quoting, ...],
    before: tuple[Counter[str], Counter[str]],
    found: Findings,
) -> None:
    """All that was sent has come, or was replaced by what is newer."""
    sent = {venue.name: venue.sent for venue in venues}
    found.quotes = sum(sent.values())

    def lost() -> list[str]:
        session.pull()
        status, (frames, quotes) = session.snapshot.status, _counts(session)
        assert status is not None
        found.conflated = status.conflated
        return [
            f"{venue}: {number} quotes sent, {frames[venue] - before[0][venue]} frames read, "
            f"{quotes[venue] - before[1][venue]} quotes taken, {status.conflated} conflated on all venues"
            for venue, number in sent.items()
            if frames[venue] - before[0][venue] != number
            or not number - status.conflated <= quotes[venue] - before[1][venue] <= number
        ]

    deadline_s = time.monotonic() + DEADLINE_S
    while (still := lost()) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    found.faults += still
    connects = {each.feed: each.connects for each in session.snapshot.feeds.values() if each.venue in sent}
    found.faults += [f"{feed} connected {number} times" for feed, number in connects.items() if number != 1]


def _memory(node: RunningNode) -> dict[str, int]:
    """KiB by process: the launching one, and its workers."""
    pids = {"launching": node.process.pid} | {name: node.pid(name) for name in ("feed", "spread")}
    read = read_processes(pids.values())
    return {name: read[pid].memory_bytes // 1024 for name, pid in pids.items() if pid in read}


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """What was found, and 1 for a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100, help="reloads (100)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="of the files (the clock's)")
    asked = parser.parse_args()
    say(f"seed {asked.seed}")
    folder = Path(tempfile.mkdtemp(prefix="arb"))
    try:
        found = reload(asked.times, random.Random(asked.seed), folder, say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, value in vars(found).items():
        say(f"{name:12}{value}")
    return int(bool(found.faults))


if __name__ == "__main__":
    sys.exit(main())
