"""Which venue ids exist, and what is said of one that does not."""

from arbsniper_tui.config.given import advice, nearest
from arbsniper_tui.venues import VENUES

NAMED_VENUES = (
    "binance", "coinbase", "kraken", "bybit", "okx", "kucoin", "deribit", "bitmex", "gate", "mexc", "bitget", "phemex",
    "coindcx",
)  # fmt: skip
"""Ids that mean one venue for good, whether or not this version can read it. A new venue need not be added."""


def why_unknown(venue: str) -> str:
    """What is said of a venue id that has no adapter."""
    if venue in NAMED_VENUES:
        return f"{venue} is not supported by this version yet, expected one of {', '.join(VENUES)}"
    near = nearest(venue, VENUES)
    return f'found unknown venue "{venue}", expected one of {", ".join(VENUES)}{advice(near)}'
