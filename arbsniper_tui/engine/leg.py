"""A leg: one instrument as routes see it, with its newest quote and the prices at which it takes part."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import count
from math import inf

from arbsniper_tui.model.conversion import units_for_one
from arbsniper_tui.model.errors import InstrumentError
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode

NO_DATA = Reason(ReasonCode.NO_DATA)
NO_RATE = Reason(ReasonCode.NO_RATE)


class Leg:
    """While it takes no part its ask is infinity and its bid 0, so that no route with it can show a positive spread,
    and no comparison on the hot path needs to ask. One object holds all that a decision reads of an instrument: what
    lies together in memory is fetched together when the caches are cold (docs/decisions/0003)."""

    __slots__ = (
        "ask",
        "bid",
        "book",
        "buy_cost",
        "currency",
        "fault",
        "followers",
        "id",
        "instrument",
        "is_suspect",
        "market",
        "place",
        "quote",
        "received",
        "recv_ns",
        "sell_yield",
        "venue",
    )

    rate: "Leg | None" = None
    """The leg whose prices convert this one's; None where the venue's own prices count."""

    def __init__(self, instrument: Instrument, currency: str, place: int = 0) -> None:
        self.instrument = instrument
        self.id = instrument.id
        self.venue = instrument.venue
        self.market = instrument.market
        self.book = (instrument.book_venue, instrument.symbol)
        """Whose order book its quotes are of: legs of one book say the same."""
        self.currency = currency
        """What its prices are in."""
        self.place = place
        """Counts the instruments in the order in which they were added."""
        self.buy_cost = 1.0 + instrument.taker_fee_pct / 100.0
        """What a unit of price costs with the taker fee."""
        self.sell_yield = 1.0 - instrument.taker_fee_pct / 100.0
        """What a unit of price yields after the taker fee."""
        self.ask = inf
        self.bid = 0.0
        self.recv_ns = 0
        self.quote: Quote | None = None
        """As the venue showed it, in its own currency; kept for the eye after a withdrawal."""
        self.fault: Reason | None = NO_DATA
        """Why it takes no part, age left aside; None where it does."""
        self.received = 0
        self.is_suspect = False
        """Whether a route with its newest quote shows a spread so large that its peers are asked."""
        self.followers: tuple[ConvertedLeg, ...] = ()
        """The legs whose prices are made from this one's."""

    def put(self, quote: Quote, ts_recv_ns: int) -> None:
        """Take in a sound quote; the prices of followers move with it."""
        self.quote = quote
        self.recv_ns = ts_recv_ns
        self.received += 1
        self.ask, self.bid, self.fault = quote.ask, quote.bid, None
        self.is_suspect = False
        for follower in self.followers:
            follower.convert()

    def withdraw(self, reason: Reason) -> None:
        """Take no part until the next quote; nor do the followers."""
        self.ask, self.bid, self.fault = inf, 0.0, reason
        for follower in self.followers:
            follower.convert()

    def oldest_ns(self) -> int:
        """The receipt of the oldest thing that its price rests on."""
        return self.recv_ns

    def rate_used(self, *, buying: bool) -> float | None:
        """Units of the venue's currency for one of the leg's; None where they are the same, or no rate is known."""
        return None

    def last_price(self, *, buying: bool) -> float:
        """The last ask or bid that it had, though it takes no part any more."""
        assert self.quote is not None, "a leg that had a price has had a quote"
        raw = self.quote.ask if buying else self.quote.bid
        return raw / (self.rate_used(buying=buying) or 1.0)


class ConvertedLeg(Leg):
    """The same instrument in the currency that its quote currency counts as, at a live rate."""

    __slots__ = ("_source", "rate")

    def __init__(self, source: Leg, rate: Leg) -> None:
        super().__init__(source.instrument, source.instrument.counted_quote, source.place)
        self._source = source
        self.rate: Leg = rate

    def convert(self) -> None:
        """Follow the venue's prices and the rate.

        Each side is converted at the side of the rate at which it could be had: who buys must first get the currency,
        who sells must change it back.
        """
        source = self._source
        quote = self.quote = source.quote
        self.recv_ns, self.received, self.is_suspect = source.recv_ns, source.received, False
        to_buy, to_sell = self.rate_used(buying=True), self.rate_used(buying=False)
        if source.fault is not None or quote is None:
            self.ask, self.bid, self.fault = inf, 0.0, source.fault
        elif self.rate.fault is not None or to_buy is None or to_sell is None:
            self.ask, self.bid, self.fault = inf, 0.0, NO_RATE
        else:
            self.ask, self.bid, self.fault = quote.ask / to_buy, quote.bid / to_sell, None

    def oldest_ns(self) -> int:
        return min(self._source.recv_ns, self.rate.recv_ns)

    def rate_used(self, *, buying: bool) -> float | None:
        rate = self.rate.quote
        if rate is None:
            return None
        return units_for_one(rate.bid, rate.ask, self.instrument.rate_inverted, buying)


class Legs:
    """The legs of a node's instruments, by id: `shown` in the venue's own currency, `counted` in the one that counts
    (the same leg, unless a live rate lies between)."""

    def __init__(self, instruments: Sequence[Instrument] = ()) -> None:
        self.shown: dict[int, Leg] = {}
        self.counted: dict[int, Leg] = {}
        self._places = count()
        self.add(instruments)

    def add(self, instruments: Sequence[Instrument]) -> None:
        """Take up instruments, with the rates that convert them where those are not held yet. Raises InstrumentError
        for an id that is held, and for a rate that is not; then nothing is added."""
        ids = Counter(each.id for each in instruments)
        if twice := [each for each in instruments if each.id in self.shown or ids[each.id] > 1]:
            raise InstrumentError(f"{_named(twice)}: watched already, or another instrument has the same id")
        known = self.shown.keys() | ids.keys()
        if unrated := [each for each in instruments if each.rate_id is not None and each.rate_id not in known]:
            raise InstrumentError(f"{_named(unrated)}: the market of its rate is not watched")
        for each in instruments:
            self.shown[each.id] = self.counted[each.id] = Leg(each, each.native_quote, next(self._places))
        for each in instruments:
            if each.rate_id is not None:
                source, rate = self.shown[each.id], self.shown[each.rate_id]
                converted = ConvertedLeg(source, rate)
                self.counted[each.id] = converted
                source.followers += (converted,)
                rate.followers += (converted,)

    def check_removable(self, instrument_ids: Collection[int]) -> None:
        """Raises InstrumentError for an instrument that is not held, and for the rate of one that stays."""
        for i in instrument_ids:
            if i not in self.shown:
                raise InstrumentError(f"instrument {i} is not watched")
            if stay := [each for each in self.shown[i].followers if each.id not in instrument_ids]:
                converted = _named([each.instrument for each in stay])
                raise InstrumentError(f"{_named([self.shown[i].instrument])}: its rate converts {converted}")

    def remove(self, instrument_ids: Collection[int]) -> None:
        """Drop instruments that `check_removable` has passed."""
        for i in instrument_ids:
            del self.shown[i]
            converted = self.counted.pop(i)
            if converted.rate is not None:
                left = tuple(each for each in converted.rate.followers if each is not converted)
                converted.rate.followers = left

    def pair(self, buy: Instrument, sell: Instrument) -> tuple[Leg, Leg]:
        """Both legs of a route. Two instruments in one currency meet at the venues' own prices and need no rate."""
        prices = self.shown if buy.native_quote == sell.native_quote else self.counted
        return prices[buy.id], prices[sell.id]


def _named(instruments: Iterable[Instrument]) -> str:
    return ", ".join(f"{each.venue} {each.symbol}" for each in instruments)
