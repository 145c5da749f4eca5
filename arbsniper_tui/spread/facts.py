"""What venues have said of instruments beside their quotes, as the spread worker holds it."""

from collections.abc import Iterable

from msgspec.structs import replace

from arbsniper_tui.engine.leg import Legs
from arbsniper_tui.engine.make_signal import FundingTerms
from arbsniper_tui.model.fact import CoinName, Fact, Funding, FundingInterval, Mark, OpenInterest, OrderLimits
from arbsniper_tui.model.view import FactsRow
from arbsniper_tui.wire.messages import Facts

ROWS_A_VIEW = 100
"""More changed rows wait for the next view, so that a view is soon made."""


class NewestFacts:
    """Of each instrument and kind of fact the newest."""

    def __init__(self, terms: dict[int, FundingTerms], legs: Legs) -> None:
        """`terms` is what signals tell of funding; kept up to date here, as are the order limits of `legs`."""
        self._terms = terms
        self._legs = legs
        self._rows: dict[int, FactsRow] = {}
        """With times of receipt by the clock of ages, in ms."""
        self._intervals_h: dict[int, float] = {}
        """Of venues that do not tell them with the rates."""
        self._changed: dict[int, None] = {}

    def take(self, message: Facts) -> None:
        """Hold what a feed has sent."""
        at_ms = message.at_ns / 1e6
        for fact in message.facts:
            self._take(fact, at_ms)

    def of(self, instrument_id: int) -> FactsRow:
        """What is held of one instrument, with times of receipt by the clock of ages."""
        return self._rows.get(instrument_id) or FactsRow(instrument_id)

    def all_rows(self, wall_offset_ns: int) -> tuple[FactsRow, ...]:
        """What is held, with times of receipt since 1970."""
        return tuple(_dated(row, wall_offset_ns / 1e6) for row in self._rows.values())

    def changed_rows(self, wall_offset_ns: int) -> tuple[FactsRow, ...]:
        """What came since the last call, those that have waited longest."""
        told = [i for i, _ in zip(self._changed, range(ROWS_A_VIEW), strict=False)]
        for i in told:
            del self._changed[i]
        return tuple(_dated(self._rows[i], wall_offset_ns / 1e6) for i in told)

    def forget(self, instrument_ids: Iterable[int]) -> None:
        """Drop what is held of instruments that are not watched any more."""
        for i in instrument_ids:
            for held in (self._terms, self._rows, self._intervals_h, self._changed):
                held.pop(i, None)

    def _take(self, fact: Fact, at_ms: float) -> None:
        i = fact.instrument_id
        row = self.of(i)
        if isinstance(fact, FundingInterval):
            self._intervals_h[i] = fact.hours
            if row.funding is None:
                return
            row = replace(row, funding=replace(row.funding, interval_h=fact.hours))
        elif isinstance(fact, Funding):
            hours = fact.interval_h if fact.interval_h is not None else self._intervals_h.get(i)
            row = replace(row, funding=replace(fact, interval_h=hours), funding_ms=at_ms)
        elif isinstance(fact, Mark):
            row = replace(row, mark=fact, mark_ms=at_ms)
        elif isinstance(fact, OpenInterest):
            row = replace(row, interest=fact, interest_ms=at_ms)
        elif isinstance(fact, OrderLimits):
            row = replace(row, limits=fact)
            self._legs.limit(fact)
        elif isinstance(fact, CoinName):
            row = replace(row, coin=fact)
        self._rows[i] = row
        self._changed[i] = None
        if isinstance(fact, Funding | FundingInterval):
            self._terms[i] = FundingTerms(row.funding)


def _dated(row: FactsRow, wall_offset_ms: float) -> FactsRow:
    return replace(
        row,
        funding_ms=row.funding_ms + wall_offset_ms,
        mark_ms=row.mark_ms + wall_offset_ms,
        interest_ms=row.interest_ms + wall_offset_ms,
    )
