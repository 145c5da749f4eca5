"""What can go wrong between this node and a Redis server."""

from arbsniper_tui.model.errors import ArbsniperError


class RedisUnreachable(ArbsniperError):
    """No connection to Redis could be made; the message says what failed and where, without the password."""


class RedisNotStarted(ArbsniperError):
    """The embedded redis-server could not be found or did not start."""


class LinkLost(ArbsniperError):
    """An open connection to Redis is of no more use."""
