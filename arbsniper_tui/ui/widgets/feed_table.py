"""A table of the connections: state, counts, what was dropped and why, which symbols the venue refused."""

from collections.abc import Iterable
from dataclasses import replace

from arbsniper_tui.model.health import FeedHealth
from arbsniper_tui.model.reason import Reason, reason_words
from arbsniper_tui.session.venue_health import LARGE_LAG_MS, state_rank
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.columns import Column, fitted, header, row
from arbsniper_tui.ui.look import Look
from arbsniper_tui.ui.paint import Line, cell, joined
from arbsniper_tui.ui.widgets.feed_bar import MARKS, UNKNOWN
from arbsniper_tui.ui.widgets.pane import LinePane

COLUMNS = (
    Column("mark", "", 1),
    Column("feed", "", 14),
    Column("state", "", 10),
    Column("since", "since", 5, "right"),
    Column("connects", "connects", 8, "right", drop=3),
    Column("frames", "frames", 11, "right", drop=2),
    Column("quotes", "quotes", 11, "right", drop=4),
    Column("volume", "received", 9, "right", drop=5),
    Column("rtt", "rtt", 7, "right", drop=1),
    Column("lag", "lag", 7, "right"),
    Column("detail", "", 6, grows=True),
)


class FeedTable(LinePane):
    """A line a feed, and under it one for funding that does not come, for what it dropped, for each refused symbol."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: list[Line] = []
        self._feeds: list[FeedHealth] = []
        self._now_ms: float | None = None
        self._in_contact = True
        self._columns: tuple[Column, ...] = ()
        self._look = Look()
        self._implied: frozenset[tuple[str, str]] = frozenset()

    def show(
        self,
        feeds: Iterable[FeedHealth],
        now_ms: float | None,
        look: Look,
        *,
        in_contact: bool = True,
        implied: frozenset[tuple[str, str]] = frozenset(),
        empty: str = "",
    ) -> None:
        """Repaint the lines that changed. `implied` names the symbols, by venue, that nobody asked for by name."""
        self._implied = implied
        self._feeds = [each for each in feeds if look.takes(each.feed, each.state.value, *each.rejected)]
        by_state = look.feeds == "state"
        self._feeds.sort(key=lambda each: (state_rank(each.state) if by_state else 0, each.feed))
        self._now_ms, self._in_contact, self._look = now_ms, in_contact, look
        self.fit()
        self.lay(len(self._rows), empty)
        self.repaint()

    def line_of(self, index: int) -> Line:
        return self._rows[index]

    def header_of(self, width: int) -> Line:
        return header(self._columns, width, "Feeds", f"by {self._look.feeds}")

    def fit(self) -> None:
        longest = max((len(each.feed) for each in self._feeds), default=0)
        named = [replace(each, width=max(each.width, longest)) if each.id == "feed" else each for each in COLUMNS]
        self._columns = fitted(named, self.room)
        self._rows = self._lines_of_all()
        self.lay(len(self._rows))

    def _lines_of_all(self) -> list[Line]:
        lines: list[Line] = []
        for feed in self._feeds:
            said = feed.detail if feed.retry_in_s is None else f"retry in {feed.retry_in_s:.0f}s: {feed.detail}"
            lines.append(self._feed_line(feed, said))
            if len(said) > self._columns[-1].width:
                lines.append(self._under("because", said, "warn"))
            if feed.facts:
                lines.append(self._under("funding", feed.facts, "warn"))
            if feed.dropped:
                counts = ", ".join(f"{fmt.count(n)} {reason}" for reason, n in sorted(feed.dropped.items()))
                lines.append(self._under("dropped", counts, "quiet"))
            lines += self._refusals(feed)
        return lines

    def _refusals(self, feed: FeedHealth) -> list[Line]:
        """The refused symbols by reason; those that nobody asked for by name are told quietly."""
        by_reason: dict[tuple[bool, Reason], list[str]] = {}
        for symbol, why in sorted(feed.rejected.items()):
            by_reason.setdefault(((feed.venue, symbol) in self._implied, why), []).append(symbol)
        return [
            self._under("refused", f"{', '.join(symbols)}: {reason_words(why)}", "quiet" if implied else "warn")
            for (implied, why), symbols in by_reason.items()
        ]

    def _under(self, what: str, said: str, role: str) -> Line:
        return joined(((f"    {what} ", "quiet"), (cell(said, max(1, self.room - 13)).rstrip(), role)))

    def _feed_line(self, feed: FeedHealth, said: str) -> Line:
        mark = MARKS[feed.state] if self._in_contact else UNKNOWN
        since = "-"
        if self._now_ms is not None and feed.since_ms:
            since = fmt.span((self._now_ms - feed.since_ms) / 1000, parts=1)
        lags = feed.lag_ms is not None and feed.lag_ms > LARGE_LAG_MS
        texts = {
            "mark": mark,
            "feed": (feed.feed, "text"),
            "state": (feed.state.value, mark[1]),
            "since": (since, "quiet"),
            "connects": (fmt.count(feed.connects), "text"),
            "frames": (fmt.count(feed.frames), "text"),
            "quotes": (fmt.count(feed.quotes), "text"),
            "volume": (fmt.volume(feed.bytes), "quiet"),
            "rtt": (fmt.millis(feed.rtt_ms), "text"),
            "lag": (fmt.millis(feed.lag_ms), "warn" if lags else "text"),
            "detail": (said if len(said) <= self._columns[-1].width else "", "quiet"),
        }
        return row(self._columns, [texts[column.id] for column in self._columns])
