"""What rows of prices and routes say in words. Pure."""

from collections.abc import Mapping

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import BELOW_THRESHOLD, reason_words, short_words
from arbsniper_tui.model.threshold import threshold_words
from arbsniper_tui.model.view import QuoteRow, RouteRow
from arbsniper_tui.session import derived
from arbsniper_tui.ui import format as fmt


def rate_in_words(instrument: Instrument, quotes: Mapping[int, QuoteRow], width: int) -> str:
    """How a live rate converts an instrument's prices: `÷ 0.9990 / 0.9991`, `÷ 0.9990` in a short room, `no rate`."""
    quote = quotes.get(instrument.id)
    used = derived.rate_used(instrument, quote)
    rate = quotes.get(used.id)
    if rate is None or rate.ts_recv_ms <= 0.0:
        return "no rate"
    decimals = fmt.decimals_of(rate.ask, fmt.decimals_of(rate.bid, 2))
    short = f"{'÷' if used.is_inverted else '×'} {rate.bid:.{decimals}f}"
    unrated = reason_words(quote.reason) if quote is not None and derived.is_unrated(quote) else ""
    full = f"{short} / {rate.ask:.{decimals}f} {unrated}".rstrip()
    return full if len(full) <= width else short


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
