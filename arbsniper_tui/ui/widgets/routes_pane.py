"""The routes, the largest spreads on top. The order settles once a second, so that it can be read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.view import RouteRow
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui import reading
from arbsniper_tui.ui.columns import Column, fitted, header, row
from arbsniper_tui.ui.look import Look
from arbsniper_tui.ui.paint import Line
from arbsniper_tui.ui.widgets.pane import LinePane

MARGIN_PCT = 0.005
"""How much larger a spread must be before its row passes the one above."""

COLUMNS = (
    Column("mark", "", 1),
    Column("symbol", "", 8),
    Column("market", "", 4),
    Column("buy", "buy at", 8, "right"),
    Column("arrow", "", 1),
    Column("sell", "sell at", 8),
    Column("spread", "spread", 8, "right", "%"),
    Column("net", "net", 7, "right", "%"),
    Column("size", "size coins", 11, "right", drop=2),
    Column("signals", "signals", 8, "right", drop=3),
    Column("state", "why not", 17, grows=True),
)
Key = tuple[int, int]


class RoutesPane(LinePane):
    """A row a route; the selection stays with its route when the order changes."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: dict[Key, RouteRow] = {}
        self._order: list[Key] = []
        self._instruments: Mapping[int, Instrument] = {}
        self._look = Look()
        self._columns: tuple[Column, ...] = ()
        self._chosen: Key | None = None
        self.opened: frozenset[Key] = frozenset()
        """The routes whose opportunity is open, as last shown."""
        self._symbol_width = 8
        self._market_width = 4
        self._venue_width = 8

    @property
    def selected(self) -> Key | None:
        """The buy and sell instruments of the selected route."""
        return self._order[self.cursor] if 0 <= self.cursor < len(self._order) else None

    def show(
        self,
        routes: Sequence[RouteRow],
        instruments: Mapping[int, Instrument],
        look: Look,
        *,
        resort: bool = False,
        afresh: bool = False,
        empty: str = "",
    ) -> None:
        """Repaint the rows whose text changed; with `resort` let the order settle, with `afresh` sort it anew."""
        afresh |= look != self._look or (bool(routes) and not self._rows)
        self._look, self._instruments = look, instruments
        self.opened = frozenset((each.buy_id, each.sell_id) for each in routes if not each.reason)
        self._rows = {
            (each.buy_id, each.sell_id): each
            for each in routes
            if each.buy_id in instruments and each.sell_id in instruments and self._takes(each)
        }
        afresh |= self._widen()
        before = self._order
        if afresh:
            self._order = sorted(self._rows, key=self._rank)
        elif resort or any(key not in self._rows for key in before):
            self._order = self._settle()
        self._keep_selection()
        self.lay(len(self._order), self._empty_text(empty, bool(routes)))
        if afresh or not before or not self._order:
            self.draw_all()
        self.draw_header()
        self.draw_seen()

    def _widen(self) -> bool:
        """Make room for the longest symbol, market and venue shown; returns whether the columns change."""
        before = (self._symbol_width, self._market_width, self._venue_width)
        for buy_id, sell_id in self._rows:
            buy, sell = self._instruments[buy_id], self._instruments[sell_id]
            self._symbol_width = max(self._symbol_width, len(f"{buy.base}/{buy.counted_quote}"))
            self._market_width = max(self._market_width, len(_markets(buy, sell)))
            self._venue_width = max(self._venue_width, len(reading.place(buy)), len(reading.place(sell)))
        return before != (self._symbol_width, self._market_width, self._venue_width)

    def select(self, index: int) -> None:
        super().select(index)
        self._chosen = self.selected

    def _keep_selection(self) -> None:
        """The cursor stays with the route that was chosen; unchosen, it stays on its row."""
        at = self._order.index(self._chosen) if self._chosen in self._order else max(self.cursor, 0)
        at = min(at, len(self._order) - 1)
        if at != self.cursor:
            before, self.cursor = self.cursor, at
            self.redraw(before)
            self.redraw(at)

    def _takes(self, route: RouteRow) -> bool:
        buy, sell = self._instruments[route.buy_id], self._instruments[route.sell_id]
        return self._look.takes(buy.venue, sell.venue, buy.symbol, sell.symbol, buy.group, _markets(buy, sell))

    def _value(self, key: Key) -> float:
        each = self._rows[key]
        return each.net_spread_pct if self._look.routes == "net" else each.spread_pct

    def _rank(self, key: Key) -> tuple[str, float]:
        symbol = self._instruments[key[0]].group if self._look.routes == "symbol" else ""
        return symbol, -self._value(key)

    def _settle(self) -> list[Key]:
        if self._look.routes != "symbol":
            return reading.settled(self._order, {key: self._value(key) for key in self._rows}, MARGIN_PCT)
        by_symbol: dict[str, list[Key]] = {}
        held = set(self._order)
        for key in (*self._order, *(key for key in self._rows if key not in held)):
            if key in self._rows:
                by_symbol.setdefault(self._instruments[key[0]].group, []).append(key)
        settled: list[Key] = []
        for _, keys in sorted(by_symbol.items()):
            settled += reading.settled(keys, {key: self._value(key) for key in keys}, MARGIN_PCT)
        return settled

    def _empty_text(self, empty: str, any_routes: bool) -> str:
        return f"no route holds the filter: {self._look.filter}" if any_routes else empty

    def header_of(self, width: int) -> Line:
        venue = self._venue_width
        widths = {"symbol": self._symbol_width, "market": self._market_width, "buy": venue, "sell": venue}
        named = [replace(each, width=widths.get(each.id, each.width)) for each in COLUMNS]
        self._columns = fitted(named, width)
        shown = f"by {self._look.routes}"
        return header(self._columns, width, "Routes", shown, sorted_by=self._look.routes)

    def line_of(self, index: int) -> Line:
        key = self._order[index]
        route = self._rows[key]
        buy, sell = self._instruments[key[0]], self._instruments[key[1]]
        is_open = not route.reason
        number = "strong" if is_open else "text" if route.spread_pct > 0 else "quiet"
        texts = {
            "mark": ("●" if is_open else " ", "strong"),
            "symbol": (f"{buy.base}/{buy.counted_quote}", "text"),
            "market": (_markets(buy, sell), "text"),
            "buy": (reading.place(buy), "text"),
            "arrow": ("→", "text"),
            "sell": (reading.place(sell), "text"),
            "spread": (fmt.pct(route.spread_pct), number),
            "net": (fmt.pct(route.net_spread_pct), number),
            "size": (fmt.amount(route.size, 4, 11) if route.size > 0 else "-", "quiet"),
            "signals": (fmt.count(route.signals) if route.signals else "", "quiet"),
            "state": (reading.route_state(route, self._columns[-1].width), "accent" if is_open else "quiet"),
        }
        return row(self._columns, [texts[column.id] for column in self._columns])


def _markets(buy: Instrument, sell: Instrument) -> str:
    return buy.market.value if buy.market is sell.market else f"{buy.market.value}-{sell.market.value}"
