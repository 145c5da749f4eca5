"""One client of /v1/stream: what it asks, and when it is given the next page of what it reads."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from arbsniper_tui.api.caller import Caller, Callers, Role
from arbsniper_tui.api.problems import Declined
from arbsniper_tui.api.stream.event_topic import EventTopic
from arbsniper_tui.api.stream.hub import Hub
from arbsniper_tui.api.stream.limits import MESSAGE_EVERY_S, MESSAGES_AT_ONCE
from arbsniper_tui.api.stream.messages import (
    Authenticate,
    CloseCode,
    FromClient,
    Refused,
    Subscribe,
    Unsubscribe,
    Wanted,
    Welcome,
)
from arbsniper_tui.api.stream.topic import BEGIN, Cursor, Topic
from arbsniper_tui.model.errors import UNREADABLE

if TYPE_CHECKING:
    from litestar.types import Receive, Send

_REASON_BYTES = 123
"""As much as fits into a frame that closes a WebSocket."""
_FIRST = 'expected {"op": "authenticate", "token": "..."} as the first message'
_decoder: msgspec.json.Decoder[FromClient] = msgspec.json.Decoder(FromClient)


class Ending(Struct, frozen=True):
    """Why a connection ends."""

    code: CloseCode
    reason: str


def holder_of(caller: Caller | None, credentials: str | None, address: str) -> str:
    """Whose share of the places a client takes: its caller's, and without a token its address'."""
    return address if caller is None or credentials is None else caller.name


class Client:
    """One connection that was accepted. It holds a cursor for each subscription, and no queue: what is sent next is
    made when the client has room for it."""

    def __init__(
        self, hub: Hub, receive: "Receive", send: "Send", address: str, credentials: str | None, caller: Caller | None
    ) -> None:
        """`caller` is None where the token is still to come."""
        self._hub, self._address = hub, address
        self._receive, self._send_event = receive, send
        self._credentials, self._caller = credentials, caller
        self._cursors: dict[Topic, Cursor] = {}
        self._unanswered: set[Topic] = set()
        """Subscriptions of which not even the first page was sent."""
        self._woken = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._ending: asyncio.Future[Ending | None] = loop.create_future()
        """None where the client has left."""
        self._since_s = loop.time()
        """When it connected, showed its token or gave up its last subscription."""

    async def serve(self) -> None:
        """Until one of both ends the connection."""
        self._hub.clients.add(self)
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._write())]
        awaited: list[asyncio.Future[Any]] = [self._ending, *tasks]
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            self._hub.clients.discard(self)
            for topic in self._cursors:
                self._hub.unsubscribe(self, topic)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        if self._ending.done() and (ending := self._ending.result()):
            reason = ending.reason.encode()[:_REASON_BYTES].decode(errors="ignore")
            await self._send_event({"type": "websocket.close", "code": int(ending.code), "reason": reason})
        for result in results:
            if isinstance(result, Exception):
                raise result

    @property
    def holder(self) -> str:
        """Whose share it takes a place of."""
        return holder_of(self._caller, self._credentials, self._address)

    def wake(self) -> None:
        """A topic of the client has changed."""
        self._woken.set()

    def end(self, code: CloseCode, reason: str) -> None:
        """Close its connection."""
        if not self._ending.done():
            self._ending.set_result(Ending(code, reason))

    def check_caller(self, callers: Callers) -> None:
        """Close its connection if its token is not valid any more."""
        try:
            if self._caller is not None:
                callers.caller_of(self._credentials)
        except Declined as declined:
            self.end(CloseCode.NOT_AUTHENTICATED, declined.detail)

    async def _write(self) -> None:
        if self._caller is not None:
            await self._welcome(self._caller)
        while True:
            await self._woken.wait()
            self._woken.clear()
            while due := [each for each, cursor in self._cursors.items() if self._is_due(each, cursor)]:
                for topic in due:
                    # It may have been given up while another page was on its way.
                    if cursor := self._cursors.get(topic):
                        text, self._cursors[topic] = topic.page(cursor)
                        self._unanswered.discard(topic)
                        await self._send_text(text)

    def _is_due(self, topic: Topic, cursor: Cursor) -> bool:
        return topic.has_more(cursor) or topic in self._unanswered

    async def _listen(self) -> None:
        heard = 0
        while True:
            try:
                async with asyncio.timeout_at(self._patience()):
                    event: Mapping[str, Any] = await self._receive()
            except TimeoutError:
                return self._end_idle()
            if event["type"] == "websocket.disconnect":
                if not self._ending.done():
                    self._ending.set_result(None)
                return None
            heard += 1
            if heard > MESSAGES_AT_ONCE:
                await asyncio.sleep(MESSAGE_EVERY_S)
            if event["type"] == "websocket.receive":
                await self._take(event.get("text"))

    def _patience(self) -> float | None:
        limits = self._hub.limits
        if self._caller is None:
            return self._since_s + limits.authenticate_within_s
        return None if self._cursors else self._since_s + limits.idle_s

    def _end_idle(self) -> None:
        limits = self._hub.limits
        if self._caller is None:
            self.end(CloseCode.NOT_AUTHENTICATED, f"{_FIRST}, found none for {limits.authenticate_within_s:g} s")
        else:
            self.end(CloseCode.IDLE, f"expected a subscription, found none for {limits.idle_s:g} s")

    async def _take(self, text: str | None) -> None:
        try:
            message = _decoder.decode(text or b"")
        except UNREADABLE as error:
            found = "a binary message" if text is None else str(error)
            what = "a JSON object with op authenticate, subscribe or unsubscribe"
            self.end(CloseCode.BAD_MESSAGE, f"expected {what}, found: {found}")
            return
        match message:
            case Authenticate(token):
                await self._authenticate(f"Bearer {token}")
            case _ if self._caller is None:
                self.end(CloseCode.NOT_AUTHENTICATED, _FIRST)
            case Subscribe():
                await self._subscribe(message)
            case Unsubscribe(to):
                await self._unsubscribe(to)

    async def _authenticate(self, credentials: str) -> None:
        try:
            caller = self._hub.callers.caller_of(credentials)
            if not caller.role.may(Role.VIEWER):
                raise Declined(HTTPStatus.FORBIDDEN, f"{caller.name} may not read")
            self._hub.check_share(caller.name, self._address, but=self)
        except Declined as declined:
            is_full = declined.status_code == HTTPStatus.TOO_MANY_REQUESTS
            self.end(CloseCode.TOO_MANY if is_full else CloseCode.NOT_AUTHENTICATED, declined.detail)
            return
        self._caller, self._credentials = caller, credentials
        self._since_s = asyncio.get_running_loop().time()
        await self._welcome(caller)

    async def _welcome(self, caller: Caller) -> None:
        try:
            intro, status = self._hub.reader.intro, self._hub.reader.status
        except Declined as declined:
            self.end(CloseCode.NODE_GONE, declined.detail)
            return
        await self._tell(Welcome(caller.name, caller.role, intro.node, intro.run, intro.version, status.clock_ms))

    async def _subscribe(self, message: Subscribe) -> None:
        try:
            topic = self._topic_of(message)
        except Declined as declined:
            await self._tell(Refused(message.to, declined.status_code, declined.detail))
            return
        place = message.after
        self._cursors[topic] = BEGIN
        if place is not None and isinstance(topic, EventTopic):
            self._cursors[topic] = topic.cursor_after(place.run, place.seq)
        self._unanswered.add(topic)
        self.wake()

    def _topic_of(self, message: Subscribe) -> Topic:
        wanted = self._hub.checked(message.to)
        if any(topic.of == wanted for topic in self._cursors):
            raise Declined(HTTPStatus.CONFLICT, "this subscription is there already: unsubscribe first")
        most = self._hub.limits.subscriptions
        if len(self._cursors) >= most:
            raise Declined(HTTPStatus.TOO_MANY_REQUESTS, f"expected at most {most} subscriptions of one connection")
        topic = self._hub.subscribe(self, wanted)
        if message.after is not None and not isinstance(topic, EventTopic):
            self._hub.unsubscribe(self, topic)
            raise Declined(HTTPStatus.BAD_REQUEST, "after: expected with signals or events; the others begin anew")
        return topic

    async def _unsubscribe(self, to: Wanted) -> None:
        try:
            wanted = self._hub.checked(to)
            topic = next((each for each in self._cursors if each.of == wanted), None)
            if topic is None:
                raise Declined(HTTPStatus.NOT_FOUND, "there is no such subscription")
        except Declined as declined:
            await self._tell(Refused(to, declined.status_code, declined.detail))
            return
        del self._cursors[topic]
        self._unanswered.discard(topic)
        self._hub.unsubscribe(self, topic)
        self._since_s = asyncio.get_running_loop().time()

    async def _tell(self, message: Welcome | Refused) -> None:
        await self._send_text(msgspec.json.encode(message).decode())

    async def _send_text(self, text: str) -> None:
        """Waits while the client has not read what was sent before."""
        await self._send_event({"type": "websocket.send", "text": text, "bytes": None})
