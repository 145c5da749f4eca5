"""Checks what a node says of simulated venues: reads its events, and asks the simulation what was true."""

import logging
import socket
import time
from collections import deque
from collections.abc import Callable

import msgspec

from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.model.view import Invariants
from arbsniper_tui.runtime.limited_log import LimitedLog
from arbsniper_tui.session.events import EventReader
from arbsniper_tui.sim.truth import Claim
from arbsniper_tui.wire.endpoints import Endpoints

_log = logging.getLogger(__name__)

PATH_MS = 1000
"""The age of a quote begins with its receipt: this is what the way from the venue's book to there may take, batches of
half a second and a busy machine among it."""
_MOST_WAITING = 1000
_ASKED_AT_ONCE = 200
_LOG_EVERY_S = 10.0
_SETTLED_WITHIN_S = 0.2
_LOOK_EVERY_S = 0.01
_READ_BYTES = 1 << 16


class Lives:
    """Opportunities from their open to their close, by what events say."""

    def __init__(self) -> None:
        self.doubled = 0
        """Openings and closes that came twice, and closes of what never opened."""
        self.unclosed = 0
        """Routes that opened again without a close."""
        self._open: dict[tuple[str, ...], str] = {}
        self._past: deque[str] = deque(maxlen=_MOST_WAITING)

    def take(self, event: Event) -> None:
        """Events come in order."""
        signal = event.signal
        if signal is None or event.event == "update":
            return
        route = signal.buy_exchange, signal.buy_symbol, signal.sell_exchange, signal.sell_symbol
        held = self._open.get(route)
        if event.event == "open":
            if signal.id == held or signal.id in self._past:
                self.doubled += 1
                return
            self.unclosed += held is not None
            self._open[route] = signal.id
        elif signal.id == held:
            del self._open[route]
            self._past.append(signal.id)
        else:
            self.doubled += 1

    def end(self) -> None:
        """The node has ended, and so must every opportunity have."""
        self.unclosed += len(self._open)
        self._open.clear()


class Witness:
    """Asks the simulation about signals, and never waits for it."""

    def __init__(self, address: tuple[str, int], max_age_ms: float) -> None:
        self.unchecked = 0
        self._address = address
        self._since_ms = round(max_age_ms) + PATH_MS
        self._waiting: deque[Signal] = deque()
        self._asked = 0
        """How many of those that wait, from the first on, have been asked about."""
        self._socket: socket.socket | None = None
        self._received = b""

    @property
    def is_waiting(self) -> bool:
        """Whether there are signals without a verdict."""
        return bool(self._waiting)

    def put(self, signal: Signal) -> None:
        """Ask about this one too."""
        if len(self._waiting) >= _MOST_WAITING:
            self.unchecked += 1
        else:
            self._waiting.append(signal)

    def pump(self) -> list[Signal]:
        """Take the answer that has come, and ask on. Returns the signals that were false."""
        try:
            false = self._take_answer()
            self._ask()
        except OSError:  # the simulation died: another process will answer on the same socket
            self.close()
            return []
        return false

    def close(self) -> None:
        """What was asked must be asked again."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._asked, self._received = None, 0, b""

    def end(self) -> None:
        """Nobody answers any more."""
        self.unchecked += len(self._waiting)
        self._waiting.clear()
        self.close()

    def _ask(self) -> None:
        if self._asked or not self._waiting:
            return
        if self._socket is None:
            self._socket = socket.create_connection(self._address)
            self._socket.setblocking(False)
        asked = [self._waiting[number] for number in range(min(len(self._waiting), _ASKED_AT_ONCE))]
        self._socket.sendall(msgspec.json.encode([claim for each in asked for claim in self._claims(each)]) + b"\n")
        self._asked = len(asked)

    def _claims(self, signal: Signal) -> tuple[Claim, Claim]:
        ask = signal.buy_price if signal.buy_raw_price is msgspec.UNSET else signal.buy_raw_price
        bid = signal.sell_price if signal.sell_raw_price is msgspec.UNSET else signal.sell_raw_price
        since_ms, until_ms = signal.timestamp - self._since_ms, signal.timestamp + 1
        return (
            Claim(signal.buy_exchange, signal.buy_symbol, True, ask, since_ms, until_ms),
            Claim(signal.sell_exchange, signal.sell_symbol, False, bid, since_ms, until_ms),
        )

    def _take_answer(self) -> list[Signal]:
        if self._socket is None or not self._asked:
            return []
        try:
            received = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return []
        if not received:
            raise ConnectionResetError
        self._received += received
        if not self._received.endswith(b"\n"):
            return []
        verdicts = msgspec.json.decode(self._received, type=list[bool | None])
        signals = [self._waiting.popleft() for _ in range(self._asked)]
        self._asked, self._received = 0, b""
        false = []
        for signal, were_there in zip(signals, zip(verdicts[::2], verdicts[1::2], strict=True), strict=True):
            if False in were_there:
                false.append(signal)
            elif None in were_there:
                self.unchecked += 1
        return false


class InvariantsCheck:
    """Never keeps the node from anything: call `pump` a few times a second."""

    def __init__(
        self,
        endpoints: Endpoints,
        truth: tuple[str, int],
        max_age_ms: float,
        tell: Callable[[Invariants], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`truth` is where the simulation answers; `tell` is called with counts that are new."""
        self._events = EventReader(endpoints)
        self._lives = Lives()
        self._witness = Witness(truth, max_age_ms)
        self._tell = tell
        self._clock = clock
        self._false = 0
        self._told: Invariants | None = None
        self._troubles = LimitedLog(_log)
        self._logged_s = clock()

    def pump(self) -> None:
        """Take in what has happened."""
        self._read()
        for signal in self._witness.pump():
            self._false += 1
            written = msgspec.json.encode(signal).decode()
            self._troubles.warn("false", f"false signal: a price of it had not been there: {written}")
        counts = self._counts()
        if counts != self._told:
            self._told = counts
            self._tell(counts)
        if self._clock() - self._logged_s >= _LOG_EVERY_S:
            self._log_line(counts)

    def settle(self, within_s: float = _SETTLED_WITHIN_S) -> None:
        """The node is about to end: wait a little for what the simulation still has to answer."""
        deadline_s = self._clock() + within_s
        self.pump()
        while self._witness.is_waiting and self._clock() < deadline_s:
            time.sleep(_LOOK_EVERY_S)
            self.pump()

    def finish(self) -> None:
        """The node has ended: count what it left open, and log the last line."""
        self._read()
        self._lives.end()
        self._witness.end()
        self._events.close()
        self._log_line(self._counts())

    def _read(self) -> None:
        for event in self._events.read(0):
            self._lives.take(event)
            if event.signal is not None and event.signal.state != "close":
                self._witness.put(event.signal)

    def _counts(self) -> Invariants:
        doubled = self._events.doubled + self._lives.doubled
        unchecked = self._events.missed + self._witness.unchecked
        return Invariants(self._false, doubled, self._lives.unclosed, unchecked)

    def _log_line(self, counts: Invariants) -> None:
        self._logged_s = self._clock()
        _log.log(logging.INFO if counts.hold else logging.ERROR, "chaos: %s", counts.in_words)
