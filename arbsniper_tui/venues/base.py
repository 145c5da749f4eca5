"""What a venue declares, and what its parser promises. No socket, no clock, no retry: the feed loop has those."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.model.clean_text import is_symbol_name
from arbsniper_tui.model.fact import Fact, Funding, Mark, OpenInterest
from arbsniper_tui.model.instrument import Instrument, Market, Symbol, parse_symbol
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.decoding import bad_frame, number, percent_of, time_ms
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.multiplier import ScaledName, scaled_names, unscaled
from arbsniper_tui.venues.requests import Endpoint, FactSource, KeepAlive, Limits, Subscription
from arbsniper_tui.venues.sizes import positive
from arbsniper_tui.venues.spelling import Spelling

_NAMES_KEPT = 8192
"""Names of one venue that are remembered, so that those of a hostile tape do not pile up."""
Find = Callable[[str], Instrument | None]
"""Gives the watched instrument that the venue spells so; None for a spelling that nobody watches."""


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
    other_ws_urls: tuple[str, ...] = ()
    """The same service on other hosts (scheme, host, port), tried in turn after repeated failures."""
    headers: tuple[tuple[str, str], ...] = ()
    """Name and value of what the handshake of a connection carries besides the usual."""
    limits: Limits = Limits()
    lifetime_h: float | None = None
    """The venue ends each connection after this; None where it does not say."""
    facts: FactSource | None = None
    """Where funding, mark and open interest of its perpetuals come from."""
    needs_list: bool = False
    """Sizes cannot be told without the list."""
    seed_path: str = ""
    """The best bids and asks of all instruments, GET, where a subscription brings none before the first change."""
    endpoint_path: str = ""
    """POSTed before each connection, where the venue tells by REST where to connect: see `parse_endpoint`."""
    sends_first_state: bool = True
    """A subscription is answered with the state as it is, by the venue or by `seed_path`."""
    opening: tuple[str, ...] = ()
    """Text frames that begin each connection."""
    greets: bool = False
    """The venue sends frames before it takes subscriptions, which wait until the parser says Ready."""
    relays: str = ""
    """The venue whose books this market shows as its own: the two are no independent sources, and are never set
    against each other. Empty for books of its own."""
    sizes: str = "coins"
    has_venue_time: bool = True
    is_dated_here: bool = False
    """Its times are to be read by this machine's clock: a quote is as old as its time says, if not older."""
    connection_limit: int = 100
    """Instruments on one connection."""
    connections: int | None = None
    """Connections that the venue takes from one address at once, of all markets on this host; None: no limit stated."""
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

    def _tell_facts(
        self,
        instrument: Instrument,
        at_ms: int | None,
        *,
        rate: str = "",
        predicted: str = "",
        next_time: str = "",
        mark: str = "",
        index: str = "",
        interest: str = "",
    ) -> None:
        """Put to the asides what a frame says of a perpetual, in the frame's own texts: rates as fractions, a time in
        ms, open interest in base coins. A text that writes no number says nothing."""
        if (rate_pct := percent_of(rate)) is not None:
            listing = self._listings.get(instrument.venue_symbol)
            interval_h = listing.funding_interval_h if listing is not None else None
            self.asides.append(
                Funding(instrument.id, rate_pct, time_ms(next_time), interval_h, percent_of(predicted), at_ms)
            )
        if (price := positive(mark)) is not None:
            self.asides.append(Mark(instrument.id, price, positive(index), at_ms))
        if (coins := number(interest)) is not None:
            self.asides.append(OpenInterest(instrument.id, coins, at_ms))


class VenueAdapter(ABC):
    """A venue: its markets, how it spells symbols, what to send, how to read."""

    venue: ClassVar[str]
    markets: ClassVar[tuple[VenueMarket, ...]]
    closed: ClassVar[str] = ""
    """The day on which the venue closed for good, such as 2026-09-23: its recorded frames are read, and nothing
    connects to it. Empty for a venue that runs."""

    def __init__(self) -> None:
        # Lists, patterns and tapes ask for the same few thousand names again and again (docs/decisions/0020).
        kept = lru_cache(maxsize=_NAMES_KEPT)
        self.venue_symbol = kept(self.venue_symbol)  # type: ignore[method-assign] # the same, with a memory
        self.unified = kept(self.unified)  # type: ignore[method-assign] # the same, with a memory
        self.read_name = kept(self.read_name)  # type: ignore[method-assign] # the same, with a memory

    def market(self, market: Market) -> VenueMarket | None:
        """The declaration of one market, or None where the venue has no such market here."""
        return next((declared for declared in self.markets if declared.market is market), None)

    def venue_symbol(self, symbol: Symbol) -> str:
        """How the venue spells a unified symbol; an empty string for what it cannot list."""
        declared = self.market(symbol.market)
        return declared.spelling.spell(symbol) if declared is not None else ""

    def spellings(self, symbol: Symbol) -> list[ScaledName]:
        """Under which names the venue may list a symbol, and what one unit of each is: the plain name first, then
        those of coins that are sold by the thousand."""
        names = [ScaledName(symbol.base, 1), *scaled_names(symbol.base)]
        spelled = ((self.venue_symbol(replace(symbol, base=each.name)), each.multiplier) for each in names)
        return [ScaledName(name, multiplier) for name, multiplier in spelled if name]

    def unified(self, venue_symbol: str, market: Market) -> str:
        """The unified symbol, or an empty string where the spelling does not tell, or is no symbol's: `PEPE/USDT:USDT`
        for 1000PEPEUSDT.

        `market` is where the name was found. One that only fits another market of the venue is read as that market's:
        some venues serve all their markets on one connection.
        """
        return self.read_name(venue_symbol, market).name

    def read_name(self, venue_symbol: str, market: Market) -> ScaledName:
        """The unified symbol, empty as `unified` says, and how many of its coins one coin of the venue's name is."""
        if not is_symbol_name(venue_symbol):
            return ScaledName("", 1)
        declared = sorted(self.markets, key=lambda each: each.market is not market)
        found = next((found for each in declared if (found := each.spelling.read(venue_symbol, each.market))), "")
        return unscaled(found)

    def subscribe(self, instruments: Sequence[Instrument], wall_ms: int = 0) -> list[str]:
        """The text frames that subscribe to these instruments, which are of one market. `wall_ms` is the time in ms
        since 1970, which the requests of some venues carry."""
        return self._frames(instruments, wall_ms, undo=False)

    def unsubscribe(self, instruments: Sequence[Instrument], wall_ms: int = 0) -> list[str]:
        """The text frames that take the subscription back; subscribing again afterwards brings the first state anew
        where the venue sends one."""
        return self._frames(instruments, wall_ms, undo=True)

    def _frames(self, instruments: Sequence[Instrument], wall_ms: int, *, undo: bool) -> list[str]:
        declared = self.market(instruments[0].market) if instruments else None
        return declared.subscription.frames(instruments, wall_ms, undo=undo) if declared is not None else []

    @abstractmethod
    def parser(self, market: Market, find: Find, listings: Mapping[str, Listing]) -> Parser:
        """A parser for one connection of this market; `listings` is by the venue's own symbol."""

    def parse_seeds(self, body: bytes, find: Find) -> Sequence[Quote]:
        """The quotes of the instruments found, in an answer of a market's `seed_path`. Raises BadFrame."""
        return ()

    def subscribe_facts(self, instruments: Sequence[Instrument], wall_ms: int = 0) -> list[str]:
        """The text frames that subscribe to the slow facts of these instruments, where they come on a stream."""
        declared = self.market(instruments[0].market) if instruments else None
        source = declared.facts if declared is not None else None
        return source.subscription.frames(instruments, wall_ms) if source is not None and source.subscription else []

    def parse_facts(self, body: bytes, find: Find, listings: Mapping[str, Listing]) -> Iterable[Fact]:
        """The facts of the instruments found, in an answer of a `FactSource`'s `path` or `path_each`. Raises
        BadFrame."""
        return ()

    def next_list_path(self, market: Market, body: bytes) -> str:
        """Where the list goes on after this page; empty where it ends, as it does for venues with one page."""
        return ""

    def parse_endpoint(self, body: bytes) -> Endpoint:
        """Where to connect, in an answer of a market's `endpoint_path`. Raises BadFrame."""
        raise bad_frame(body, f"no answer that {self.venue} asks for")

    def parse_listings(self, body: bytes) -> dict[str, Listing]:
        """The venue's list by its own symbol. Raises BadFrame, also for a list without any instrument."""
        return dict(self.read_listings(body))

    def read_listings(self, body: bytes) -> Iterator[tuple[str, Listing]]:
        """The same one by one, so that the reader of a long list can pause. Raises BadFrame while it is read."""
        is_empty = True
        for name, listing in self._listings(body):
            if is_symbol_name(name):
                is_empty = False
                yield name, listing
        if is_empty:
            raise bad_frame(body, f"at least one instrument in the list of {self.venue}")

    @abstractmethod
    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        """What stands in the list, under names that are not checked yet. Raises BadFrame."""


def by_each_name(adapter: VenueAdapter, instruments: Iterable[Instrument]) -> dict[str, Instrument]:
    """Instruments by each name under which their venue may list them, plain or by the thousand."""
    found = {each.venue_symbol: each for each in instruments}
    for each in tuple(found.values()):
        for name, multiplier in adapter.spellings(parse_symbol(each.symbol))[1:]:
            found.setdefault(name, replace(each, venue_symbol=name, multiplier=multiplier))
    return found


class SymbolsByRule:
    """Instruments made up from the venue's spelling as frames name them: for tapes of unknown subscription."""

    def __init__(self, adapter: VenueAdapter, market: Market) -> None:
        self._adapter = adapter
        self._market = market
        self.by_symbol: dict[str, Instrument] = {}
        self.all: list[Instrument] = []
        """In the order of coming; an instrument's id is its place."""
        self.multipliers: dict[int, int] = {}
        """By id, of instruments that are sold by the thousand."""

    def find(self, venue_symbol: str) -> Instrument | None:
        """The instrument of this spelling; None where the spelling tells no unified symbol."""
        known = self.by_symbol.get(venue_symbol)
        if known is not None:
            return known
        unified, multiplier = self._adapter.read_name(venue_symbol, self._market)
        if unified:
            quote = unified.partition("/")[2].partition(":")[0]
            known = Instrument(
                len(self.all), self._adapter.venue, unified, venue_symbol, quote, 0.0, multiplier=multiplier
            )
            self.by_symbol[venue_symbol] = known
            self.all.append(known)
            if multiplier != 1:
                self.multipliers[known.id] = multiplier
        return known
