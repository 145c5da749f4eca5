"""Which prices may be of one coin: a pure rule over the prices of everything that bears one name."""

from collections.abc import Sequence
from statistics import median

from msgspec import Struct

from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.verdict import two_digits

BAND = 1.5
"""Two prices of one coin lie within this factor of each other (docs/decisions/0023)."""


class Priced(Struct, frozen=True, gc=False):
    """One bid and ask among those of a name."""

    book: tuple[str, str]
    """Whose order book it is: a book counts once, however many venues show it."""
    bid: float
    ask: float
    allowed: float = 1.0
    """How far from its peers the user has called it the same coin: a ratio of prices."""

    @property
    def middle(self) -> float:
        return (self.bid + self.ask) / 2

    @property
    def low(self) -> float:
        return self.bid / max(1.0, self.allowed)

    @property
    def high(self) -> float:
        return self.ask / min(1.0, self.allowed)


class _Cluster:
    """Prices of which each lies within the band of the next."""

    def __init__(self, first: int, priced: Priced) -> None:
        self.low, self.high = priced.low, priced.high
        self.members = {first}
        self.books = {priced.book}

    def is_near(self, priced: Priced) -> bool:
        return priced.low <= self.high * BAND and priced.high * BAND >= self.low

    def join(self, place: int, priced: Priced) -> None:
        self.members.add(place)
        self.books.add(priced.book)


def held_apart(prices: Sequence[Priced]) -> dict[int, Reason]:
    """Of prices above zero in one currency those that may be of another coin, by their places, each with its reason.

    The largest number of books that agree stands for the coin, and the others are held. Where no such number is larger
    than all others, all are held: two that disagree, or two against two. One book alone passes.
    """
    if len({each.book for each in prices}) < 2:
        return {}
    clusters = _clusters(prices)
    most = max(len(each.books) for each in clusters)
    largest = [each for each in clusters if len(each.books) == most]
    trusted: set[int] = largest[0].members if len(largest) == 1 else set()
    return {place: _reason(place, prices, trusted) for place in range(len(prices)) if place not in trusted}


def ratio_to_peers(place: int, prices: Sequence[Priced], trusted: set[int]) -> tuple[float, float, int]:
    """A price divided by the median of its peers', that median, and the number of their books. The peers are those
    that are trusted; where there are none, all others."""
    own = prices[place].book
    others = {prices[at].book: prices[at].middle for at in trusted or range(len(prices)) if prices[at].book != own}
    if not others:
        return 1.0, prices[place].middle, 0
    middle = median(others.values())
    return prices[place].middle / middle, middle, len(others)


def _reason(place: int, prices: Sequence[Priced], trusted: set[int]) -> Reason:
    ratio, _, peers = ratio_to_peers(place, prices, trusted)
    return Reason(ReasonCode.IDENTITY, measured=two_digits(ratio), bound=BAND, peers=peers)


def _clusters(prices: Sequence[Priced]) -> list[_Cluster]:
    """A price that spans more than the band, by its own book or by the user's word, belongs to every cluster that it
    reaches, and joins none to another."""
    order = sorted(range(len(prices)), key=lambda place: (prices[place].low, prices[place].high))
    wide = {place: None for place in order if prices[place].high > prices[place].low * BAND}
    clusters: list[_Cluster] = []
    for place in order:
        if len(wide) < len(order) and place in wide:
            continue
        priced = prices[place]
        if clusters and clusters[-1].is_near(priced):
            last = clusters[-1]
            last.join(place, priced)
            last.high = max(last.high, priced.high)
        else:
            clusters.append(_Cluster(place, priced))
    if len(wide) == len(order):
        return clusters
    alone = []
    for place in wide:
        near = [each for each in clusters if each.is_near(prices[place])]
        for each in near:
            each.join(place, prices[place])
        if not near:
            alone.append(_Cluster(place, prices[place]))
    return clusters + alone
