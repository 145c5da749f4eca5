"""What a feed is told: one connection to make. Apart from the feed itself, which brings the WebSocket library along."""

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
    """Where the first states are asked for; empty where the subscription brings them."""
