"""The names of this node's channels and keys in Redis, and how much each of them keeps."""

SIGNALS_CHANNEL = "arbitrage:signals"
EVENTS_CHANNEL = "arbitrage:events"
HISTORY_KEY = "signals:history"
STREAM_KEY = "arbitrage:stream"
REVOKED_KEY = "tokens:revoked"

HISTORY_LENGTH = 1000
STREAM_LENGTH = 10_000
PRICE_TTL_MS = 10_000
NODE_TTL_MS = 10_000


def price_key(exchange: str, symbol: str) -> str:
    """The key of an instrument's newest price; `symbol` in unified form."""
    return f"price:{exchange}:{symbol}"


def node_key(node: str) -> str:
    """The key of a node's newest word on itself."""
    return f"node:{node}"
