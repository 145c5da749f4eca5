"""One simulated venue on its port: who is subscribed to what, what is sent, and what goes wrong on purpose."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from http import HTTPStatus
from socket import AF_UNIX, IPPROTO_TCP, TCP_NODELAY, socket

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.sim.chaos import Chaos
from arbsniper_tui.sim.dialect import (
    Allowance,
    Closing,
    Dialect,
    Frame,
    LinkRules,
    Moment,
    Subscriber,
    Topic,
    json_text,
)
from arbsniper_tui.sim.fault import FAULT_PATH, Fault, FaultKind, read_fault
from arbsniper_tui.sim.late_link import late_connections
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk, Top
from arbsniper_tui.sim.venue_chaos import VenueChaos

_log = logging.getLogger(__name__)

_UPKEEP_EVERY_NS = NS_PER_S // 4
_UNSENT_LIMIT = 4 * 1024 * 1024
"""Bytes that a subscriber may leave unread before the venue cuts it off."""
_OPEN_TIMEOUT_S = 60.0
_CLOSE_TIMEOUT_S = 0.3
_TOO_MANY_REQUESTS = Closing(1008, "Too many requests")
_OUTLIVED = Closing(1001, "The connection has reached the end of its life")
_NO_LIMIT = Allowance(2**31, 1.0)


class VenueSim:
    """A venue that listens. Set `fault` to make it fail, and None to make it work again."""

    def __init__(self, dialect: Dialect, walk: MarketWalk, chaos: VenueChaos) -> None:
        self.venue = dialect.venue
        self._dialect = dialect
        self._chaos = chaos
        self._walk = walk
        self._instruments = {instrument.id: instrument for instrument in dialect.instruments}
        self._server: Server | None = None
        self._subscribers: dict[ServerConnection, Subscriber] = {}
        self._topics: dict[Topic, dict[ServerConnection, Subscriber]] = {}
        self._unsent: dict[int, dict[int, Top]] = {}
        """Changes that wait for the next batch, by how often their batches go out in ns, and by instrument."""
        self._batch_due_ns: dict[int, int] = {}
        self._upkeep_due_ns = 0
        self._fault: Fault | None = None
        self._fault_changed = asyncio.Event()
        self._endings: set[asyncio.Task[None]] = set()
        self._facts_due_ns = 0
        self._opened_ns: deque[int] = deque()
        """When connections were opened, as long as the venue's limit counts them."""

    @property
    def fault(self) -> Fault | None:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        if fault is not None and fault.kind in (FaultKind.DROP, FaultKind.REFUSE):
            self._drop_all()
        self._fault = None if fault is not None and fault.kind is FaultKind.DROP else fault
        self._fault_changed.set()
        self._fault_changed = asyncio.Event()

    @property
    def connections(self) -> int:
        """WebSockets that are open."""
        return len(self._subscribers)

    async def open(self, listener: socket) -> None:
        """Serve from now on, on a bound, listening socket; `close` closes it."""
        self._server = await serve(
            self._hold,
            sock=listener,
            process_request=self._process_request,
            compression=None,
            open_timeout=_OPEN_TIMEOUT_S,
            ping_interval=None,
            close_timeout=_CLOSE_TIMEOUT_S,
            max_size=2**18,
            server_header=None,
            create_connection=late_connections(lambda: self._chaos.late_s) if self._chaos.can_be_late else None,
        )

    async def close(self) -> None:
        """End every connection and stop listening, within a second."""
        if self._server is None:
            return
        self._server.close()
        self._fault_changed.set()
        try:
            await asyncio.wait_for(self._server.wait_closed(), 2 * _CLOSE_TIMEOUT_S)
        except TimeoutError:
            _log.debug("%s: a client kept its half-open connection until the end", self.venue)

    def publish(self, top: Top, now: Moment) -> None:
        """Tell the subscribers of a change, at once or with the next batch."""
        now, top = self._chaos.shifted(now), self._chaos.seen(top)
        if batch_ns := self._dialect.batch_ns_of(self._instruments[top.instrument_id]):
            self._unsent.setdefault(batch_ns, {})[top.instrument_id] = top
        else:
            self._send_top(top, now)

    def tick(self, now: Moment) -> None:
        """Send due batches and heartbeats, and end connections whose time has run out."""
        self._take_chaos(now)
        now = self._chaos.shifted(now)
        for batch_ns, unsent in tuple(self._unsent.items()):
            if now.mono_ns >= self._batch_due_ns.get(batch_ns, 0):
                self._batch_due_ns[batch_ns] = now.mono_ns + batch_ns
                del self._unsent[batch_ns]
                for top in unsent.values():
                    self._send_top(top, now)
        if now.mono_ns >= self._upkeep_due_ns:
            self._upkeep_due_ns = now.mono_ns + _UPKEEP_EVERY_NS
            self._keep_up(now)
        if self._dialect.fact_channels and now.mono_ns >= self._facts_due_ns:
            self._facts_due_ns = now.mono_ns + round(self._dialect.fact_every_s * NS_PER_S)
            self._send_facts(now)

    def _send_facts(self, now: Moment) -> None:
        if self._fault is not None and self._fault.is_stalling:
            return
        for topic, subscribers in self._topics.items():
            if topic.channel in self._dialect.fact_channels and subscribers:
                instrument = self._instruments[topic.instrument_id]
                facts = self._dialect.facts(instrument, now)
                self._send(subscribers, (self._dialect.render_facts(instrument, facts, topic.channel, now),), now)

    def _take_chaos(self, now: Moment) -> None:
        """Begin and end what goes wrong by chance."""
        begun, ended = self._chaos.tick(now)
        if Chaos.CUT in begun:
            self.fault = Fault(FaultKind.DROP)
        if Chaos.REFUSE in begun:
            self.fault = Fault(FaultKind.REFUSE)
        elif Chaos.REFUSE in ended:
            self.fault = None
        if Chaos.FREEZE in ended:
            for topic, subscribers in self._topics.items():
                if subscribers and topic.channel in self._dialect.channels:
                    self.publish(self._walk.top(topic.instrument_id, now.mono_ns), now)

    @property
    def batch_due_ns(self) -> int | None:
        """When the next batch goes out; None where nothing waits for one."""
        return min((self._batch_due_ns.get(batch_ns, 0) for batch_ns in self._unsent), default=None)

    def _send_top(self, top: Top, now: Moment) -> None:
        fault = self._fault
        instrument = self._instruments[top.instrument_id]
        if fault is not None and fault.silences(instrument.venue_symbol):
            return
        for channel in self._dialect.channels:
            topic = Topic(top.instrument_id, channel)
            subscribers = self._topics.get(topic)
            if not subscribers:
                continue
            spoil = partial(self._dialect.spoil, instrument, top, channel, now=now)
            if frame := self._dialect.render(instrument, top, channel, now):
                self._send(subscribers, self._chaos.frames(topic, frame, spoil, now), now)
            if fault is not None and fault.kind is FaultKind.GARBAGE:
                self._send(subscribers, self._chaos.garbled(spoil), now)

    def _send(self, subscribers: dict[ServerConnection, Subscriber], frames: Iterable[Frame], now: Moment) -> None:
        for frame in frames:
            broadcast(subscribers, frame)
        for subscriber in subscribers.values():
            subscriber.told_ns = now.mono_ns

    def _keep_up(self, now: Moment) -> None:
        is_stalled = self._fault is not None and self._fault.is_stalling
        for connection, subscriber in tuple(self._subscribers.items()):
            if connection.transport.get_write_buffer_size() > _UNSENT_LIMIT:
                connection.transport.abort()
            elif closing := self._closing(subscriber, now):
                self._end(connection, closing)
            elif not is_stalled and (frames := self._unfrozen(self._dialect.upkeep(subscriber, now))):
                self._send({connection: subscriber}, frames, now)

    def _closing(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        """Why a connection ends now."""
        return subscriber.breach or self._dialect.expired(subscriber, now) or self._outlived(subscriber, now)

    def _outlived(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        lifetime_s = self._dialect.rules(subscriber.target).lifetime_s
        is_old = lifetime_s is not None and now.mono_ns - subscriber.opened.mono_ns > lifetime_s * NS_PER_S
        return _OUTLIVED if is_old else None

    def _may_open(self, rules: LinkRules, now_ns: int) -> bool:
        """Count a new connection; whether the venue's limits let it in."""
        if rules.connections is not None and self.connections >= rules.connections:
            return False
        if rules.connects is None:
            return True
        opened = self._opened_ns
        while opened and now_ns - opened[0] > rules.connects.within_s * NS_PER_S:
            opened.popleft()
        opened.append(now_ns)
        return len(opened) <= rules.connects.most

    @property
    def _refused(self) -> tuple[str, ...]:
        fault = self._fault
        return fault.symbols if fault is not None and fault.kind is FaultKind.REJECT else ()

    def _drop_all(self) -> None:
        for connection in tuple(self._subscribers):
            connection.transport.abort()

    def _end(self, connection: ServerConnection, closing: Closing) -> None:
        ending = asyncio.ensure_future(connection.close(closing.code, closing.reason))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer plain HTTP; None lets a WebSocket open."""
        path, _, query = request.path.partition("?")
        if path == FAULT_PATH:
            return self._answer_fault(connection, query)
        while self._fault is not None and self._fault.kind is FaultKind.SLOW:
            await self._fault_changed.wait()
            if not connection.server.is_serving():
                break
        if self._fault is not None and self._fault.kind is FaultKind.REFUSE:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Service unavailable\n")
        if "Upgrade" not in request.headers:
            body = self._rest(request.path)
            if body is None:
                return connection.respond(HTTPStatus.NOT_FOUND, "Not found\n")
            return _json_response(connection, HTTPStatus.OK, body)
        if not self._dialect.is_stream(request.path):
            return connection.respond(HTTPStatus.NOT_FOUND, "Not found\n")
        rules = self._dialect.rules(request.path)
        if not self._may_open(rules, Moment.now().mono_ns):
            return connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "Too many connections\n")
        connection.ping_interval = rules.ping_interval_s
        connection.ping_timeout = rules.ping_timeout_s
        return None

    def _rest(self, target: str) -> str | None:
        fault, now = self._fault, self._chaos.shifted(Moment.now())
        if fault is not None and fault.kind is FaultKind.MAINTENANCE:
            return self._dialect.maintenance(target, now)
        halted = fault.symbols if fault is not None and fault.kind is FaultKind.HALT else ()
        return self._dialect.rest(target, halted, now)

    def _answer_fault(self, connection: ServerConnection, query: str) -> Response:
        if query:
            try:
                self.fault = read_fault(query)
            except UsageError as error:
                return connection.respond(HTTPStatus.BAD_REQUEST, f"{error}\n")
        return _json_response(connection, HTTPStatus.OK, json_text({"fault": self._fault}))

    async def _hold(self, connection: ServerConnection) -> None:
        """Keep one WebSocket until either side ends it."""
        request = connection.request
        assert request is not None, "the handshake is over"
        # Without TCP_NODELAY a second small frame waits 40 ms for the acknowledgement of the first.
        connected = connection.transport.get_extra_info("socket")
        if connected.family != AF_UNIX:
            connected.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        now = self._chaos.shifted(Moment.now())
        heard_ns = told_ns = now.mono_ns
        subscriber = Subscriber(request.path, now, heard_ns=heard_ns, told_ns=told_ns, headers=request.headers)
        self._subscribers[connection] = subscriber
        try:
            self._send({connection: subscriber}, self._dialect.greet(subscriber, self._refused, now), now)
            self._file(connection, subscriber, now)
            await self._listen_to(connection, subscriber)
        except ConnectionClosed:
            _log.debug("%s: a connection broke off", self.venue)
        finally:
            del self._subscribers[connection]
            subscriber.topics.clear()
            self._file(connection, subscriber, Moment.now())

    async def _listen_to(self, connection: ServerConnection, subscriber: Subscriber) -> None:
        allowance = self._dialect.rules(subscriber.target).requests or _NO_LIMIT
        began_ns, requests = 0, 0
        async for message in connection:
            now = self._chaos.shifted(Moment.now())
            subscriber.heard_ns = now.mono_ns
            if now.mono_ns - began_ns >= allowance.within_s * NS_PER_S:
                began_ns, requests = now.mono_ns, 0
            requests += 1
            if requests > allowance.most:
                await connection.close(*_TOO_MANY_REQUESTS)
                return
            text = message if isinstance(message, str) else message.decode("utf-8", "replace")
            self._answer(connection, subscriber, text, now)

    def _answer(self, connection: ServerConnection, subscriber: Subscriber, text: str, now: Moment) -> None:
        fault = self._fault
        if fault is not None and fault.is_stalling and not self._dialect.is_ping(text):
            return
        frames = self._dialect.answer(subscriber, text, self._refused, now)
        self._send({connection: subscriber}, self._unfrozen(frames), now)
        self._file(connection, subscriber, now)

    def _unfrozen(self, frames: Sequence[Frame]) -> Sequence[Frame]:
        """The frames without the states of frozen instruments."""
        fault = self._fault
        if fault is None or fault.kind is not FaultKind.FREEZE:
            return frames
        return [each for each in frames if not self._is_frozen(fault, each)]

    def _is_frozen(self, fault: Fault, frame: Frame) -> bool:
        is_about_one = not fault.symbols or any(self._dialect.is_about(frame, symbol) for symbol in fault.symbols)
        return is_about_one and self._dialect.is_state(frame)

    def _file(self, connection: ServerConnection, subscriber: Subscriber, now: Moment) -> None:
        """Bring `_topics` and what the market moves in line with one subscriber's topics."""
        gone = [topic for topic, held in self._topics.items() if connection in held and topic not in subscriber.topics]
        for topic in subscriber.topics:
            self._topics.setdefault(topic, {})[connection] = subscriber
            if topic.channel in self._dialect.channels:
                self._walk.watch(topic.instrument_id, now.mono_ns)
        for topic in gone:
            del self._topics[topic][connection]
            self._chaos.forget(topic)
            if not any(self._topics.get(Topic(topic.instrument_id, each)) for each in self._dialect.channels):
                self._walk.unwatch(topic.instrument_id)
                self._dialect.release(topic.instrument_id)
                for unsent in self._unsent.values():
                    unsent.pop(topic.instrument_id, None)


def _json_response(connection: ServerConnection, status: HTTPStatus, body: str) -> Response:
    response = connection.respond(status, body)
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    return response
