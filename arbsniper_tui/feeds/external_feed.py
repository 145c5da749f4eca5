"""One market of an exchange whose ticks another program sends: what has come of it, and how it is."""

import time
from collections.abc import Callable

from msgspec import Struct

from arbsniper_tui.feeds.outlet import FeedCounts, OnFrame, Outlet
from arbsniper_tui.feeds.quote_filter import QuoteFilter
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.runtime.limited_log import LimitedLog
from arbsniper_tui.venues.external import Tick, quote_of

_CLOCK_AHEAD_MS = 1000
_TRADES_SHOWN = 3


class Listening(Struct, frozen=True):
    """How the socket is that all external feeds of a node share."""

    place: str
    trouble: str = ""
    """Why nothing can be listened to."""
    senders: int = 0
    """Connections that stand."""
    accepted: int = 0
    """Connections since it listens."""


def dated_receipt_ns(quote: Quote, read_ns: int, read_wall_ms: int) -> int:
    """From when the age of a quote counts that was read at this moment: from its own time where that is older. A time
    in the future says nothing."""
    if quote.ts_venue_ms is None or quote.ts_venue_ms >= read_wall_ms:
        return read_ns
    return read_ns - (read_wall_ms - quote.ts_venue_ms) * 1_000_000


class ExternalFeed:
    """Ticks are taken one by one, and their quotes sent by `settle`: the newest of each instrument."""

    def __init__(
        self,
        spec: FeedSpec,
        outlet: Outlet,
        timings: FeedTimings,
        troubles: LimitedLog,
        on_frame: OnFrame | None = None,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self.spec = spec
        self.counts = FeedCounts()
        self.by_symbol = {each.symbol: each for each in spec.instruments}
        self._outlet = outlet
        self._timings = timings
        self._troubles = troubles
        self._on_frame = on_frame
        self._wall_s = wall_s
        self._filter = QuoteFilter(self.counts.dropped, self._tell_drop)
        self._unsettled: list[Quote] = []
        self._trades: dict[str, float] = {}
        """The last trade by symbol."""
        self._lag_ms: float | None = None
        self._tick_ns = self._quote_ns = 0
        self._state = FeedState.CONNECTING
        self._since_ms = wall_s() * 1000

    def take(self, tick: Tick, body: bytes) -> None:
        """One tick of a symbol of this feed."""
        counts = self.counts
        counts.frames += 1
        counts.bytes += len(body)
        if self._on_frame is not None:
            self._on_frame(self.spec.ws_url, body)
        if tick.is_trade:
            self._trades[tick.symbol] = tick.price or 0.0
        else:
            self._unsettled.append(quote_of(tick, self.by_symbol[tick.symbol]))

    def drop(self, reason: str, detail: str) -> None:
        """Count a tick that cannot be used."""
        self._filter.count(reason)
        self._troubles.warn(f"{self.spec.name} {reason}", f"{self.spec.name}: {detail}")

    def settle(self, read_ns: int, read_wall_ms: int, as_old_as_ns: int) -> None:
        """Send what was taken since the last call, read at this moment; with `as_old_as_ns` it may have waited since
        then, 0 where it has not."""
        self._tick_ns = read_ns
        sound, withdrawn = self._filter.apply(self._unsettled)
        self._unsettled.clear()
        for withdrawal in withdrawn:
            self._outlet.withdraw(withdrawal, read_ns)
        if not sound:
            return
        self._quote_ns = read_ns
        self.counts.quotes += len(sound)
        newest = list({quote.instrument_id: quote for quote in sound}.values())
        self.counts.superseded += len(sound) - len(newest)
        if (dated_ms := sound[-1].ts_venue_ms) is not None:
            self._lag_ms = read_wall_ms - dated_ms
        recv_ns = [dated_receipt_ns(quote, read_ns, read_wall_ms) for quote in newest]
        if as_old_as_ns:
            recv_ns = [min(each, as_old_as_ns) for each in recv_ns]
        self._outlet.quotes(newest, read_ns, recv_ns)
        if self._state is not FeedState.LIVE:
            self._outlet.health_changed()

    def health(self, now_ns: int, listening: Listening) -> FeedHealth:
        """As of now."""
        state = self._state_at(now_ns, listening.trouble)
        if state is not self._state:
            self._state, self._since_ms = state, self._wall_s() * 1000
            if state is FeedState.SILENT:
                self._since_ms -= (now_ns - self._quote_ns) / 1e6
        counts = self.counts
        return FeedHealth(
            feed=self.spec.name,
            venue=self.spec.venue,
            state=state,
            detail="external, " + (listening.trouble or ", ".join(self._words(now_ns, listening))),
            instrument_ids=tuple(each.id for each in self.spec.instruments),
            since_ms=self._since_ms,
            connects=listening.accepted,
            frames=counts.frames,
            quotes=counts.quotes,
            bytes=counts.bytes,
            dropped=dict(counts.dropped),
            lag_ms=max(0.0, self._lag_ms) if self._lag_ms is not None else None,
            conflated=counts.superseded,
        )

    def _state_at(self, now_ns: int, trouble: str) -> FeedState:
        if trouble:
            return FeedState.DOWN
        if not self._quote_ns:
            return FeedState.SUBSCRIBED
        is_silent = now_ns - self._quote_ns > self._timings.silent_after_s * 1e9
        return FeedState.SILENT if is_silent else FeedState.LIVE

    def _words(self, now_ns: int, listening: Listening) -> list[str]:
        ago_s = (now_ns - self._tick_ns) / 1e9
        words = [f"last tick {ago_s:.0f} s ago" if self._tick_ns else f"no tick yet on {listening.place}"]
        if not listening.senders:
            words.append("no sender is connected")
        if listening.place.startswith("tcp:"):
            words.append("any user of this machine can send by TCP")
        if self._lag_ms is not None and self._lag_ms < -_CLOCK_AHEAD_MS:
            words.append(f"its clock is {-self._lag_ms / 1000:.0f} s ahead: ages count from receipt")
        trades = {
            symbol: price for symbol, price in self._trades.items() if not self._filter.has(self.by_symbol[symbol].id)
        }
        if trades:
            told = [f"{symbol} {price:.15g}" for symbol, price in list(trades.items())[:_TRADES_SHOWN]]
            more = f" and {len(trades) - len(told)} more" if len(trades) > len(told) else ""
            words.append(f"last trades only: {', '.join(told)}{more}")
        asked = [each for each in self.spec.instruments if not each.implied]
        quiet = sum(not self._filter.has(each.id) for each in asked)
        if quiet and self._quote_ns:
            words.append(f"{quiet} of {len(asked)} have no quote yet")
        return words

    def _tell_drop(self, reason: str, quote: Quote) -> None:
        self._troubles.warn(reason, f"{self.spec.name}: a quote was dropped ({reason}): {quote}")
