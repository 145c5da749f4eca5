"""One route in full: legs, fees, ages, the rate used, gross and net, and the first reason why it does not signal."""

from textual.app import ComposeResult
from textual.containers import Container

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.view import QuoteRow, RouteRow
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui import reading
from arbsniper_tui.ui.frames import Frame
from arbsniper_tui.ui.paint import Line, joined
from arbsniper_tui.ui.screens.base import NodeScreen, Pane
from arbsniper_tui.ui.widgets.pane import TextPane

LABEL = 16


class DetailScreen(NodeScreen):
    """Follows one route while it is open; `esc` leaves it."""

    TITLED = ""

    def __init__(self, buy_id: int, sell_id: int) -> None:
        super().__init__()
        self.route = (buy_id, sell_id)
        self._account = TextPane("Route")

    def body(self) -> ComposeResult:
        with Container(classes="body"):
            yield self._account

    def panes(self) -> list[Pane]:
        return [self._account]

    def selected_route(self, snapshot: Snapshot) -> tuple[int, int] | None:
        return self.route

    def show_body(self, frame: Frame) -> None:
        changes = frame.changes
        if frame.whole or frame.half or changes.routes or changes.status or not changes.quotes.isdisjoint(self.route):
            names = reading.instruments_of(frame.snapshot)
            buy, sell = names.get(self.route[0]), names.get(self.route[1])
            title = f"Route {buy.venue} → {sell.venue}" if buy and sell else "Route"
            self._account.show(detail_lines(frame.snapshot, *self.route), "esc goes back", title)


def detail_lines(snapshot: Snapshot, buy_id: int, sell_id: int) -> list[Line]:
    """The whole account of one route."""
    names = reading.instruments_of(snapshot)
    buy, sell = names.get(buy_id), names.get(sell_id)
    if buy is None or sell is None:
        return [(("this route is no longer watched", "warn"),)]
    route = next((each for each in snapshot.routes if (each.buy_id, each.sell_id) == (buy_id, sell_id)), None)
    lines = [(), *_verdict(snapshot, route), ()]
    decimals = _decimals(snapshot, buy_id, sell_id)
    legs = [_leg(snapshot, buy, "buy at ask", decimals), _leg(snapshot, sell, "sell at bid", decimals)]
    for name, left, right in zip(_LEG_ROWS, *legs, strict=True):
        lines.append(joined(((f" {name:<{LABEL}}", "head"), (f"{left[0]:<28} ", left[1]), (right[0], right[1]))))
    lines += [(), *_sums(snapshot, route, buy, sell)]
    told = _rate(snapshot, buy)
    return lines + told + [line for line in _rate(snapshot, sell) if line not in told]


_LEG_ROWS = ("", "symbol", "price", "size", "taker fee", "age", "other side", "takes part")


def _row(name: str, text: str, role: str = "text") -> Line:
    return joined(((f" {name:<{LABEL}}", "head"), (text, role)))


def _verdict(snapshot: Snapshot, route: RouteRow | None) -> list[Line]:
    status = snapshot.status
    bound = f"{fmt.threshold(status.threshold_pct)} {status.basis}" if status else "-"
    if route is None:
        return [_row("signals", "no: not among the routes that the node shows just now", "warn")]
    if route.reason:
        return [_row("signals", f"no: {route.reason}", "warn"), _row("needs", f"a spread above {bound}", "quiet")]
    held = f"yes: open for {fmt.span(route.open_ms / 1000)}, above {bound}"
    return [_row("signals", held, "strong"), _row("announced", f"{fmt.count(route.signals)} opportunities", "quiet")]


def _leg(snapshot: Snapshot, instrument: Instrument, what: str, decimals: int) -> list[tuple[str, str]]:
    head = [(f"{what}", "head"), (f"{instrument.venue} {instrument.symbol}", "bright")]
    fee = (f"{instrument.taker_fee_pct:g} %", "text")
    quote = snapshot.quotes.get(instrument.id)
    if quote is None or quote.ts_recv_ms <= 0.0:
        waits = reading.wanting(instrument, snapshot.feeds.values())
        return [*head, ("-", "quiet"), ("-", "quiet"), fee, ("-", "quiet"), ("-", "quiet"), (waits, "warn")]
    native = reading.native_quote(instrument.symbol)
    buying = what.startswith("buy")
    price, size = (quote.ask, quote.ask_size) if buying else (quote.bid, quote.bid_size)
    other = f"bid {fmt.number(quote.bid, decimals)}" if buying else f"ask {fmt.number(quote.ask, decimals)}"
    age_ms = reading.age_ms(quote, snapshot.status)
    limit = snapshot.intro.max_quote_age_ms if snapshot.intro else 0.0
    old = age_ms is not None and age_ms > limit > 0.0
    return [
        *head,
        (f"{fmt.number(price, decimals)} {native}", "bright"),
        (f"{size:,.8g} {instrument.base}", "text"),
        fee,
        ("-" if age_ms is None else fmt.age(age_ms), "warn" if old else "text"),
        (other, "quiet"),
        (f"no: {quote.reason}", "warn") if quote.reason else ("yes", "text"),
    ]


def _sums(snapshot: Snapshot, route: RouteRow | None, buy: Instrument, sell: Instrument) -> list[Line]:
    if route is None:
        return []
    fees = f"after {buy.taker_fee_pct:g} % at {buy.venue} and {sell.taker_fee_pct:g} % at {sell.venue}"
    lines = [
        _row("gross spread", f"{fmt.pct(route.spread_pct, 4)} %   as quoted", "text"),
        _row("net spread", f"{fmt.pct(route.net_spread_pct, 4)} %   {fees}", "text"),
        _row("size", f"{route.size:,.8g} {buy.base}   the smaller of the two", "text"),
    ]
    prices = _counted_pair(snapshot, buy, sell)
    if prices is not None:
        profit = prices[1] - prices[0]
        shown = fmt.number(profit, max(2, fmt.size_decimals(1 / abs(profit)) if profit else 2))
        lines.append(_row("gross a coin", f"{shown} {buy.counted_quote}   sell bid - buy ask, counted", "text"))
    return lines


def _counted_pair(snapshot: Snapshot, buy: Instrument, sell: Instrument) -> tuple[float, float] | None:
    bought, sold = snapshot.quotes.get(buy.id), snapshot.quotes.get(sell.id)
    if bought is None or sold is None:
        return None
    buy_prices = reading.counted(buy, bought, snapshot.quotes)
    sell_prices = reading.counted(sell, sold, snapshot.quotes)
    if buy_prices is None or sell_prices is None:
        return None
    return buy_prices.ask, sell_prices.bid


def _rate(snapshot: Snapshot, instrument: Instrument) -> list[Line]:
    native = reading.native_quote(instrument.symbol)
    if native == instrument.counted_quote:
        return []
    if instrument.rate_id is None:
        return [_row("rate", f"{native} counts as {instrument.counted_quote} 1:1, by [quotes]", "text")]
    market = reading.instruments_of(snapshot).get(instrument.rate_id)
    rate = snapshot.quotes.get(instrument.rate_id)
    if market is None or rate is None or rate.ts_recv_ms <= 0.0:
        return [_row("rate", f"{native} in {instrument.counted_quote}: not known yet, so it takes no part", "warn")]
    age_ms = reading.age_ms(rate, snapshot.status) or 0.0
    decimals = _decimals(snapshot, instrument.rate_id)
    verb = "divided by" if instrument.rate_inverted else "times"
    shown = f"{fmt.number(rate.bid, decimals)} / {fmt.number(rate.ask, decimals)}"
    said = f"{native} {verb} {market.venue} {market.symbol} {shown}, {fmt.age(age_ms)} old"
    return [_row("rate", f"{said}: {rate.reason}" if rate.reason else said, "warn" if rate.reason else "text")]


def _decimals(snapshot: Snapshot, *ids: int) -> int:
    finest = 2
    for each in ids:
        quote: QuoteRow | None = snapshot.quotes.get(each)
        if quote is not None and quote.ts_recv_ms > 0.0:
            finest = fmt.decimals_of(quote.ask, fmt.decimals_of(quote.bid, finest))
    return finest
