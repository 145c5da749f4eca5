"""What the venues support, a row for each market, as the verb `venues` shows it."""

from msgspec import Struct

from arbsniper_tui.config.settings import Settings
from arbsniper_tui.model.instrument import parse_symbol
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import VenueMarket
from arbsniper_tui.venues.requests import Rate


class VenueRow(Struct, frozen=True):
    """One market. None in a limit: the venue states none."""

    venue: str
    market: str
    channel: str
    taker_fee_pct: float
    symbol_form: str
    sizes: str
    relays: str
    """The venue whose books it shows; empty where they are its own."""
    needs_list: bool
    has_venue_time: bool
    facts: str
    """Where funding, mark and open interest come from: "stream", "REST", both, or empty."""
    ws_url: str
    other_ws_urls: tuple[str, ...]
    rest_url: str
    streams_a_connection: int
    connections: int | None
    connects: Rate | None
    messages: Rate | None
    lifetime_h: float | None
    keep_alive_every_s: float | None
    """What this side sends unasked; None: answers to the venue's pings are enough."""
    max_silence_s: float
    closed: str
    """The day on which the venue closed for good; empty for one that runs."""


def venue_rows(settings: Settings | None = None) -> list[VenueRow]:
    """Every market of every venue, in the order of the registry, and behind them those of the external exchanges that
    the settings ask for."""
    rows = [
        row_of(adapter.venue, declared, adapter.closed) for adapter in VENUES.values() for declared in adapter.markets
    ]
    if settings is not None:
        for venue in (each for each, own in settings.venues.items() if own.external):
            asked = {parse_symbol(text).market for text in settings.symbols_of(venue)}
            in_force = settings.markets_of(venue).values()
            rows += [row_of(venue, declared) for declared in in_force if declared.market in asked]
    return rows


def row_of(venue: str, declared: VenueMarket, closed: str = "") -> VenueRow:
    """What one market declares."""
    limits, facts, keep_alive = declared.limits, declared.facts, declared.keep_alive
    ways = [("stream", facts.subscription is not None), ("REST", bool(facts.path))] if facts is not None else []
    return VenueRow(
        venue=venue,
        market=str(declared.market),
        channel=declared.channel,
        taker_fee_pct=declared.taker_fee_pct,
        symbol_form=declared.symbol_example,
        sizes=declared.sizes,
        relays=declared.relays,
        needs_list=declared.needs_list,
        has_venue_time=declared.has_venue_time,
        facts=", ".join(way for way, is_used in ways if is_used),
        ws_url=declared.ws_url + declared.ws_path,
        other_ws_urls=tuple(url + declared.ws_path for url in declared.other_ws_urls),
        rest_url=declared.rest_url,
        streams_a_connection=declared.connection_limit,
        connections=declared.connections,
        connects=limits.connects,
        messages=limits.messages,
        lifetime_h=declared.lifetime_h,
        keep_alive_every_s=keep_alive.every_s if keep_alive is not None else None,
        max_silence_s=declared.max_silence_s,
        closed=closed,
    )
