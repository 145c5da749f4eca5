"""Where signals and events are read: both channels as they come, and the stream for what the channel did not bring."""

import time
from collections.abc import Callable, Iterator
from enum import Enum, auto

import hiredis
from msgspec import Struct

from arbsniper_tui.config.settings import RedisSettings
from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.model.errors import LinkLost, RedisUnreachable
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.runtime.node_folder import live_folders
from arbsniper_tui.sinks.address import address_of
from arbsniper_tui.sinks.connect import Attempt, Reconnection, connect_in_background
from arbsniper_tui.sinks.embedded import running_url
from arbsniper_tui.sinks.open_socket import open_socket
from arbsniper_tui.sinks.redis_keys import EVENTS_CHANNEL, SIGNALS_CHANNEL, STREAM_KEY, STREAM_LENGTH
from arbsniper_tui.tools.consume.connection import ANSWER_WITHIN_S, RedisConnection

_SECOND_NS = 1_000_000_000
_TAIL_EVERY_NS = _SECOND_NS
_TAIL_EVERY_NS_IN_A_GAP = _SECOND_NS // 10
_PING_EVERY_NS = _SECOND_NS
_ENTRIES_AT_ONCE = 500
_READS_A_ROUND = 50
_START = b"0-0"
_WAIT_STEP_S = 0.05
_ELSEWHERE = ("MOVED ", "ASK ", "CLUSTERDOWN ")
"""Error replies of a Redis Cluster that another connection may end."""


class From(Enum):
    """What a message is."""

    SIGNALS = auto()
    """Of the signals' channel."""
    EVENTS = auto()
    """Of the events' channel."""
    STREAM = auto()
    """An entry of the stream that was added since the reader came."""
    BEFORE = auto()
    """One that was there when the reader came."""
    BACK = auto()
    """No message: Redis is back after it was away. What follows fills the gap."""
    LOST = auto()
    """No message: the stream does not hold what went by, while Redis was away or before it could be read."""


class Message(Struct, frozen=True):
    """One message, as its bytes."""

    origin: From
    payload: bytes = b""


class RedisSource:
    """Reads one Redis, and connects again whenever it is lost; says so. In a Cluster any master tells what is
    published, and one holds the stream."""

    def __init__(self, settings: RedisSettings, say: Callable[[str], None], answer_within_s: float = 5.0) -> None:
        """`answer_within_s`: a connection on which not even a PING is answered for so long is given up."""
        self._settings = settings
        self._say = say
        self._answer_within_ns = round(answer_within_s * _SECOND_NS)
        self._url = ""
        self._reconnection = Reconnection(settings.url, lambda _: self._attempt())
        self._attempts = 0
        self._published: RedisConnection | None = None
        self._stored: RedisConnection | None = None
        self._position = b""
        """The last entry of the stream that was read; empty until the first connection."""
        self._is_stream_refused = False
        self._away = ""
        """Why Redis is away, as said."""
        self._tail_due_ns = self._ping_due_ns = 0
        self._asked_ns: int | None = None
        """When the PING was sent that is not answered yet."""
        self.is_current = False
        """Whether everything that had come, and everything in the stream, was read in the last round."""

    @property
    def address(self) -> str:
        """The server that is read or was read last; it shows no password."""
        return address_of(self._url)

    def read(self, within_s: float, *, is_in_gap: bool) -> Iterator[Message]:
        """What has come. Waits at most `within_s` for it, and a few seconds at most for a server that does not answer.
        `is_in_gap`: a number is missing, so that the stream is looked at sooner."""
        self.is_current = False
        try:
            if self._published is None:
                yield from self._connect(within_s)
            else:
                yield from self._hear(self._published, within_s)
                yield from self._tail(is_in_gap)
        except LinkLost as error:
            self._lose(f"{self.address}: {error}")
        except RedisUnreachable as error:
            self._lose(str(error))

    def close(self) -> None:
        self._reconnection.close()
        self._drop()

    def _connect(self, within_s: float) -> Iterator[Message]:
        connected = self._reconnection.poll(now_ns())
        if connected is None:
            if self._reconnection.failure:
                self._tell_away(self._reconnection.failure)
            time.sleep(min(within_s, _WAIT_STEP_S))
            return
        self._published = RedisConnection(connected)
        self._stored = RedisConnection(open_socket(self._url, ANSWER_WITHIN_S, key=STREAM_KEY))
        end = b"" if self._position else self._last_entry()
        for channel in (SIGNALS_CHANNEL, EVENTS_CHANNEL):
            reply = self._published.ask("SUBSCRIBE", channel)
            if isinstance(reply, hiredis.ReplyError):
                raise LinkLost(f"SUBSCRIBE {channel} is refused: {reply}")
        self._asked_ns, self._ping_due_ns, self._tail_due_ns = None, now_ns() + _PING_EVERY_NS, 0
        self._away = ""
        if self._position:
            is_held = self._holds_position()
            self._say(f"redis at {self.address}: back; reading on")
            yield Message(From.BACK if is_held else From.LOST)
        else:
            self._position = end
            self._say(f"redis at {self.address}: reading")
            yield from self._before(end)

    def _before(self, end: bytes) -> Iterator[Message]:
        """The entries up to `end`."""
        position = _START
        while _id(position) < _id(end) and (entries := self._entries(position)):
            for entry, payload in entries:
                if _id(entry) > _id(end):
                    return
                position = entry
                yield Message(From.BEFORE, payload)

    def _hear(self, published: RedisConnection, within_s: float) -> Iterator[Message]:
        for _ in range(_READS_A_ROUND):
            messages = published.receive(within_s)
            for message in messages:
                match message:
                    case [b"message", channel, bytes(payload)]:
                        is_signal = channel == SIGNALS_CHANNEL.encode()
                        yield Message(From.SIGNALS if is_signal else From.EVENTS, payload)
                    case [b"pong", *_]:
                        self._asked_ns = None
            within_s = 0.0
            if not messages:
                self.is_current = True
                break
        at_ns = now_ns()
        # Only when nothing waits to be read: a reader that was held up itself has the answer before it.
        if self.is_current and self._asked_ns is not None and at_ns - self._asked_ns > self._answer_within_ns:
            raise LinkLost(f"no answer to a PING for {self._answer_within_ns / 1e9:g} s")
        if self._asked_ns is None and at_ns >= self._ping_due_ns:
            published.send("PING")
            self._asked_ns, self._ping_due_ns = at_ns, at_ns + _PING_EVERY_NS

    def _tail(self, is_in_gap: bool) -> Iterator[Message]:
        """Entries that were added since, once a second. What was read behind an entry that is still there is complete,
        because the oldest are removed first."""
        at_ns = now_ns()
        if at_ns < self._tail_due_ns - (_TAIL_EVERY_NS - _TAIL_EVERY_NS_IN_A_GAP if is_in_gap else 0):
            self.is_current = False
            return
        self._tail_due_ns = at_ns + _TAIL_EVERY_NS
        while entries := self._entries(self._position):
            if self._position != _START and not self._holds_position():
                yield Message(From.LOST)
                if self._position == _START:
                    continue
            for entry, payload in entries:
                self._position = entry
                yield Message(From.STREAM, payload)

    def _entries(self, position: bytes) -> list[tuple[bytes, bytes]]:
        """The next entries behind this one: id and event."""
        reply = self._ask("XREAD", "COUNT", _ENTRIES_AT_ONCE, "STREAMS", STREAM_KEY, position)
        match reply:
            case [[_, list(entries)]]:
                return [(entry, _event_of(fields)) for entry, fields in entries]
        return []

    def _last_entry(self) -> bytes:
        reply = self._ask("XREVRANGE", STREAM_KEY, "+", "-", "COUNT", 1)
        match reply:
            case [[bytes(entry), _]]:
                return entry
        return _START

    def _holds_position(self) -> bool:
        """Whether the stream still holds the last entry that was read, so that nothing behind it is missing. Where it
        was emptied since, it is read from its beginning."""
        if self._ask("XRANGE", STREAM_KEY, self._position, self._position):
            return True
        length = self._ask("XLEN", STREAM_KEY)
        if isinstance(length, int) and length < STREAM_LENGTH:
            if length == 0:
                self._say(f"redis at {self.address}: {STREAM_KEY} is empty")
            elif self._position != _START:
                self._say(f"redis at {self.address}: {STREAM_KEY} has lost what it held")
            self._position = _START
        return False

    def _ask(self, *command: str | int | bytes) -> object:
        """A reply about the stream; None where it is refused, which is said once."""
        assert self._stored is not None, "the stream is read while connected"
        reply = self._stored.ask(*command)
        if not isinstance(reply, hiredis.ReplyError):
            self._is_stream_refused = False
            return reply
        if str(reply).startswith(_ELSEWHERE):
            raise LinkLost(f"{STREAM_KEY} is at another master by now")
        if not self._is_stream_refused:
            self._is_stream_refused = True
            self._say(f"{STREAM_KEY} cannot be read, so that what is missed stays missing: {clean_text(str(reply))}")
        return None

    def _attempt(self) -> Attempt:
        """The next attempt, at each of the servers in turn."""
        urls = urls_of(self._settings)
        if not urls:
            attempt = Attempt()
            attempt.set_exception(RedisUnreachable("redis.mode is embedded, and no node with its own Redis runs here"))
            return attempt
        self._url = urls[self._attempts % len(urls)]
        self._attempts += 1
        return connect_in_background(self._url)

    def _lose(self, why: str) -> None:
        self._drop()
        self._reconnection.wait(now_ns())
        self._tell_away(why)

    def _tell_away(self, why: str) -> None:
        if why != self._away:
            self._away = why
            self._say(f"redis is away: {clean_text(why)}; connecting again until it answers")

    def _drop(self) -> None:
        for connection in (self._published, self._stored):
            if connection is not None:
                connection.close()
        self._published = self._stored = None


def urls_of(settings: RedisSettings) -> list[str]:
    """The servers that a node with these settings may write to, in its order."""
    own = [url for folder in reversed(live_folders()) if (url := running_url(folder))][:1]
    if settings.mode == "embedded":
        return own
    return [settings.url, *own] if settings.mode == "auto" else [settings.url]


def _event_of(fields: list[bytes]) -> bytes:
    """The JSON of an entry; empty where it has none."""
    by_name = dict(zip(fields[::2], fields[1::2], strict=False))
    return by_name.get(b"json", b"")


def _id(entry: bytes) -> tuple[int, int]:
    time_ms, _, number = entry.partition(b"-")
    return int(time_ms), int(number)
