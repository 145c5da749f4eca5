"""The prices of one symbol: a row an instrument, spot above perpetual, the best bid and the best ask marked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.reason import ReasonCode, reason_words, short_words
from arbsniper_tui.model.view import FactsRow, QuoteRow
from arbsniper_tui.session import derived
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.columns import Column, fitted, header
from arbsniper_tui.ui.paint import Line, cell, joined
from arbsniper_tui.ui.row_words import rate_in_words
from arbsniper_tui.ui.widgets.pane import LinePane

COLUMNS = (
    Column("venue", "", 13),
    Column("market", "", 4),
    Column("bid", "bid", 10, "right"),
    Column("ask", "ask", 10, "right"),
    Column("bid_size", "size", 8, "right"),
    Column("ask_size", "size", 8, "right"),
    Column("age", "age", 5, "right", drop=1),
    # Only where there is a perpetual.
    Column("funding", "funding", 10, "right", "%", drop=2),
    Column("width", "spread", 8, "right", "%", drop=3),
    Column("quotes", "quotes", 10, "right", drop=4),
    # Receipt minus the venue's time, so with the error of both clocks; a feed's lag is its growth.
    Column("venue_time", "venue time", 10, "right", drop=5),
)

_ASKED = (ReasonCode.IDENTITY, ReasonCode.MULTIPLIER_WAITS, ReasonCode.OTHER_COIN)


class PricePane(LinePane):
    """One symbol's instruments. Its decimals follow the finest price seen and never shrink.

    An instrument in a currency that is converted has a second row: the prices as its venue quotes them, and the rate.
    The pane is as high as its rows, and the area around it scrolls.
    """

    DEFAULT_CSS = "PricePane { height: auto; }"
    HAS_BAR = False

    def __init__(self, symbol: str, instruments: Sequence[Instrument], says_order: bool = False) -> None:
        super().__init__()
        self._says_order = says_order
        self.symbol = symbol
        self._instruments = list(instruments)
        self._rows: list[tuple[Instrument, bool]] = []
        """What stands in each row: an instrument, and whether it is its second row."""
        self._places: dict[int, list[int]] = {}
        """The rows of each instrument, by its id."""
        self._set_rows()
        self._quotes: Mapping[int, QuoteRow] = {}
        self._facts: Mapping[int, FactsRow] = {}
        self._now_ms: float | None = None
        self._wanting: dict[int, str] = {}
        self._order = "venue"
        self._is_behind = True
        self._decimals = 0
        self._size_decimals = 0
        self._price_width = 0
        self._columns: tuple[Column, ...] = ()
        self._header: Line = ()
        self._best: dict[int, str] = {}
        self._drawn: dict[int, tuple[str, str]] = {}
        self.shown_rows = range(0)
        """The rows that the area around it shows."""
        self.lay(len(self._rows))

    def show(
        self,
        quotes: Mapping[int, QuoteRow],
        now_ms: float | None,
        dirty: set[int] | None,
        *,
        facts: Mapping[int, FactsRow],
        wanting: dict[int, str] | None = None,
        order: str = "venue",
        twice_a_second: bool = False,
    ) -> None:
        """Repaint the rows in `dirty` (all for None) and those whose mark moved; twice a second also ages and funding.

        Rows sorted by price are all drawn, and sorted, twice a second: what moves faster cannot be read.
        """
        self._quotes, self._facts, self._now_ms = quotes, facts, now_ms
        self._wanting = self._wanting if wanting is None else wanting
        mine = set(self._places) if dirty is None else self._places.keys() & dirty
        self._is_behind |= dirty is None or order != self._order or (bool(mine) and order != "venue")
        self._order = order
        if not self.shown_rows:
            self._is_behind |= bool(mine)
        elif self._is_behind and (order == "venue" or dirty is None or twice_a_second):
            self.catch_up()
        elif order == "venue":
            ids = mine | self._remark() if mine else mine
            if self._widen(mine):
                self.catch_up()
            elif twice_a_second:
                self.repaint(index + 1 for index in self.shown_rows)
            elif ids:
                self.repaint(index + 1 for each in ids for index in self._places[each] if index in self.shown_rows)

    def catch_up(self) -> None:
        """Update everything and repaint: rows outside the window were not kept up to date."""
        self._is_behind = False
        self._remark()
        self._widen(self._places)
        self._arrange()
        self._set_header()
        self.repaint()

    def fit(self) -> None:
        self._set_header()

    def _set_rows(self) -> None:
        self._rows = [
            (each, is_second)
            for each in self._instruments
            for is_second in (False, True)[: 1 + (each.rate_id is not None)]
        ]
        self._places = {each.id: [] for each in self._instruments}
        for index, (each, _) in enumerate(self._rows):
            self._places[each.id].append(index)

    def _remark(self) -> set[int]:
        """Find the best bid and ask of each market; returns the ids whose mark changed."""
        best: dict[int, str] = {}
        for market in Market:
            bid_id, ask_id = derived.best_of(
                (each for each in self._instruments if each.market is market), self._quotes
            )
            best[bid_id] = "bid"
            best[ask_id] = best.get(ask_id, "") + "ask"
        best.pop(-1, None)
        before, self._best = self._best, best
        return {each for each in before.keys() | best.keys() if before.get(each) != best.get(each)}

    def _widen(self, ids: Iterable[int]) -> bool:
        """Widen the columns for the digits of new prices; returns whether they changed."""
        decimals, width = self._decimals, self._price_width
        for each in ids:
            quote = self._quotes.get(each)
            if quote is None or quote.ts_recv_ms <= 0.0:
                continue
            self._decimals = fmt.decimals_of(quote.ask, fmt.decimals_of(quote.bid, self._decimals))
            self._size_decimals = self._size_decimals or fmt.size_decimals(quote.bid)
            marks = 1 + (len(self._places[each]) > 1)
            shown = len(fmt.number(max(quote.bid, quote.ask), self._decimals)) + marks
            self._price_width = max(self._price_width, shown)
        return (decimals, width) != (self._decimals, self._price_width)

    def _arrange(self) -> None:
        """Put the rows into the chosen order."""
        if self._order == "venue":
            self._instruments.sort(key=lambda each: (each.market is not Market.SPOT, each.venue, each.symbol))
        else:
            self._instruments.sort(key=self._rank)
        self._set_rows()

    def _rank(self, instrument: Instrument) -> tuple[bool, bool, float, str]:
        quote = self._quotes.get(instrument.id)
        takes_part = quote is not None and not quote.reason and quote.ts_recv_ms > 0.0
        value = 0.0
        if quote is not None and takes_part:
            prices = derived.counted(instrument, quote, self._quotes)
            if prices is not None:
                value = -prices.bid if self._order == "bid" else prices.ask
        return (instrument.market is not Market.SPOT, not takes_part, value, instrument.venue)

    def _set_header(self) -> None:
        base, _, quote = self.symbol.partition("/")
        named = {"bid": f"bid {quote}", "ask": f"ask {quote}", "bid_size": f"bid {base}", "ask_size": f"ask {base}"}
        columns = [
            replace(
                each,
                title=named.get(each.id, each.title),
                width=max(each.width, self._price_width) if each.id in ("bid", "ask") else each.width,
            )
            for each in COLUMNS
            if each.id != "funding" or any(one.market is Market.PERP for one in self._instruments)
        ]
        self._columns = fitted(columns, self.room)
        note = f"by {self._order}" if self._says_order else ""
        self._header = header(self._columns, self.room, self.symbol, note, sorted_by=self._order)

    def header_of(self, width: int) -> Line:
        return self._header

    def line_of(self, index: int) -> Line:
        instrument, is_second = self._rows[index]
        quote = self._quotes.get(instrument.id)
        if quote is None or quote.ts_recv_ms <= 0.0:
            return () if is_second else (((self._named(instrument) + self._wanting.get(instrument.id, "")), "quiet"),)
        if is_second:
            return self._as_quoted(instrument, quote)
        bid, ask = self._prices(instrument, quote)
        if quote.reason:
            return self._apart(instrument, quote, bid, ask)
        before = self._drawn.get(instrument.id, (bid, ask))
        self._drawn[instrument.id] = (bid, ask)
        best = self._best.get(instrument.id, "")
        pieces = [(self._named(instrument), "text")]
        width = self._columns[2].width
        pieces += _price(bid, before[0], width, "▲" if "bid" in best else "")
        pieces.append((" ", "text"))
        pieces += _price(ask, before[1], width, "▼" if "ask" in best else "")
        quiet = [self._cell_of(column, quote) for column in self._columns[4:]]
        pieces.append((" " + " ".join(quiet), "quiet"))
        return joined(pieces)

    def _named(self, instrument: Instrument) -> str:
        native = instrument.native_quote
        note = native[:4] if native != instrument.counted_quote else fmt.multiplier(instrument.multiplier)
        return f"{instrument.venue:<{13 - max(4, len(note))}}{note:<4} {instrument.market.value:<4} "

    def _prices(self, instrument: Instrument, quote: QuoteRow) -> tuple[str, str]:
        """Bid and ask in the pane's currency: the venue's own digits, or converted and marked so."""
        if instrument.rate_id is None:
            return fmt.number(quote.bid, self._decimals), fmt.number(quote.ask, self._decimals)
        prices = derived.counted(instrument, quote, self._quotes)
        if prices is None:
            return "-", "-"
        return fmt.converted(prices.bid, self._decimals), fmt.converted(prices.ask, self._decimals)

    def _as_quoted(self, instrument: Instrument, quote: QuoteRow) -> Line:
        """The second row of a converted instrument: the venue's own digits, and the rate at which they count."""
        width = self._columns[2].width
        shown = [fmt.number(price, self._decimals).rjust(width) for price in (quote.bid, quote.ask)]
        own = f"{cell(f'  quoted in {instrument.native_quote}', 19)}{shown[0]} {shown[1]}  "
        return joined(((own + rate_in_words(instrument, self._quotes, self.room - len(own)), "quiet"),))

    def _apart(self, instrument: Instrument, quote: QuoteRow, bid: str, ask: str) -> Line:
        """A row that takes no part: all of it quiet, the reason in the place of the sizes, or of all that follows where
        it is longer and fits there."""
        widths = {column.id: column.width for column in self._columns}
        shown = f"{self._named(instrument)}{bid:>{widths['bid']}} {ask:>{widths['ask']}} "
        words, width = reason_words(quote.reason), widths["bid_size"] + 1 + widths["ask_size"]
        room = self.room - len(shown)
        # What waits for the user's word takes the place of the other columns even where it is cut.
        is_asked = quote.reason is not None and quote.reason.code in _ASKED
        if width < len(words) and (is_asked or len(words) <= room):
            return joined(((shown, "quiet"), (cell(words, min(room, len(words))), "warn")))
        if len(words) > width and quote.reason is not None:
            words = short_words(quote.reason)
        reason = cell(words, width, "right")
        rest = " ".join(self._cell_of(column, quote) for column in self._columns[6:])
        return joined(((shown, "quiet"), (reason, "warn"), (" " + rest, "quiet")))

    def _cell_of(self, column: Column, quote: QuoteRow) -> str:
        return cell(self._text_of(column, quote), column.width, column.align)

    def _text_of(self, column: Column, quote: QuoteRow) -> str:
        match column.id:
            case "bid_size":
                return fmt.amount(quote.bid_size, self._size_decimals, column.width)
            case "ask_size":
                return fmt.amount(quote.ask_size, self._size_decimals, column.width)
            case "age":
                age_ms = derived.age_ms(quote, self._now_ms)
                return "-" if age_ms is None else fmt.age(age_ms)
            case "funding":
                row = self._facts.get(quote.instrument_id)
                return fmt.funding(row.funding) if row is not None and row.funding is not None else ""
            case "width":
                return f"{(quote.ask - quote.bid) / quote.bid * 100:.4f}" if quote.bid > 0 else "-"
            case "quotes":
                return fmt.count(quote.quotes)
            case _:
                return fmt.millis(None if quote.ts_venue_ms is None else quote.ts_recv_ms - quote.ts_venue_ms)

    def ids_seen(self) -> Iterable[int]:
        """The instruments whose rows stand in the window."""
        return {self._rows[index][0].id for index in self.shown_rows}


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
