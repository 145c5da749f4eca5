"""The prices of one symbol: a row an instrument, spot above perpetual, the best bid and the best ask marked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from textual.containers import ScrollableContainer

from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.view import NodeStatus, QuoteRow
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui import reading
from arbsniper_tui.ui.columns import Column, fitted, header
from arbsniper_tui.ui.paint import Line, cell, joined
from arbsniper_tui.ui.widgets.pane import LinePane

COLUMNS = (
    Column("venue", "", 13),
    Column("market", "", 4),
    Column("bid", "bid", 10, "right"),
    Column("ask", "ask", 10, "right"),
    Column("bid_size", "size", 8, "right"),
    Column("ask_size", "size", 8, "right"),
    Column("age", "age", 5, "right"),
    Column("width", "spread", 8, "right", "%", drop=1),
    Column("quotes", "quotes", 10, "right", drop=2),
    Column("lag", "venue lag", 9, "right", drop=3),
)
LIVE_COLUMNS = ("bid", "ask", "bid_size", "ask_size")


class PricePane(LinePane):
    """One symbol's instruments. Its decimals follow the finest price seen and never shrink."""

    DEFAULT_CSS = "PricePane { height: auto; overflow-y: hidden; scrollbar-gutter: auto; }"

    def __init__(self, symbol: str, instruments: Sequence[Instrument], says_order: bool = False) -> None:
        super().__init__()
        self._says_order = says_order
        self.symbol = symbol
        self._instruments = list(instruments)
        self._place = {each.id: index for index, each in enumerate(self._instruments)}
        self._quotes: Mapping[int, QuoteRow] = {}
        self._status: NodeStatus | None = None
        self._wanting: dict[int, str] = {}
        self._order = "venue"
        self._behind = False
        self._decimals = 0
        self._size_decimals = -1
        self._columns: tuple[Column, ...] = ()
        self._best: dict[int, str] = {}
        self._drawn: dict[int, tuple[str, str]] = {}
        self.styles.height = len(self._instruments) + 1
        self.lay(len(self._instruments))

    @property
    def instruments(self) -> Sequence[Instrument]:
        return self._instruments

    def show(
        self,
        quotes: Mapping[int, QuoteRow],
        status: NodeStatus | None,
        dirty: set[int] | None,
        *,
        wanting: dict[int, str] | None = None,
        order: str = "venue",
        resort: bool = False,
        ages: bool = False,
    ) -> None:
        """Repaint the rows in `dirty` (all for None), those whose mark moved, and with `ages` those seen."""
        self._quotes, self._status = quotes, status
        self._wanting = self._wanting if wanting is None else wanting
        mine = set(self._place) if dirty is None else self._place.keys() & dirty
        window = self.seen()
        if not window:
            self._behind |= bool(mine) or order != self._order
            self._order = order
            return
        again = dirty is None or self._behind or order != self._order
        self._order = order
        marked = self._remark() if mine else set()
        again |= self._widen(mine)
        if resort or again:
            again |= self._arrange()
        if again:
            self.freshen()
            return
        rows = {self._place[each] for each in (*mine, *marked)}
        self.draw(rows.union(window) if ages else rows)

    def on_resize(self) -> None:
        super().on_resize()
        self.freshen()

    def freshen(self) -> None:
        """Take in everything and repaint; what was out of the window had been left as it was."""
        self._behind = False
        self._remark()
        self._widen(self._place)
        self._arrange()
        self.draw_all()

    def _remark(self) -> set[int]:
        """Find the best bid and ask of each market; returns the ids whose mark changed."""
        best: dict[int, str] = {}
        for market in Market:
            bid_id, ask_id = reading.best_of(
                (each for each in self._instruments if each.market is market), self._quotes
            )
            best[bid_id] = "bid"
            best[ask_id] = best.get(ask_id, "") + "ask"
        best.pop(-1, None)
        before, self._best = self._best, best
        return {each for each in before.keys() | best.keys() if before.get(each) != best.get(each)}

    def _widen(self, ids: Iterable[int]) -> bool:
        """Take in the decimals of new prices; returns whether the columns change."""
        finest = self._decimals
        for each in ids:
            quote = self._quotes.get(each)
            if quote is None or quote.ts_recv_ms <= 0.0:
                continue
            finest = fmt.decimals_of(quote.ask, fmt.decimals_of(quote.bid, finest))
            if self._size_decimals < 0:
                self._size_decimals = fmt.size_decimals(quote.bid)
                self._columns = ()
        changed = finest != self._decimals or not self._columns
        self._decimals = finest
        return changed

    def _arrange(self) -> bool:
        """Put the rows into the chosen order; returns whether it changed."""
        if self._order == "venue":
            wanted = sorted(self._instruments, key=lambda each: (each.market.value != "spot", each.venue, each.symbol))
        else:
            wanted = sorted(self._instruments, key=self._rank)
        if wanted == self._instruments:
            return False
        self._instruments = wanted
        self._place = {each.id: index for index, each in enumerate(wanted)}
        return True

    def _rank(self, instrument: Instrument) -> tuple[bool, bool, float, str]:
        quote = self._quotes.get(instrument.id)
        takes_part = quote is not None and not quote.reason and quote.ts_recv_ms > 0.0
        value = 0.0
        if quote is not None and takes_part:
            prices = reading.counted(instrument, quote, self._quotes)
            if prices is not None:
                value = -prices.bid if self._order == "bid" else prices.ask
        return (instrument.market is not Market.SPOT, not takes_part, value, instrument.venue)

    def header_of(self, width: int) -> Line:
        base, _, quote = self.symbol.partition("/")
        named = {"bid": f"bid {quote}", "ask": f"ask {quote}", "bid_size": f"bid {base}", "ask_size": f"ask {base}"}
        longest = max((self._longest(each) for each in self._place), default=0)
        columns = [
            replace(each, title=named.get(each.id, each.title), width=max(each.width, longest + 1))
            if each.id in ("bid", "ask")
            else replace(each, title=named.get(each.id, each.title))
            for each in COLUMNS
        ]
        self._columns = fitted(columns, width)
        note = f"by {self._order}" if self._says_order else ""
        return header(self._columns, width, self.symbol, note, sorted_by=self._order)

    def _longest(self, instrument_id: int) -> int:
        quote = self._quotes.get(instrument_id)
        return 0 if quote is None else len(fmt.number(max(quote.bid, quote.ask), self._decimals))

    def line_of(self, index: int) -> Line:
        instrument = self._instruments[index]
        quote = self._quotes.get(instrument.id)
        native = reading.native_quote(instrument.symbol)
        currency = native if native != instrument.counted_quote else ""
        named = f"{instrument.venue:<9}{currency[:4]:<4} {instrument.market.value:<4} "
        if quote is None or quote.ts_recv_ms <= 0.0:
            return joined(((named, "quiet"), (self._wanting.get(instrument.id, ""), "quiet")))
        bid = fmt.number(quote.bid, self._decimals)
        ask = fmt.number(quote.ask, self._decimals)
        if quote.reason:
            return self._apart(named, quote, bid, ask)
        before = self._drawn.get(instrument.id, (bid, ask))
        self._drawn[instrument.id] = (bid, ask)
        best = self._best.get(instrument.id, "")
        pieces = [(named, "text")]
        widths = {column.id: column.width for column in self._columns}
        pieces += _price(bid, before[0], widths["bid"], "▲" if "bid" in best else "")
        pieces.append((" ", "text"))
        pieces += _price(ask, before[1], widths["ask"], "▼" if "ask" in best else "")
        quiet = [self._cell_of(column, quote) for column in self._columns[4:]]
        pieces.append((" " + " ".join(quiet), "quiet"))
        return joined(pieces)

    def _apart(self, named: str, quote: QuoteRow, bid: str, ask: str) -> Line:
        """A row that takes no part: all of it quiet, the reason in the place of the sizes."""
        widths = {column.id: column.width for column in self._columns}
        shown = f"{named}{bid:>{widths['bid']}} {ask:>{widths['ask']}} "
        reason = cell(quote.reason, widths["bid_size"] + 1 + widths["ask_size"], "right")
        rest = " ".join(self._cell_of(column, quote) for column in self._columns[6:])
        return joined(((shown, "quiet"), (reason, "warn"), (" " + rest, "quiet")))

    def _cell_of(self, column: Column, quote: QuoteRow) -> str:
        return cell(self._text_of(column, quote), column.width, column.align)

    def _text_of(self, column: Column, quote: QuoteRow) -> str:
        match column.id:
            case "bid_size":
                return fmt.amount(quote.bid_size, max(0, self._size_decimals), column.width)
            case "ask_size":
                return fmt.amount(quote.ask_size, max(0, self._size_decimals), column.width)
            case "age":
                age_ms = reading.age_ms(quote, self._status)
                return "-" if age_ms is None else fmt.age(age_ms)
            case "width":
                return f"{(quote.ask - quote.bid) / quote.bid * 100:.4f}" if quote.bid > 0 else "-"
            case "quotes":
                return fmt.count(quote.quotes)
            case _:
                lag = None if quote.ts_venue_ms is None else quote.ts_recv_ms - quote.ts_venue_ms
                return fmt.millis(lag)

    def ids_seen(self) -> list[int]:
        """The instruments whose rows stand in the window."""
        return [self._instruments[index].id for index in self.seen()]

    def seen(self) -> range:
        area = self.parent
        if not isinstance(area, ScrollableContainer):
            return super().seen()
        first = area.scroll_offset.y - self.virtual_region.y - 1
        return range(max(0, first), max(0, min(len(self._instruments), first + area.size.height)))


def _price(text: str, before: str, width: int, mark: str) -> list[tuple[str, str]]:
    """A price with its mark, right-aligned; the digits that differ from `before` are bright."""
    padded = text.rjust(width - len(mark))
    changed = next((i for i, (new, old) in enumerate(zip(text, before, strict=False)) if new != old), len(text))
    if len(text) != len(before):
        changed = 0
    split = len(padded) - len(text) + changed
    blank = len(padded) - len(padded.lstrip())
    pieces = [(padded[:blank], "text")]
    if mark:
        pieces.append((mark, "accent"))
    pieces += [(padded[blank:split], "accent" if mark else "text"), (padded[split:], "bright")]
    return pieces
