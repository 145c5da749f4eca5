"""The names under which other programs find this node's output in Redis, and how much of it is kept."""

SIGNALS_CHANNEL = "arbitrage:signals"
EVENTS_CHANNEL = "arbitrage:events"
HISTORY_KEY = "signals:history"
STREAM_KEY = "arbitrage:stream"

HISTORY_LENGTH = 1000
STREAM_LENGTH = 10_000
PRICE_TTL_MS = 10_000


def price_key(exchange: str, symbol: str) -> str:
    return f"price:{exchange}:{symbol}"
