"""What `doctor` finds out by subscribing: whether data come from each market of each venue, and how soon.

All markets are tried at the same time, each through its own declarations and parser, as a feed would.
"""

import asyncio
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from arbsniper_tui.config.settings import Settings
from arbsniper_tui.feeds.endpoint import find_endpoint
from arbsniper_tui.feeds.venue_reader import Told, VenueReader
from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.model.errors import BadFrame, BookLost, FrameError, RestError, VenueRejected, WebSocketError
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.net.rest import fetch
from arbsniper_tui.net.websocket import WebSocket, open_websocket
from arbsniper_tui.runtime.clock import wall_ms
from arbsniper_tui.tools.doctor.checks import Finding
from arbsniper_tui.tools.doctor.seen import Awaited, Seen, finding_of
from arbsniper_tui.universe.instruments import feed_specs, instruments_of
from arbsniper_tui.universe.names import listed_as
from arbsniper_tui.universe.selection import candidates
from arbsniper_tui.venues import VENUES, is_external
from arbsniper_tui.venues.base import Ready, Reply, VenueAdapter, VenueMarket
from arbsniper_tui.venues.listing import Listing, why_unlisted

DATA_WITHIN_S = 8.0
_ASKED = 3
"""Instruments that are subscribed: one that is quiet, or not listed, must not decide."""
_PONG_SHARE = 1 / 8
"""Of the time for everything: how long the answer to a ping may take after the first quote."""
_LATE_S = 0.5
"""What the checks may take beyond their time until they are given up."""


def check_streams(
    settings: Settings, progress: Callable[[str], None], within_s: float = DATA_WITHIN_S
) -> list[Finding]:
    """What became of each market of each venue that the settings ask for, in the order of the venues."""
    streams = []
    for spec in feed_specs(instruments_of(settings), settings):
        if is_external(spec.venue):
            continue  # it sends what it likes, when it likes
        declared = settings.market_of(spec.venue, spec.market)
        assert declared is not None, "feed_specs takes only markets that the venue has"
        by_pattern = (
            partial(_by_pattern, settings, spec) if declared in settings.pattern_markets_of(spec.venue) else None
        )
        streams.append(Stream(VENUES[spec.venue], spec, declared, within_s, by_pattern))
    for number, stream in enumerate(_looked_at(streams, within_s), 1):
        finding = finding_of(stream.seen)
        progress(f"{finding.check}: {finding.verdict} ({number} of {len(streams)} markets)")
    return [finding_of(stream.seen) for stream in streams]


def _by_pattern(settings: Settings, spec: FeedSpec, listings: Mapping[str, Listing]) -> list[Instrument]:
    """What the patterns stand for in this venue's list, whatever other venues list."""
    found = candidates(settings, (spec.venue, spec.market), listings)
    return [each.instrument for each in found if each is not None and not each.why_not]


def _looked_at(streams: Sequence["Stream"], within_s: float) -> Iterator["Stream"]:
    """Every stream once: those that are done first, and at the end of the time those that hang."""
    done: queue.SimpleQueue[Stream] = queue.SimpleQueue()

    async def look(stream: Stream) -> None:
        await stream.look()
        done.put(stream)

    async def look_at_all() -> None:
        await asyncio.gather(*map(look, streams))

    def run() -> None:
        with asyncio.Runner(loop_factory=_Loop) as runner:
            runner.run(look_at_all())

    # What never returns holds this thread, and not the program.
    threading.Thread(target=run, daemon=True).start()
    deadline_s = time.monotonic() + within_s + _LATE_S
    left = list(streams)
    while left:
        try:
            stream = done.get(timeout=max(0.0, deadline_s - time.monotonic()))
        except queue.Empty:
            break
        left.remove(stream)
        yield stream
    yield from left


ByPattern = Callable[[Mapping[str, Listing]], list[Instrument]]


class _Loop(asyncio.SelectorEventLoop):
    """Looks names up in threads that nobody waits for: a name server may never answer, and the program ends all the
    same."""

    async def getaddrinfo(self, host: Any, port: Any, **hints: int) -> Any:
        found: asyncio.Future[Any] = self.create_future()

        def tell(answer: object) -> None:
            if found.done():
                return
            if isinstance(answer, BaseException):
                found.set_exception(answer)
            else:
                found.set_result(answer)

        def look_up() -> None:
            answer: object
            try:
                answer = socket.getaddrinfo(host, port, **hints)
            except (OSError, UnicodeError) as error:
                answer = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits for the answer
                self.call_soon_threadsafe(tell, answer)

        threading.Thread(target=look_up, daemon=True).start()
        return await found


class Stream:
    """One market of one venue while it is looked at."""

    def __init__(
        self,
        adapter: VenueAdapter,
        spec: FeedSpec,
        declared: VenueMarket,
        within_s: float,
        by_pattern: ByPattern | None = None,
    ) -> None:
        """`by_pattern` gives, from the venue's list, the instruments that the settings do not name."""
        self._adapter = adapter
        self._spec = spec
        self._declared = declared
        self._within_s = within_s
        self._by_pattern = by_pattern
        self._listings: dict[str, Listing] = {}
        self._reader: VenueReader | None = None
        self._socket: WebSocket | None = None
        self._unsent: list[str] = []
        """Replies to frames that arrived in the same read as the handshake."""
        self._opened_s = 0.0
        self._is_ready = not declared.greets
        self._arrived = asyncio.Event()
        # Those asked for by name first.
        asked = sorted(spec.instruments, key=lambda each: each.implied)[:_ASKED]
        self._by_symbol = {each.venue_symbol: each for each in asked}
        self.seen = Seen(
            spec.name,
            ws_host=_host(spec.ws_url),
            rest_host=_host(spec.list_url),
            within_s=within_s,
            streams=len(spec.instruments),
            streams_a_connection=spec.per_connection,
            most_connections=spec.connections,
            tells_changes_alone=bool(spec.seed_url) or not declared.sends_first_state,
        )

    async def look(self) -> None:
        """Connect, subscribe, and read until a quote and a pong have come, or the time is over."""
        beats = asyncio.create_task((backlog := Backlog(lambda: None, lambda: None)).run())
        try:
            async with asyncio.timeout(self._within_s):
                await self._look(backlog)
        except TimeoutError:
            return
        except (WebSocketError, RestError, FrameError) as error:
            self.seen.fault = str(error)
        finally:
            beats.cancel()
            if self._socket is not None:
                self._socket.close()

    async def _look(self, backlog: Backlog) -> None:
        if self._declared.needs_list or self._by_pattern is not None:
            self.seen.awaited = Awaited.LIST
            await self._fetch_list()
        if self._spec.endpoint_url:
            self.seen.awaited = Awaited.ENDPOINT
        endpoint = await find_endpoint(self._spec, self._adapter, self._declared)
        parser = self._adapter.parser(self._spec.market, self._by_symbol.get, self._listings)
        self._reader = VenueReader(parser, self._by_symbol, self._take)
        self.seen.awaited = Awaited.CONNECTION
        began_s = time.monotonic()
        self._socket = await open_websocket(
            endpoint.ws_url, self._read, backlog, within_s=self._within_s, headers=self._declared.headers
        )
        self._opened_s = time.monotonic()
        self.seen.connected_ms = (self._opened_s - began_s) * 1000
        self._socket.ping()
        for text in (*self._declared.opening, *self._unsent):
            self._socket.send(text)
        self.seen.awaited = Awaited.GREETING
        await self._wait(lambda: self._is_ready)
        self.seen.awaited = Awaited.QUOTE
        self.seen.asked = tuple(self._by_symbol)
        for text in self._adapter.subscribe(tuple(self._by_symbol.values()), wall_ms()):
            self._socket.send(text)
        await self._wait(lambda: self.seen.first_ms is not None or not self._by_symbol)
        if self.seen.first_ms is None:
            self.seen.fault = f"a refusal of each ({self.seen.words})"
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._within_s * _PONG_SHARE):
                await self._wait(lambda: self._socket is not None and self._socket.rtt_ms is not None)
        self.seen.rtt_ms = self._socket.rtt_ms
        if self.seen.has_doubtful_clock and self.seen.dated_ms is None:
            with suppress(RestError, FrameError):
                await fetch(self._spec.list_url, within_s=self._within_s, on_headers=self._take_headers)

    async def _wait(self, condition: Callable[[], bool]) -> None:
        """Until something arrives that makes the condition true. Raises WebSocketError where the connection ends."""
        assert self._socket is not None
        while not condition():
            self._arrived.clear()
            arrived = asyncio.ensure_future(self._arrived.wait())
            await asyncio.wait((arrived, self._socket.closed), timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
            arrived.cancel()
            if self._socket.closed.done():
                raise WebSocketError(self._socket.closed.result())

    async def _fetch_list(self) -> None:
        """Take contract sizes, and leave out what does not trade. Raises RestError and BadFrame."""
        path = self._declared.list_path
        while path:
            url = self._declared.rest_url.rstrip("/") + path
            body = await fetch(url, within_s=self._within_s, on_headers=self._take_headers)
            self._listings.update(self._adapter.parse_listings(body))
            path = self._adapter.next_list_path(self._spec.market, body)
        asked = [listed_as(self._adapter, each, self._listings) for each in self._spec.instruments]
        if self._by_pattern is not None:
            asked += self._by_pattern(self._listings)
            self.seen.streams = len({each.id for each in asked})
        trading = [each for each in asked if why_unlisted(self._listings.get(each.venue_symbol)) is None]
        if not trading:
            wanted = ", ".join(self._by_symbol) or "what the patterns stand for"
            raise BadFrame(f"expected one of {wanted} that trades, found none")
        self._by_symbol = {each.venue_symbol: each for each in trading[:_ASKED]}

    def _take_headers(self, headers: Mapping[str, str]) -> None:
        with suppress(ValueError):
            venue_ms = parsedate_to_datetime(headers.get("date", "")).timestamp() * 1000
            now_ms = time.time() * 1000
            # Its fraction of a second is cut off, and the answer was under way for a while.
            self.seen.dated_ms = now_ms - venue_ms - 1000, now_ms - venue_ms

    def _read(self, frames: list[bytes], ts_read_ns: int) -> None:
        self.seen.frames += len(frames)
        assert self._reader is not None, "the connection is opened after it"
        for quote in self._reader.read(frames):
            self._take_quote(quote)
        self._arrived.set()

    def _take_quote(self, quote: Quote) -> None:
        if defect(quote) is not None:
            return
        seen = self.seen
        if seen.first_ms is None:
            # It may come in the same read as the end of the handshake.
            seen.first_ms = (time.monotonic() - self._opened_s) * 1000 if self._opened_s else 0.0
        if quote.ts_venue_ms is not None:
            lag_ms = time.time() * 1000 - quote.ts_venue_ms
            seen.lag_ms = lag_ms if seen.lag_ms is None else min(lag_ms, seen.lag_ms)

    def _take(self, told: Told) -> None:
        if isinstance(told, Reply):
            if self._socket is None:
                self._unsent.append(told.text)
            else:
                self._socket.send(told.text)
        elif isinstance(told, Ready):
            self._is_ready = True
        elif isinstance(told, VenueRejected):
            self.seen.words = str(told)
            self._by_symbol.pop(told.venue_symbol, None)
        elif isinstance(told, FrameError) and not isinstance(told, BookLost):
            self.seen.words = str(told)


def _host(url: str) -> str:
    return clean_text(urlsplit(url).netloc.rpartition("@")[2])
