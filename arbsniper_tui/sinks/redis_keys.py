"""The names of this node's channels and keys in Redis, and how much each of them keeps."""

SIGNALS_CHANNEL = "arbitrage:signals"
EVENTS_CHANNEL = "arbitrage:events"
HISTORY_KEY = "signals:history"
STREAM_KEY = "arbitrage:stream"

HISTORY_LENGTH = 1000
STREAM_LENGTH = 10_000
PRICE_TTL_MS = 10_000


def price_key(exchange: str, symbol: str) -> str:
    """The key of an instrument's newest price; `symbol` in unified form."""
    return f"price:{exchange}:{symbol}"
