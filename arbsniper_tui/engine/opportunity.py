"""One opportunity: a route whose spread stands above the threshold, from the quote that opens it to its close."""

from msgspec import Struct


class Opportunity(Struct, gc=False):
    """Mutable by design: the detector alone holds and changes it."""

    opened_ns: int
    best_spread_pct: float
    id: str = ""
    """Given with the first announcement; empty while a cooldown holds it back."""
    announced_ns: int = 0
    announced_pct: tuple[float, float] = (0.0, 0.0)
    """Gross and net, as last announced."""
    resumed_from: str = ""
    """The id of the same opportunity before the process that had announced it died."""
    is_event_only: bool = False
    """Whether the signals' channel does not hear of it."""
