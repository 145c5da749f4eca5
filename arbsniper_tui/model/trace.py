"""The way of one signal, for whoever wants to see where its time went."""

from msgspec import Struct

from arbsniper_tui.model.signal import Signal


class SignalTrace(Struct, frozen=True, array_like=True):
    """When a signal passed each stage of its way. Times are ns since 1970."""

    signal: Signal
    event: int
    """The number of its event."""
    run: str
    """The run of the node."""
    read_ns: int
    """The bytes with the quote that caused it were read from the venue's socket."""
    parsed_ns: int
    """They were quotes, and left the feed worker."""
    got_ns: int
    """The spread worker took them off the bus."""
    decided_ns: int
    """It had decided on all quotes of that message."""
    announced_ns: int
    """Its publishing began."""
    published_ns: int
    """It, and what was announced with it, had left for Redis."""
    written_ns: int
    """Its event was written."""
    stored_ns: int | None = None
    """Redis was known to have the event, which is looked at every 20 ms; None where it had not within 10 s."""
