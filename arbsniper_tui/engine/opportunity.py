"""One opportunity: a route whose spread stands above the threshold, from the quote that opens it to its close."""


class Opportunity:
    """Mutable by design: the gate alone holds and changes it."""

    __slots__ = ("announced_ns", "announced_pct", "best_spread_pct", "id", "opened_ns")

    def __init__(self, opened_ns: int, spread_pct: float) -> None:
        self.id = ""
        """Given with the first announcement; empty while a cooldown holds it back."""
        self.opened_ns = opened_ns
        self.best_spread_pct = spread_pct
        self.announced_ns = 0
        self.announced_pct = (0.0, 0.0)
        """Gross and net, as last announced."""
