"""Exchanges that this program does not connect to: another program sends their ticks as JSON (docs/ticks.md).

Their symbols are spelled in unified form, and what they are called is up to the settings.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from arbsniper_tui.model.clean_text import NAME_LIMIT, clean_text
from arbsniper_tui.model.errors import UNREADABLE, BadFrame, SymbolError
from arbsniper_tui.model.instrument import Instrument, Market, Symbol, parse_symbol
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find, Parser, VenueAdapter, VenueMarket
from arbsniper_tui.venues.decoding import bad_frame, undecodable
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.multiplier import ScaledName
from arbsniper_tui.venues.requests import Subscription
from arbsniper_tui.venues.spelling import Spelling

SCHEME = "ticks"
"""Of the URLs under which ticks stand on tapes: `ticks://acme`."""
MOST_TICKS = 1000
"""In one message."""
_NAME = re.compile("[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*")
_NAME_LETTERS = 16
_EARLIEST_MS, _LATEST_MS = 1e12, 1e14
"""From 2001 to 5138: outside lies what was written in s, us or ns."""


class Tick(Struct, frozen=True, gc=False):
    """One tick as it is sent: `{"exchange":"acme","symbol":"BTC/USDT","bid":65000.1,"ask":65000.2,"bid_size":0.5,
    "ask_size":1.25,"timestamp":1705670123456}`. Other keys may stand beside these."""

    exchange: str
    symbol: str
    bid: float | None = None
    """None, like 0, says that the side is empty."""
    ask: float | None = None
    bid_size: float | None = None
    """In base coins."""
    ask_size: float | None = None
    timestamp: float | None = None
    """When the exchange showed it, ms since 1970; None where nobody knows, so that its age counts from its receipt."""
    price: float | None = None
    """Of the last trade. Alone, without a bid and an ask, it is shown and is no quote."""

    @property
    def is_trade(self) -> bool:
        return self.bid is None and self.ask is None


_decode = msgspec.json.Decoder(Tick).decode
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode


def is_external_name(name: str) -> bool:
    """Whether an external exchange may be called so: small letters and digits, joined by single `-` or `_`."""
    return len(name) <= _NAME_LETTERS and _NAME.fullmatch(name) is not None


def ticks_of(message: bytes) -> Sequence[bytes]:
    """The ticks of one message, which is one tick or a list of them, each to be read by itself. Raises BadFrame."""
    if message.lstrip()[:1] != b"[":
        return (message,)
    try:
        ticks = [bytes(each) for each in _split(message)]
    except UNREADABLE as error:
        raise undecodable(message, "tick", error) from error
    if len(ticks) > MOST_TICKS:
        raise bad_frame(message, f"at most {MOST_TICKS} ticks in one message, not {len(ticks)}")
    return ticks


def read_tick(body: bytes) -> Tick:
    """One tick. Raises BadFrame."""
    try:
        tick = _decode(body)
    except UNREADABLE as error:
        raise undecodable(body, "tick", error) from error
    if tick.timestamp is not None and not _EARLIEST_MS <= tick.timestamp <= _LATEST_MS:
        raise bad_frame(body, f'ms since 1970 in "timestamp", not {tick.timestamp:.15g}')
    if tick.is_trade and not (tick.price is not None and tick.price > 0.0):
        raise bad_frame(body, '"bid" and "ask", or a "price" above 0 for a last trade')
    return tick


def quote_of(tick: Tick, instrument: Instrument) -> Quote:
    """The quote in a tick that is no last trade, sound or not."""
    timestamp = tick.timestamp
    return Quote(
        instrument.id,
        tick.bid or 0.0,
        tick.bid_size or 0.0,
        tick.ask or 0.0,
        tick.ask_size or 0.0,
        int(timestamp) if timestamp is not None else None,
    )


class TickParser(Parser):
    """Ticks from tapes. `{"exchange":"acme","symbol":"BTC/USDT","bid":65000.1,"ask":65000.2,...}`, see `Tick`."""

    def feed(self, frame: bytes) -> Sequence[Quote]:
        tick = read_tick(frame)
        instrument = self._find(tick.symbol)
        return (quote_of(tick, instrument),) if instrument is not None and not tick.is_trade else ()


class External(VenueAdapter):
    """One exchange by the name that the settings give it, each a class of its own: see `external`."""

    def venue_symbol(self, symbol: Symbol) -> str:
        return str(symbol)

    def spellings(self, symbol: Symbol) -> list[ScaledName]:
        return [ScaledName(str(symbol), 1)]

    def read_name(self, venue_symbol: str, market: Market) -> ScaledName:
        try:
            symbol = parse_symbol(venue_symbol)
        except SymbolError:
            return ScaledName("", 1)
        return ScaledName(str(symbol) if str(symbol) == venue_symbol else "", 1)

    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        return TickParser(find, listings)

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        raise BadFrame(f"expected no list of instruments of {clean_text(self.venue, NAME_LIMIT)}, which has none")


def external(venue: str) -> External:
    """The adapter of the exchange that is called so."""
    markets = tuple(_market(venue, market) for market in Market)
    made: type[External] = type(External.__name__, (External,), {"venue": venue, "markets": markets})
    return made()


def _market(venue: str, market: Market) -> VenueMarket:
    return VenueMarket(
        market=market,
        ws_url=f"{SCHEME}://{venue}",
        ws_path="",
        rest_url="",
        list_path="",
        channel="ticks from outside",
        taker_fee_pct=0.0,  # the settings must give it
        symbol_example="BTC/USDT" if market is Market.SPOT else "BTC/USDT:USDT",
        hosts=(),
        spelling=Spelling(joint="/"),
        subscription=Subscription("", ""),
        is_dated_here=True,
    )
