"""The one feed loop, for every venue: connect, subscribe, stamp, parse, keep alive, watch, back off, begin again."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from time import monotonic_ns
from typing import Protocol

from arbsniper_tui.engine.sieve import Sieve
from arbsniper_tui.model.errors import BookLost, FrameError, VenueClosing, VenueRejected
from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.net.backoff import delays_s
from arbsniper_tui.net.limited_log import LimitedLog
from arbsniper_tui.net.listings import keep_fetching
from arbsniper_tui.net.spec import FeedSpec
from arbsniper_tui.net.websocket import WebSocket, WebSocketError, open_websocket
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Listing, QuoteParser, VenueMarket

_log = logging.getLogger(__name__)

FIRST_DATA_WITHIN_S = 15.0
"""An ack is not data: without any by then, the connection is begun again."""
SILENT_AFTER_S = 10.0
"""Data that stops for this long is shown as silence ..."""
RESUBSCRIBE_AFTER_S = 60.0
"""... and for this long costs the connection: a quiet market loses nothing by it, a dead one is mended."""
ALL_REJECTED_WAIT_S = 600.0
_PING_EVERY_S = 15.0
_CHECK_EVERY_S = 1.0
_LIVE = FeedState.LIVE  # before Python 3.12, looking an enum's member up runs code each time


class Outlet(Protocol):
    """Where a feed's findings go. None of these may wait."""

    def quotes(self, quotes: Sequence[Quote], ts_read_ns: int) -> None: ...

    def withdraw(self, withdrawal: Withdrawal, at_ns: int) -> None: ...

    def health_changed(self) -> None: ...


OnFrame = Callable[[str, bytes], None]
"""For a recorder: the URL it came from, and the frame."""
OnListing = Callable[[str, bytes], None]
"""For a recorder: the URL of a list, and its body."""
OnDisconnect = Callable[[str, str], None]
"""For a recorder: the URL of a connection that has ended, and why."""


class Feed:
    """One connection's whole life, through all its reconnects."""

    def __init__(
        self,
        spec: FeedSpec,
        outlet: Outlet,
        *,
        on_frame: OnFrame | None = None,
        on_listing: OnListing | None = None,
        on_disconnect: OnDisconnect | None = None,
    ) -> None:
        self.spec = spec
        self._outlet = outlet
        self._on_frame = on_frame
        self._on_listing = on_listing
        self._on_disconnect = on_disconnect
        self._adapter = VENUES[spec.venue]
        declared = self._adapter.market(spec.market)
        assert declared is not None, f"{spec.venue} has no {spec.market} market"
        self._declared: VenueMarket = declared
        self._by_symbol = {instrument.venue_symbol: instrument for instrument in spec.instruments}
        self._listings: dict[str, Listing] = {}
        self._listed = asyncio.Event()
        self._troubles = LimitedLog(_log)
        self._socket: WebSocket | None = None
        self._parser: QuoteParser | None = None
        self._dropped: dict[str, int] = {}
        self._sieve = Sieve(self._dropped, self._tell_drop)
        self._rejected: dict[str, str] = {}
        self._state = FeedState.CONNECTING
        self._detail = ""
        self._retry_in_s: float | None = None
        self._since_ms = time.time() * 1000
        self._connects = self._frames = self._quotes = self._bytes_before = 0
        self._data_ns = 0

    def health(self) -> FeedHealth:
        """As of now, with the counts since the worker started."""
        socket = self._socket
        return FeedHealth(
            feed=self.spec.name,
            venue=self.spec.venue,
            state=self._state,
            detail=self._detail,
            instrument_ids=tuple(instrument.id for instrument in self.spec.instruments),
            retry_in_s=self._retry_in_s,
            since_ms=self._since_ms,
            connects=self._connects,
            frames=self._frames,
            quotes=self._quotes,
            bytes=self._bytes_before + (socket.received_bytes if socket else 0),
            dropped=dict(self._dropped),
            rejected=dict(self._rejected),
            rtt_ms=socket.rtt_ms if socket else None,
        )

    async def run(self) -> None:
        """Until cancelled. Never ends by itself: a venue that is down is tried for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_fetching(self._adapter, self.spec.list_url, self._on_list, self._on_list_failure))
            group.create_task(self._keep_connected())

    async def _keep_connected(self) -> None:
        delays = delays_s(random.Random())
        try:
            while True:
                self._data_ns = 0
                reason = await self._connect_and_watch()
                self._let_go(reason)
                if self._data_ns:
                    delays = delays_s(random.Random())
                delay_s = ALL_REJECTED_WAIT_S if self._all_rejected() else next(delays)
                self._enter(FeedState.DOWN, reason, retry_in_s=delay_s)
                _log.warning("%s: %s; next attempt in %.1f s", self.spec.name, reason, delay_s)
                await asyncio.sleep(delay_s)
        finally:
            if self._socket is not None:
                self._socket.close()

    async def _connect_and_watch(self) -> str:
        """One connection from its making to its end. Returns why it ended."""
        if self._declared.needs_list and not self._listed.is_set():
            self._enter(FeedState.LISTING, self._detail or "waiting for the venue's list of instruments")
            await self._listed.wait()
        wanted = [instrument for instrument in self.spec.instruments if instrument.symbol not in self._rejected]
        if not wanted:
            return "the venue serves none of its symbols"
        self._enter(FeedState.CONNECTING, self.spec.ws_url)
        self._sieve = Sieve(self._dropped, self._tell_drop)
        self._parser = self._adapter.parser(self._by_symbol, self._listings)
        try:
            self._socket = await open_websocket(self.spec.ws_url, self._take_frames)
        except WebSocketError as error:
            return str(error)
        self._connects += 1
        if not self._data_ns:  # quotes may come in one read with the handshake
            self._enter(FeedState.SUBSCRIBED, "subscribed, no data yet")
        for text in self._adapter.subscribe(wanted):
            self._socket.send(text)
        return await self._watch(self._socket)

    async def _watch(self, socket: WebSocket) -> str:
        keep_alive = self._declared.keep_alive
        subscribed_s = said_s = pinged_s = time.monotonic()
        while True:
            done, _ = await asyncio.wait((socket.closed,), timeout=_CHECK_EVERY_S)
            if done:
                return socket.closed.result()
            now_s = time.monotonic()
            if fault := self._silence(socket, now_s, subscribed_s):
                socket.abort(fault)
                return fault
            if self._all_rejected():
                socket.close()
                return "every symbol was rejected"
            if keep_alive is not None and now_s - said_s >= keep_alive.every_s:
                socket.send(keep_alive.send)
                said_s = now_s
            if now_s - pinged_s >= _PING_EVERY_S or (socket.rtt_ms is None and now_s - subscribed_s < 3):
                socket.ping()
                pinged_s = now_s

    def _silence(self, socket: WebSocket, now_s: float, subscribed_s: float) -> str:
        """Why the connection must be begun again, or an empty string; shows silence that is not that long yet."""
        no_frame_s = now_s - socket.last_read_ns / 1e9
        if no_frame_s > self._declared.max_silence_s:
            return f"no frame for {no_frame_s:.0f} s, not even a heartbeat"
        if not self._data_ns:
            if now_s - subscribed_s > FIRST_DATA_WITHIN_S:
                return f"subscribed, but no data for {FIRST_DATA_WITHIN_S:.0f} s"
            return ""
        no_data_s = now_s - self._data_ns / 1e9
        if no_data_s > RESUBSCRIBE_AFTER_S:
            return f"no quote for {no_data_s:.0f} s"
        if no_data_s > SILENT_AFTER_S and self._state is FeedState.LIVE:
            self._enter(FeedState.SILENT, "connected, but no quotes come")
        return ""

    def _take_frames(self, frames: list[bytes], ts_read_ns: int) -> None:
        """The hot path: everything from the frames of one read to the bus."""
        parser = self._parser
        assert parser is not None
        self._frames += len(frames)
        found: list[Quote] = []
        for frame in frames:
            if self._on_frame is not None:
                self._on_frame(self.spec.ws_url, frame)
            try:
                found += parser.feed(frame)
            except FrameError as error:
                self._take_trouble(error, ts_read_ns)
        if not found:
            return
        sound, withdrawn = self._sieve.sift(found)
        for withdrawal in withdrawn:
            self._outlet.withdraw(withdrawal, ts_read_ns)
        if sound:
            self._outlet.quotes(sound, ts_read_ns)
            self._quotes += len(sound)
            self._data_ns = ts_read_ns
            if self._state is not _LIVE:
                self._enter(FeedState.LIVE, "")

    def _tell_drop(self, reason: str, quote: Quote) -> None:
        self._troubles.warn(reason, f"{self.spec.name}: a quote was dropped ({reason}): {quote}")

    def _take_trouble(self, error: FrameError, ts_read_ns: int) -> None:
        if isinstance(error, VenueClosing | BookLost):
            if self._socket is not None:
                self._socket.abort(str(error))
        elif isinstance(error, VenueRejected):
            self._reject(error.venue_symbol, f"rejected: {error.reason}", ts_read_ns)
        else:
            self._sieve.count("unreadable frame")
            self._troubles.warn("unreadable frame", f"{self.spec.name}: {error}")

    def _reject(self, venue_symbol: str, reason: str, at_ns: int) -> None:
        instrument = self._by_symbol.get(venue_symbol)
        is_missed = instrument is None or not instrument.implied
        _log.log(logging.WARNING if is_missed else logging.INFO, "%s: %s %s", self.spec.name, venue_symbol, reason)
        if instrument is None:
            self._detail = reason
        else:
            self._rejected[instrument.symbol] = reason
            self._outlet.withdraw(Withdrawal((instrument.id,), reason), at_ns)
        self._outlet.health_changed()

    def _all_rejected(self) -> bool:
        return all(instrument.symbol in self._rejected for instrument in self.spec.instruments)

    def _on_list(self, listings: dict[str, Listing], body: bytes) -> None:
        self._listings.update(listings)
        for instrument in self.spec.instruments:
            listing = listings.get(instrument.venue_symbol)
            if listing is None:
                self._reject(instrument.venue_symbol, "not listed", monotonic_ns())
            elif not listing.is_trading:
                self._reject(instrument.venue_symbol, "not trading", monotonic_ns())
        if self._on_listing is not None:
            self._on_listing(self.spec.list_url, body)
        self._listed.set()

    def _on_list_failure(self, reason: str) -> None:
        self._troubles.warn("list", f"{self.spec.name}: {reason}")
        if self._state is FeedState.LISTING:
            self._enter(FeedState.LISTING, f"waiting for the venue's list of instruments: {reason}")

    def _let_go(self, reason: str) -> None:
        """What was held from this connection is nobody's price now."""
        if self._socket is not None:
            self._bytes_before += self._socket.received_bytes
            self._socket = None
            if self._on_disconnect is not None:
                self._on_disconnect(self.spec.ws_url, reason)
        served = tuple(i.id for i in self.spec.instruments if i.symbol not in self._rejected)
        if served:
            self._outlet.withdraw(Withdrawal(served, f"disconnected: {reason}"), monotonic_ns())

    def _enter(self, state: FeedState, detail: str, *, retry_in_s: float | None = None) -> None:
        if state is not self._state:
            self._since_ms = time.time() * 1000
        self._state, self._detail, self._retry_in_s = state, detail, retry_in_s
        self._outlet.health_changed()
