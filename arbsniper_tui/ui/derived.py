"""What a snapshot says beyond its rows: counted prices, best bid and ask, what a row waits for. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from arbsniper_tui.model.conversion import units_for_one
from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import BELOW_THRESHOLD, SOUND, reason_words, short_words
from arbsniper_tui.model.threshold import threshold_words
from arbsniper_tui.model.view import QuoteRow, RouteRow
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui import format as fmt

_WORST_FIRST = (
    FeedState.DOWN,
    FeedState.SILENT,
    FeedState.LISTING,
    FeedState.CONNECTING,
    FeedState.SUBSCRIBED,
    FeedState.LIVE,
)


@dataclass(frozen=True, slots=True)
class Counted:
    """A quote's prices in the currency that counts, from the side at which that currency is changed."""

    bid: float
    ask: float


@dataclass(frozen=True, slots=True)
class VenueHealth:
    """One venue's connections taken together: the worst state among them, and since when."""

    venue: str
    state: FeedState
    since_ms: float
    detail: str
    retry_in_s: float | None
    lag_ms: float | None
    """The largest among them."""


def counted(instrument: Instrument, quote: QuoteRow, quotes: Mapping[int, QuoteRow]) -> Counted | None:
    """The counted prices of a quote; None while its live rate is not known."""
    if instrument.rate_id is None:
        return Counted(quote.bid, quote.ask)
    rate = quotes.get(instrument.rate_id)
    if rate is None or rate.reason or rate.bid <= 0.0 or rate.ask <= 0.0:
        return None
    to_buy, to_sell = (units_for_one(rate.bid, rate.ask, instrument.rate_inverted, each) for each in (True, False))
    return Counted(quote.bid / to_sell, quote.ask / to_buy)


def native_quote(symbol: str) -> str:
    """The quote currency of a unified symbol."""
    return symbol.partition("/")[2].partition(":")[0]


def place(instrument: Instrument) -> str:
    """Its venue, and its own quote currency where that is not the one that counts: `okx`, `kraken USD`."""
    native = instrument.native_quote
    return instrument.venue if native == instrument.counted_quote else f"{instrument.venue} {native}"


def currency_of(buy: Instrument, sell: Instrument) -> str:
    """The currency in which a route's prices meet: that of both legs, else the one that both count as."""
    return buy.native_quote if buy.native_quote == sell.native_quote else buy.counted_quote


def is_priced(route: RouteRow) -> bool:
    """Whether both prices are known; where one is not, the row's numbers say nothing."""
    return route.size > 0.0


def takes_part(route: RouteRow) -> bool:
    """Whether both quotes can be believed and used now: it signals, or would with a larger spread or after a pause."""
    return route.reason is None or route.reason.code in SOUND


def rate_in_words(instrument: Instrument, quotes: Mapping[int, QuoteRow], width: int) -> str:
    """How a live rate converts an instrument's prices: `÷ 0.9990 / 0.9991`, `÷ 0.9990` in a short room, `no rate`."""
    rate = quotes.get(instrument.rate_id) if instrument.rate_id is not None else None
    if rate is None or rate.ts_recv_ms <= 0.0:
        return "no rate"
    decimals = fmt.decimals_of(rate.ask, fmt.decimals_of(rate.bid, 2))
    short = f"{'÷' if instrument.rate_inverted else '×'} {rate.bid:.{decimals}f}"
    full = f"{short} / {rate.ask:.{decimals}f} {reason_words(rate.reason)}".rstrip()
    return full if len(full) <= width else short


def best_of(instruments: Iterable[Instrument], quotes: Mapping[int, QuoteRow]) -> tuple[int, int]:
    """The ids of the best bid and the best ask among the quotes that take part; -1 where there is none."""
    best_bid, best_ask = 0.0, 0.0
    bid_id = ask_id = -1
    for instrument in instruments:
        quote = quotes.get(instrument.id)
        if quote is None or quote.reason or quote.ts_recv_ms <= 0.0:
            continue
        prices = counted(instrument, quote, quotes)
        if prices is None:
            continue
        if prices.bid > best_bid:
            best_bid, bid_id = prices.bid, instrument.id
        if ask_id < 0 or prices.ask < best_ask:
            best_ask, ask_id = prices.ask, instrument.id
    return bid_id, ask_id


def wanting(instrument: Instrument, feeds: Iterable[FeedHealth]) -> str:
    """What an instrument without a quote waits for, in words."""
    for feed in feeds:
        if feed.venue != instrument.venue:
            continue
        if instrument.symbol in feed.rejected:
            return f"not served: {reason_words(feed.rejected[instrument.symbol])}"
        if instrument.id not in feed.instrument_ids or feed.state is FeedState.LIVE:
            continue
        if feed.state is FeedState.LISTING:
            return f"waiting for the instrument list of {feed.venue}"
        if feed.state is FeedState.DOWN:
            return f"feed down: {feed.detail}" if feed.detail else "feed down"
        if feed.state is FeedState.CONNECTING:
            return f"connecting to {feed.venue}"
    return f"waiting for the first quote of {instrument.venue}"


def is_absent(instrument: Instrument, feeds: Iterable[FeedHealth]) -> bool:
    """Whether its venue does not list an instrument that nobody asked for by name."""
    return instrument.implied and any(
        feed.venue == instrument.venue and instrument.symbol in feed.rejected for feed in feeds
    )


def venue_healths(feeds: Iterable[FeedHealth]) -> list[VenueHealth]:
    """The venues in alphabetical order."""
    by_venue: dict[str, list[FeedHealth]] = {}
    for feed in feeds:
        by_venue.setdefault(feed.venue, []).append(feed)
    healths = []
    for venue, members in sorted(by_venue.items()):
        worst = min(members, key=lambda each: state_rank(each.state))
        lag_ms = max((each.lag_ms for each in members if each.lag_ms is not None), default=None)
        healths.append(VenueHealth(venue, worst.state, worst.since_ms, worst.detail, worst.retry_in_s, lag_ms))
    return healths


def state_rank(state: FeedState) -> int:
    """0 for the worst."""
    return _WORST_FIRST.index(state)


def age_ms(quote: QuoteRow, now_ms: float | None) -> float | None:
    """By the node's clock; None where that or the quote is missing."""
    if now_ms is None or quote.ts_recv_ms <= 0.0:
        return None
    return max(0.0, now_ms - quote.ts_recv_ms)


def instruments_of(snapshot: Snapshot) -> dict[int, Instrument]:
    return {} if snapshot.intro is None else {each.id: each for each in snapshot.intro.instruments}


def route_state(route: RouteRow, width: int = 80) -> str:
    """How long its opportunity is open, or the first reason why there is none; without venue and bound where the
    room is short, since both stand elsewhere on the screen."""
    reason = route.reason
    if reason is None:
        said = f"open {fmt.age(route.open_ms)}"
        return said if len(said) <= width else fmt.age(route.open_ms)
    said = reason_words(reason)
    if reason.code in BELOW_THRESHOLD and reason.bound is not None:
        said = f"below {threshold_words(reason.bound)}"  # The spread stands in the same row.
    return said if len(said) <= width else short_words(reason)
