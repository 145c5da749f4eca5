"""What a spread worker does first: it closes what the one before it left open when it was killed."""

from msgspec.structs import replace

from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.memory import LeftOpen, SpreadMemory
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.model.reason import Reason, ReasonCode, close_words
from arbsniper_tui.model.signal import Signal

REASON = close_words(Reason(ReasonCode.RESTARTED))


def close_left_open(memory: SpreadMemory, journal: Journal, detector: Detector, now_ns: int) -> None:
    """Every opening that anyone was told of gets its close. What was announced on the signals' channel is not announced
    there again when it turns out to stand still: the detector learns which those are."""
    ids = {(leg.venue, leg.instrument.symbol): leg.id for leg in detector.legs.shown.values()}
    for left in memory.left_open():
        signal = left.signal
        if not left.was_sent and not left.was_told:
            memory.note_closed(signal.id)  # it was never announced
            continue
        if not left.was_told:
            journal.tell_open(signal, now_ns)
        journal.announce(_closing(left, detector, now_ns), now_ns)
        if left.was_sent or not journal.announces:
            key = ids.get((signal.buy_exchange, signal.buy_symbol)), ids.get((signal.sell_exchange, signal.sell_symbol))
            if key[0] is not None and key[1] is not None:
                detector.resumable[key[0], key[1]] = signal.id
    journal.write_up()


def _closing(left: LeftOpen, detector: Detector, now_ns: int) -> Signal:
    now_ms = (now_ns + detector.wall_offset_ns) // 1_000_000
    return replace(
        left.signal,
        state="close",
        seq=detector.signal_seq,
        timestamp=now_ms,
        detected_at=now_ms,
        duration_ms=max(0, (now_ns - left.opened_ns) // 1_000_000),
        best_spread_pct=left.best_spread_pct,
        reason=REASON,
    )
