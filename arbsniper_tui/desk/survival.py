"""Would it have been caught? Each opened route is priced again a few times, and what stood is counted."""

from heapq import heappop, heappush

from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.routes import RouteKey
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.model.view import SurvivalRow

AFTER_MS = (50, 200, 500, 2000)
ROWS_A_VIEW = 100
MOST_FOLLOWED = 10_000
"""Opportunities beyond this number are not followed."""


class Survived(Struct, frozen=True):
    """What became of an opportunity, when it has closed and all spreads are known."""

    opening: Signal
    spreads_pct: tuple[float | None, ...]
    """The gross spread after each of AFTER_MS; None where a leg showed no price then, or the node ended before."""
    timestamp: int
    """When that was known, ms since 1970."""


class _Followed:
    """An opportunity that was announced."""

    __slots__ = ("closed_ms", "key", "opening", "spreads_pct", "stood")

    def __init__(self, opening: Signal, key: RouteKey) -> None:
        self.opening = opening
        self.key = key
        self.spreads_pct: list[float | None] = []
        self.stood: list[bool] = []
        self.closed_ms = 0
        """When it closed; 0 while it stands."""


class Survival:
    """Times are the detector's, in ns."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._followed: dict[str, _Followed] = {}
        """By the id of the opportunity."""
        self._due: list[tuple[int, str]] = []
        """A heap: when it is priced again, and which."""
        self._rows: dict[RouteKey, SurvivalRow] = {}
        self._changed: dict[RouteKey, None] = {}
        self._ids: dict[tuple[str, str], int] = {}
        self._version = -1

    def take(self, signal: Signal) -> Signal:
        """Follow an opening. A close gets the spreads that are known by now."""
        if signal.state == "open":
            self._follow(signal)
        elif signal.state == "close" and (followed := self._followed.get(signal.id)):
            followed.closed_ms = signal.timestamp
            return replace(signal, survival_pct=tuple(followed.spreads_pct))
        return signal

    def after_close(self, opportunity_id: str) -> Survived | None:
        """What became of an opportunity whose close has just been written; None where spreads are still to come."""
        followed = self._followed.get(opportunity_id)
        if followed is None or not followed.closed_ms or len(followed.spreads_pct) < len(AFTER_MS):
            return None
        return self._end(followed, followed.closed_ms)

    def advance(self, now_ns: int) -> list[Survived]:
        """Price again what is due by now. Returns what became of those that had closed before."""
        ended = []
        while self._due and self._due[0][0] <= now_ns:
            due_ns, opportunity_id = heappop(self._due)
            followed = self._followed[opportunity_id]
            self._price(followed, due_ns)
            if len(followed.spreads_pct) == len(AFTER_MS):
                self._count(followed)
                if followed.closed_ms:
                    due_ms = (due_ns + self._detector.wall_offset_ns) // 1_000_000
                    ended.append(self._end(followed, max(due_ms, followed.closed_ms)))
        return ended

    def end(self) -> list[Survived]:
        """The node ends: what became of those that have closed, as far as it is known."""
        self._due = []
        missing = (None,) * len(AFTER_MS)
        ended = []
        for followed in list(self._followed.values()):
            followed.spreads_pct.extend(missing[len(followed.spreads_pct) :])
            ended.append(self._end(followed, followed.closed_ms or followed.opening.timestamp))
        return ended

    def changed_rows(self) -> tuple[SurvivalRow, ...]:
        """The routes whose survival has changed since the last call, those that have waited longest."""
        told = [key for key, _ in zip(self._changed, range(ROWS_A_VIEW), strict=False)]
        for key in told:
            del self._changed[key]
        return tuple(self._rows[key] for key in told)

    def all_rows(self) -> tuple[SurvivalRow, ...]:
        """Every route that has opened."""
        return tuple(self._rows.values())

    def _follow(self, opening: Signal) -> None:
        key = self._key_of(opening)
        if key is None or len(self._followed) >= MOST_FOLLOWED:
            return
        self._followed[opening.id] = _Followed(opening, key)
        opened_ns = opening.timestamp * 1_000_000 - self._detector.wall_offset_ns
        for after_ms in AFTER_MS:
            heappush(self._due, (opened_ns + after_ms * 1_000_000, opening.id))

    def _key_of(self, signal: Signal) -> RouteKey | None:
        if self._version != self._detector.routes.version:
            self._version = self._detector.routes.version
            legs = self._detector.legs.shown.values()
            self._ids = {(leg.venue, leg.instrument.symbol): leg.id for leg in legs}
        buy = self._ids.get((signal.buy_exchange, signal.buy_symbol))
        sell = self._ids.get((signal.sell_exchange, signal.sell_symbol))
        return None if buy is None or sell is None else (buy, sell)

    def _price(self, followed: _Followed, at_ns: int) -> None:
        route = self._detector.routes.find(followed.key)
        spread = None
        if route is not None and route.is_priced(at_ns, self._detector.rules.max_age_ns):
            spread = round(route.spreads_pct(route.buy.ask, route.sell.bid)[0], 4)
        followed.spreads_pct.append(spread)
        followed.stood.append(spread is not None and not followed.closed_ms)

    def _count(self, followed: _Followed) -> None:
        row = self._rows.get(followed.key) or SurvivalRow(*followed.key)
        stood = tuple(n + stands for n, stands in zip(row.stood, followed.stood, strict=True))
        self._rows[followed.key] = replace(row, opened=row.opened + 1, stood=stood)
        self._changed[followed.key] = None

    def _end(self, followed: _Followed, at_ms: int) -> Survived:
        del self._followed[followed.opening.id]
        return Survived(followed.opening, tuple(followed.spreads_pct), at_ms)
