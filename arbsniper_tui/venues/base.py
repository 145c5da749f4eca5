"""What a venue declares, and what its parser promises. No socket, no clock, no retry: the feed loop has those."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, ClassVar, Protocol

from msgspec import Meta, Struct

from arbsniper_tui.model.clean_text import is_symbol_name
from arbsniper_tui.model.errors import BadFrame
from arbsniper_tui.model.instrument import Instrument, Market, Symbol
from arbsniper_tui.model.quote import Quote

SHOWN_OF_A_BAD_FRAME = 120
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_CONTRACT_PARTS = 1e6
_COIN_PARTS = 1e8

VenueInt = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""A whole number in a frame. JSON sets no bound; the bus carries 64 bits."""


class KeepAlive(Struct, frozen=True):
    """What this side must send so that the venue keeps the connection; WebSocket pings are answered anyway."""

    send: str
    every_s: float


class Listing(Struct, frozen=True):
    """What a venue's own list says of one instrument."""

    contract_size: float | None = 1.0
    """Base coins in one unit of size; of an inverse contract, quote currency in one unit. None: the list does not
    say, so that no size of it can be told."""
    is_inverse: bool = False
    is_trading: bool = True

    @property
    def fault(self) -> str:
        """Why the instrument takes no part although it is listed, in words; empty where it does."""
        if not self.is_trading:
            return "not trading"
        return "" if self.contract_size is not None else "no contract size in the venue's list"


def why_unlisted(listing: Listing | None) -> str:
    """Why an entry of a venue's list, None for a missing one, keeps its instrument out; empty where it does not."""
    return "not listed" if listing is None else listing.fault


class VenueMarket(Struct, frozen=True):
    """One market of a venue: where its quotes come from, and what a subscription costs."""

    market: Market
    ws_url: str
    """Scheme, host and port; what `ws_url` in the settings replaces."""
    ws_path: str
    rest_url: str
    list_path: str
    """The venue's list of instruments, GET."""
    channel: str
    taker_fee_pct: float
    symbol_example: str
    hosts: tuple[str, ...]
    """WebSocket hosts, present and past, by which a tape tells where it was recorded."""
    needs_list: bool = False
    """Sizes cannot be told without the list."""
    seed_path: str = ""
    """The best bids and asks of all instruments, GET, where a subscription brings none before the first change."""
    sizes: str = "coins"
    has_venue_time: bool = True
    connection_limit: int = 100
    """Instruments on one connection."""
    max_silence_s: float = 60.0
    """Without any frame, heartbeats and pings included, for this long the connection is dead."""
    keep_alive: KeepAlive | None = None


class QuoteParser(Protocol):
    """Made for one connection, so that its state goes with it."""

    def feed(self, frame: bytes) -> Sequence[Quote]:
        """The quotes of one frame; none for acks, heartbeats and channels that carry no best bid and ask.

        Raises BadFrame, VenueRejected, VenueClosing, BookLost.
        """
        ...


class VenueAdapter(ABC):
    """A venue: its markets, how it spells symbols, what to send, how to read."""

    venue: ClassVar[str]
    markets: ClassVar[tuple[VenueMarket, ...]]

    def market(self, market: Market) -> VenueMarket | None:
        """The declaration of one market, or None where the venue has no such market here."""
        return next((declared for declared in self.markets if declared.market is market), None)

    @abstractmethod
    def venue_symbol(self, symbol: Symbol) -> str:
        """How the venue spells a unified symbol; an empty string for what it cannot list."""

    def unified(self, venue_symbol: str, market: Market) -> str:
        """The unified symbol, or an empty string where the spelling does not tell, or is no symbol's."""
        return self._unified(venue_symbol, market) if is_symbol_name(venue_symbol) else ""

    @abstractmethod
    def _unified(self, venue_symbol: str, market: Market) -> str:
        """The same for a spelling that can be a symbol's."""

    @abstractmethod
    def subscribe(self, instruments: Sequence[Instrument]) -> list[str]:
        """The text frames that subscribe to these instruments."""

    @abstractmethod
    def unsubscribe(self, instruments: Sequence[Instrument]) -> list[str]:
        """The text frames that take the subscription back; subscribing again afterwards brings the first state anew
        where the venue sends one."""

    @abstractmethod
    def parser(self, instruments: Mapping[str, Instrument], listings: Mapping[str, Listing]) -> QuoteParser:
        """A parser for one connection; both mappings are by the venue's own symbol."""

    def parse_seeds(self, body: bytes, instruments: Mapping[str, Instrument]) -> Sequence[Quote]:
        """The quotes of these instruments, by the venue's own symbol, in an answer of a market's `seed_path`. Raises
        BadFrame."""
        return ()

    def parse_listings(self, body: bytes) -> dict[str, Listing]:
        """The venue's list by its own symbol. Raises BadFrame, also for a list without any instrument."""
        listings = {name: listing for name, listing in self._listings(body) if is_symbol_name(name)}
        if not listings:
            raise bad_frame(body, f"at least one instrument in the list of {self.venue}")
        return listings

    @abstractmethod
    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        """What stands in the list, under names that are not checked yet. Raises BadFrame."""


class SymbolsByRule(dict[str, Instrument]):
    """Instruments made up from the venue's spelling as frames name them: for tapes of unknown subscription."""

    def __init__(self, adapter: VenueAdapter, market: Market) -> None:
        super().__init__()
        self._adapter = adapter
        self._market = market
        self.all: list[Instrument] = []

    def get(self, venue_symbol: str, default: object = None) -> Instrument | None:  # type: ignore[override]
        # A narrower signature than dict's: the only caller is a parser, which asks for one spelling.
        known = super().get(venue_symbol)
        if known is None and (unified := self._adapter.unified(venue_symbol, self._market)):
            known = Instrument(
                len(self.all),
                self._adapter.venue,
                unified,
                venue_symbol,
                unified.split("/")[1].split(":")[0],
                0.0,
            )
            self[venue_symbol] = known
            self.all.append(known)
        return known


def in_coins(contracts: float, contract_size: float) -> float:
    """Contracts as base coins, with no more decimals than the two numbers have: the plain product of 10.96 and 0.01
    is 0.10960000000000002. Exact while it has at most 15 digits."""
    units, parts = _ratio(contract_size)
    return (contracts * _CONTRACT_PARTS + 0.5) // 1.0 * units / parts


def in_coins_inverse(contracts: float, contract_size: float, price: float) -> float:
    """Contracts of quote currency as base coins, to eight decimals; 0 without a price."""
    return (contracts * contract_size / price * _COIN_PARTS + 0.5) // 1.0 / _COIN_PARTS if price else 0.0


@lru_cache(maxsize=4096)
def _ratio(contract_size: float) -> tuple[int, int]:
    """Coins in the smallest part of a contract that is told apart, as two whole numbers: only their division rounds."""
    return (Fraction(repr(contract_size)) / int(_CONTRACT_PARTS)).as_integer_ratio()


def bad_frame(frame: bytes, expected: str) -> BadFrame:
    """A BadFrame that shows what was expected and the start of what came."""
    shown = frame[:SHOWN_OF_A_BAD_FRAME].decode("utf-8", "replace")
    return BadFrame(f"expected {expected}, found {shown!r}")


def undecodable(frame: bytes, venue: str, error: Exception) -> BadFrame:
    """A BadFrame for what the decoder refused, with its words on where."""
    return bad_frame(frame, f"a {venue} frame ({error})")


def epoch_ms(moment: datetime) -> int:
    """Whole ms since 1970, rounded down from the venue's microseconds; a moment without a zone is in UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MILLISECOND
