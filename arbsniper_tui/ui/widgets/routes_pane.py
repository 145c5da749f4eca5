"""The routes, the largest spreads on top."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.view import RouteRow
from arbsniper_tui.session import derived
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.columns import MONEY_WIDTH, Column, fitted, header, row
from arbsniper_tui.ui.look import Look
from arbsniper_tui.ui.paint import Line
from arbsniper_tui.ui.row_words import route_state
from arbsniper_tui.ui.widgets.pane import LinePane

TIGHT_BELOW = 66
"""With less room than this, coins and venues stand without their currencies."""
HELD_S = 2.5
"""How long the order is kept after the selection was moved, so that no other route slips under the cursor."""

COLUMNS = (
    Column("mark", "", 1),
    Column("symbol", "", 8),
    Column("market", "", 4),
    Column("buy", "buy at", 8, "right"),
    Column("arrow", "", 1),
    Column("sell", "sell at", 8),
    Column("spread", "spread", 8, "right", "%"),
    Column("net", "net", 7, "right", "%"),
    Column("usual", "usual", 7, "right", "%", drop=4),
    Column("zscore", "z", 5, "right", drop=4),
    Column("money", "net total", MONEY_WIDTH, "right", drop=1),
    Column("size", "size coins", 11, "right", drop=2),
    Column("signals", "signals", 8, "right", drop=3),
    Column("state", "why not", 17, grows=True),
)
Legs = tuple[int, int]
"""The ids of the instruments that a route buys and sells."""


class RoutesPane(LinePane):
    """A row a route, sorted whenever it is drawn. The selection stays with its route, and the window with both."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: dict[Legs, RouteRow] = {}
        self._order: list[Legs] = []
        self._instruments: Mapping[int, Instrument] = {}
        self._look = Look()
        self._columns: tuple[Column, ...] = ()
        self._chosen: Legs | None = None
        """The route that the selection stays with; None while it stays with the top row."""
        self._was_moved = False
        self._held_until_s = float("-inf")
        self._is_held = False
        self.opened: frozenset[Legs] = frozenset()
        """The routes whose opportunity is open, as last shown."""
        self._share = ""
        """How many of the node's routes are known here; empty if all are."""
        self._symbol_width = 8
        self._market_width = 4
        self._venue_width = 8

    @property
    def selected(self) -> Legs | None:
        """The buy and sell instruments of the selected route."""
        return self._order[self.cursor] if 0 <= self.cursor < len(self._order) else None

    def show(
        self,
        routes: Sequence[RouteRow],
        instruments: Mapping[int, Instrument],
        look: Look,
        now_s: float,
        *,
        watched: int = 0,
        empty: str = "",
    ) -> None:
        """Repaint what changed. `now_s` is any clock that the caller goes on using; `watched` is the number of the
        node's routes, of which it sends those with the largest spreads."""
        is_new = look != self._look
        self._look, self._instruments = look, instruments
        self.opened = frozenset((each.buy_id, each.sell_id) for each in routes if not each.reason)
        self._rows = {
            (each.buy_id, each.sell_id): each
            for each in routes
            if each.buy_id in instruments and each.sell_id in instruments and self._takes(each)
        }
        self._widen()
        if self._was_moved:
            self._was_moved, self._held_until_s = False, now_s + HELD_S
        self._is_held = now_s < self._held_until_s and not is_new
        self._sort()
        self._share = f"{len(routes)} of {fmt.count(watched)}" if len(routes) < watched else ""
        sought = f"none of the {len(routes)} largest of {fmt.count(watched)} routes" if self._share else "no route"
        self.lay(len(self._order), f"{sought} holds the filter: {look.filter}" if routes else empty)
        self._keep_selection()
        self.repaint()

    def move(self, direction: str) -> None:
        super().move(direction)
        if direction == "home":
            self._chosen = None

    def select(self, index: int) -> None:
        super().select(index)
        self._chosen = self.selected
        self._was_moved = True

    def fit(self) -> None:
        self._set_columns()
        super().fit()

    def _widen(self) -> None:
        """Make room for the longest symbol, market and venue shown so far."""
        for buy_id, sell_id in self._rows:
            buy, sell = self._instruments[buy_id], self._instruments[sell_id]
            self._symbol_width = max(self._symbol_width, len(f"{buy.base}/{derived.currency_of(buy, sell)}"))
            self._market_width = max(self._market_width, len(_markets(buy, sell)))
            self._venue_width = max(self._venue_width, len(derived.place(buy)), len(derived.place(sell)))
        self._set_columns()

    @property
    def _is_tight(self) -> bool:
        return self.room < TIGHT_BELOW

    def _set_columns(self) -> None:
        venue, symbol = (8, 5) if self._is_tight else (self._venue_width, self._symbol_width)
        widths = {"symbol": symbol, "market": self._market_width, "buy": venue, "sell": venue}
        self._columns = fitted([replace(each, width=widths.get(each.id, each.width)) for each in COLUMNS], self.room)

    def _sort(self) -> None:
        """Sort by the values drawn; while the order is held, new routes come after the others."""
        if self._is_held:
            held = [legs for legs in self._order if legs in self._rows]
            new = self._rows.keys() - set(held)
            self._order = held + sorted(new, key=self._rank)
        else:
            self._order = sorted(self._rows, key=self._rank)

    def _rank(self, legs: Legs) -> tuple[str, bool, float]:
        row = self._rows[legs]
        symbol = self._instruments[legs[0]].group if self._look.routes == "symbol" else ""
        value = row.net_spread_pct if self._look.routes == "net" else row.spread_pct
        return symbol, not derived.is_priced(row), -value

    def _keep_selection(self) -> None:
        """The cursor stays with the route that was chosen; unchosen, it stays on the top row."""
        if not self._order:
            self.cursor = -1
            return
        if self._chosen is None:
            self.cursor = 0
        elif self._chosen in self._rows:
            self.cursor = self._order.index(self._chosen)
        else:
            self.cursor = max(0, min(self.cursor, len(self._order) - 1))
        self.reveal(self.cursor)

    def _takes(self, route: RouteRow) -> bool:
        buy, sell = self._instruments[route.buy_id], self._instruments[route.sell_id]
        return self._look.takes(buy.venue, sell.venue, buy.symbol, sell.symbol, buy.group, _markets(buy, sell))

    def header_of(self, width: int) -> Line:
        shown = f"by {self._look.routes}{', order held' if self._is_held else ''}"
        return header(self._columns, width, "Routes", shown, sorted_by=self._look.routes, at_end=self._share)

    def line_of(self, index: int) -> Line:
        """What would lose money after fees is quiet, however large its spread is; one that signals for all that says
        so in the colour of a loss."""
        legs = self._order[index]
        route = self._rows[legs]
        buy, sell = self._instruments[legs[0]], self._instruments[legs[1]]
        currency = derived.currency_of(buy, sell)
        is_open, is_gain = not route.reason, route.net_spread_pct > 0.0 and derived.takes_part(route)
        role = "text" if is_gain else "quiet"
        net = "gain" if is_gain else "loss" if is_open else "quiet"
        texts = {
            "mark": ("●" if is_open else " ", "accent" if is_gain else "quiet"),
            "symbol": (buy.base if self._is_tight else f"{buy.base}/{currency}", role),
            "market": (_markets(buy, sell), role),
            "buy": (buy.venue if self._is_tight else derived.place(buy), role),
            "arrow": ("→", role),
            "sell": (sell.venue if self._is_tight else derived.place(sell), role),
            "spread": (fmt.pct(route.spread_pct, width=8), role),
            "net": (fmt.pct(route.net_spread_pct, width=7), net),
            "usual": ("" if route.basis_pct is None else fmt.pct(route.basis_pct, width=7), "quiet"),
            "zscore": ("" if route.zscore is None else f"{max(-99.0, min(99.0, route.zscore)):.1f}", role),
            "money": (fmt.money_in(buy.counted_quote, route.net_total, MONEY_WIDTH), net),
            "size": (fmt.amount(route.size, 4, 11), "quiet"),
            "signals": (fmt.count(route.signals) if route.signals else "", "quiet"),
            "state": (
                route_state(route, self._columns[-1].width),
                "accent" if is_open and is_gain else "quiet",
            ),
        }
        if not derived.is_priced(route):
            texts |= dict.fromkeys(("spread", "net", "zscore", "money", "size"), ("-", "quiet"))
        return row(self._columns, [texts[column.id] for column in self._columns])


def _markets(buy: Instrument, sell: Instrument) -> str:
    return buy.market.value if buy.market is sell.market else f"{buy.market.value}-{sell.market.value}"
