"""What a snapshot says beyond its rows: counted prices, best bid and ask, what a row waits for. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from arbsniper_tui.model.conversion import units_for_one
from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.instrument import Instrument, Rate
from arbsniper_tui.model.reason import SOUND, ReasonCode, reason_words
from arbsniper_tui.model.view import QuoteRow, RouteRow
from arbsniper_tui.session.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Counted:
    """A quote's prices in the currency that counts, from the side at which that currency is changed."""

    bid: float
    ask: float


def counted(instrument: Instrument, quote: QuoteRow, quotes: Mapping[int, QuoteRow]) -> Counted | None:
    """The counted prices of a quote; None while its live rate is not known."""
    if instrument.rate_id is None:
        return Counted(quote.bid, quote.ask)
    used = rate_used(instrument, quote)
    rate = quotes.get(used.id)
    if rate is None or is_unrated(quote) or rate.bid <= 0.0 or rate.ask <= 0.0:
        return None
    to_buy, to_sell = (units_for_one(rate.bid, rate.ask, used.is_inverted, each) for each in (True, False))
    return Counted(quote.bid / to_sell, quote.ask / to_buy)


def rate_used(instrument: Instrument, quote: QuoteRow | None) -> Rate:
    """The market whose rate converts an instrument now; the preferred one before its first quote."""
    chosen = None if quote is None else next((rate for rate in instrument.rates if rate.id == quote.rate_id), None)
    return chosen or instrument.rates[0]


def is_unrated(quote: QuoteRow) -> bool:
    """Whether it takes no part for want of a fresh rate."""
    return quote.reason is not None and quote.reason.code in (ReasonCode.NO_RATE, ReasonCode.RATE_STALE)


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


def age_ms(quote: QuoteRow, now_ms: float | None) -> float | None:
    """By the node's clock; None where that or the quote is missing."""
    if now_ms is None or quote.ts_recv_ms <= 0.0:
        return None
    return max(0.0, now_ms - quote.ts_recv_ms)


def instruments_of(snapshot: Snapshot) -> dict[int, Instrument]:
    return {} if snapshot.intro is None else {each.id: each for each in snapshot.intro.instruments}
