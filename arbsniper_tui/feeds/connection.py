"""One connection to a venue, from opening to its end: subscribe, read, keep alive, watch."""

import asyncio
import logging
from collections.abc import Sequence

from arbsniper_tui.feeds.endpoint import find_endpoint
from arbsniper_tui.feeds.held_outlet import HeldOutlet
from arbsniper_tui.feeds.liveness import fault
from arbsniper_tui.feeds.lost_books import LostBooks
from arbsniper_tui.feeds.outgoing import Outgoing
from arbsniper_tui.feeds.outlet import Outlet
from arbsniper_tui.feeds.quote_filter import QuoteFilter
from arbsniper_tui.feeds.seeds import Seeding, fetch_seeds
from arbsniper_tui.feeds.served import NONE_SERVED
from arbsniper_tui.feeds.shared import Shared
from arbsniper_tui.feeds.venue_reader import Told, VenueReader
from arbsniper_tui.model.errors import BookLost, FrameError, RestError, VenueClosing, VenueRejected, WebSocketError
from arbsniper_tui.model.fact import InstrumentStatus
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.health import FeedState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.public_url import public_url
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.net.websocket import WebSocket, open_websocket
from arbsniper_tui.runtime.clock import now_ns, wall_ms
from arbsniper_tui.venues.base import Ready, Reply, VenueAdapter, VenueMarket
from arbsniper_tui.venues.requests import KeepAlive

_log = logging.getLogger(__name__)


class Connection:
    """Opened once. Its state ends with it: the parser's books, the quotes that new ones are compared with."""

    def __init__(self, spec: FeedSpec, adapter: VenueAdapter, shared: Shared, *, is_held: bool = False) -> None:
        """With `is_held` it says nothing until it takes over."""
        declared = adapter.market(spec.market)
        assert declared is not None, f"{spec.venue} has no {spec.market} market"
        self._declared: VenueMarket = declared
        self.spec = spec
        self._adapter = adapter
        self._shared = shared
        self._served = shared.served
        self._timings = shared.timings
        self._counts = shared.counts
        self._troubles = shared.troubles
        self._on_frame = None if is_held else shared.on_frame
        self._held = HeldOutlet() if is_held else None
        self._outlet: Outlet = self._held or shared.outlet
        self._state = FeedState.CONNECTING
        self._words = ""
        self._lag = shared.lag if declared.has_venue_time else None
        self._keep_alive = declared.keep_alive
        self._is_ready = not declared.greets
        self._by_symbol = {each.venue_symbol: each for each in spec.instruments}
        self._multipliers = {each.id: each.multiplier for each in spec.instruments if each.multiplier != 1}
        self.quote_filter = QuoteFilter(self._counts.dropped, self._tell_drop, self._served.barred)
        parser = adapter.parser(spec.market, self._by_symbol.get, shared.listings)
        self._reader = VenueReader(
            parser, self._by_symbol, self._take, self.quote_filter, multipliers=self._multipliers
        )
        self._ts_read_ns = 0
        self._outgoing = Outgoing(declared.limits.messages)
        self._is_live = self._is_late = False
        self._lost_books = LostBooks(shared.timings.lost_book_after_s)
        self._subscribed: set[int] = set()
        self._seeding = Seeding(self._seed, self._abort_seeding)
        self.socket: WebSocket | None = None
        self.data_ns = 0
        """When the last quote arrived; 0 before the first."""

    @property
    def _sends_first_state(self) -> bool:
        return self._declared.sends_first_state and not self._declared.seed_path

    def covers(self, other: "Connection") -> bool:
        """Whether this one, held back, has said something of all that the other one has quotes of."""
        served = [each.id for each in self._served.wanted if other.quote_filter.has(each.id)]
        return self._held is not None and bool(self.data_ns) and self._held.has(served)

    def take_over(self, other: "Connection") -> None:
        """Speak from now on, in place of the other one, which says nothing more."""
        held = self._held
        assert held is not None, "only a connection that is held back takes over"
        self._held, self._outlet, self._on_frame = None, self._shared.outlet, self._shared.on_frame
        other._outlet = other._held = HeldOutlet()
        lost = tuple(each.id for each in self._served.wanted if not held.has((each.id,)))
        if lost and other.socket is not None and other.socket.closed.done():
            reason = Reason(ReasonCode.DISCONNECTED, words=other.socket.closed.result())
            self._outlet.withdraw(Withdrawal(lost, reason), now_ns())
        held.release(self._outlet)
        self._show(self._state, self._words)

    async def run(self) -> str:
        """Connect, subscribe, and read until the connection ends. Returns why it ended."""
        backlog = self._shared.backlog
        self._show(FeedState.CONNECTING, public_url(self.spec.ws_url))
        within_ns = self._timings.pong_within_ns
        try:
            endpoint = await find_endpoint(self.spec, self._adapter, self._declared)
            ws_url, open_within_s = endpoint.ws_url, self._timings.open_within_s
            self.socket = await open_websocket(
                ws_url, self._take_frames, backlog, within_ns, open_within_s, self._declared.headers
            )
        except (WebSocketError, RestError, FrameError) as error:
            return str(error)
        if endpoint.keep_alive_every_s is not None and self._keep_alive is not None:
            self._keep_alive = KeepAlive(self._keep_alive.send, endpoint.keep_alive_every_s)
        backlog.add(self.socket)
        self._counts.connects += 1
        self._outgoing.send(*self._declared.opening)
        self._outgoing.open(self.socket)
        if not self._is_live:  # quotes may arrive in the same read as the handshake
            awaited = "subscribed, no data yet" if self._is_ready else "waiting until the venue takes subscriptions"
            self._show(FeedState.SUBSCRIBED, awaited)
        self.ask_for(self._served.wanted)
        try:
            return await self._watch(self.socket)
        finally:
            backlog.remove(self.socket)
            self._counts.bytes += self.socket.received_bytes
            self._outgoing.close()
            self._seeding.close()

    def _show(self, state: FeedState, words: str) -> None:
        self._state, self._words = state, words
        if self._held is None:
            self._shared.show(state, words)

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()

    def withdraw(self, instrument_id: int) -> None:
        """Note that an instrument was withdrawn: its next quote is not compared with earlier ones."""
        self.quote_filter.withdraw(instrument_id)

    def remove(self, instruments: Sequence[Instrument]) -> None:
        """Unsubscribe these, and read no more of them."""
        if self.socket is not None and (gone := [each for each in instruments if each.id in self._subscribed]):
            self._outgoing.send(*self._adapter.unsubscribe(gone, wall_ms()))
        for each in instruments:
            self._by_symbol.pop(each.venue_symbol, None)
            self._multipliers.pop(each.id, None)
            self.quote_filter.withdraw(each.id)
        self._subscribed.difference_update(each.id for each in instruments)

    def ask_for(self, instruments: Sequence[Instrument]) -> None:
        """Subscribe these instruments. One that is subscribed already is unsubscribed first, to get its whole state."""
        self._by_symbol |= {each.venue_symbol: each for each in instruments}
        self._multipliers |= {each.id: each.multiplier for each in instruments if each.multiplier != 1}
        if not instruments or self.socket is None or not self._is_ready:
            return
        again = [each for each in instruments if each.id in self._subscribed]
        if again:
            undo = self._adapter.unsubscribe(again, wall_ms())
            if not undo:
                self.socket.abort("a new first state needs a new connection")
                return
            self._outgoing.send(*undo)
        self._outgoing.send(*self._adapter.subscribe(instruments, wall_ms()))
        self._subscribed.update(each.id for each in instruments)
        if self._declared.seed_path:
            self._seeding.begin(instruments)

    def _abort_seeding(self, error: BaseException) -> None:
        _log.error("%s: asking for prices by REST failed", self.spec.name, exc_info=error)
        if self.socket is not None:
            self.socket.abort(f"asking for prices by REST failed: {error!r}")

    def _take_frames(self, frames: list[bytes], ts_read_ns: int) -> None:
        """The hot path, from the frames of one read to the bus. The age of the frames counts from `ts_read_ns`."""
        counts = self._counts
        counts.frames += len(frames)
        if self._on_frame is not None:
            for frame in frames:
                self._on_frame(self.spec.ws_url, frame)
        self._ts_read_ns = ts_read_ns
        sound = self._reader.read(frames)
        if not sound:
            return
        counts.quotes += len(sound)
        if self._lost_books.awaited:
            self._lost_books.take(sound)
        if len(sound) > 1:
            # A newer state of an instrument replaces the older ones of the same read.
            newest = {quote.instrument_id: quote for quote in sound}
            counts.superseded += len(sound) - len(newest)
            sound = list(newest.values())
        socket = self.socket
        read_ns = ts_read_ns if socket is None else socket.last_read_ns
        recv_ns = self._lag.receipts_ns(sound, read_ns) if self._lag is not None else ()
        if ts_read_ns != read_ns:
            recv_ns = [min(each, ts_read_ns) for each in recv_ns or (ts_read_ns,) * len(sound)]
        self._outlet.quotes(sound, read_ns, recv_ns)
        self.data_ns = read_ns
        if not self._is_live and not (socket is not None and socket.as_old_as_ns):
            self._is_live = True
            self._show(FeedState.LIVE, "")

    def _take(self, told: Told) -> None:
        """Act on what frames say beside quotes."""
        if isinstance(told, Withdrawal):
            self._outlet.withdraw(told, self._ts_read_ns)
        elif isinstance(told, VenueRejected):
            self._take_rejection(told)
        elif isinstance(told, BookLost) and told.venue_symbol:
            instrument = self._by_symbol.get(told.venue_symbol)
            if instrument is not None:
                self._troubles.warn(f"book {told.venue_symbol}", f"{self.spec.name}: book lost: {told}")
                self._lost_books.wait_for(instrument.id, _now_s())
        elif isinstance(told, VenueClosing) and self._held is None:
            self._troubles.warn("closing", f"{self.spec.name}: {told}")
            self._shared.on_closing()
        elif isinstance(told, VenueClosing | BookLost):
            if self.socket is not None:
                self.socket.abort(str(told))
        elif isinstance(told, FrameError):
            self.quote_filter.count("unreadable frame")
            self._troubles.warn("unreadable frame", f"{self.spec.name}: {told}")
        elif isinstance(told, Reply):
            self._outgoing.reply(told.text)
        elif isinstance(told, Ready):
            self._is_ready = True
            self.ask_for(self._served.wanted)
        elif isinstance(told, InstrumentStatus):
            self._shared.on_status(told)
        else:
            self._outlet.facts((told,), self._ts_read_ns)
            if self.spec.facts_only:
                self.data_ns = self._ts_read_ns

    def _take_rejection(self, rejected: VenueRejected) -> None:
        reason = Reason(ReasonCode.REJECTED, words=rejected.reason)
        instrument = self._by_symbol.get(rejected.venue_symbol)
        if instrument is not None:
            self._served.reject(instrument, reason)
            self._subscribed.discard(instrument.id)
            return
        said = f"{rejected.venue_symbol} {reason_words(reason)}".strip()
        self._troubles.warn("rejected", f"{self.spec.name}: {said}")
        self._show(self._state, said)

    def _tell_drop(self, reason: str, quote: Quote) -> None:
        self._troubles.warn(reason, f"{self.spec.name}: a quote was dropped ({reason}): {quote}")

    async def _seed(self, instruments: Sequence[Instrument]) -> None:
        """Ask once by REST for instruments without a quote: the venue sends nothing until they change."""
        await asyncio.sleep(self._timings.seed_after_s)
        quiet = {each.venue_symbol: each for each in instruments if self._lacks_quote(each.id)}
        if not quiet:
            return
        asked_ns = now_ns()
        try:
            seeds = await fetch_seeds(self._adapter, self.spec.seed_url, quiet.get)
        except (RestError, FrameError) as error:
            what = f"{self.spec.name}: {len(quiet)} symbols have no price until they change"
            self._troubles.warn("seeds", f"{what}: {error}")
            return
        # A quote that arrived meanwhile is newer than the answer, and an instrument may have been dropped.
        sound, _ = self.quote_filter.apply([each for each in seeds if self._lacks_quote(each.instrument_id)])
        if sound:
            self._counts.quotes += len(sound)
            self._outlet.quotes(sound, now_ns(), (asked_ns,) * len(sound))

    def _lacks_quote(self, instrument_id: int) -> bool:
        return instrument_id in self._subscribed and not self.quote_filter.has(instrument_id)

    async def _watch(self, socket: WebSocket) -> str:
        timings = self._timings
        subscribed_s = said_s = pinged_s = resubscribed_s = _now_s()
        said = 0
        self._outgoing.ping()
        while True:
            done, _ = await asyncio.wait((socket.closed,), timeout=timings.check_every_s)
            if done:
                return socket.closed.result()
            now_s = _now_s()
            if fault := self._fault(socket, now_s, subscribed_s):
                socket.abort(fault)
                return fault
            if not self._served.wanted:
                socket.close()
                return NONE_SERVED
            keep_alive = self._keep_alive
            if keep_alive is not None and now_s - said_s >= keep_alive.every_s:
                said += 1
                self._outgoing.send(keep_alive.frame(said, wall_ms()))
                said_s = now_s
            if now_s - pinged_s >= timings.ping_every_s:
                self._outgoing.ping()
                pinged_s = now_s
            self._judge_silence(socket, now_s)
            self._ask_for_lost_books(now_s)
            quiet_s = now_s - max(resubscribed_s, self.data_ns / 1e9)
            if self._sends_first_state and self.data_ns and quiet_s > timings.resubscribe_after_s:
                self.ask_for(self._served.wanted)
                resubscribed_s = now_s

    def _fault(self, socket: WebSocket, now_s: float, subscribed_s: float) -> str:
        """Why the connection must be opened again, or an empty string."""
        awaits_data = self._sends_first_state and not self.data_ns
        return fault(
            socket,
            self._timings,
            now_s,
            max_silence_s=self._declared.max_silence_s,
            awaits_data_since_s=subscribed_s if awaits_data else None,
        )

    def _judge_silence(self, socket: WebSocket, now_s: float) -> None:
        """Show silence, and withdraw all instruments when data may be old although it still arrives."""
        if socket.answered_ns is not None and now_s * 1e9 > socket.overdue_ns:
            socket.doubt(socket.answered_ns)
        late_s = now_s - socket.as_old_as_ns / 1e9
        if socket.as_old_as_ns and late_s * 1e9 > self._timings.pong_within_ns:
            if not self._is_late:
                self._is_late, self._is_live = True, False
                served = tuple(each.id for each in self._served.wanted)
                self._outlet.withdraw(Withdrawal(served, Reason(ReasonCode.NO_PONG, measured=late_s)), now_ns())
                self._show(FeedState.SILENT, f"no answer to a ping for {late_s:.0f} s: its data may be as old")
            return
        self._is_late = False
        is_silent = now_s - self.data_ns / 1e9 > self._timings.silent_after_s
        if self._is_live and is_silent:
            self._is_live = False
            self._show(FeedState.SILENT, "connected, but no quotes come")
        elif not self._is_live and not is_silent and not socket.as_old_as_ns:
            self._is_live = True  # a pong proved that the data is fresh
            self._show(FeedState.LIVE, "")

    def _ask_for_lost_books(self, now_s: float) -> None:
        due = self._lost_books.due(now_s, self._served.barred)
        wanted = [each for each in self._served.wanted if each.id in due] if due else []
        for each in wanted:
            self._lost_books.wait_for(each.id, now_s)
        self.ask_for(wanted)


def _now_s() -> float:
    return now_ns() / 1e9
