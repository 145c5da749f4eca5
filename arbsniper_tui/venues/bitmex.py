"""BitMEX perpetuals: `quote`, the top of the book on every change. The venue closed on 23 September 2026 at 04:00 UTC:
its recordings are read, and nothing connects to it.

https://www.bitmex.com/blog/bitmex-closure
https://www.bitmex.com/app/wsAPI (as it was)
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from arbsniper_tui.model.errors import UNREADABLE, VenueRejected
from arbsniper_tui.model.fact import Fact, Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Instrument, Market, Symbol
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, VenueAdapter, VenueMarket
from arbsniper_tui.venues.decoding import VenueNumber, bad_frame, decoder, epoch_ms, undecodable, updated
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.multiplier import ScaledName
from arbsniper_tui.venues.requests import KeepAlive, Subscription
from arbsniper_tui.venues.sizes import in_coins, in_coins_inverse, sizes_in_coins
from arbsniper_tui.venues.spelling import Spelling

_INTERVAL_H = 8.0
"""Between two settlements of each perpetual."""
_PERPETUAL = "FFWCSX"
_OF_BITCOIN_IN_USD = {"XBTUSD": Listing(1.0, is_inverse=True)}
"""One contract was one dollar for as long as the venue stood, so that its tapes need no list."""


class Bitmex(VenueAdapter):
    """Sizes are in contracts. Of the contracts in USD only bitcoin's is inverse: the others pay bitcoin for each dollar
    of another coin's price, which no unified symbol says."""

    venue: ClassVar[str] = "bitmex"
    closed: ClassVar[str] = "2026-09-23"
    markets: ClassVar[tuple[VenueMarket, ...]] = (
        VenueMarket(
            market=Market.PERP,
            ws_url="wss://ws.bitmex.com",
            ws_path="/realtime",
            rest_url="https://www.bitmex.com",
            list_path="/api/v1/instrument/active",
            channel="quote",
            taker_fee_pct=0.05,
            symbol_example="XBTUSDT",
            hosts=("ws.bitmex.com", "www.bitmex.com"),
            spelling=Spelling(quotes=("USDT", "USDC", "USD"), renamed={"XBT": "BTC"}, has_inverse=True),
            subscription=Subscription(
                topic='"quote:$symbol"',
                subscribe='{"op":"subscribe","args":[$topics]}',
                unsubscribe='{"op":"unsubscribe","args":[$topics]}',
                per_frame=20,
            ),
            needs_list=True,
            sizes="contracts",
            max_silence_s=15.0,
            keep_alive=KeepAlive("ping", every_s=5.0),
        ),
    )

    def venue_symbol(self, symbol: Symbol) -> str:
        return "" if symbol.is_inverse and symbol.base != "BTC" else super().venue_symbol(symbol)

    def read_name(self, venue_symbol: str, market: Market) -> ScaledName:
        found = super().read_name(venue_symbol, market)
        is_listed = venue_symbol in _OF_BITCOIN_IN_USD or not venue_symbol.endswith("USD")
        return found if is_listed else ScaledName("", 1)

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return _QuoteParser(find, listings)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        for each in _LIST(body):
            if each.typ == _PERPETUAL:
                is_trading = each.state == "Open"
                words = "" if is_trading else each.state
                listing = Listing(_size(each), each.is_inverse, is_trading, words, each.tick_size, each.lot_size)
                yield each.symbol, listing


class _Listed(Struct, rename="camel"):
    symbol: str
    typ: str = ""
    state: str = ""
    is_inverse: bool = False
    is_quanto: bool = False
    underlying_to_position_multiplier: VenueNumber | None = None
    """Contracts in one coin, of a linear contract."""
    tick_size: VenueNumber | None = None
    lot_size: VenueNumber | None = None


class _Row(Struct, rename="camel", gc=False):
    symbol: str
    bid_price: float | None | UnsetType = UNSET
    bid_size: float | None | UnsetType = UNSET
    ask_price: float | None | UnsetType = UNSET
    ask_size: float | None | UnsetType = UNSET
    timestamp: datetime | None = None


class _State(Struct, rename="camel"):
    """A row of `instrument`: whole in a partial, in an update what has changed."""

    symbol: str
    timestamp: datetime | UnsetType = UNSET
    mark_price: VenueNumber | None | UnsetType = UNSET
    indicative_settle_price: VenueNumber | None | UnsetType = UNSET
    funding_rate: VenueNumber | None | UnsetType = UNSET
    indicative_funding_rate: VenueNumber | None | UnsetType = UNSET
    funding_timestamp: datetime | None | UnsetType = UNSET
    open_interest: VenueNumber | None | UnsetType = UNSET


class _Request(Struct):
    args: list[str] | str = []


class _Frame(Struct, gc=False):
    table: str = ""
    data: msgspec.Raw = msgspec.Raw()
    error: str = ""
    request: _Request | None = None
    info: str = ""
    success: bool | None = None


_LIST = decoder(list[_Listed], "BitMEX instrument/active")
_DECODE = msgspec.json.Decoder(_Frame).decode
_ROWS = msgspec.json.Decoder(list[_Row]).decode
_STATES = msgspec.json.Decoder(list[_State]).decode


def _size(listed: _Listed) -> float | None:
    """One contract in coins; of an inverse one, in dollars."""
    if listed.is_inverse:
        return 1.0
    per_coin = listed.underlying_to_position_multiplier
    return 1 / per_coin if per_coin and 1e-9 < per_coin < 1e15 and not listed.is_quanto else None


class _QuoteParser(Parser):
    """{"table":"quote","action":"insert","data":[{"timestamp":"2024-11-22T22:44:25.085Z","symbol":"BCHUSDT",
     "bidSize":103000,"bidPrice":487.55,"askPrice":488.25,"askSize":50000}]}

    A frame has all changes since the last one; of each symbol the last row holds. A partial, which begins a table, has
    the same rows. null is an empty side.
    """

    def __init__(self, find: Find, listings: Mapping[str, Listing]) -> None:
        super().__init__(find, listings)
        self._states: dict[str, _State] = {}

    def feed(self, frame: bytes) -> Sequence[Quote]:
        if frame == b"pong":
            return ()
        try:
            message = _DECODE(frame)
            if message.table == "quote":
                newest = {row.symbol: row for row in _ROWS(message.data)}
                watched = ((self._find(symbol), row) for symbol, row in newest.items())
                return [self._quote(instrument, row, frame) for instrument, row in watched if instrument is not None]
            if message.table == "instrument":
                for state in _STATES(message.data):
                    self._take_state(state)
        except UNREADABLE as error:
            raise undecodable(frame, "BitMEX", error) from error
        return () if message.table else _without_table(message, frame)

    def _listing(self, instrument: Instrument) -> Listing | None:
        name = instrument.venue_symbol
        return self._listings.get(name) or _OF_BITCOIN_IN_USD.get(name)

    def _quote(self, instrument: Instrument, row: _Row, frame: bytes) -> Quote:
        bid, bid_size, ask, ask_size = row.bid_price, row.bid_size, row.ask_price, row.ask_size
        if bid is UNSET or bid_size is UNSET or ask is UNSET or ask_size is UNSET:
            raise bad_frame(frame, "bidPrice, bidSize, askPrice and askSize in a BitMEX quote")
        bid, bid_size, ask, ask_size = bid or 0.0, bid_size or 0.0, ask or 0.0, ask_size or 0.0
        bid_size, ask_size = sizes_in_coins(self._listing(instrument), instrument, bid, bid_size, ask, ask_size)
        ts_ms = epoch_ms(row.timestamp) if row.timestamp is not None else None
        return Quote(instrument.id, bid, bid_size, ask, ask_size, ts_ms)

    def _take_state(self, change: _State) -> None:
        """{"table":"instrument","action":"update","data":[{"symbol":"DOTUSDT","markPrice":1.2669,
        "timestamp":"2026-05-27T12:56:40.500Z"}]}"""
        instrument = self._find(change.symbol)
        if instrument is None:
            return
        known = self._states.get(change.symbol, _State(change.symbol))
        state = self._states[change.symbol] = updated(known, change)
        at_ms = epoch_ms(state.timestamp) if state.timestamp is not UNSET else None
        told = self._facts(instrument, known, at_ms)
        self.asides += [fact for fact in self._facts(instrument, state, at_ms) if fact not in told]

    def _facts(self, instrument: Instrument, state: _State, at_ms: int | None) -> list[Fact]:
        facts: list[Fact] = []
        if state.mark_price:
            facts.append(Mark(instrument.id, state.mark_price, state.indicative_settle_price or None, at_ms))
        if isinstance(state.funding_rate, float):
            next_ms = epoch_ms(state.funding_timestamp) if state.funding_timestamp else None
            rate_pct, expected = _pct(state.funding_rate), state.indicative_funding_rate
            predicted_pct = _pct(expected) if isinstance(expected, float) else None
            facts.append(Funding(instrument.id, rate_pct, next_ms, _INTERVAL_H, predicted_pct, at_ms))
        listing, held = self._listing(instrument), state.open_interest
        if isinstance(held, float) and listing is not None and listing.contract_size is not None:
            size = listing.contract_size
            coins = (
                in_coins_inverse(held, size, state.mark_price or 0.0) if listing.is_inverse else in_coins(held, size)
            )
            facts.append(OpenInterest(instrument.id, coins, at_ms))
        return facts


def _pct(fraction: float) -> float:
    return round(fraction * 100, 10)


def _without_table(message: _Frame, frame: bytes) -> tuple[()]:
    if message.error:
        args = message.request.args if message.request is not None else []
        named = args if isinstance(args, str) else args[0] if len(args) == 1 else ""
        raise VenueRejected(named.partition(":")[2], message.error)
    if not message.info and message.success is None:
        raise bad_frame(frame, "table, success, info or error of BitMEX")
    return ()
