"""One connection to make: its venue, its market, its addresses and its instruments."""

from msgspec import Struct

from arbsniper_tui.model.instrument import Instrument, Market


class FeedSpec(Struct, frozen=True):
    """One connection to make."""

    name: str
    venue: str
    market: Market
    ws_url: str
    list_url: str
    instruments: tuple[Instrument, ...]
    seed_url: str = ""
    """Where first states are asked for, of a venue whose stream sends changes only."""
    endpoint_url: str = ""
    """What is POSTed before each connection, of a venue that tells by REST where to connect."""
