"""Whether all that bears one name is one coin: what does not fit its peers waits for the user's verdict."""

from collections import deque
from collections.abc import Iterable, Sequence
from math import inf

from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.engine.leg import Leg
from arbsniper_tui.engine.same_coin import BAND, Priced, held_apart, ratio_to_peers
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.verdict import Judgement, Verdict

SIGHT_NS = 5_000_000_000
"""A first sight lasts this long: one price that a venue takes back at once sends no coin to quarantine."""
GROUPS_A_CHECK = 4
"""Looked at by one call of `check`."""
OTHER_COIN = Reason(ReasonCode.OTHER_COIN)


class Held(Struct, frozen=True):
    """A leg in quarantine, with what speaks for and against it."""

    leg: Leg
    reason: Reason
    since_ns: int
    ratio: float
    """Its price beside the median of its peers', now."""
    peers: tuple[Leg, ...]


class _Group:
    """The legs of one name whose prices are in one currency."""

    __slots__ = ("legs", "must_decide", "quarantine", "sight_ends_ns", "young")

    def __init__(self) -> None:
        self.legs: list[Leg] = []
        self.young: set[Leg] = set()
        """Those whose first sight is not over."""
        self.sight_ends_ns = 0
        self.must_decide = False
        """Whether a leg has gone, or a verdict was given: what is in quarantine is judged anew."""
        self.quarantine: dict[Leg, Reason] = {}
        """What did not fit at first sight, and why. It stays until the user's verdict, or until the group changes:
        another coin whose price comes near by chance is still another coin."""

    def is_settled(self) -> bool:
        """Whether there is nothing to judge: no leg is new or in doubt, and all prices lie within one band."""
        low, high = inf, 0.0
        for leg in self.legs:
            if leg.doubt is not None:
                return False
            if leg.fault is None:
                if leg.is_new:
                    return False
                low, high = min(low, leg.bid), max(high, leg.ask)
        return high <= low * BAND and not self.must_decide


class Identity:
    """Gives each leg its `doubt`. Times are the detector's, in ns."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], _Group] = {}
        self._turns: deque[tuple[str, str]] = deque()
        self.verdicts: dict[tuple[str, str], Verdict] = {}
        """What the user has said, by venue and symbol; `tell` adds to it."""
        self._since_ns: dict[Leg, int] = {}
        """The legs in doubt, and since when."""
        self.changed: set[int] = set()
        """Instruments whose doubt came, went or changed. Whoever judges their routes clears it."""

    @property
    def waiting(self) -> int:
        """How many instruments wait for a verdict."""
        doubts = ((leg.id, leg.doubt) for leg in self._since_ns)
        return len({i for i, doubt in doubts if doubt is not None and doubt.code is ReasonCode.IDENTITY})

    def add(self, legs: Iterable[Leg]) -> None:
        """Take up legs; those of a mere rate bear no coin's name."""
        for leg in legs:
            if not leg.instrument.only_rate:
                key = _key(leg)
                if key not in self._groups:
                    self._groups[key] = _Group()
                    self._turns.append(key)
                self._groups[key].legs.append(leg)
                self._follow_verdict(leg)

    def remove(self, legs: Iterable[Leg]) -> None:
        """Drop legs that were added."""
        for leg in legs:
            key = _key(leg)
            if (group := self._groups.get(key)) is None:
                continue
            group.legs = [each for each in group.legs if each is not leg]
            group.quarantine.pop(leg, None)
            group.young.discard(leg)
            group.must_decide = True
            self._since_ns.pop(leg, None)
            self.changed.discard(leg.id)
            if not group.legs:
                del self._groups[key]
                self._turns.remove(key)

    def tell(self, verdicts: Iterable[Verdict], now_ns: int) -> None:
        """The user's verdicts; each replaces an earlier one on the same instrument."""
        for verdict in verdicts:
            self.verdicts[verdict.key] = verdict
            for group in [each for each in self._groups.values() if any(_is_of(leg, verdict) for leg in each.legs)]:
                for leg in [each for each in group.legs if _is_of(each, verdict)]:
                    group.quarantine.pop(leg, None)
                    self._follow_verdict(leg)
                group.must_decide = True
                self._judge(group, now_ns)

    def look_at(self, legs: Iterable[Leg], now_ns: int) -> None:
        """Judge those of these legs that are new and have a price, and their peers with them."""
        for leg in legs:
            if leg.is_new and leg.fault is None:
                self._judge(self._groups[_key(leg)], now_ns)

    def check(self, now_ns: int, groups: int = GROUPS_A_CHECK) -> None:
        """Judge the next few groups by the prices that they show now; call it again and again."""
        for _ in range(min(groups, len(self._turns))):
            self._turns.rotate(-1)
            group = self._groups[self._turns[-1]]
            if not group.is_settled():
                self._judge(group, now_ns)

    def held(self, most: int | None = None) -> list[Held]:
        """What is in doubt now, the longest first; of a leg and the same converted one is told."""
        found = sorted(self._since_ns.items(), key=lambda each: (each[1], each[0].place))
        once = {leg.id: (leg, since_ns) for leg, since_ns in reversed(found)}
        return [self._held(leg, since_ns) for leg, since_ns in list(reversed(once.values()))[:most]]

    def ratio_of(self, venue: str, symbol: str) -> tuple[float | None, tuple[Leg, ...]]:
        """The price of an instrument beside its peers', None without a price of both, and the peers."""
        legs = (leg for group in self._groups.values() for leg in group.legs)
        leg = next((leg for leg in legs if (leg.venue, leg.instrument.symbol) == (venue, symbol)), None)
        if leg is None:
            return None, ()
        ratio, peers = self._beside_peers(leg)
        return (ratio if peers and leg.fault is None else None), peers

    def _held(self, leg: Leg, since_ns: int) -> Held:
        assert leg.doubt is not None, "only legs in doubt have a time since when"
        ratio, peers = self._beside_peers(leg)
        return Held(leg, leg.doubt, since_ns, ratio, peers)

    def _beside_peers(self, leg: Leg) -> tuple[float, tuple[Leg, ...]]:
        group = self._groups[_key(leg)]
        legs = [each for each in group.legs if each is leg or (each.fault is None and each.doubt != OTHER_COIN)]
        if leg.fault is not None:
            return 1.0, tuple(each for each in legs if each is not leg)
        prices = [self._priced(each) for each in legs]
        trusted = {place for place, each in enumerate(legs) if each.doubt is None}
        ratio, _, _ = ratio_to_peers(legs.index(leg), prices, trusted)
        return ratio, tuple(each for each in legs if each.book != leg.book)

    def _judge(self, group: _Group, now_ns: int) -> None:
        priced = [leg for leg in group.legs if leg.fault is None]
        new = [leg for leg in priced if leg.is_new]
        if now_ns >= group.sight_ends_ns:
            group.young.clear()
        if new:
            for leg in new:
                leg.is_new = False
            group.young.update(new)
            group.sight_ends_ns = now_ns + SIGHT_NS
        is_open = bool(group.young) or group.must_decide
        group.must_decide = False
        judged = [leg for leg in priced if self._fixed(leg) is None]
        self._learn_ratios(judged)
        found = held_apart([self._priced(leg) for leg in judged])
        for place, leg in enumerate(judged):
            reason = found.get(place)
            if is_open and (leg in group.young or leg in group.quarantine):
                if reason is not None:
                    group.quarantine[leg] = reason
                else:
                    group.quarantine.pop(leg, None)
            if reason is None and (was := group.quarantine.get(leg)) is not None:
                reason = replace(was, words="was")
            self._set(leg, reason, now_ns)
        for leg in priced:
            if (fixed := self._fixed(leg)) is not None:
                self._set(leg, fixed, now_ns)

    def _learn_ratios(self, judged: Sequence[Leg]) -> None:
        """A coin that was called the same before anyone saw its price is the same at its first price."""
        for leg in judged:
            verdict = self.verdicts.get((leg.venue, leg.instrument.symbol))
            if verdict is not None and verdict.judgement is Judgement.SAME and verdict.ratio is None:
                prices = [self._priced(each) for each in judged]
                ratio, _, peers = ratio_to_peers(judged.index(leg), prices, set())
                if peers:
                    self.verdicts[verdict.key] = replace(verdict, ratio=ratio)

    def _follow_verdict(self, leg: Leg) -> None:
        """A verdict holds before the first quote, too."""
        if (fixed := self._fixed(leg)) is not None:
            self._set(leg, fixed, 0)

    def _fixed(self, leg: Leg) -> Reason | None:
        """Why the user's word alone keeps a leg out, whatever its price."""
        verdict = self.verdicts.get((leg.venue, leg.instrument.symbol))
        if verdict is None:
            return None
        if verdict.judgement is Judgement.DIFFERENT:
            return OTHER_COIN
        if verdict.multiplier != leg.instrument.by_verdict:
            return Reason(ReasonCode.MULTIPLIER_WAITS, measured=float(verdict.multiplier))
        return None

    def _priced(self, leg: Leg) -> Priced:
        verdict = self.verdicts.get((leg.venue, leg.instrument.symbol))
        is_same = verdict is not None and verdict.judgement is Judgement.SAME
        return Priced(leg.book, leg.bid, leg.ask, (verdict.ratio or 1.0) if verdict is not None and is_same else 1.0)

    def _set(self, leg: Leg, reason: Reason | None, now_ns: int) -> None:
        if reason == leg.doubt:
            return
        leg.doubt = reason
        self.changed.add(leg.id)
        if reason is None:
            self._since_ns.pop(leg, None)
        else:
            self._since_ns.setdefault(leg, now_ns)


def _key(leg: Leg) -> tuple[str, str]:
    """Base coin and currency. An instrument that is converted at a live rate is in two groups: with its own prices
    among those of its currency, and with converted ones among all."""
    instrument = leg.instrument
    return instrument.base, leg.currency if instrument.rate_id is not None else instrument.counted_quote


def _is_of(leg: Leg, verdict: Verdict) -> bool:
    return (leg.venue, leg.instrument.symbol) == verdict.key
