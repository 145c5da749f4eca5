"""Which venue ids exist, and what is said of one that does not."""

from arbsniper_tui.config.given import Given, nearest
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.venues import VENUES

NAMED_VENUES = (
    "binance",
    "coinbase",
    "kraken",
    "bybit",
    "okx",
    "kucoin",
    "deribit",
    "bitmex",
    "gate",
    "mexc",
    "bitget",
    "phemex",
    "coindcx",
)
"""Ids that mean one venue for good, whether or not this version can read it."""


def refuse_venue(given: Given, venue: str) -> ConfigError:
    """What to raise for a venue id that has no adapter."""
    return ConfigError(f"{given.place}: {'.'.join(given.path[:2])}: {why_unknown(venue)}")


def why_unknown(venue: str) -> str:
    """What is said of a venue id that has no adapter."""
    if venue in NAMED_VENUES:
        return f"{venue} is not supported by this version yet, expected one of {', '.join(VENUES)}"
    near = nearest(venue, VENUES)
    advice = f"; did you mean {near}?" if near else ""
    return f'found unknown venue "{venue}", expected one of {", ".join(VENUES)}{advice}'
