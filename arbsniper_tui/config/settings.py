"""Every setting, declared once; nothing here reads. To add a key:

1. Add a field to the struct of its table: a type, with bounds in `Meta`, and a default. Put the unit into its name.
2. Write the line of explanation under it. A text of a form of its own gets a type in `kinds.py`.
3. Run `make docs`: arbsniper.toml and docs/settings.md are written from here.

File, environment, checks, messages and `config show` take the key from here, and a test holds the docs to it.
"""

from typing import Annotated, Literal, TypeVar, Union

import msgspec
from msgspec import Meta, Struct

from arbsniper_tui.config.alert_settings import AlertSettings
from arbsniper_tui.config.api_settings import ApiSettings
from arbsniper_tui.config.kinds import (
    CountedCurrency,
    Currency,
    NodeName,
    OtlpUrl,
    Port,
    RateMarkets,
    RedisUrl,
    RestUrl,
    RouteKind,
    Symbols,
    ThresholdPct,
    TicksAddress,
    VenueId,
    WsUrl,
    option,
)
from arbsniper_tui.model.instrument import Market, Symbol, parse_symbol
from arbsniper_tui.model.pattern import is_pattern
from arbsniper_tui.runtime.node_folder import TICKS_SOCKET
from arbsniper_tui.venues import adapter_of
from arbsniper_tui.venues.base import VenueMarket

Basis = Literal["gross", "net"]
RedisMode = Literal["auto", "url", "embedded", "off"]

T = TypeVar("T")
ByMarket = Union[T, dict[Market, T], None]  # noqa: UP007  # what T | ... makes, mypy takes for no type
"""One value for all markets of a venue, or one for each of some; None leaves it to the venue's adapter."""


class SignalSettings(Struct, frozen=True):
    """When a route signals."""

    threshold_pct: Annotated[ThresholdPct, option("--threshold")] = 0.5
    """A route signals when its spread is above this many percent."""
    basis: Basis = "gross"
    """The spread that counts. "gross": as the venues quote it. "net": what is left of it after both taker fees."""
    routes: tuple[RouteKind, ...] = ("spot-spot", "perp-perp")
    """Which markets are set against each other; "spot-perp" is spot against perpetual."""
    max_quote_age_ms: Annotated[float, Meta(gt=0)] = 5000.0
    """A quote that is older than this takes no part. Below 3000, a stalled line of a venue that puts no time on its
    quotes is still noticed only after 3 s: venues allow no more than a ping a second."""
    cooldown_s: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds between two signals of one route; 0 for no pause."""
    hysteresis_pct: Annotated[float, Meta(ge=0)] = 0.0
    """An open opportunity closes only when its spread has fallen this far below the threshold."""
    min_life_ms: Annotated[float, Meta(ge=0)] = 0.0
    """A spread signals only when it has stood for this long."""
    min_net_total: Annotated[float, Meta(ge=0)] = 0.0
    """A route signals only when the size that both venues show would bring this much after both taker fees, in the
    currency that counts; 0 asks for nothing."""
    min_zscore: Annotated[float, Meta(ge=0)] = 0.0
    """A route signals only when its spread is this many deviations above what is usual for it; 0 asks for nothing."""
    update_step_pct: Annotated[float, Meta(ge=0)] = 0.0
    """An open opportunity is announced again when its spread has moved by this many percent; 0 for a quarter of the
    threshold, at least 0.01."""
    announce: Literal["all", "best"] = "all"
    """One quote may open many routes at once. "all": each is a signal. "best": only that with the largest spread is;
    the others are events alone."""
    max_spread_pct: Annotated[float, Meta(gt=0)] = 20.0
    """A gross spread above this many percent is an error in somebody's prices (another coin of the same name, a broken
    book): it does not signal, and the screen says so. From a tenth of it on, neither price may be this far from the
    median of its peers."""


class Conversion(Struct, frozen=True, forbid_unknown_fields=True):
    """A quote currency that counts as another at a live rate."""

    convert: RateMarkets
    """The spot market of the rate, or several: the next one is used while those before it are not there or too old.
    Without a fresh rate there is no signal."""
    max_age_ms: Annotated[float, Meta(gt=0)] = 10_000.0
    """An older rate converts nothing."""

    @property
    def markets(self) -> tuple[tuple[str, Symbol], ...]:
        """Venue and symbol of each market, the preferred one first."""
        texts = (self.convert,) if isinstance(self.convert, str) else self.convert
        parts = [text.partition(":") for text in texts]
        return tuple((venue, parse_symbol(pair)) for venue, _, pair in parts)

    def counted(self, currency: str) -> str:
        """What `currency`, one side of the rate's market, counts as: the other side."""
        _, symbol = self.markets[0]
        return symbol.base if currency == symbol.quote else symbol.quote


class VenueSettings(Struct, frozen=True):
    """One venue that is on. None: the adapter's own value, or for `symbols` the list of all venues."""

    ws_url: ByMarket[Annotated[WsUrl, Meta(examples=["wss://data-stream.binance.vision"])]] = None
    """Only to point elsewhere."""
    rest_url: ByMarket[Annotated[RestUrl, Meta(examples=["https://data-api.binance.vision"])]] = None
    """Only to point elsewhere; a path is kept."""
    taker_fee_pct: ByMarket[Annotated[float, Meta(ge=0, le=100, examples=[0.1, {"spot": 0.08, "perp": 0.03}])]] = None
    """Your own fee, for the "net" basis; left out: that of the lowest tier."""
    symbols: Annotated[Symbols, Meta(examples=[["BTC/USDT"]])] | None = None
    """Only where this venue's list is to differ from the one at the top."""
    external: bool = False
    """Another program sends its ticks, as docs/ticks.md says: an exchange that is not among the venues here, under any
    name that is none of theirs. `taker_fee_pct` has to stand beside it, and its symbols are asked for by name."""
    connection_limit: ByMarket[Annotated[int, Meta(ge=1, examples=[20])]] = None
    """Instruments on one connection, where the venue lets you have more or fewer than it says to all."""
    connections: ByMarket[Annotated[int, Meta(ge=1, examples=[5])]] = None
    """Connections at once, likewise: what they have no room for is left out, and shown."""


BY_MARKET = tuple(name for name in VenueSettings.__struct_fields__ if name in VenueMarket.__struct_fields__)
"""The fields that replace those of the same name in an adapter's declaration of a market."""


class FeedSettings(Struct, frozen=True):
    """Where quotes come from beside the venues' own sockets."""

    external: TicksAddress = f"ipc://{TICKS_SOCKET}"
    """Where programs of yours send the ticks of exchanges that are `external`. ipc://NAME.sock is a socket in the
    folder of the node, which has another name in each run; ipc:///PATH is one in a folder of yours with mode 0700. TCP
    is open to every user of this machine, who can make up prices."""


class RedisSettings(Struct, frozen=True):
    """Where signals are handed to other programs. docs/signals.md says what is sent, and under which keys."""

    url: Annotated[RedisUrl, option("--redis-url")] = "redis://127.0.0.1:6379/0"
    """The Redis server, or redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DATABASE (Sentinels that name the master), or
    redis+cluster://HOST:PORT,HOST:PORT (a Cluster, with several of its nodes). docs/scale.md says more."""
    mode: RedisMode = "auto"
    """"auto": the url if it answers, else a server of the program's own on this machine. "url": that one, and wait for
    it. "embedded": always a server of the program's own. "off": no Redis."""
    embedded_port: Port = 0
    """The program's own server listens on a Unix socket that only you can reach. A port here opens it on 127.0.0.1 too,
    with a random password; `arbsniper-tui doctor` says where that is."""


class EngineSettings(Struct, frozen=True):
    """How the workers that decide use this machine."""

    cpu: Literal["auto", "off"] | Annotated[int, Meta(ge=0, title="the number of a CPU")] = "auto"
    """The CPU that the workers of a node share while they are calm, which makes signals faster (Linux). "auto": the
    node chooses one, never the first where there are more. "off": none, each worker runs anywhere. A number is for
    nodes side by side on one machine that are to be kept apart."""


class NodeSettings(Struct, frozen=True):
    """This node among others."""

    name: NodeName = ""
    """Tells this node's signals and its state from those of others; two that run at the same time need two names. Left
    out: the name of this machine."""


class OtelSettings(Struct, frozen=True):
    """Traces of signals for OpenTelemetry: how long each took from the socket to Redis. docs/traces.md says more."""

    endpoint: OtlpUrl = ""
    """Where a collector takes traces, OTLP over HTTP. It needs the extra `otel`, as in `pip install '.[otel]'`. Left
    out: nothing is traced."""
    sample: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """Which part of the signals is traced: 0.1 is each tenth."""


class LogSettings(Struct, frozen=True):
    """What the node writes of itself."""

    level: Annotated[Literal["debug", "info", "warning", "error"], option("--log-level")] = "info"
    """The least important lines that are written."""


class UiSettings(Struct, frozen=True):
    """The terminal."""

    refresh_hz: Annotated[float, Meta(ge=1, le=30)] = 10.0
    """How many times a second the screen is drawn."""


class Settings(Struct, frozen=True):
    """Everything that can be set. Symbols are in unified form, and no list holds one twice."""

    symbols: Annotated[Symbols, Meta(examples=[["BTC/USDT", "ETH/USDT"], ["*/USDT", "BTC/*"]]), option("--symbol")] = (
        "BTC/USDT",
    )
    """What to watch. BTC/USDT is spot, BTC/USDT:USDT a perpetual that settles in USDT, BTC/USD:BTC one that settles in
    the coin. Each venue is asked for each of these; one that it does not list is shown, and the rest run. A pattern
    such as */USDT or */USDT:USDT stands for all that enough venues list, new ones included."""
    exclude: Annotated[Symbols, Meta(extra={"may_be_empty": True})] = ()
    """What patterns are not to bring: symbols such as LUNA/USDT, or patterns such as */USDC."""
    min_venues: Annotated[int, Meta(ge=1)] = 2
    """On how many venues a coin must be listed, against currencies that count alike, so that a pattern brings it."""
    signals: SignalSettings = SignalSettings()
    quotes: Annotated[
        dict[Currency, CountedCurrency | Conversion],
        Meta(examples=[{"USD": "USDT"}, {"USD": {"convert": "kraken:USDT/USD"}}, {"USDC": "USDT"}]),
    ] = {}
    """What another quote currency counts as: one for one on your own word, shown as such on the screen, or at the live
    rate of a market, without a signal while there is no fresh rate. A dollar is not a USDT: they trade against each
    other at a rate of their own, and the difference can be larger than the spreads you look for. So BTC/USD and
    BTC/USDT meet only where you say so here."""
    venues: Annotated[dict[VenueId, VenueSettings], option("--venue")] = {}
    """The venues that are on: those that have a table here. Without any table, every venue with books of its own is
    on (`arbsniper-tui venues` lists them); one that shows another venue's books is on only where it is named."""
    feeds: FeedSettings = FeedSettings()
    redis: RedisSettings = RedisSettings()
    alerts: AlertSettings = AlertSettings()
    api: ApiSettings = ApiSettings()
    otel: OtelSettings = OtelSettings()
    engine: EngineSettings = EngineSettings()
    node: NodeSettings = NodeSettings()
    log: LogSettings = LogSettings()
    ui: UiSettings = UiSettings()

    def symbols_of(self, venue: str) -> tuple[str, ...]:
        """What the venue is asked for by name: its own list, or else that of all venues."""
        return tuple(text for text in self.asked_of(venue) if not is_pattern(text))

    def patterns_of(self, venue: str) -> tuple[str, ...]:
        """The patterns of the venue's own list, or else of that of all venues; none for one that has no list to find
        their symbols in."""
        if self.venues[venue].external:
            return ()
        return tuple(text for text in self.asked_of(venue) if is_pattern(text))

    def pattern_markets_of(self, venue: str) -> tuple[VenueMarket, ...]:
        """The markets of a venue that its patterns ask for, as they are in force."""
        asked = {Market.PERP if ":" in pattern else Market.SPOT for pattern in self.patterns_of(venue)}
        return tuple(each for each in self.markets_of(venue).values() if each.market in asked)

    @property
    def has_patterns(self) -> bool:
        """Whether the venues' lists decide what is watched."""
        return any(self.patterns_of(venue) for venue in self.venues)

    def asked_of(self, venue: str) -> tuple[str, ...]:
        """The venue's own list, or else that of all venues: symbols and patterns."""
        own = self.venues[venue].symbols
        return self.symbols if own is None else own

    def market_of(self, venue: str, market: Market) -> VenueMarket | None:
        """What is in force for one market of a venue, on or not: its declaration, with the settings' own values in
        place of the adapter's. None where the venue has no such market."""
        declared = adapter_of(venue).market(market)
        own = self.venues.get(venue)
        if declared is None or own is None:
            return declared
        given = {name: getattr(own, name) for name in BY_MARKET}
        chosen = {name: value.get(market) if isinstance(value, dict) else value for name, value in given.items()}
        return msgspec.structs.replace(declared, **{name: value for name, value in chosen.items() if value is not None})

    def markets_of(self, venue: str) -> dict[str, VenueMarket]:
        """What is in force for each market of a venue, by the market's name."""
        in_force = {
            str(declared.market): self.market_of(venue, declared.market) for declared in adapter_of(venue).markets
        }
        return {name: market for name, market in in_force.items() if market}

    def counted_quote(self, currency: str) -> str:
        """The quote currency that this one counts as."""
        counted = self.quotes.get(currency, currency)
        return counted.counted(currency) if isinstance(counted, Conversion) else counted
