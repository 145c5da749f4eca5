"""The address in a Redis URL, without its secrets."""

from urllib.parse import urlsplit


def address_of(url: str) -> str:
    """`host:port/db` or `unix://path`, without user, password and options; empty if it is not a Redis URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or 6379
    except ValueError:
        return ""
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    if parts.scheme not in ("redis", "rediss"):
        return ""
    return f"{parts.hostname or 'localhost'}:{port}/{parts.path.strip('/') or 0}"
