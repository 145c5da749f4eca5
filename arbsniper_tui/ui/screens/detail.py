"""One route in full: legs, fees, ages, the rate used, gross and net, and the first reason why it does not signal."""

from itertools import zip_longest
from textwrap import wrap

from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.model.view import FactsRow, RouteRow
from arbsniper_tui.session import derived
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.paint import Line, cell, joined
from arbsniper_tui.ui.screens.base import NodeScreen, Pane
from arbsniper_tui.ui.screens.gates_account import gates_account
from arbsniper_tui.ui.view import View
from arbsniper_tui.ui.widgets.pane import TextPane

LABEL = 15
LEAST_LEG = 18
MOST_LEG = 44

Told = tuple[str, str]
"""A text and its role."""


class DetailScreen(NodeScreen):
    """Follows one route while it is open; `esc` leaves it."""

    def __init__(self, buy_id: int, sell_id: int) -> None:
        super().__init__()
        self.route = (buy_id, sell_id)
        self.named_routes = (self.route,)
        self._account = TextPane("Route")

    def panes(self) -> list[Pane]:
        return [self._account]

    def selected_route(self, snapshot: Snapshot) -> tuple[int, int] | None:
        return self.route

    def show_body(self, view: View) -> None:
        if view.whole or view.half or not view.changes.quotes.isdisjoint(self.route):
            names = derived.instruments_of(view.snapshot)
            buy, sell = names.get(self.route[0]), names.get(self.route[1])
            title = f"Route {buy.venue} → {sell.venue}" if buy and sell else "Route"
            lines = detail_lines(view.snapshot, view.now_ms, *self.route, self._account.room)
            self._account.show(lines, "esc goes back", title)


def detail_lines(snapshot: Snapshot, now_ms: float | None, buy_id: int, sell_id: int, width: int) -> list[Line]:
    """The whole account of one route, both legs beside each other in `width` cells."""
    names = derived.instruments_of(snapshot)
    buy, sell = names.get(buy_id), names.get(sell_id)
    if buy is None or sell is None:
        return [(("this route is no longer watched", "warn"),)]
    route = snapshot.route((buy_id, sell_id))
    currency = derived.currency_of(buy, sell)
    legs = (
        _leg(snapshot, now_ms, buy, currency, is_bought=True),
        _leg(snapshot, now_ms, sell, currency, is_bought=False),
    )
    lines = [(), *_verdict(snapshot, route), (), *_beside(*legs, width), (), *_sums(route, buy, sell)]
    told = [_rate(snapshot, now_ms, each) for each in (buy, sell) if each.native_quote != currency]
    return [*lines, *dict.fromkeys(told), (), *gates_account(snapshot, buy, sell)]


def _row(name: str, *said: Told) -> Line:
    return joined(((f" {name:<{LABEL}} ", "head"), *said))


def _verdict(snapshot: Snapshot, route: RouteRow | None) -> list[Line]:
    status = snapshot.status
    bound = f"{fmt.threshold(status.threshold_pct)} {status.basis}" if status else "-"
    if route is None:
        return [_row("signals", ("no: not among the routes that the node shows just now", "warn"))]
    if route.reason:
        needs = _row("needs", (f"a spread above {bound}", "quiet"))
        return [_row("signals", (f"no: {reason_words(route.reason)}", "warn")), needs]
    open_for = fmt.span(route.open_ms / 1000) if route.open_ms >= 1000 else fmt.age(route.open_ms)
    held = f"yes: open for {open_for}, above {bound}"
    announced = _row("announced", (f"{fmt.count(route.signals)} opportunities", "quiet"))
    return [_row("signals", (held, "strong" if route.net_spread_pct > 0.0 else "text")), announced]


def _leg(
    snapshot: Snapshot, now_ms: float | None, instrument: Instrument, currency: str, *, is_bought: bool
) -> dict[str, Told]:
    """What is told of one leg, by the name of the row."""
    leg: dict[str, Told] = {
        "": ("buy at ask" if is_bought else "sell at bid", "head"),
        "symbol": (
            f"{instrument.venue} {instrument.symbol} {fmt.multiplier(instrument.multiplier)}".rstrip(),
            "bright",
        ),
        "taker fee": (f"{instrument.taker_fee_pct:g} %", "text"),
    }
    quote = snapshot.quotes.get(instrument.id)
    if quote is None or quote.ts_recv_ms <= 0.0:
        return leg | {"takes part": (f"no: {derived.wanting(instrument, snapshot.feeds.values())}", "warn")}
    decimals = fmt.decimals_of(quote.ask, fmt.decimals_of(quote.bid, 2))
    price, size = (quote.ask, quote.ask_size) if is_bought else (quote.bid, quote.bid_size)
    other = f"bid {fmt.number(quote.bid, decimals)}" if is_bought else f"ask {fmt.number(quote.ask, decimals)}"
    age_ms = derived.age_ms(quote, now_ms)
    limit = snapshot.intro.max_quote_age_ms if snapshot.intro else 0.0
    leg |= {
        "price": (f"{fmt.number(price, decimals)} {instrument.native_quote}", "bright"),
        "size": (f"{size:,.8g} {instrument.base}", "text"),
        "age": ("-" if age_ms is None else fmt.age(age_ms), "warn" if (age_ms or 0.0) > limit > 0.0 else "text"),
        "other side": (other, "quiet"),
        "takes part": (f"no: {reason_words(quote.reason)}", "warn") if quote.reason else ("yes", "text"),
    }
    leg |= _order_limits(snapshot.facts.get(instrument.id), instrument)
    leg |= _facts(snapshot.facts.get(instrument.id), now_ms, instrument)
    if instrument.rate_id is not None and instrument.native_quote != currency:
        prices = derived.counted(instrument, quote, snapshot.quotes)
        counted = "-" if prices is None else fmt.converted(prices.ask if is_bought else prices.bid, decimals)
        leg["counts as"] = (f"{counted} {currency}", "text")
    return leg


def _order_limits(row: FactsRow | None, instrument: Instrument) -> dict[str, Told]:
    """The least orders that the venue takes, as far as it says."""
    if row is None or (limits := row.limits) is None:
        return {}
    least = [_exact(limits.min_size, instrument.base)] if limits.min_size else []
    least += [_exact(limits.min_worth, instrument.native_quote)] if limits.min_worth else []
    told = {"lot": (_exact(limits.lot, instrument.base), "quiet")} if limits.lot else {}
    return told | ({"least order": (" and ".join(least), "quiet")} if least else {})


def _exact(amount: float, currency: str) -> str:
    return f"{fmt.number(amount, fmt.decimals_of(amount))} {currency}"


def _facts(row: FactsRow | None, now_ms: float | None, instrument: Instrument) -> dict[str, Told]:
    """What is told of a perpetual beside its quote, each with its own age."""
    if instrument.market is not Market.PERP:
        return {}
    if row is None or not (row.funding or row.mark or row.interest):
        return {"funding": ("not told yet", "quiet")}
    told: dict[str, Told] = {}

    def put(name: str, text: str, at_ms: float) -> None:
        age = "" if now_ms is None else f"   {fmt.age(now_ms - at_ms)} old"
        told[name] = (f"{text}{age}", "text")

    if (funding := row.funding) is not None:
        every = "" if funding.interval_h is None else f" every {funding.interval_h:g} h"
        put("funding", f"{fmt.pct(funding.rate_pct, 4)} %{every}", row.funding_ms)
        if funding.next_ms is not None and now_ms is not None:
            told["next funding"] = (f"in {fmt.span((funding.next_ms - now_ms) / 1000)}", "text")
        if funding.predicted_pct is not None:
            told["then"] = (f"{fmt.pct(funding.predicted_pct, 4)} % predicted", "text")
    if (mark := row.mark) is not None:
        put("mark", f"{fmt.number(mark.mark, fmt.decimals_of(mark.mark, 2))} {instrument.native_quote}", row.mark_ms)
        if mark.index is not None:
            put("index", f"{fmt.number(mark.index, fmt.decimals_of(mark.index, 2))}", row.mark_ms)
    if row.interest is not None:
        put("open interest", f"{row.interest.coins:,.8g} {instrument.base}", row.interest_ms)
    return told


_LEG_ROWS = (
    "",
    "symbol",
    "price",
    "counts as",
    "size",
    "taker fee",
    "age",
    "other side",
    "lot",
    "least order",
    "takes part",
) + (*("funding", "next funding", "then", "mark", "index", "open interest"),)


def _beside(buy: dict[str, Told], sell: dict[str, Told], width: int) -> list[Line]:
    """Both legs in columns of their own; what is longer than a column goes on in the next line."""
    column = max(LEAST_LEG, min(MOST_LEG, (width - LABEL - 4) // 2))
    lines: list[Line] = []
    for name in _LEG_ROWS:
        if name not in buy and name not in sell:
            continue
        (left, left_role), (right, right_role) = buy.get(name, ("-", "quiet")), sell.get(name, ("-", "quiet"))
        for at, (first, second) in enumerate(zip_longest(wrap(left, column), wrap(right, column), fillvalue="")):
            said = ((f"{cell(first, column)}  ", left_role), (second, right_role))
            lines.append(_row("" if at else name, *said))
    return lines


def _sums(route: RouteRow | None, buy: Instrument, sell: Instrument) -> list[Line]:
    if route is None or not derived.is_priced(route):
        return []
    number = "gain" if route.net_spread_pct > 0.0 else "loss"
    fees = f"after {buy.taker_fee_pct:g} % at {buy.venue} and {sell.taker_fee_pct:g} % at {sell.venue}"
    return [
        _row("gross spread", (f"{fmt.pct(route.spread_pct, 4)} %", "text"), ("   as quoted", "quiet")),
        _row("net spread", (f"{fmt.pct(route.net_spread_pct, 4)} %", number), (f"   {fees}", "quiet")),
        *_usual(route),
        _row("size", (f"{route.size:,.8g} {buy.base}", "text"), ("   the smaller of the two", "quiet")),
        _row(
            "net total",
            (f"{fmt.money(route.net_total)} {buy.counted_quote}", number),
            ("   what the size would bring", "quiet"),
        ),
    ]


def _usual(route: RouteRow) -> list[Line]:
    if route.basis_pct is None or route.zscore is None:
        return []
    above = f"   of the last hour; the spread is {route.zscore:.1f} deviations above it"
    return [_row("usual spread", (f"{fmt.pct(route.basis_pct, 4)} %", "text"), (above, "quiet"))]


def _rate(snapshot: Snapshot, now_ms: float | None, instrument: Instrument) -> Line:
    native, counted = instrument.native_quote, instrument.counted_quote
    if instrument.rate_id is None:
        return _row("rate", (f"{native} counts as {counted} 1:1: assumed, by [quotes]", "warn"))
    quote = snapshot.quotes.get(instrument.id)
    used = derived.rate_used(instrument, quote)
    market = derived.instruments_of(snapshot).get(used.id)
    rate = snapshot.quotes.get(used.id)
    if market is None or rate is None or rate.ts_recv_ms <= 0.0:
        return _row("rate", (f"{native} in {counted}: not known yet, so it takes no part", "warn"))
    decimals = fmt.decimals_of(rate.ask, fmt.decimals_of(rate.bid, 2))
    verb = "divided by" if used.is_inverted else "times"
    shown = f"{fmt.number(rate.bid, decimals)} / {fmt.number(rate.ask, decimals)}"
    age_ms = derived.age_ms(rate, now_ms)
    said = f"{native} {verb} {market.venue} {market.symbol} {shown}, {'-' if age_ms is None else fmt.age(age_ms)} old"
    if used.id != instrument.rate_id:
        said += "; the preferred market has none"
    reason = quote.reason if quote is not None and derived.is_unrated(quote) else None
    return _row("rate", (f"{said}: {reason_words(reason)}", "warn") if reason else (said, "text"))
