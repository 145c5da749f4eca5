"""What a venue declares, and what its parser promises. No socket, no clock, no retry: the feed loop has those."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from msgspec import Struct

from arbsniper_tui.model.clean_text import is_symbol_name
from arbsniper_tui.model.fact import Fact
from arbsniper_tui.model.instrument import Instrument, Market, Symbol
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.venues.decoding import bad_frame
from arbsniper_tui.venues.requests import Endpoint, KeepAlive, Subscription
from arbsniper_tui.venues.spelling import Spelling

Find = Callable[[str], Instrument | None]
"""Gives the watched instrument that the venue spells so; None for a spelling that nobody watches."""


class Listing(Struct, frozen=True):
    """What a venue's own list says of one instrument."""

    contract_size: float | None = 1.0
    """Base coins in one unit of size; of an inverse contract, quote currency in one unit. None: the list does not
    say, so that no size of it can be told."""
    is_inverse: bool = False
    is_trading: bool = True

    @property
    def fault(self) -> Reason | None:
        """Why the instrument takes no part although it is listed; None where it does."""
        if not self.is_trading:
            return Reason(ReasonCode.NOT_TRADING)
        return None if self.contract_size is not None else Reason(ReasonCode.NO_CONTRACT_SIZE)


def why_unlisted(listing: Listing | None) -> Reason | None:
    """Why an entry of a venue's list, None for a missing one, keeps its instrument out; None where it does not."""
    return Reason(ReasonCode.NOT_LISTED) if listing is None else listing.fault


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
    spelling: Spelling
    subscription: Subscription
    needs_list: bool = False
    """Sizes cannot be told without the list."""
    seed_path: str = ""
    """The best bids and asks of all instruments, GET, where a subscription brings none before the first change."""
    endpoint_path: str = ""
    """POSTed before each connection, where the venue tells by REST where to connect: see `parse_endpoint`."""
    opening: tuple[str, ...] = ()
    """Text frames that begin each connection."""
    greets: bool = False
    """The venue sends frames before it takes subscriptions, which wait until the parser says Ready."""
    sizes: str = "coins"
    has_venue_time: bool = True
    connection_limit: int = 100
    """Instruments on one connection."""
    max_silence_s: float = 60.0
    """The connection is dead after this long without any frame, heartbeats and pings included."""
    keep_alive: KeepAlive | None = None


class Reply(Struct, frozen=True):
    """A text frame that the venue waits for, such as the answer to its heartbeat."""

    text: str


class Ready(Struct, frozen=True):
    """The venue takes subscriptions from now on: said once by the parser of a market that `greets`."""


Aside = Fact | Reply | Ready


class Parser(ABC):
    """Reads the frames of one connection. Each connection has its own parser, so state ends with it."""

    def __init__(self, find: Find, listings: Mapping[str, Listing]) -> None:
        """`listings` is the venue's list by its own symbol, and may be filled later."""
        self._find = find
        self._listings = listings
        self.asides: list[Aside] = []
        """What frames said or asked for beside quotes, in order. The caller of `feed` removes it."""

    @abstractmethod
    def feed(self, frame: bytes) -> Sequence[Quote]:
        """The quotes of one frame; none for acks, heartbeats and channels that carry no best bid and ask.

        Raises BadFrame, VenueRejected, VenueClosing, BookLost.
        """


class VenueAdapter(ABC):
    """A venue: its markets, how it spells symbols, what to send, how to read."""

    venue: ClassVar[str]
    markets: ClassVar[tuple[VenueMarket, ...]]

    def market(self, market: Market) -> VenueMarket | None:
        """The declaration of one market, or None where the venue has no such market here."""
        return next((declared for declared in self.markets if declared.market is market), None)

    def venue_symbol(self, symbol: Symbol) -> str:
        """How the venue spells a unified symbol; an empty string for what it cannot list."""
        declared = self.market(symbol.market)
        return declared.spelling.spell(symbol) if declared is not None else ""

    def unified(self, venue_symbol: str, market: Market) -> str:
        """The unified symbol, or an empty string where the spelling does not tell, or is no symbol's.

        `market` is where the name was found. One that only fits another market of the venue is read as that market's:
        some venues serve all their markets on one connection.
        """
        if not is_symbol_name(venue_symbol):
            return ""
        declared = sorted(self.markets, key=lambda each: each.market is not market)
        return next((found for each in declared if (found := each.spelling.read(venue_symbol, each.market))), "")

    def subscribe(self, instruments: Sequence[Instrument]) -> list[str]:
        """The text frames that subscribe to these instruments, which are of one market."""
        return self._frames(instruments, undo=False)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> list[str]:
        """The text frames that take the subscription back; subscribing again afterwards brings the first state anew
        where the venue sends one."""
        return self._frames(instruments, undo=True)

    def _frames(self, instruments: Sequence[Instrument], *, undo: bool) -> list[str]:
        declared = self.market(instruments[0].market) if instruments else None
        return declared.subscription.frames(instruments, undo=undo) if declared is not None else []

    @abstractmethod
    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        """A parser for one connection of this market; `listings` is by the venue's own symbol."""

    def parse_seeds(self, body: bytes, find: Find) -> Sequence[Quote]:
        """The quotes of the instruments found, in an answer of a market's `seed_path`. Raises BadFrame."""
        return ()

    def parse_endpoint(self, body: bytes) -> Endpoint:
        """Where to connect, in an answer of a market's `endpoint_path`. Raises BadFrame."""
        raise bad_frame(body, f"no answer that {self.venue} asks for")

    def parse_listings(self, body: bytes) -> dict[str, Listing]:
        """The venue's list by its own symbol. Raises BadFrame, also for a list without any instrument."""
        listings = {name: listing for name, listing in self._listings(body) if is_symbol_name(name)}
        if not listings:
            raise bad_frame(body, f"at least one instrument in the list of {self.venue}")
        return listings

    @abstractmethod
    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        """What stands in the list, under names that are not checked yet. Raises BadFrame."""


class SymbolsByRule:
    """Instruments made up from the venue's spelling as frames name them: for tapes of unknown subscription."""

    def __init__(self, adapter: VenueAdapter, market: Market) -> None:
        self._adapter = adapter
        self._market = market
        self.by_symbol: dict[str, Instrument] = {}
        self.all: list[Instrument] = []
        """In the order of coming; an instrument's id is its place."""

    def find(self, venue_symbol: str) -> Instrument | None:
        """The instrument of this spelling; None where the spelling tells no unified symbol."""
        known = self.by_symbol.get(venue_symbol)
        if known is None and (unified := self._adapter.unified(venue_symbol, self._market)):
            quote = unified.partition("/")[2].partition(":")[0]
            known = Instrument(len(self.all), self._adapter.venue, unified, venue_symbol, quote, 0.0)
            self.by_symbol[venue_symbol] = known
            self.all.append(known)
        return known
