"""What the simulated market really was: each best bid and ask with its times, to check what was said of it."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from math import isclose
from socket import socket
from time import monotonic_ns, time_ns
from typing import NamedTuple

import msgspec
from msgspec import Struct

from arbsniper_tui.sim.instruments import SimInstrument
from arbsniper_tui.sim.market import NS_PER_S, Top

_KEPT_NS = 120 * NS_PER_S
_ROUNDING = 1e-9


class Claim(Struct, frozen=True, array_like=True):
    """An ask or a bid that somebody says to have seen, in the venue's own currency for one coin."""

    venue: str
    symbol: str
    """Unified."""
    is_ask: bool
    price: float
    since_ms: int
    """It counts as true if it stood at some moment from here, ms since 1970 ..."""
    until_ms: int
    """... to here."""


class State(NamedTuple):
    """A best bid and ask, in force from a moment until the next."""

    at_ns: int
    """Monotonic."""
    bid: float
    ask: float


class Truth:
    """Times are monotonic, in ns."""

    def __init__(self, instruments: Sequence[SimInstrument], kept_ns: int = _KEPT_NS) -> None:
        """States that ended more than `kept_ns` before the newest are forgotten."""
        self._instruments = instruments
        self._by_name = {(each.venue, each.symbol): each.id for each in instruments}
        self._kept_ns = kept_ns
        self._states: dict[int, deque[State]] = {}

    def note(self, top: Top, at_ns: int) -> None:
        """A best bid and ask is in force from now on."""
        instrument = self._instruments[top.instrument_id]
        bid = float(instrument.price_text(top.bid_ticks)) / instrument.multiplier
        ask = float(instrument.price_text(top.ask_ticks)) / instrument.multiplier
        states = self._states.setdefault(top.instrument_id, deque())
        states.append(State(at_ns, bid, ask))
        while len(states) > 1 and states[1].at_ns < at_ns - self._kept_ns:
            states.popleft()

    def states(self, venue: str, symbol: str) -> Sequence[State]:
        """All that is kept of an instrument, oldest first."""
        return self._states.get(self._by_name.get((venue, symbol), -1), ())

    def was_there(self, claim: Claim, wall_offset_ns: int, *, exactly: bool = False) -> bool | None:
        """Whether an order at this price would have been filled at some moment of its span, by this price or a better
        one, or `exactly` by this price; None where that is not known any more. `wall_offset_ns` added to a time here
        gives the time since 1970."""
        since_ns, until_ns = (ms * 1_000_000 - wall_offset_ns for ms in (claim.since_ms, claim.until_ms))
        states = list(self.states(claim.venue, claim.symbol))
        for state, ends_ns in _spans(states):
            if state.at_ns <= until_ns and ends_ns >= since_ns and _fills(state, claim, exactly):
                return True
        return False if states and states[0].at_ns <= since_ns else None


def _fills(state: State, claim: Claim, exactly: bool) -> bool:
    price = state.ask if claim.is_ask else state.bid
    if exactly or not price:
        return isclose(price, claim.price, rel_tol=_ROUNDING)
    if claim.is_ask:
        return price <= claim.price * (1 + _ROUNDING)
    return price >= claim.price * (1 - _ROUNDING)


def _spans(states: Sequence[State]) -> Iterator[tuple[State, int]]:
    for number, state in enumerate(states):
        yield state, states[number + 1].at_ns if number + 1 < len(states) else 2**63


async def answer_claims(truth: Truth, listener: socket) -> None:
    """Serve until cancelled: for each line of JSON, a list of claims, a line with a verdict on each."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                wall_offset_ns = time_ns() - monotonic_ns()
                claims = msgspec.json.decode(line, type=list[Claim])
                verdicts = [truth.was_there(each, wall_offset_ns) for each in claims]
                writer.write(msgspec.json.encode(verdicts) + b"\n")
                await writer.drain()
        except (OSError, ValueError, msgspec.MsgspecError, asyncio.CancelledError):
            return  # whoever asked has gone, or asked for something else, or nobody is answered any more
        finally:
            writer.close()

    async with await asyncio.start_server(answer, sock=listener, limit=1 << 20) as server:
        await server.serve_forever()
