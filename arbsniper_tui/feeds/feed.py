"""One connection of a venue, again and again: after each end a new one, and a new one before its life is over."""

import asyncio
import logging
import random
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial

from msgspec import structs

from arbsniper_tui.feeds.connection import Connection
from arbsniper_tui.feeds.hosts import Hosts
from arbsniper_tui.feeds.outlet import FeedCounts, Outlet, Recording
from arbsniper_tui.feeds.served import NONE_SERVED, Served
from arbsniper_tui.feeds.shared import Shared
from arbsniper_tui.feeds.succession import Succession
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.feeds.venue_lag import VenueLag
from arbsniper_tui.feeds.venue_limits import VenueLimits
from arbsniper_tui.feeds.venue_list import VenueList
from arbsniper_tui.model.fact import InstrumentStatus
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.net.backoff import delays_s
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.runtime.limited_log import LimitedLog, after_this_callback
from arbsniper_tui.venues.base import VenueAdapter

_log = logging.getLogger(__name__)


class Feed:
    """Never ends by itself: it tries a venue that is down for ever."""

    def __init__(
        self,
        spec: FeedSpec,
        adapter: VenueAdapter,
        outlet: Outlet,
        backlog: Backlog,
        timings: FeedTimings,
        venue_list: VenueList,
        limits: VenueLimits,
        recording: Recording | None = None,
    ) -> None:
        self.spec = spec
        self.counts = FeedCounts()
        self._outlet = outlet
        self._timings = timings
        self._on_disconnect = recording.disconnects_of(spec) if recording is not None else None
        self._retries_s = partial(delays_s, first_s=timings.first_retry_s, longest_s=timings.longest_retry_s)
        self._adapter = adapter
        self._list = venue_list
        self._limits = limits
        declared = adapter.market(spec.market)
        assert declared is not None, f"{spec.venue} has no {spec.market} market"
        self._declared = declared
        self._hosts = Hosts(spec)
        venue_list.on_list.append(self._take_list)
        venue_list.on_failure.append(self._on_list_failure)
        self._served_again = asyncio.Event()
        self._succession: Succession[Connection] | None = None
        self._state = FeedState.CONNECTING
        self._detail = ""
        self._retry_in_s: float | None = None
        self._since_ms = time.time() * 1000
        self._shared = self._share(backlog, recording)
        if venue_list.listed.is_set():
            self._served.take_list(venue_list.listings)

    def _share(self, backlog: Backlog, recording: Recording | None) -> Shared:
        self._served = Served(self.spec.instruments, self._bar)
        self._lag = VenueLag()
        self._troubles = LimitedLog(_log, soon=after_this_callback)
        return Shared(
            self._served,
            self._list.listings,
            self._outlet,
            self._timings,
            backlog,
            self.counts,
            self._lag,
            self._troubles,
            show=self._enter,
            on_status=self._on_status,
            on_closing=self._replace_soon,
            on_frame=recording.frames_of(self.spec) if recording is not None else None,
        )

    def health(self) -> FeedHealth:
        """As of now, with the counts since the worker started."""
        counts, reasons = self.counts, self._served.reasons
        socket = self._connection.socket if self._connection is not None else None
        return FeedHealth(
            feed=self.spec.name,
            venue=self.spec.venue,
            state=self._state,
            detail=self._detail or self._progress(),
            instrument_ids=tuple(instrument.id for instrument in self.spec.instruments),
            retry_in_s=self._retry_in_s,
            since_ms=self._since_ms,
            connects=counts.connects,
            frames=counts.frames,
            quotes=counts.quotes,
            bytes=counts.bytes + (socket.received_bytes if socket else 0),
            dropped=dict(counts.dropped),
            rejected={each.symbol: reasons[each.id] for each in self.spec.instruments if each.id in reasons},
            rtt_ms=socket.rtt_ms if socket else None,
            lag_ms=self._lag.late_ms,
            conflated=counts.superseded,
        )

    def _progress(self) -> str:
        """How many instruments the venue has said nothing of yet on this connection; empty where there is none."""
        if self._connection is None or self._state is not FeedState.LIVE:
            return ""
        wanted, held = self._served.wanted, self._connection.quote_filter
        quiet = sum(not held.has(each.id) for each in wanted)
        return f"{quiet} of {len(wanted)} have no quote yet" if quiet else ""

    @property
    def _connection(self) -> Connection | None:
        """The one whose quotes count."""
        return self._connections[0] if self._connections else None

    @property
    def _connections(self) -> tuple[Connection, ...]:
        """The one whose quotes count, and the one that is to take over."""
        return self._succession.connections if self._succession is not None else ()

    def add(self, instruments: Sequence[Instrument]) -> None:
        """Serve these as well, on the connection that stands where there is one."""
        self.spec = structs.replace(self.spec, instruments=(*self.spec.instruments, *instruments))
        self._served.add(instruments)
        if self._list.listed.is_set():
            self._served.take_list(self._list.listings, instruments)
        wanted = [each for each in instruments if each.id not in self._served.barred]
        if wanted:
            self._served_again.set()
            for connection in self._connections:
                connection.ask_for(wanted)
        self._outlet.health_changed()

    def remove(self, instrument_ids: Collection[int]) -> None:
        """Serve these no more."""
        gone = self._served.remove(instrument_ids)
        kept = tuple(each for each in self.spec.instruments if each.id not in instrument_ids)
        self.spec = structs.replace(self.spec, instruments=kept)
        for connection in self._connections:
            connection.remove(gone)
        self._outlet.health_changed()

    def leave(self) -> None:
        """Hear no more of the list, since this feed is not run any more."""
        self._list.on_list.remove(self._take_list)
        self._list.on_failure.remove(self._on_list_failure)

    async def run(self) -> None:
        """Run until cancelled."""
        delays = self._retries_s(random.Random())
        while True:
            reason, brought_data = await self._connect()
            if brought_data:
                delays = self._retries_s(random.Random())
            self._hosts.note_end(had_data=brought_data)
            delay_s = next(delays) if self._served.wanted else self._timings.rejected_wait_s
            self._enter(FeedState.DOWN, reason, retry_in_s=delay_s)
            _log.warning("%s: %s; next attempt in %.1f s", self.spec.name, reason, delay_s)
            await self._wait(delay_s)
            self._served.ask_again()

    async def _connect(self) -> tuple[str, bool]:
        """Open a connection, and its successors in time. Returns why the last one ended, and whether it brought
        data."""
        if not self._list.listed.is_set():
            await self._await_list(needs_it=self._declared.needs_list)
        if not self._served.wanted:
            return NONE_SERVED, False
        if (wait_s := self._limits.wait_s) > 1.0:
            self._enter(FeedState.CONNECTING, f"waits {wait_s:.0f} s, since the venue takes only so many connections")
        await self._limits.admit()
        self._succession = Succession(self._make_connection, self._limits, self._declared.lifetime_h)
        try:
            reason, connection = await self._succession.run()
        finally:
            self._succession = None
        if connection.socket is not None and self._on_disconnect is not None:
            self._on_disconnect(connection.spec.ws_url, reason)
        if served := tuple(each.id for each in self._served.wanted):
            # Nothing confirms the prices of this connection any more.
            self._outlet.withdraw(Withdrawal(served, Reason(ReasonCode.DISCONNECTED, words=reason)), now_ns())
        return reason, bool(connection.data_ns)

    def _make_connection(self, is_held: bool) -> Connection:
        spec = structs.replace(self.spec, ws_url=self._hosts.url)
        return Connection(spec, self._adapter, self._shared, is_held=is_held)

    def _replace_soon(self) -> None:
        if self._succession is not None:
            self._succession.replace_soon()

    async def _await_list(self, *, needs_it: bool) -> None:
        """Wait for the list before connecting, since it says which instruments are halted. Where sizes do not need it,
        one attempt that fails or takes too long is enough."""
        self._enter(FeedState.LISTING, self._detail or "waiting for the venue's list of instruments")
        if needs_it:
            await self._list.listed.wait()
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._list.tried.wait(), self._timings.list_within_s)

    async def _wait(self, delay_s: float) -> None:
        """Wait for the next attempt. A feed without symbols stops waiting when a list brings some back."""
        self._served_again.clear()
        if self._served.wanted:
            await asyncio.sleep(delay_s)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._served_again.wait(), delay_s)

    def _bar(self, instrument: Instrument, reason: Reason) -> None:
        """The venue does not serve this instrument: withdraw it, and ignore its quotes."""
        symbol = instrument.venue_symbol
        is_quiet = instrument.implied or self.spec.facts_only
        tell = self._troubles.info if is_quiet else self._troubles.warn
        tell(f"not served {symbol}", f"{self.spec.name}: {symbol} {reason_words(reason)}")
        for connection in self._connections:
            connection.withdraw(instrument.id)
        self._outlet.withdraw(Withdrawal((instrument.id,), reason), now_ns())
        self._outlet.health_changed()

    def _take_list(self) -> None:
        self._serve_again(self._served.take_list(self._list.listings))

    def _on_status(self, status: InstrumentStatus) -> None:
        self._serve_again(self._served.take_status(status))

    def _serve_again(self, back: list[Instrument]) -> None:
        if back:
            _log.info("%s: served again: %s", self.spec.name, ", ".join(each.venue_symbol for each in back))
            self._served_again.set()
            waiting = Withdrawal(tuple(each.id for each in back), Reason(ReasonCode.LISTED_AGAIN))
            self._outlet.withdraw(waiting, now_ns())
            for connection in self._connections:
                connection.ask_for(back)
            self._outlet.health_changed()

    def _on_list_failure(self, reason: str) -> None:
        self._troubles.warn("list", f"{self.spec.name}: {reason}")
        if self._state is FeedState.LISTING:
            self._enter(FeedState.LISTING, f"waiting for the venue's list of instruments: {reason}")

    def _enter(self, state: FeedState, detail: str, *, retry_in_s: float | None = None) -> None:
        if state is not self._state:
            self._since_ms = time.time() * 1000
            if state is FeedState.SILENT and self._connection is not None and self._connection.data_ns:
                # Silence began with the last quote, not now.
                self._since_ms -= (now_ns() - self._connection.data_ns) / 1e6
        if state is FeedState.LIVE and not detail:
            detail = self._hosts.words
        self._state, self._detail, self._retry_in_s = state, detail, retry_in_s
        self._outlet.health_changed()
