"""What a feed is to serve: a venue, a market, its addresses and its instruments."""

from msgspec import Struct

from arbsniper_tui.model.instrument import Instrument, Market


class FeedSpec(Struct, frozen=True):
    """One market of a venue, or the part of it that one connection serves."""

    name: str
    venue: str
    market: Market
    ws_url: str
    list_url: str
    instruments: tuple[Instrument, ...]
    seed_url: str = ""
    """Where first states are asked for, of a venue whose stream sends changes only."""
    other_ws_urls: tuple[str, ...] = ()
    """The same service on other hosts, with their paths, tried in turn after repeated failures."""
    per_connection: int = 100
    """Instruments that one connection carries."""
    connections: int | None = None
    """Connections that the venue takes at once, of all markets on this host; None: as many as needed."""
    endpoint_url: str = ""
    """What is POSTed before each connection, of a venue that tells by REST where to connect."""
    facts_ws_url: str = ""
    """Where the slow facts of its perpetuals are streamed; empty where they are not."""
    facts_url: str = ""
    """Where they are asked for by REST, for all instruments at once."""
    facts_each_url: str = ""
    """The same for one instrument, `$symbol`."""
    facts_only: bool = False
    """This connection carries slow facts, and no quotes."""
