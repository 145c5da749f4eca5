"""Signals and events: kept in order for those who are behind, and counted where they are dropped."""

from collections import deque
from typing import Any

import msgspec
from msgspec import Raw, Struct

from arbsniper_tui.api.stream.messages import EventsChange, SignalsChange, WantedEvents, WantedSignals
from arbsniper_tui.api.stream.topic import PAGE_ROWS, Cursor, Topic
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.session.snapshot import EVENTS_KEPT

_SHOWN_KEPT = 5000
_encode = msgspec.json.Encoder().encode


class LoggedEvent(Struct, frozen=True):
    """An event, encoded once."""

    event: Event
    encoded: bytes
    encoded_signal: bytes


class EventLog:
    """The newest events of the node, as the API has read them."""

    def __init__(self) -> None:
        self.run = ""
        self.kept: deque[LoggedEvent] = deque(maxlen=EVENTS_KEPT)
        self.time_ms = 0.0
        """Of the newest state, by the node's clock."""
        self.after = 0
        """Every event with a larger number is kept, or was counted as missed, or is a heartbeat."""
        self.upto = 0
        """The number of the last event read."""
        self._missed = 0

    def add(self, event: Event) -> LoggedEvent:
        if len(self.kept) == EVENTS_KEPT:
            self.after = self.kept[0].event.seq
        signal = b"" if event.signal is None else _encode(event.signal)
        self.kept.append(logged := LoggedEvent(event, _encode(event), signal))
        return logged

    def gap(self, missed: int, after: int) -> int:
        """How many events the API itself has missed since the last call. `missed` counts those that were overwritten
        on the node; those up to `after` were not asked for."""
        gap, self._missed = missed - self._missed, missed
        if self.upto < after:
            gap += after - self.upto if self.upto else 0
            self.kept.clear()
            self.after = self.upto = after
        return gap


class EventFilter:
    """Which events are wanted. Once an opportunity has been shown, all that is said of it is: each opening is to have
    its close."""

    def __init__(self, wanted: WantedSignals | WantedEvents) -> None:
        self._wanted = wanted
        self._shown: dict[str, None] = {}
        """The ids of the opportunities that were shown, until the last event of each; the oldest first."""

    def wants(self, event: Event) -> bool:
        wanted = self._wanted
        if event.signal is not None:
            if event.signal.id not in self._shown:
                if not self._wants_signal(event.signal):
                    return False
                self._shown[event.signal.id] = None
                if len(self._shown) > _SHOWN_KEPT:
                    del self._shown[next(iter(self._shown))]
            return True
        if event.event == "survival":
            is_wanted = event.id in self._shown
            self._shown.pop(event.id, None)
            return is_wanted
        if wanted.symbol is not None or wanted.min_spread_pct is not None:
            return False
        return wanted.venue in (None, event.exchange)

    def _wants_signal(self, signal: Signal) -> bool:
        wanted = self._wanted
        return (
            (wanted.symbol in (None, signal.symbol, signal.buy_symbol, signal.sell_symbol))
            and (wanted.venue in (None, signal.buy_exchange, signal.sell_exchange))
            and (wanted.min_spread_pct is None or signal.spread_pct >= wanted.min_spread_pct)
        )


class EventTopic(Topic):
    """The wanted ones of a log's events: the newest of them, and what is open."""

    def __init__(self, of: WantedSignals | WantedEvents, log: EventLog) -> None:
        super().__init__(of)
        self._only_signals = isinstance(of, WantedSignals)
        self._filter = EventFilter(of)
        self._log = log
        self._kept: deque[tuple[int, int, bytes]] = deque(maxlen=EVENTS_KEPT)
        """Number in this topic, number of the event, and what is sent."""
        self._open: dict[str, bytes] = {}
        """The newest word on each opportunity that is open, by id; the one that changed last stands last."""
        for logged in log.kept:
            self.take(logged)

    def take(self, logged: LoggedEvent) -> None:
        """An event that was added to the log."""
        event = logged.event
        if not self._filter.wants(event):
            return
        sent = logged.encoded_signal if self._only_signals else logged.encoded
        if event.signal is not None:
            self._open.pop(event.signal.id, None)
            if event.event != "close":
                self._open[event.signal.id] = sent
        if not self._only_signals or event.event in ("open", "update"):
            self._kept.append((self._count(), event.seq, sent))

    def skip(self, missed: int) -> None:
        """The API has missed so many events: what was open may be closed."""
        self._count(missed)
        self._open.clear()

    def cursor_after(self, run: str, seq: int) -> Cursor:
        """Where a client goes on that has read this far, or begins anew."""
        log = self._log
        if run != log.run:
            return Cursor(-1, not_resumed=f"expected a place in the run {log.run}, found one in {run[:80]!r}")
        if seq > log.upto:
            return Cursor(-1, not_resumed=f"expected at most seq {log.upto}, the last event of this run, found {seq}")
        if seq < log.after:
            return Cursor(-1, not_resumed=f"the events {seq + 1} to {log.after} of this run are not held any more")
        read = [number for number, of_event, _ in self._kept if of_event <= seq]
        if read:
            return Cursor(read[-1])
        return Cursor(self._kept[0][0] - 1 if self._kept else self.number)

    def _make_page(self, cursor: Cursor) -> tuple[str, Cursor]:
        upto, seq = self.number, self._log.upto
        missed = left_out = 0
        is_snapshot, has_more = cursor.at < 0, False
        if is_snapshot:
            rows = list(self._open.values())[-PAGE_ROWS:]
            left_out = len(self._open) - len(rows)
        else:
            unread = []
            for each in reversed(self._kept):
                if each[0] <= cursor.at:
                    break
                unread.append(each)
            unread.reverse()
            has_more = len(unread) > PAGE_ROWS
            if has_more:
                del unread[PAGE_ROWS:]
                upto, seq, _ = unread[-1]
            rows = [encoded for _, _, encoded in unread]
            missed = upto - cursor.at - len(rows)
        told: dict[str, Any] = {
            "of": self.of,
            "run": self._log.run,
            "seq": seq,
            "missed": missed,
            "is_snapshot": is_snapshot,
            "left_out": left_out,
            "not_resumed": cursor.not_resumed,
            "has_more": has_more,
            "time": self._log.time_ms,
        }
        sent: list[Any] = [Raw(each) for each in rows]
        message = SignalsChange(signals=sent, **told) if self._only_signals else EventsChange(events=sent, **told)
        return _encode(message).decode(), Cursor(upto)
