"""The settings in force, as one frozen value with the defaults of every key. Nothing here reads or checks."""

from typing import Literal

import msgspec
from msgspec import Struct

from arbsniper_tui.model.instrument import Market, Symbol, parse_symbol
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import VenueMarket

Basis = Literal["gross", "net"]
RouteKind = Literal["spot-spot", "perp-perp", "spot-perp"]
RedisMode = Literal["auto", "url", "embedded", "off"]


class Conversion(Struct, frozen=True, forbid_unknown_fields=True):
    """A quote currency that counts as another at a live rate."""

    convert: str
    """The market of the rate, VENUE:BASE/QUOTE, as in `kraken:USDT/USD`."""

    @property
    def venue(self) -> str:
        return self.convert.partition(":")[0]

    @property
    def symbol(self) -> Symbol:
        return parse_symbol(self.convert.partition(":")[2])

    def counted(self, currency: str) -> str:
        """What `currency`, one side of the rate's market, counts as: the other side."""
        symbol = self.symbol
        return symbol.base if currency == symbol.quote else symbol.quote


class SignalSettings(Struct, frozen=True):
    """When a route signals."""

    threshold_pct: float = 0.5
    basis: Basis = "gross"
    routes: tuple[RouteKind, ...] = ("spot-spot", "perp-perp")
    max_quote_age_ms: float = 5000.0
    cooldown_s: float = 0.0
    max_spread_pct: float = 20.0
    """A gross spread above this is an error in somebody's prices."""


class VenueSettings(Struct, frozen=True):
    """One venue that is on. None: the adapter's own value, or for `symbols` the list of all venues.

    What is BY_MARKET may be one value for all markets of the venue, or one for each of some.
    """

    ws_url: str | dict[Market, str] | None = None
    """Scheme, host and port; the adapter adds its path."""
    rest_url: str | dict[Market, str] | None = None
    """Without a slash at its end."""
    taker_fee_pct: float | dict[Market, float] | None = None
    symbols: tuple[str, ...] | None = None


BY_MARKET = ("ws_url", "rest_url", "taker_fee_pct")
"""Fields that VenueSettings and VenueMarket share."""


class RedisSettings(Struct, frozen=True):
    """Where signals are handed to other programs."""

    url: str = "redis://127.0.0.1:6379/0"
    mode: RedisMode = "auto"
    embedded_port: int = 0
    """A port of loopback where a server of the node's own listens too, with a random password; 0 for none."""


class UiSettings(Struct, frozen=True):
    """The terminal."""

    refresh_hz: float = 10.0


class Settings(Struct, frozen=True):
    """Everything that can be set. Symbols are in unified form, and no list holds one twice."""

    symbols: tuple[str, ...] = ("BTC/USDT",)
    signals: SignalSettings = SignalSettings()
    quotes: dict[str, str | Conversion] = {}
    """Quote currency -> what it counts as; one that is not named counts as itself alone."""
    venues: dict[str, VenueSettings] = {}
    """Venue id -> its settings; the venues that are on."""
    redis: RedisSettings = RedisSettings()
    ui: UiSettings = UiSettings()

    def symbols_of(self, venue: str) -> tuple[str, ...]:
        """The venue's own list, or else that of all venues."""
        own = self.venues[venue].symbols
        return self.symbols if own is None else own

    def market_of(self, venue: str, market: Market) -> VenueMarket | None:
        """What is in force for one market of a venue, on or not: its declaration, with the settings' own values in
        place of the adapter's. None where the venue has no such market."""
        declared = VENUES[venue].market(market)
        own = self.venues.get(venue)
        if declared is None or own is None:
            return declared
        given = {name: getattr(own, name) for name in BY_MARKET}
        chosen = {name: value.get(market) if isinstance(value, dict) else value for name, value in given.items()}
        return msgspec.structs.replace(declared, **{name: value for name, value in chosen.items() if value is not None})

    def counted_quote(self, currency: str) -> str:
        """The quote currency that this one counts as."""
        counted = self.quotes.get(currency, currency)
        return counted.counted(currency) if isinstance(counted, Conversion) else counted
