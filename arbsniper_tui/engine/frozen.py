"""A stream against its peers: frozen where at least two of them moved away since its own price last changed.

Only changes of a price count as life, never its repetition, a heartbeat or a new size
(docs/decisions/0022-frozen-by-its-peers.md)."""

from array import array
from collections.abc import Iterator, Sequence
from math import inf, nan
from statistics import median
from typing import Protocol

from arbsniper_tui.engine.past_prices import LATEST_NS, PastPrices
from arbsniper_tui.model.reason import Reason, ReasonCode

FLOOR_BPS = 3.0
"""Two venues that follow each other differ by less than this for a while, however narrow their spreads."""
OVERDUE_BOUND_BPS = 1.0
"""The same of an overdue stream, whatever its own spread: a pause so long is natural only while all stand still."""
OVERDUE_GAPS = 5
"""So many of its usual gaps without a change, and longer than a quote may be old: it is overdue."""
SOONEST_NS = 250_000_000
"""A stream that changed less than this ago is at most late: that is the opportunity."""
USUAL_GAPS = 2
"""How many of its own usual gaps between changes a stream gets to follow."""
NEVER_NS = 1 << 62
_ROUNDING = 1e-9
"""More than rounding can add to the ratio of two prices."""
_GAP_SHIFT = 3
"""A new gap counts for one eighth in the usual one."""


class Quoted(Protocol):
    """What is asked of a leg."""

    ask: float
    bid: float
    book: tuple[str, str]
    recv_ns: int
    stream: "Stream | None"


class CoinPrices:
    """The prices of one base coin in currencies that count as one: the middle of bid and ask of each stream, and what
    they were in the last seconds. Relative moves alone are compared, so that each stays in its own currency."""

    __slots__ = (
        "_is_told",
        "changed_ns",
        "changes",
        "last_venue",
        "mids",
        "others_change",
        "past",
        "streams",
        "unsettled",
        "version",
    )

    def __init__(self) -> None:
        self.streams: list[Stream] = []
        self.mids = array("d")
        """By the place of the stream; not a number where it shows no price."""
        self.past = PastPrices()
        """What `mids` was."""
        self.unsettled: Stream | None = None
        """Whose last change is not taken in yet. A decision seldom needs it: it is taken in after that, or when asked
        for."""
        self.changes = 0
        """Numbers them as they come."""
        self.last_venue = ""
        """Whose price changed last."""
        self.others_change = 0
        """The number of the last change of another venue."""
        self.changed_ns = 0
        self.version = 0
        """Counts the changes."""
        self._is_told = False

    def add(self, legs: Sequence[Quoted]) -> "Stream":
        """Take up the legs of one instrument, the one in the venue's own currency first."""
        self.settle()
        stream = Stream(legs, self, len(self.streams))
        self.streams.append(stream)
        for prices in self._all():
            prices.append(nan)
        self._look_anew()
        return stream

    def remove(self, stream: "Stream") -> None:
        self.settle()
        self.streams.remove(stream)
        stream.belong(None)
        for prices in self._all():
            del prices[stream.place]
        for place, each in enumerate(self.streams):
            each.place = place
        self._look_anew()

    def put(self, place: int, mid: float, ts_ns: int) -> None:
        """Take in a changed price, or that there is none."""
        self.settle()
        if ts_ns >= self.past.due_ns:
            self.past.keep(self.mids, ts_ns)
        self.mids[place] = mid
        self.version += 1
        self.changed_ns = ts_ns

    def settle(self) -> None:
        """Take in the last change."""
        if (stream := self.unsettled) is not None:
            self.unsettled = None
            stream.settle()

    def _look_anew(self) -> None:
        """The legs tell of their prices only where somebody could be found frozen: with two venues alone nobody is."""
        self.version += 1
        books = [each.leg.book for each in self.streams]
        is_told = any(len({book[0] for book in books if book != own}) > 1 for own in books)
        if is_told and not self._is_told:
            for each in self.streams:
                each.begin()
            for each in self.streams:
                each.since_own = self.mids[:]
        self._is_told = is_told
        for each in self.streams:
            each.belong(each if is_told else None)
            each.look_anew()

    def _all(self) -> Iterator["array[float]"]:
        yield self.mids
        yield from self.past.rows
        for each in self.streams:
            yield each.since_own


class Stream:
    """When the price of one instrument changed last, and what its peers showed then."""

    __slots__ = (
        "_above",
        "_above_since_ns",
        "_away",
        "_below",
        "_below_since_ns",
        "_compared",
        "_before_ns",
        "_changing_ns",
        "_early",
        "_from_ns",
        "_is_overdue",
        "_mid",
        "_number",
        "_seen_ns",
        "_venue",
        "_version",
        "changed_ns",
        "coin",
        "gap_ns",
        "leg",
        "legs",
        "place",
        "since_own",
    )

    def __init__(self, legs: Sequence[Quoted], coin: CoinPrices, place: int) -> None:
        self.legs = legs
        self.leg = legs[0]
        self.coin = coin
        self.place = place
        self.changed_ns = self._before_ns = 0
        """When its price changed last, and the time before, until that is taken in."""
        self._changing_ns = self._number = 0
        """When the quote of its last change was received, perhaps after a newer one, and the number of that change."""
        self._mid = nan
        """Its price, as last changed."""
        self._venue = self.leg.book[0]
        self.gap_ns = LATEST_NS // USUAL_GAPS
        """Usual between two changes; a weighted mean, in which the newest count most."""
        self.since_own = coin.mids[:]
        """The prices of the coin when its own changed last."""
        self.look_anew()

    def belong(self, stream: "Stream | None") -> None:
        """Have its legs tell their prices to this stream; None: to nobody."""
        for leg in self.legs:
            leg.stream = stream

    def begin(self) -> None:
        """Take the price that stands for one that has just come."""
        if self.leg.bid:
            self.change((self.leg.bid + self.leg.ask) / 2, self.leg.recv_ns)
            self.coin.settle()
        else:
            self.coin.mids[self.place] = nan

    def look_anew(self) -> None:
        """Its peers are others."""
        self._compared: array[float] | None = None
        """Against which prices all that follows was made."""
        self._above: list[float] = []
        self._below: list[float] = []
        """Beyond these prices each peer has moved, unless its own spread is wider."""
        self._above_since_ns = self._below_since_ns = NEVER_NS
        self._away: list[int] = []
        """The places of the peers that have moved away now."""
        self._seen_ns = 0
        """Up to when former prices have been looked at."""
        self._from_ns = NEVER_NS
        self._version = -1
        self._is_overdue = False
        self._early = (-1, NEVER_NS)
        """From when on it was frozen before it was overdue, which counts for this version alone."""

    def change(self, mid: float, ts_ns: int) -> None:
        """Its price changed. What this does stands before a decision: no more than that asks for."""
        coin = self.coin
        if coin.unsettled is not None:
            coin.settle()
        coin.unsettled = self
        if self._venue != coin.last_venue:
            coin.others_change, coin.last_venue = coin.changes, self._venue
        coin.changes += 1
        self._number = coin.changes
        self._mid, self._changing_ns = mid, ts_ns
        if ts_ns > self.changed_ns:
            self._before_ns, self.changed_ns = self.changed_ns, ts_ns

    def settle(self) -> None:
        """Take in the last change."""
        # The same as `CoinPrices.put`, without the call: this runs for each change of a price.
        coin, ts_ns = self.coin, self._changing_ns
        if ts_ns >= coin.past.due_ns:
            coin.past.keep(coin.mids, ts_ns)
        coin.mids[self.place] = self._mid
        coin.version += 1
        coin.changed_ns = ts_ns
        gap_ns = self.changed_ns - self._before_ns
        if gap_ns > 0:
            self.gap_ns += ((gap_ns if gap_ns < LATEST_NS else LATEST_NS) - self.gap_ns) >> _GAP_SHIFT
            self._before_ns = self.changed_ns
        self.since_own = coin.mids[:]

    def withdraw(self) -> None:
        """It shows no price."""
        self.coin.put(self.place, nan, self.coin.changed_ns)

    def overdue_ns(self, max_age_ns: int) -> int:
        """When it is overdue, unless it changes until then."""
        return self.changed_ns + max(max_age_ns, OVERDUE_GAPS * self.gap_ns) + 1

    def frozen_from_ns(self, max_age_ns: int, now_ns: int) -> int:
        """From when on it is frozen as far as is known now; NEVER_NS where its peers have not moved away."""
        coin = self.coin
        if coin.others_change <= self._number:
            return NEVER_NS  # One venue alone has changed since.
        if coin.unsettled is not None:
            coin.settle()
        overdue_ns = self.overdue_ns(max_age_ns)
        if (now_ns >= overdue_ns) is not self._is_overdue:
            early = (coin.version, self._frozen_ns(max_age_ns))
            self.look_anew()
            self._is_overdue = now_ns >= overdue_ns
            if self._is_overdue:
                self._early = early
        frozen_ns = self._frozen_ns(max_age_ns)
        if not self._is_overdue or frozen_ns == NEVER_NS:
            return frozen_ns
        version, early_ns = self._early
        return min(early_ns if version == coin.version else NEVER_NS, max(frozen_ns, overdue_ns))

    def _frozen_ns(self, max_age_ns: int) -> int:
        """From when on it is frozen by the bound in force."""
        coin = self.coin
        if self._version != coin.version:
            if self._compared is not self.since_own:
                self._compare_with(self.since_own)
            self._version = coin.version
            above = below = 0
            for mid, highest, lowest in zip(coin.mids, self._above, self._below, strict=True):
                if mid > highest:
                    above += 1
                elif mid < lowest:
                    below += 1
            # One alone is the usual case, and says nothing.
            self._from_ns = self._peers_away_since_ns() if above > 1 or below > 1 else NEVER_NS
        if self._from_ns == NEVER_NS:
            return NEVER_NS
        return self._from_ns + max(SOONEST_NS, min(USUAL_GAPS * self.gap_ns, max_age_ns, LATEST_NS))

    def why_frozen(self, now_ns: int, max_age_ns: int) -> Reason | None:
        """Why it is not trusted; None while its peers stand where they stood, or have moved just now."""
        if now_ns - self.changed_ns < SOONEST_NS or self.frozen_from_ns(max_age_ns, now_ns) > now_ns:
            return None
        moves_bps = [abs(self.coin.mids[each] / self.since_own[each] - 1.0) * 1e4 for each in self._away]
        age_s, bound_bps = (now_ns - self.changed_ns) / 1e9, (self._bound() - 1.0) * 1e4
        return Reason(ReasonCode.FROZEN, "", age_s, bound_bps, "", median(moves_bps), len(moves_bps))

    def _bound(self) -> float:
        share = OVERDUE_BOUND_BPS / 1e4 if self._is_overdue else max(FLOOR_BPS / 1e4, _width(self.leg))
        return 1.0 + _ROUNDING + share

    def _compare_with(self, prices: "array[float]") -> None:
        """Tell from now on who has moved away from these prices."""
        self._above_since_ns = self._below_since_ns = NEVER_NS
        self._compared, self._seen_ns, bound = prices, self.changed_ns, self._bound()
        is_peer = [each.leg.book != self.leg.book for each in self.coin.streams]
        peers = list(zip(prices, is_peer, strict=True))
        self._above = [was * bound if counts else inf for was, counts in peers]
        self._below = [was / bound if counts else 0.0 for was, counts in peers]

    def _peers_away_since_ns(self) -> int:
        coin = self.coin
        above, below = self._moved(coin.mids, with_widths=True)
        self._away = above or below
        if not self._away:
            return NEVER_NS
        for from_ns, until_ns, mids in coin.past.after(self._seen_ns):
            was_above, was_below = self._moved(mids)
            self._above_since_ns = min(self._above_since_ns, from_ns) if was_above else NEVER_NS
            self._below_since_ns = min(self._below_since_ns, from_ns) if was_below else NEVER_NS
            self._seen_ns = until_ns
        since_ns = self._above_since_ns if above else self._below_since_ns
        return max(min(since_ns, coin.changed_ns), self.changed_ns)

    def _moved(self, mids: "array[float]", *, with_widths: bool = False) -> tuple[list[int], list[int]]:
        """The places of the peers that stand above, and below, what they showed when its own price changed last:
        either is empty unless they are on two venues. Of the present prices, a move within the peer's own spread is
        none."""
        above: list[int] = []
        below: list[int] = []
        for place, (mid, highest, lowest) in enumerate(zip(mids, self._above, self._below, strict=True)):
            if mid > highest:
                above.append(place)
            elif mid < lowest:
                below.append(place)
        return self._of_two_venues(above, with_widths), self._of_two_venues(below, with_widths)

    def _of_two_venues(self, places: list[int], with_widths: bool) -> list[int]:
        if len(places) < 2:
            return []
        streams, mids, was = self.coin.streams, self.coin.mids, self.since_own
        if with_widths:
            places = [each for each in places if abs(mids[each] / was[each] - 1.0) > _width(streams[each].leg)]
        return places if len({streams[each].leg.book[0] for each in places}) > 1 else []


def _width(leg: Quoted) -> float:
    """The spread as a share of the bid; 0 where it shows no price."""
    return (leg.ask - leg.bid) / leg.bid if leg.bid else 0.0
