"""The feed worker's end of the bus. It never waits: while the reader lags, it keeps the newest state of each
instrument."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from msgspec.structs import replace

from arbsniper_tui.model.fact import Fact
from arbsniper_tui.model.health import FeedHealth
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.wire.messages import (
    Facts,
    FromFeed,
    HealthReport,
    InstrumentsChanged,
    QuoteBatch,
    Withdrawn,
    encode,
)
from arbsniper_tui.wire.push import PushSocket

_Kind = tuple[int, type[Fact]]
"""An instrument, and what is said of it."""
_State = tuple[int, Quote | Withdrawal]
"""When it was received, in ns, and the quote or withdrawal."""


class QuoteSender:
    """A PUSH socket that remembers one state for each instrument, and sends them all to a reader that starts again."""

    def __init__(self, path: Path, on_holding: Callable[[], None] = lambda: None) -> None:
        """`on_holding` is called when something is held back. Call `flush` from then on until `is_holding` is false."""
        self._push = PushSocket(path, on_lost=self._hold_all)
        self._on_holding = on_holding
        self._newest: dict[int, _State] = {}
        self._held: dict[int, _State] = {}
        self._newest_facts: dict[_Kind, tuple[int, Fact]] = {}
        self._held_facts: dict[_Kind, tuple[int, Fact]] = {}
        self._held_reports: dict[str, HealthReport] = {}
        self._added: dict[int, Instrument] = {}
        """Instruments taken up since the process began. A reader that begins anew does not know them."""
        self._removed: set[int] = set()
        self._must_tell_instruments = False
        self._is_paused = False
        self._conflated: Counter[int] = Counter()

    @property
    def conflated(self) -> int:
        """States that a newer one of the same instrument replaced before they were sent."""
        return self._conflated.total()

    def with_conflated(self, feed: FeedHealth, before: Collection[int] = ()) -> FeedHealth:
        """The health of a feed, with what was replaced here of its instruments, and of those that it had `before`."""
        here = sum(self._conflated[i] for i in (*feed.instrument_ids, *before))
        return replace(feed, conflated=feed.conflated + here) if here else feed

    @property
    def is_holding(self) -> bool:
        held = self._held or self._held_facts or self._held_reports or self._must_tell_instruments
        return bool(held or self._push.rest)

    def send_quotes(self, quotes: Sequence[Quote], ts_read_ns: int, recv_ns: Sequence[int] = ()) -> None:
        """Send the quotes of one read. `recv_ns` is the time of receipt of each, where it is not `ts_read_ns`."""
        has_left = not (self._held or self._is_paused or self._must_tell_instruments) and self._push.send(
            encode(QuoteBatch(ts_read_ns, now_ns(), quotes, recv_ns))
        )
        for number, quote in enumerate(quotes):
            ts_recv_ns = recv_ns[number] if recv_ns else ts_read_ns
            self._note(quote.instrument_id, (ts_recv_ns, quote), has_left=has_left)
        if not has_left or self._push.rest:
            self._flush_or_report()

    def pause(self) -> None:
        """Hold everything back until `resume`: more input waits, and may replace what is held."""
        self._is_paused = True

    def resume(self) -> None:
        """End the pause, and send the newest state of each instrument together."""
        self._is_paused = False
        self._flush_or_report()

    def withdraw(self, withdrawal: Withdrawal, at_ns: int) -> None:
        """Withdraw instruments. The reader gets this after the quotes that were sent before."""
        has_left = not (self._held or self._is_paused or self._must_tell_instruments) and self._try(
            Withdrawn(at_ns, withdrawal.instrument_ids, withdrawal.reason)
        )
        for instrument_id in withdrawal.instrument_ids:
            self._note(instrument_id, (at_ns, withdrawal), has_left=has_left)
        if not has_left or self._push.rest:
            self._flush_or_report()

    def send_facts(self, facts: Sequence[Fact], at_ns: int) -> None:
        """What venues say beside quotes, after the states that were sent before."""
        newest = {(fact.instrument_id, type(fact)): (at_ns, fact) for fact in facts}
        self._newest_facts |= newest
        has_left = not (self.is_holding or self._is_paused) and self._try(Facts(at_ns, tuple(facts)))
        if not has_left:
            self._held_facts |= newest
        if not has_left or self._push.rest:
            self._flush_or_report()

    def change_instruments(self, added: Sequence[Instrument], removed: Collection[int]) -> None:
        """Tell which instruments the feeds serve from now on, before any quote of those added."""
        for instrument_id in removed:
            self._added.pop(instrument_id, None)
            self._newest.pop(instrument_id, None)
            self._held.pop(instrument_id, None)
        for facts in (self._newest_facts, self._held_facts):
            for key in [key for key in facts if key[0] in removed]:
                del facts[key]
        self._removed.update(removed)
        self._added |= {each.id: each for each in added}
        self._must_tell_instruments = True
        self._flush_or_report()

    def report(self, report: HealthReport) -> None:
        """Send a worker's report after every state before it. It replaces an older report that is still held."""
        if self._held or self._is_paused or not self._try(report):
            self._held_reports[report.worker] = report
            self._on_holding()
        else:
            self._held_reports.pop(report.worker, None)

    def flush(self) -> None:
        """Send what is held, as far as there is room and no pause. Withdrawals go first, so that no quote is compared
        with a price that is withdrawn; then all quotes go together."""
        self._push.flush()
        if self._is_paused or not self._tell_instruments():
            return
        for instrument_id, (ts, state) in list(self._held.items()):
            if isinstance(state, Withdrawal):
                if not self._try(Withdrawn(ts, (instrument_id,), state.reason)):
                    return
                del self._held[instrument_id]
        quotes = [(ts, state) for ts, state in self._held.values() if isinstance(state, Quote)]
        if quotes:
            batch = QuoteBatch(
                min(ts for ts, _ in quotes), now_ns(), [quote for _, quote in quotes], [ts for ts, _ in quotes]
            )
            if not self._try(batch):
                return
            for _, quote in quotes:
                del self._held[quote.instrument_id]
        for kind, (at_ns, fact) in list(self._held_facts.items()):
            if not self._try(Facts(at_ns, (fact,))):
                return
            del self._held_facts[kind]
        for worker, report in list(self._held_reports.items()):
            if not self._try(report):
                return
            del self._held_reports[worker]

    def close(self) -> None:
        """Close at once and discard what is held."""
        self._push.close()

    def _flush_or_report(self) -> None:
        self.flush()
        if self.is_holding and not self._is_paused:
            self._on_holding()

    def _note(self, instrument_id: int, state: _State, *, has_left: bool) -> None:
        self._newest[instrument_id] = state
        if not has_left:
            if self._held.pop(instrument_id, None) is not None:
                self._conflated[instrument_id] += 1
            self._held[instrument_id] = state

    def _hold_all(self) -> None:
        self._held = dict(self._newest)
        self._held_facts = dict(self._newest_facts)
        self._must_tell_instruments = bool(self._added or self._removed)

    def _tell_instruments(self) -> bool:
        """All changes at once: a reader passes over those it knows. Whether nothing is left to tell."""
        if self._must_tell_instruments:
            added, removed = tuple(self._added.values()), tuple(self._removed)
            self._must_tell_instruments = not self._try(InstrumentsChanged(now_ns(), added, removed))
        return not self._must_tell_instruments

    def _try(self, message: FromFeed) -> bool:
        return self._push.send(encode(message))


class LosslessSender:
    """A PUSH socket that waits for its reader, so that a replay loses nothing."""

    def __init__(self, path: Path) -> None:
        self._push = PushSocket(path)

    def send(self, message: FromFeed) -> None:
        """Send a message, and return when the kernel has all of it."""
        body = encode(message)
        while not self._push.send(body):
            self._push.wait()
        while not self._push.flush():
            self._push.wait()

    def close(self) -> None:
        self._push.close()
