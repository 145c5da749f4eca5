"""Three venues that do not exist, each with a handshake that real ones have: a token by REST and a welcome, a heartbeat
that must be answered, and Socket.IO's packets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import msgspec
from msgspec import Struct

from arbsniper_tui.model.errors import UNREADABLE
from arbsniper_tui.model.fact import Funding, InstrumentStatus, Mark
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, Ready, Reply, VenueAdapter, VenueMarket
from arbsniper_tui.venues.book import Books, Level
from arbsniper_tui.venues.decoding import VenueInt, decoder, undecodable
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import Endpoint, KeepAlive, Subscription
from arbsniper_tui.venues.spelling import Spelling

LIST = b'["BTC-USDT","ETH-USDT"]'


def made_up_market(subscription: Subscription, **declared: object) -> VenueMarket:
    values = {
        "market": Market.SPOT,
        "ws_url": "wss://nowhere.example",
        "ws_path": "/ws",
        "rest_url": "https://nowhere.example",
        "list_path": "/list",
        "channel": "top",
        "taker_fee_pct": 0.1,
        "symbol_example": "BTC-USDT",
        "hosts": ("nowhere.example",),
        "spelling": Spelling("-"),
        "subscription": subscription,
    }
    return VenueMarket(**(values | declared))  # type: ignore[arg-type] # the values are checked where they are used


class MadeUpAdapter(VenueAdapter):
    """Its list is a JSON list of names."""

    parser_type: ClassVar[type[Parser]]

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return self.parser_type(find, listings)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        return ((name, Listing()) for name in _NAMES(body))


_NAMES = decoder(list[str], "list of a made-up venue")


class _Token(Struct, rename="camel"):
    token: str
    endpoint: str
    ping_interval: int


class _TokenFrame(Struct):
    type: str
    topic: str = ""
    bid: tuple[float, float] = (0.0, 0.0)
    ask: tuple[float, float] = (0.0, 0.0)
    ts: VenueInt | None = None


_TOKEN = decoder(_Token, "token")
_TOKEN_FRAME = decoder(_TokenFrame, "made-up", strict=False)


class TokenParser(Parser):
    """{"type":"message","topic":"/top:BTC-USDT","bid":["1","2"],"ask":["3","4"],"ts":1790113111261396000}"""

    def feed(self, frame: bytes) -> Sequence[Quote]:
        message = _TOKEN_FRAME(frame)
        if message.type == "welcome":
            self.asides.append(Ready())
        instrument = self._find(message.topic.partition(":")[2]) if message.type == "message" else None
        if instrument is None:
            return ()
        ts_venue_ms = None if message.ts is None else message.ts // 1_000_000
        return (Quote(instrument.id, *message.bid, *message.ask, ts_venue_ms),)


class TokenVenue(MadeUpAdapter):
    """POST /token says where to connect; subscriptions are taken after a welcome; pings carry a number and the time."""

    venue: ClassVar[str] = "tokened"
    parser_type = TokenParser
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        made_up_market(
            Subscription(
                topic="$symbol",
                subscribe='{"type":"subscribe","topic":"/top:$topics"}',
                unsubscribe='{"type":"unsubscribe","topic":"/top:$topics"}',
                per_frame=100,
            ),
            endpoint_path="/token",
            greets=True,
            keep_alive=KeepAlive('{"id":"$ms-$count","type":"ping"}', every_s=18.0),
        ),
    )

    def parse_endpoint(self, body: bytes) -> Endpoint:
        answer = _TOKEN(body)
        return Endpoint(f"{answer.endpoint}?token={answer.token}", answer.ping_interval / 1000)


class _RpcData(Struct):
    name: str = ""
    bid: float = 0.0
    bid_size: float = 0.0
    ask: float = 0.0
    ask_size: float = 0.0
    mark: float = 0.0
    funding: float = 0.0
    state: str = ""


class _RpcParams(Struct):
    type: str = ""
    channel: str = ""
    data: _RpcData | None = None


class _RpcFrame(Struct):
    method: str = ""
    params: _RpcParams | None = None


_RPC_FRAME = decoder(_RpcFrame, "made-up RPC")


class HeartbeatParser(Parser):
    """{"method":"subscription","params":{"channel":"quote","data":{"name":"BTC-USDT","bid":1,"bid_size":2,...}}}
    {"method":"heartbeat","params":{"type":"test_request"}}"""

    def feed(self, frame: bytes) -> Sequence[Quote]:
        message = _RPC_FRAME(frame)
        params = message.params
        if params is None:
            return ()
        if params.type == "test_request":
            self.asides.append(Reply('{"method":"public/test"}'))
        instrument = self._find(params.data.name) if params.data is not None else None
        if params.data is None or instrument is None:
            return ()
        data = params.data
        if params.channel == "ticker":
            self.asides += Mark(instrument.id, data.mark), Funding(instrument.id, data.funding * 100, None, 8.0)
        if params.channel == "state":
            self.asides.append(InstrumentStatus(instrument.id, data.state == "open", data.state))
        if params.channel != "quote":
            return ()
        return (Quote(instrument.id, data.bid, data.bid_size, data.ask, data.ask_size),)


class HeartbeatVenue(MadeUpAdapter):
    """Asks for a heartbeat before it subscribes, and answers it; tells marks, funding and halts beside quotes."""

    venue: ClassVar[str] = "beating"
    parser_type = HeartbeatParser
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        made_up_market(
            Subscription(
                topic='"quote.$symbol"',
                subscribe='{"method":"public/subscribe","params":{"channels":[$topics]}}',
                unsubscribe='{"method":"public/unsubscribe","params":{"channels":[$topics]}}',
            ),
            opening=('{"method":"public/set_heartbeat","params":{"interval":10}}',),
            has_venue_time=False,
        ),
    )


class _Depth(Struct):
    s: str
    bids: dict[str, str] = {}
    asks: dict[str, str] = {}


class _Event(Struct, array_like=True):
    name: str
    body: "_EventBody"


class _EventBody(Struct):
    data: str


_EVENT = msgspec.json.Decoder(_Event).decode
_DEPTH = msgspec.json.Decoder(_Depth).decode


def _levels(side: Mapping[str, str]) -> list[Level]:
    return [(float(price), float(size)) for price, size in side.items()]


class PacketParser(Parser):
    """42["depth-snapshot",{"event":"depth-snapshot","data":"{\\"s\\":\\"BTC-USDT\\",\\"bids\\":{\\"1\\":\\"2\\"},...}"}]

    Before the brackets stands the kind of packet: 0 open, 2 ping, 40 connected, 42 event.
    """

    def __init__(self, find: Find, listings: Mapping[str, Listing]) -> None:
        super().__init__(find, listings)
        self._books = Books()

    def feed(self, frame: bytes) -> Sequence[Quote]:
        if frame == b"2":
            self.asides.append(Reply("3"))
        elif frame.startswith(b"0"):
            self.asides.append(Reply("40"))
        elif frame.startswith(b"40"):
            self.asides.append(Ready())
        if not frame.startswith(b"42"):
            return ()
        try:
            event = _EVENT(frame[2:])
            depth = _DEPTH(event.body.data.encode())
            bids, asks = _levels(depth.bids), _levels(depth.asks)
        except (*UNREADABLE, ValueError) as error:
            raise undecodable(frame, "made-up packet", error) from error
        instrument = self._find(depth.s)
        if instrument is None:
            return ()
        if event.name == "depth-snapshot":
            return (self._books.begin(depth.s, bids, asks).quote(instrument.id),)
        book = self._books.find(depth.s)
        if book is None:
            return ()
        for price, size in bids:
            book.bids.set(price, size)
        for price, size in asks:
            book.asks.set(price, size)
        return (book.quote(instrument.id),)


class PacketVenue(MadeUpAdapter):
    """Socket.IO: the venue opens, this side connects, the venue agrees, and then channels are joined one by one."""

    venue: ClassVar[str] = "packets"
    parser_type = PacketParser
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        made_up_market(
            Subscription(
                topic='{"channelName":"$symbol@orderbook@10"}',
                subscribe='42["join",$topics]',
                unsubscribe='42["leave",$topics]',
                per_frame=1,
            ),
            greets=True,
            has_venue_time=False,
        ),
    )
