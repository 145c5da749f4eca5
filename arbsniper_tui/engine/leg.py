"""A leg: one instrument as routes see it, with its newest quote and the prices at which it takes part."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import count
from math import inf

from arbsniper_tui.engine.frozen import Stream
from arbsniper_tui.engine.terms import Terms
from arbsniper_tui.model.conversion import units_for_one
from arbsniper_tui.model.errors import InstrumentError
from arbsniper_tui.model.fact import OrderLimits
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
        "base",
        "bid",
        "book",
        "buy_cost",
        "currency",
        "doubt",
        "fault",
        "followers",
        "id",
        "instrument",
        "is_new",
        "is_suspect",
        "lot",
        "market",
        "min_size",
        "min_worth",
        "place",
        "quote",
        "received",
        "recv_ns",
        "sell_yield",
        "stream",
        "venue",
    )

    rate: "Leg | None" = None
    """The leg whose prices convert this one's; None where the venue's own prices count."""

    def __init__(self, instrument: Instrument, currency: str, place: int = 0) -> None:
        self.instrument = instrument
        self.id = instrument.id
        self.base = instrument.base
        self.venue = instrument.venue
        self.market = instrument.market
        self.book = (instrument.book_venue, instrument.symbol)
        """Whose order book its quotes are of: legs of one book say the same."""
        self.currency = currency
        """What its prices are in."""
        self.place = place
        """Counts the instruments in the order in which they were added."""
        self.buy_cost, self.sell_yield = _with_fee(instrument)
        """What a unit of price costs with the taker fee, and what it yields after it."""
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
        self.is_new = True
        """Whether its price was never set against those of its peers."""
        self.doubt: Reason | None = None
        """Why it may be another coin than its peers; `Identity` sets it."""
        self.lot = self.min_size = self.min_worth = 0.0
        """The step of sizes and the smallest order in base coins, and the smallest order in the venue's own quote
        currency; 0 where the venue does not say."""
        self.stream: Stream | None = None
        """Its prices beside those of its peers; None for a mere rate, and where the peers are too few to tell."""
        self.followers: tuple[ConvertedLeg, ...] = ()
        """The legs whose prices are made from this one's."""

    def change_terms(self, instrument: Instrument) -> None:
        """Take the same instrument by other terms."""
        self.instrument = instrument
        self.buy_cost, self.sell_yield = _with_fee(instrument)

    def put(self, quote: Quote, ts_recv_ns: int) -> bool:
        """Take in a sound quote; the prices of followers move with it. Returns whether the price is another beside
        those of its peers."""
        is_other = False
        if self.stream is not None:
            before = self.quote
            if before is None or quote.bid != before.bid or quote.ask != before.ask:
                self.stream.change((quote.bid + quote.ask) / 2, ts_recv_ns)
                is_other = True
            elif self.fault is not None:
                self.stream.coin.put(self.stream.place, (quote.bid + quote.ask) / 2, ts_recv_ns)
                is_other = True
        self.quote = quote
        self.recv_ns = ts_recv_ns
        self.received += 1
        self.ask, self.bid, self.fault = quote.ask, quote.bid, None
        self.is_suspect = False
        for follower in self.followers:
            follower.convert()
        return is_other

    def withdraw(self, reason: Reason) -> None:
        """Take no part until the next quote; nor do the followers."""
        if self.stream is not None:
            self.stream.withdraw()
        self.ask, self.bid, self.fault = inf, 0.0, reason
        for follower in self.followers:
            follower.convert()

    def fresh_until_ns(self, max_age_ns: int) -> int:
        """The last moment at which nothing that its price rests on is too old."""
        return self.recv_ns + max_age_ns

    def choose_rate(self, now_ns: int) -> None:
        """Convert at a rate that is fresh now, where there is any."""

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

    __slots__ = ("_is_inverted", "_rates", "_source", "rate", "rate_max_ns")

    def __init__(self, source: Leg, rates: Sequence[tuple[Leg, bool]]) -> None:
        """`rates` are the legs of the markets that can convert it, the preferred one first, and which are inverted."""
        super().__init__(source.instrument, source.instrument.counted_quote, source.place)
        self._source = source
        self._rates = tuple(rates)
        self.rate: Leg
        self.rate, self._is_inverted = self._rates[0]
        """The one in use."""
        self.rate_max_ns = round(source.instrument.rate_max_age_ms * 1e6)

    def change_terms(self, instrument: Instrument) -> None:
        super().change_terms(instrument)
        self.rate_max_ns = round(instrument.rate_max_age_ms * 1e6)

    @property
    def rates(self) -> list[Leg]:
        """All that can convert it."""
        return [rate for rate, _ in self._rates]

    def choose_rate(self, now_ns: int) -> None:
        """Use the first rate that is there and fresh; where none is, stay with the one in use."""
        for rate, is_inverted in self._rates:
            if rate.fault is None and now_ns - rate.recv_ns <= self.rate_max_ns:
                if rate is not self.rate:
                    self.rate, self._is_inverted = rate, is_inverted
                    self._follow()
                return

    def convert(self) -> None:
        """A price of the venue or of a rate has changed."""
        if len(self._rates) > 1:
            # The newest receipt tells the time well enough: what is too old by then is too old.
            self.choose_rate(max(self._source.recv_ns, *(rate.recv_ns for rate, _ in self._rates)))
        self._follow()

    def _follow(self) -> None:
        """Each side is converted at the side of the rate at which it could be had: who buys must first get the
        currency, who sells must change it back."""
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

    def fresh_until_ns(self, max_age_ns: int) -> int:
        return min(self._source.recv_ns + max_age_ns, self.rate.recv_ns + self.rate_max_ns)

    def rate_used(self, *, buying: bool) -> float | None:
        rate = self.rate.quote
        if rate is None:
            return None
        return units_for_one(rate.bid, rate.ask, self._is_inverted, buying)


class Legs:
    """The legs of a node's instruments, by id: `shown` in the venue's own currency, `counted` in the one that counts
    (the same leg, unless a live rate lies between)."""

    def __init__(self, instruments: Sequence[Instrument] = ()) -> None:
        self.shown: dict[int, Leg] = {}
        self.counted: dict[int, Leg] = {}
        self.terms = Terms()
        self._places = count()
        self.add(instruments)

    def add(self, instruments: Sequence[Instrument]) -> None:
        """Take up instruments, with the rates that convert them where those are not held yet. Raises InstrumentError
        for an id that is held, and for a rate that is not; then nothing is added."""
        ids = Counter(each.id for each in instruments)
        if twice := [each for each in instruments if each.id in self.shown or ids[each.id] > 1]:
            raise InstrumentError(f"{_named(twice)}: watched already, or another instrument has the same id")
        known = self.shown.keys() | ids.keys()
        if unrated := [each for each in instruments if not known.issuperset(rate.id for rate in each.rates)]:
            raise InstrumentError(f"{_named(unrated)}: the market of its rate is not watched")
        for each in instruments:
            self.shown[each.id] = self.counted[each.id] = Leg(each, each.native_quote, next(self._places))
        for each in instruments:
            if each.rates:
                source = self.shown[each.id]
                rates = [(self.shown[rate.id], rate.is_inverted) for rate in each.rates]
                converted = ConvertedLeg(source, rates)
                self.counted[each.id] = converted
                for leg in (source, *converted.rates):
                    leg.followers += (converted,)

    def change_terms(self, terms: Terms) -> None:
        """Count by other fees and ages of rates."""
        self.terms = terms
        for i, shown in self.shown.items():
            if (instrument := terms.of(shown.instrument)) is not shown.instrument:
                for leg in {shown, self.counted[i]}:
                    leg.change_terms(instrument)

    def limit(self, limits: OrderLimits) -> None:
        """Take only orders that the venue takes of an instrument; nothing where it is not held."""
        i = limits.instrument_id
        for leg in {self.shown[i], self.counted[i]} if i in self.shown else ():
            leg.lot, leg.min_size, leg.min_worth = limits.lot, limits.min_size, limits.min_worth

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
            # The collector never looks at legs: a circle of them would stay for ever.
            self.shown.pop(i).followers = ()
            converted = self.counted.pop(i)
            for rate in converted.rates if isinstance(converted, ConvertedLeg) else ():
                rate.followers = tuple(each for each in rate.followers if each is not converted)

    def pair(self, buy: Instrument, sell: Instrument) -> tuple[Leg, Leg]:
        """Both legs of a route. Two instruments in one currency meet at the venues' own prices and need no rate."""
        prices = self.shown if buy.native_quote == sell.native_quote else self.counted
        return prices[buy.id], prices[sell.id]

    def counted_by(self, buy: Instrument, sell: Instrument) -> Leg | None:
        """The leg whose rate leads from the currency that two instruments share to the one that counts; None where
        that is the same, or they meet in it anyway."""
        counted = self.counted[sell.id]
        return counted if buy.native_quote == sell.native_quote and counted.rate is not None else None


def _with_fee(instrument: Instrument) -> tuple[float, float]:
    fee = instrument.taker_fee_pct / 100.0
    return 1.0 + fee, 1.0 - fee


def _named(instruments: Iterable[Instrument]) -> str:
    return ", ".join(f"{each.venue} {each.symbol}" for each in instruments)
