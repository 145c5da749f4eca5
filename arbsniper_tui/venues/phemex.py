"""Phemex spot and USDT perpetuals on one socket: the order book in 30 levels, as a snapshot and then its changes.

There is no channel of the best bid and ask with sizes. Changes have no number that shows a gap; a snapshot comes
every 60 s.
https://phemex-docs.github.io/#subscribe-orderbook-2
https://phemex-docs.github.io/#subscribe-orderbook-for-new-model
"""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from arbsniper_tui.model.errors import UNREADABLE, BookLost, VenueRejected
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, VenueAdapter, VenueMarket
from arbsniper_tui.venues.book import Book, Books, Level, Side
from arbsniper_tui.venues.decoding import VenueInt, bad_frame, decoder, undecodable
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.multiplier import ScaledName
from arbsniper_tui.venues.requests import FactSource, KeepAlive, Limits, Rate, Subscription, request_number
from arbsniper_tui.venues.sizes import positive, unknown_size
from arbsniper_tui.venues.spelling import Spelling

_SPOT_PREFIX = "s"
_SPOT_SPELLING = Spelling(
    prefix=_SPOT_PREFIX, quotes=("USDT", "USDC", "BTC", "ETH", "EUR", "BRZ", "TRY", "BRL", "PT", "USD")
)
_PRICE_DIGITS = 8
"""A spot price is a whole number of so many decimals, of every instrument."""
_PRICE_PARTS = 10**_PRICE_DIGITS
_NS_PER_MS = 1_000_000
_PACK = "perp_market24h_pack_p"
_OTHER_CHANNELS = frozenset(
    ("trades", "trades_p", "kline", "kline_p", "tick", "tick_p", "market24h", "spot_market24h", "market24h_p")
)


def _phemex_market(
    market: Market, fee_pct: float, example: str, *, channel: str, spelling: Spelling, facts: FactSource | None = None
) -> VenueMarket:
    return VenueMarket(
        market=market,
        ws_url="wss://ws.phemex.com",
        ws_path="/",
        rest_url="https://api.phemex.com",
        list_path="/public/products",
        channel=channel,
        taker_fee_pct=fee_pct,
        symbol_example=example,
        hosts=("ws.phemex.com", "phemex.com", "vapi.phemex.com"),
        spelling=spelling,
        # The venue unsubscribes all books of a connection or none, and refuses a request by its number alone.
        subscription=Subscription(
            topic=f'{{"id":$number,"method":"{channel}.subscribe","params":["$symbol"]}}',
            subscribe="$topics",
            per_frame=1,
        ),
        limits=Limits(connects=Rate(200, 300.0), messages=Rate(20, 1.0)),
        connections=5,
        facts=facts,
        needs_list=market is Market.SPOT,
        connection_limit=20,
        # The venue closes after 30 s without our ping, and advises one every 5 s.
        max_silence_s=20.0,
        keep_alive=KeepAlive('{"id":0,"method":"server.ping","params":[]}', every_s=5.0),
    )


class Phemex(VenueAdapter):
    """Spot prices and sizes are whole numbers: of hundred millionths, and of the decimals that the list gives each
    coin. Perpetuals are told in decimals, in coins. One list holds both; the prefix `s` marks spot."""

    venue: ClassVar[str] = "phemex"
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        _phemex_market(Market.SPOT, 0.10, "sBTCUSDT", channel="orderbook", spelling=_SPOT_SPELLING),
        _phemex_market(
            Market.PERP,
            0.06,
            "BTCUSDT",
            channel="orderbook_p",
            spelling=Spelling(quotes=("USDT", "USDC")),
            # One subscription for all instruments.
            facts=FactSource(Subscription("", f'{{"id":1,"method":"{_PACK}.subscribe","params":[]}}')),
        ),
    )

    def read_name(self, venue_symbol: str, market: Market) -> ScaledName:
        # The name alone tells its market: sBTCUSDT is no perpetual of a coin called sBTC.
        return super().read_name(venue_symbol, Market.SPOT if venue_symbol.startswith(_SPOT_PREFIX) else Market.PERP)

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return _BookParser(find, listings)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        listed = _LIST(body)
        if listed.code != 0 or listed.data is None:
            raise bad_frame(body, f"code 0 from Phemex products ({listed.msg})")
        known = {each.currency: each for each in listed.data.currencies}
        for spot in listed.data.products:
            if spot.type == "Spot":  # the others are coin-margined
                yield spot.symbol, _spot_listing(spot, known.get(spot.base_currency), known.get(spot.quote_currency))
        for perp in listed.data.perp_products_v2:
            yield perp.symbol, _perp_listing(perp)


class _Currency(Struct, rename="camel"):
    currency: str
    value_scale: int
    name: str | None = None


class _Product(Struct, rename="camel"):
    symbol: str
    type: str = ""
    status: str = ""
    list_time: VenueInt | None = None


class _Spot(_Product, rename="camel"):
    base_currency: str = ""
    quote_currency: str = ""
    price_scale: int | None = None
    base_tick_size_ev: int = 0
    quote_tick_size_ev: int = 0
    min_order_value_ev: int = 0


class _Perp(_Product, rename="camel"):
    tick_size: str = ""
    qty_step_size: str = ""
    min_order_value_rv: str = ""
    funding_interval: float | None = None


class _Products(Struct, rename="camel"):
    currencies: list[_Currency]
    products: list[_Spot]
    perp_products_v2: list[_Perp] = []


class _List(Struct):
    data: _Products | None
    code: int = 0
    msg: str = ""


def _spot_listing(row: _Spot, base: _Currency | None, quote: _Currency | None) -> Listing:
    base_digits = base.value_scale if base is not None else None
    quote_digits = quote.value_scale if quote is not None else None
    is_known = row.price_scale == _PRICE_DIGITS and base_digits is not None
    is_trading = row.status == "Listed"
    return Listing(
        contract_size=positive(f"1e-{base_digits}") if is_known else None,
        is_trading=is_trading,
        words="" if is_trading else row.status,
        tick=positive(str(row.quote_tick_size_ev), f"1e-{quote_digits}"),
        lot=positive(str(row.base_tick_size_ev)),
        min_worth=positive(str(row.min_order_value_ev), f"1e-{quote_digits}"),
        listed_ms=row.list_time or None,
        coin_name=(base.name or "") if base is not None else "",
    )


def _perp_listing(row: _Perp) -> Listing:
    is_trading = row.status == "Listed"
    return Listing(
        is_trading=is_trading,
        words="" if is_trading else row.status,
        tick=positive(row.tick_size),
        lot=positive(row.qty_step_size),
        min_worth=positive(row.min_order_value_rv),
        listed_ms=row.list_time or None,
        funding_interval_h=row.funding_interval and row.funding_interval / 3600.0,
    )


class _Levels(Struct, gc=False):
    asks: list[Level]
    bids: list[Level]


class _Error(Struct):
    code: int = 0
    message: str = ""


class _Frame(Struct, gc=False):
    book: _Levels | UnsetType = UNSET
    orderbook_p: _Levels | UnsetType = UNSET
    symbol: str = ""
    type: str = ""
    depth: VenueInt = 0
    sequence: VenueInt = -1
    timestamp: VenueInt | None = None
    method: str = ""
    fields: list[str] = []
    data: msgspec.Raw = msgspec.Raw(b"[]")
    """Of a shape that depends on the method."""
    id: Any = None
    error: _Error | UnsetType | None = UNSET


_LIST = decoder(_List, "Phemex products", strict=False)
# Not strict, so that "2763.87" is read as the number it writes.
_DECODE = msgspec.json.Decoder(_Frame, strict=False).decode
_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_ROWS = msgspec.json.Decoder(list[list[str]]).decode


class _BookParser(Parser):
    """{"book":{"asks":[[1238100,11840000000]],"bids":[[1238000,10000000000]]},"depth":30,"sequence":23906375249,
     "symbol":"sOLUSDT","timestamp":1772323195423084785,"type":"incremental"}
    {"depth":30,"dts":1790133513685489850,"mts":1790133513662974773,"orderbook_p":{"asks":[["2763.87","0.06"]],
     "bids":[["2763.86","32.22"]]},"sequence":68604886383,"symbol":"ETHUSDT","timestamp":1790133513660305085,
     "type":"snapshot"}

    Spot, and a perpetual. A level is price and its new size; size 0 removes it. Times are in ns. A sequence is shared
    by several instruments: it never falls, but an update that is missing does not show in it.
    """

    def __init__(self, find: Find, listings: Mapping[str, Listing]) -> None:
        super().__init__(find, listings)
        self._books = Books(lost_together=True)
        self._sequences: dict[str, int] = {}
        self._columns: dict[str, int] = {}
        """Where a row of the pack has what: only its snapshot says so."""

    def feed(self, frame: bytes) -> Sequence[Quote]:
        try:
            message = _DECODE(frame)
        except UNREADABLE as error:
            bad = undecodable(frame, "Phemex", error)
            if _is_of_another_channel(frame):
                raise bad from error
            raise self._books.lose("", str(bad)) from error
        levels = message.orderbook_p if message.book is UNSET else message.book
        if levels is UNSET:
            return self._without_book(message, frame)
        instrument = self._find(message.symbol)
        if instrument is None:
            if not message.symbol:
                raise self._books.lose("", "expected a symbol in a book frame, found none")
            return ()
        is_spot = ":" not in instrument.symbol
        if is_spot == (message.book is UNSET):
            raise bad_frame(frame, f"{'book' if is_spot else 'orderbook_p'} for {message.symbol} of Phemex")
        book = self._apply(message, levels)
        if book is None:
            return ()
        quote = self._books.quote(message.symbol, book, instrument.id)
        return (self._unscaled(quote, instrument) if is_spot else quote,)

    def _apply(self, message: _Frame, levels: _Levels) -> Book | None:
        """Bring the book up to date; None while it is lost."""
        symbol, sequence = message.symbol, message.sequence
        if sequence < (last := self._sequences.get(symbol, 0)):
            raise self._lose(symbol, f"expected a sequence of at least {last}, found {sequence}")
        self._sequences[symbol] = sequence
        if message.type == "snapshot":
            book: Book | None = self._books.begin(symbol, levels.bids, levels.asks)
        elif message.type == "incremental":
            book = self._books.find(symbol)
            if book is not None:
                self._change(symbol, book.bids, levels.bids, message.depth)
                self._change(symbol, book.asks, levels.asks, message.depth)
        else:
            raise self._lose(symbol, f"expected snapshot or incremental, found {message.type!r}")
        if book is not None and message.timestamp is not None:
            book.date_ms(message.timestamp // _NS_PER_MS)
        return book

    def _change(self, symbol: str, side: Side, levels: list[Level], depth: int) -> None:
        for price, size in levels:
            if not (0.0 < price < inf and 0.0 <= size < inf):
                raise self._lose(symbol, f"expected a positive price and a size in a change, found {price:g} {size:g}")
            side.set(price, size)
        if depth > 0:
            side.trim(depth)

    def _lose(self, symbol: str, reason: str) -> BookLost:
        self._sequences.clear()
        return self._books.lose(symbol, reason)

    def _unscaled(self, quote: Quote, instrument: Instrument) -> Quote:
        listing = self._listings.get(instrument.venue_symbol)
        if listing is None or listing.contract_size is None:
            raise unknown_size(instrument)
        # Divided by a whole number, for the nearest to the decimals that the venue means.
        coin = round(1.0 / listing.contract_size)
        bid, ask = quote.bid / _PRICE_PARTS, quote.ask / _PRICE_PARTS
        return Quote(quote.instrument_id, bid, quote.bid_size / coin, ask, quote.ask_size / coin, quote.ts_venue_ms)

    def _without_book(self, message: _Frame, frame: bytes) -> tuple[()]:
        if message.error:
            named = next((name for name in self._listings if request_number(name) == message.id), "")
            raise VenueRejected(named, f"{message.error.code}: {message.error.message}")
        if message.method == f"{_PACK}.update":
            self._take_pack(message, frame)
        elif message.error is UNSET and not _is_of_another_channel(frame):
            raise bad_frame(frame, "a Phemex channel or the answer to a request")
        return ()

    def _take_pack(self, message: _Frame, frame: bytes) -> None:
        """{"data":[["BTCUSDT","15713.1","16626","15685.7","16545.6","1374.476","22296790.4579","1848.1","16553.5",
         "16554.7","0.0001","0.0001"]],"fields":["symbol","openRp","highRp","lowRp","lastRp","volumeRq","turnoverRv",
         "openInterestRv","indexRp","markRp","fundingRateRr","predFundingRateRr"],
         "method":"perp_market24h_pack_p.update","timestamp":1666862556850547000,"type":"snapshot"}

        Later frames have no fields, and the rows that changed. Open interest is in base coins.
        """
        if message.fields:
            self._columns = {name: column for column, name in enumerate(message.fields)}
        at_ms = None if message.timestamp is None else message.timestamp // _NS_PER_MS
        try:
            for row in _ROWS(message.data):
                told = {name: row[column] for name, column in self._columns.items()}
                if (instrument := self._find(told["symbol"])) is not None:
                    self._tell_facts(
                        instrument,
                        at_ms,
                        rate=told["fundingRateRr"],
                        predicted=told["predFundingRateRr"],
                        mark=told["markRp"],
                        index=told["indexRp"],
                        interest=told["openInterestRv"],
                    )
        except (*UNREADABLE, IndexError, KeyError) as error:
            raise bad_frame(frame, f"rows as the fields of a Phemex {_PACK} say ({error!r})") from error


def _is_of_another_channel(frame: bytes) -> bool:
    """Whether a frame carries another channel than a book."""
    try:
        keys = _KEYS(frame)
    except UNREADABLE:
        return False
    return bool(_OTHER_CHANNELS & keys.keys()) or bytes(keys.get("method", b"")).endswith(b'.update"')
