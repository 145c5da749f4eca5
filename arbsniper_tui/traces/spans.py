"""From the way of a signal to the spans of a trace. Pure."""

from msgspec import Struct

from arbsniper_tui.model.trace import SignalTrace

_MS_NS = 1_000_000


class Span(Struct, frozen=True):
    """A part of the way; times are ns since 1970."""

    name: str
    begins_ns: int
    ends_ns: int


def spans_of(trace: SignalTrace) -> tuple[Span, ...]:
    """The whole way, called signal, and its parts in their order."""
    # The receipt is known to the ms below: a shorter wait for the read cannot be told from none.
    detected_ns = trace.signal.detected_at * _MS_NS
    received_ns = detected_ns if trace.read_ns - detected_ns >= _MS_NS else trace.read_ns
    parts = [
        Span("receive", received_ns, trace.read_ns),
        Span("parse", trace.read_ns, trace.parsed_ns),
        Span("bus", trace.parsed_ns, trace.got_ns),
        Span("decide", trace.got_ns, trace.decided_ns),
        Span("publish", trace.announced_ns, trace.published_ns),
    ]
    if trace.stored_ns is not None:
        parts.append(Span("store", trace.written_ns, trace.stored_ns))
    return Span("signal", received_ns, max(each.ends_ns for each in parts)), *parts


def attributes_of(trace: SignalTrace) -> dict[str, str | int | float]:
    """What the signal was."""
    signal = trace.signal
    return {
        "arbsniper.signal.id": signal.id,
        "arbsniper.signal.seq": signal.seq,
        "arbsniper.signal.state": signal.state,
        "arbsniper.symbol": signal.symbol,
        "arbsniper.action": signal.action,
        "arbsniper.spread_pct": signal.spread_pct,
        "arbsniper.event.seq": trace.event,
        "arbsniper.run": trace.run,
        "arbsniper.stored": trace.stored_ns is not None,
    }
