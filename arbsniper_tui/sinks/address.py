"""The address in a Redis URL, without its secrets."""

from arbsniper_tui.model.redis_url import read_redis_url


def address_of(url: str) -> str:
    """As `RedisUrl.shown` has it; empty if it is not a Redis URL."""
    found = read_redis_url(url)
    return found.shown if found is not None else ""
