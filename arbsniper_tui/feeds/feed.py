"""The feed loop of every venue: it keeps the list of instruments up to date, and connects again and again."""

import asyncio
import logging
import random
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial

from msgspec import structs

from arbsniper_tui.feeds.connection import Connection
from arbsniper_tui.feeds.outlet import FeedCounts, OnDisconnect, OnFrame, OnListing, Outlet
from arbsniper_tui.feeds.served import NONE_SERVED, Served
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.feeds.venue_lag import VenueLag
from arbsniper_tui.feeds.venue_list import keep_listed, refreshes_s
from arbsniper_tui.model.fact import InstrumentStatus
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.net.backoff import delays_s
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.runtime.limited_log import LimitedLog
from arbsniper_tui.venues.base import VenueAdapter
from arbsniper_tui.venues.listing import Listing

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
        *,
        on_frame: OnFrame | None = None,
        on_listing: OnListing | None = None,
        on_disconnect: OnDisconnect | None = None,
    ) -> None:
        self.spec = spec
        self.counts = FeedCounts()
        self._outlet = outlet
        self._backlog = backlog
        self._timings = timings
        self._on_frame = on_frame
        self._on_listing = on_listing
        self._on_disconnect = on_disconnect
        self._retries_s = partial(delays_s, first_s=timings.first_retry_s, longest_s=timings.longest_retry_s)
        self._adapter = adapter
        self._served = Served(spec.instruments, self._bar)
        self._listings: dict[str, Listing] = {}
        self._listed = asyncio.Event()
        self._list_tried = asyncio.Event()
        self._served_again = asyncio.Event()
        self._troubles = LimitedLog(_log)
        self._lag = VenueLag()
        self._connection: Connection | None = None
        self._state = FeedState.CONNECTING
        self._detail = ""
        self._retry_in_s: float | None = None
        self._since_ms = time.time() * 1000

    def health(self) -> FeedHealth:
        """As of now, with the counts since the worker started."""
        counts, reasons = self.counts, self._served.reasons
        socket = self._connection.socket if self._connection is not None else None
        return FeedHealth(
            feed=self.spec.name,
            venue=self.spec.venue,
            state=self._state,
            detail=self._detail,
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
        )

    def add(self, instruments: Sequence[Instrument]) -> None:
        """Serve these as well, on the connection that stands where there is one."""
        self.spec = structs.replace(self.spec, instruments=(*self.spec.instruments, *instruments))
        self._outlet.change_instruments(instruments, ())
        self._served.add(instruments)
        if self._listed.is_set():
            self._served.take_list(self._listings, instruments)
        wanted = [each for each in instruments if each.id not in self._served.barred]
        if wanted:
            self._served_again.set()
            if self._connection is not None:
                self._connection.ask_for(wanted)
        self._outlet.health_changed()

    def remove(self, instrument_ids: Collection[int]) -> None:
        """Serve these no more."""
        gone = self._served.remove(instrument_ids)
        kept = tuple(each for each in self.spec.instruments if each.id not in instrument_ids)
        self.spec = structs.replace(self.spec, instruments=kept)
        if self._connection is not None:
            self._connection.remove(gone)
        self._outlet.change_instruments((), [each.id for each in gone])
        self._outlet.health_changed()

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            listing = keep_listed(
                self._adapter,
                self.spec.list_url,
                self._on_list,
                self._on_list_failure,
                retries_s=self._retries_s,
                refreshes_s=partial(refreshes_s, every_s=self._timings.refresh_list_s),
            )
            group.create_task(listing)
            group.create_task(self._keep_connected())

    async def _keep_connected(self) -> None:
        delays = self._retries_s(random.Random())
        try:
            while True:
                reason, brought_data = await self._connect()
                if brought_data:
                    delays = self._retries_s(random.Random())
                delay_s = next(delays) if self._served.wanted else self._timings.rejected_wait_s
                self._enter(FeedState.DOWN, reason, retry_in_s=delay_s)
                _log.warning("%s: %s; next attempt in %.1f s", self.spec.name, reason, delay_s)
                await self._wait(delay_s)
                self._served.ask_again()
        finally:
            if self._connection is not None:
                self._connection.close()

    async def _connect(self) -> tuple[str, bool]:
        """Open one connection and wait for its end. Returns why it ended, and whether it brought data."""
        declared = self._adapter.market(self.spec.market)
        if not self._listed.is_set():
            await self._await_list(needs_it=declared is not None and declared.needs_list)
        if not self._served.wanted:
            return NONE_SERVED, False
        connection = self._connection = Connection(
            self.spec,
            self._adapter,
            self._served,
            self._listings,
            self._outlet,
            self._enter,
            self._timings,
            counts=self.counts,
            lag=self._lag,
            troubles=self._troubles,
            on_frame=self._on_frame,
            on_status=self._on_status,
        )
        reason = await connection.run(self._backlog)
        self._connection = None
        if connection.socket is not None:
            self.counts.bytes += connection.socket.received_bytes
            if self._on_disconnect is not None:
                self._on_disconnect(self.spec.ws_url, reason)
        if served := tuple(each.id for each in self._served.wanted):
            # Nothing confirms the prices of this connection any more.
            self._outlet.withdraw(Withdrawal(served, Reason(ReasonCode.DISCONNECTED, words=reason)), now_ns())
        return reason, bool(connection.data_ns)

    async def _await_list(self, *, needs_it: bool) -> None:
        """Wait for the list before connecting, since it says which instruments are halted. Where sizes do not need it,
        one attempt that fails or takes too long is enough."""
        self._enter(FeedState.LISTING, self._detail or "waiting for the venue's list of instruments")
        if needs_it:
            await self._listed.wait()
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._list_tried.wait(), self._timings.list_within_s)

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
        tell = self._troubles.info if instrument.implied else self._troubles.warn
        tell(f"not served {symbol}", f"{self.spec.name}: {symbol} {reason_words(reason)}")
        if self._connection is not None:
            self._connection.withdraw(instrument.id)
        self._outlet.withdraw(Withdrawal((instrument.id,), reason), now_ns())
        self._outlet.health_changed()

    def _on_list(self, listings: dict[str, Listing], body: bytes) -> None:
        if self._on_listing is not None and listings != self._listings:
            self._on_listing(self.spec.list_url, body)
        self._listings.clear()
        self._listings.update(listings)
        back = self._served.take_list(listings)
        self._listed.set()
        self._list_tried.set()
        self._serve_again(back)

    def _on_status(self, status: InstrumentStatus) -> None:
        self._serve_again(self._served.take_status(status))

    def _serve_again(self, back: list[Instrument]) -> None:
        if back:
            _log.info("%s: served again: %s", self.spec.name, ", ".join(each.venue_symbol for each in back))
            self._served_again.set()
            waiting = Withdrawal(tuple(each.id for each in back), Reason(ReasonCode.LISTED_AGAIN))
            self._outlet.withdraw(waiting, now_ns())
            if self._connection is not None:
                self._connection.ask_for(back)
            self._outlet.health_changed()

    def _on_list_failure(self, reason: str) -> None:
        self._troubles.warn("list", f"{self.spec.name}: {reason}")
        self._list_tried.set()
        if self._state is FeedState.LISTING:
            self._enter(FeedState.LISTING, f"waiting for the venue's list of instruments: {reason}")

    def _enter(self, state: FeedState, detail: str, *, retry_in_s: float | None = None) -> None:
        if state is not self._state:
            self._since_ms = time.time() * 1000
            if state is FeedState.SILENT and self._connection is not None and self._connection.data_ns:
                # Silence began with the last quote, not now.
                self._since_ms -= (now_ns() - self._connection.data_ns) / 1e6
        self._state, self._detail, self._retry_in_s = state, detail, retry_in_s
        self._outlet.health_changed()
