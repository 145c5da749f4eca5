"""What a spread worker does first: it sends what the one before it wrote and Redis does not have, and closes what that
one left open when it was killed."""

import logging

import msgspec
from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from arbsniper_tui.desk.desk import Desk
from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.memory import LeftOpen, SpreadMemory
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.model.errors import UNREADABLE
from arbsniper_tui.model.reason import Reason, ReasonCode, close_words
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.sinks.sink import PastEvent, Sink
from arbsniper_tui.sinks.stream_check import KEPT

REASON = close_words(Reason(ReasonCode.RESTARTED))

_log = logging.getLogger(__name__)


class _Written(Struct):
    signal: Raw = Raw(b"")


_event_from_json = msgspec.json.Decoder(Event).decode
_written_from_json = msgspec.json.Decoder(_Written).decode


def send_again(memory: SpreadMemory, sink: Sink, desk: Desk, run: str) -> None:
    """Hand on what the worker before wrote: to the sink what its server may not have, and to the desk, for viewers that
    missed some, what is of this run."""
    unconfirmed = memory.unconfirmed
    # The server is looked through for one of these; of a run that has ended, all that it confirmed is done with.
    confirmed = 0 if memory.is_new_run else min(KEPT, len(memory.events) - unconfirmed)
    past: list[PastEvent] = []
    for place, written in enumerate(memory.events.newest(confirmed + unconfirmed)):
        try:
            event = _event_from_json(written)
            signal = _written_from_json(written).signal
        except UNREADABLE as error:
            _log.error("an event of the worker before cannot be read and is not sent: %s", error)
            continue
        if event.run == run:
            desk.remember(event)
        is_announced = event.signal is not None and event.signal.state != "close" and event.signal.resumed_from is UNSET
        kept = bytes(signal) if is_announced else b""
        past.append(PastEvent(written, event.event, place < confirmed, kept, event.timestamp))
    sink.send_again(past)


def close_left_open(memory: SpreadMemory, journal: Journal, detector: Detector, now_ns: int) -> None:
    """Every opening that anyone was told of gets its close. What was announced on the signals' channel is not announced
    there again when it turns out to stand still: the detector learns which those are. Of a run that has ended, nothing
    stands still."""
    ids = {(leg.venue, leg.instrument.symbol): leg.id for leg in detector.legs.shown.values()}
    for left in memory.left_open():
        signal = left.signal
        if not left.was_sent and not left.was_told:
            # It was never announced, and neither was any signal after it.
            memory.note_closed(signal.id)
            detector.signal_seq = min(detector.signal_seq, signal.seq - 1)
            continue
        if left.is_owed or not left.was_told:
            journal.tell(signal, now_ns)
        journal.announce(_closing(left, detector, now_ns), now_ns)
        if left.ended_ns is None and (left.was_sent or not journal.announces):
            key = ids.get((signal.buy_exchange, signal.buy_symbol)), ids.get((signal.sell_exchange, signal.sell_symbol))
            if key[0] is not None and key[1] is not None:
                detector.resumable[key[0], key[1]] = signal.id
    memory.give(memory.event, detector.signal_seq)
    journal.write_up()


def _closing(left: LeftOpen, detector: Detector, now_ns: int) -> Signal:
    now_ms = (now_ns + detector.wall_offset_ns) // 1_000_000
    ended_ns = now_ns if left.ended_ns is None else left.ended_ns
    return replace(
        left.signal,
        state="close",
        seq=detector.signal_seq,
        timestamp=now_ms,
        detected_at=now_ms,
        duration_ms=max(0, (ended_ns - left.opened_ns) // 1_000_000),
        best_spread_pct=left.best_spread_pct,
        reason=REASON,
    )
