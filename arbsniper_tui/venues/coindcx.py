"""CoinDCX spot and USDT perpetuals on Socket.IO: `<pair>@orderbook@10`, a book of ten levels and then its changes.

There is no channel of the best bid and ask. https://docs.coindcx.com/
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import inf
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta, Struct

from arbsniper_tui.model.errors import UNREADABLE, VenueClosing, VenueRejected
from arbsniper_tui.model.fact import Funding, Mark
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, Ready, Reply, VenueAdapter, VenueMarket
from arbsniper_tui.venues.book import Books, Side
from arbsniper_tui.venues.decoding import VenueInt, bad_frame, decoder, texts_named, undecodable
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import FactSource, Subscription
from arbsniper_tui.venues.spelling import Spelling

_DEPTH = 10
_RELAYED = "B"
"""The code of Binance's books in the list and in names. Books of the venue's own (I, in rupees) have other channels."""
_PAIR = Spelling("_", prefix=f"{_RELAYED}-")
_IN_FRAMES = Spelling(quotes=("FDUSD", "USDT", "USDC", "TUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY"))
_NAMES = {Market.SPOT: "spot", Market.PERP: "futures"}
"""By which `pr` tells the two markets apart: `s` is BTCUSDT on both."""
_PRICES_OF_ALL = FactSource(Subscription(topic="", subscribe='42["join",{"channelName":"currentPrices@futures@rt"}]'))


def _coindcx_market(
    market: Market, host: str, list_path: str, fee_pct: float, *, suffix: str = "", max_silence_s: float
) -> VenueMarket:
    return VenueMarket(
        market=market,
        ws_url=f"wss://{host}",
        ws_path="/socket.io/?EIO=4&transport=websocket",
        rest_url="https://api.coindcx.com",
        list_path=f"/exchange/v1/{list_path}",
        channel=f"orderbook@{_DEPTH}{suffix}",
        taker_fee_pct=fee_pct,
        symbol_example="B-BTC_USDT",
        hosts=(host,),
        spelling=_PAIR,
        subscription=Subscription(
            topic=f'{{"channelName":"$symbol@orderbook@{_DEPTH}{suffix}"}}',
            subscribe='42["join",$topics]',
            unsubscribe='42["leave",$topics]',
            per_frame=1,
        ),
        facts=_PRICES_OF_ALL if suffix else None,
        greets=True,
        relays="binance",
        connection_limit=500,
        max_silence_s=max_silence_s,
    )


class Coindcx(VenueAdapter):
    """Sizes are in coins. All books that are read here are Binance's, relayed every 500 ms where they changed."""

    venue: ClassVar[str] = "coindcx"
    # The silence is the venue's own interval between pings and what it allows for an answer. Fees of the lowest tier
    # with 18 % tax: 0.05 on perpetuals (from the list of one pair), 0.2 on spot.
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        _coindcx_market(Market.SPOT, "stream-spot.coindcx.com", "markets_details", 0.236, max_silence_s=105.0),
        _coindcx_market(
            Market.PERP,
            "stream.coindcx.com",
            "derivatives/futures/data/active_instruments?margin_currency_short_name%5B%5D=USDT",
            0.059,
            suffix="-futures",
            max_silence_s=45.0,
        ),
    )

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return _DepthParser(find, listings, market)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        # Spot gives rows, futures only the names of those that trade.
        for each in _LIST(body):
            if isinstance(each, str):
                yield each, Listing()
            elif each.ecode == _RELAYED:
                yield (
                    each.pair,
                    Listing(
                        is_trading=each.status == "active",
                        words=each.status,
                        tick=None if each.base_currency_precision is None else 10.0**-each.base_currency_precision,
                        lot=each.step,
                        min_size=each.min_quantity,
                        min_worth=each.min_notional,
                        coin_name=each.target_currency_name or "",
                    ),
                )


class _Listed(Struct):
    """The venue's "target currency" is the base asset of the pair, its "base currency" the quote."""

    pair: str
    ecode: str
    base_currency_precision: Annotated[int, Meta(ge=0, le=30)] | None = None
    target_currency_name: str | None = None
    status: str = ""
    step: float | None = None
    min_quantity: float | None = None
    min_notional: float | None = None


class _Body(Struct, gc=False):
    data: str


class _Event(Struct, array_like=True, gc=False):
    name: str
    body: _Body


class _Depth(Struct, gc=False):
    s: str
    pr: str
    vs: VenueInt
    bids: dict[float, float]
    asks: dict[float, float]
    ts: VenueInt | None = None
    E: VenueInt | None = None


class _Price(Struct, gc=False):
    mp: float | None = None
    efr: float | None = None
    bmST: VenueInt | None = None  # noqa: N815 - the venue's spelling


class _Prices(Struct):
    prices: dict[str, _Price]
    ts: VenueInt | None = None


class _Opened(Struct):
    sid: str


_LIST = decoder(list[str | _Listed], "CoinDCX list", strict=False)
_EVENT = msgspec.json.Decoder(_Event).decode
_OPENED = decoder(_Opened, "CoinDCX Socket.IO 4")
# Not strict, so that the key "2776.91" is read as the number it writes.
_BOOK = msgspec.json.Decoder(_Depth, strict=False).decode
_PRICES = msgspec.json.Decoder(_Prices).decode


@lru_cache(maxsize=4096)
def _pair_of(symbol: str) -> str:
    """The pair by which a channel is named, from the name in its frames: B-ETH_USDT from ETHUSDT; else empty."""
    base, _, quote = _IN_FRAMES.read(symbol, Market.SPOT).partition("/")
    return f"{_RELAYED}-{base}_{quote}" if base else ""


class _DepthParser(Parser):
    """42["depth-snapshot",{"event":"depth-snapshot","data":"{\\"ts\\":1785121200511,\\"vs\\":7,
     \\"asks\\":{\\"2777\\":\\"0.548\\"},\\"bids\\":{\\"2776.9\\":\\"89.848\\"},\\"pr\\":\\"futures\\",
     \\"s\\":\\"ETHUSDT\\"}"}]

    The digits before the brackets are Engine.IO's kind of packet (4, a message) and Socket.IO's (2, an event); `data`
    is JSON in a text. Levels are price and size in no order, and those of a `depth-update` are the new sizes, 0 for a
    level that is gone. The venue does not tell of levels beyond the tenth, so they are forgotten. `vs` grows by one
    with each frame of a pair: where one is missing, the book is lost. An update may come before the first snapshot;
    the feed then joins again, as there is no asking for a snapshot on the connection.
    """

    def __init__(self, find: Find, listings: Mapping[str, Listing], market: Market) -> None:
        super().__init__(find, listings)
        self._name = _NAMES[market]
        self._books = Books()
        self._versions: dict[str, int] = {}
        self._newest: dict[str, bytes] = {}
        """The last frame of each book that was taken in."""

    def feed(self, frame: bytes) -> Sequence[Quote]:
        if not frame.startswith(b"42"):
            return self._without_event(frame)
        try:
            event = _EVENT(frame[2:])
            if event.name == "depth-update" or event.name == "depth-snapshot":
                return self._take_depth(event, frame)
            if event.name.startswith("currentPrices@futures#") and self._name == _NAMES[Market.PERP]:
                self._take_prices(_PRICES(event.body.data))
        except UNREADABLE as error:
            # Where it was a change of a book, the next one shows the gap.
            raise undecodable(frame, "CoinDCX Socket.IO 4", error) from error
        return ()

    def _take_depth(self, event: _Event, frame: bytes) -> Sequence[Quote]:
        try:
            depth = _BOOK(event.body.data)
        except UNREADABLE as error:
            symbols, markets = texts_named(event.body.data.encode(), "s", "pr")
            pair = _pair_of(symbols.pop()) if len(symbols) == 1 else ""
            if self._name not in markets or self._find(pair) is None:
                raise
            if event.name == "depth-update" and self._books.is_lost(pair):
                return ()
            raise self._books.lose(pair, str(bad_frame(frame, f"a CoinDCX book ({error})"))) from error
        pair = _pair_of(depth.s)
        instrument = self._find(pair)
        if instrument is None or depth.pr != self._name:
            return ()
        if event.name == "depth-snapshot":
            book = self._books.begin(pair, list(depth.bids.items()), list(depth.asks.items()))
        else:
            found = self._books.find(pair)
            if found is None:
                return ()
            expected = self._versions[pair] + 1
            if frame == self._newest[pair]:
                return ()  # sent twice
            if depth.vs != expected:
                raise self._books.lose(pair, f"expected version {expected}, found {depth.vs}")
            book = found
            self._change(pair, book.bids, depth.bids)
            self._change(pair, book.asks, depth.asks)
        self._versions[pair], self._newest[pair] = depth.vs, frame
        # The time of Binance's event, which snapshots do not tell; `ts` is when CoinDCX passed it on.
        book.date_ms(depth.ts if depth.E is None else depth.E)
        return (self._books.quote(pair, book, instrument.id),)

    def _change(self, pair: str, side: Side, levels: Mapping[float, float]) -> None:
        for price, size in levels.items():
            if not (0.0 < price < inf and 0.0 <= size < inf):
                raise self._books.lose(pair, f"expected a positive price and a size, found {price:g} {size:g}")
            side.set(price, size)
        side.trim(_DEPTH)

    def _take_prices(self, told: _Prices) -> None:
        """42["currentPrices@futures#update",{"event":"currentPrices@futures#update","data":"{\\"ts\\":1785121200754,
         \\"prices\\":{\\"B-CL_USDT\\":{\\"mp\\":89.27,\\"efr\\":0.0001,\\"bmST\\":1785121200264}}}"}]

        Only what changed, and all of it every 15 s: mark, the next settlement's rate as a fraction, Binance's time.
        """
        for pair, price in told.prices.items():
            instrument = self._find(pair)
            if instrument is None:
                continue
            at_ms = told.ts if price.bmST is None else price.bmST
            if price.mp is not None:
                self.asides.append(Mark(instrument.id, price.mp, at_ms=at_ms))
            if price.efr is not None:
                self.asides.append(Funding(instrument.id, price.efr * 100.0, at_ms=at_ms))

    def _without_event(self, frame: bytes) -> tuple[()]:
        """Packets of Engine.IO 4 and Socket.IO 4. Older ones, in which the venue says "40" alone, are not served any
        more. https://socket.io/docs/v4/engine-io-protocol/ https://socket.io/docs/v4/socket-io-protocol/"""
        if frame == b"2":
            self.asides.append(Reply("3"))
        elif frame.startswith(b"0"):
            _OPENED(frame[1:])
            self.asides.append(Reply("40"))
        elif frame.startswith(b"40"):
            _OPENED(frame[2:])
            self.asides.append(Ready())
        elif frame.startswith(b"44"):
            raise VenueRejected("", f"CoinDCX refuses the connection: {frame[2:].decode('utf-8', 'replace')}")
        elif frame in (b"1", b"41"):
            raise VenueClosing("CoinDCX ends this connection")
        elif frame not in (b"3", b"6"):
            raise bad_frame(frame, "a packet of Engine.IO 4")
        return ()
