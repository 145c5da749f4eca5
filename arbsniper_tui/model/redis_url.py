"""A Redis URL in parts: one server, the Sentinels that watch one, or the nodes of a Cluster."""

import re
from enum import Enum, auto
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from msgspec import Struct

_PORT = re.compile(r"\d{1,5}", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)


class RedisKind(Enum):
    """What stands at the address."""

    SERVER = auto()
    SENTINEL = auto()
    CLUSTER = auto()


_SCHEMES = {
    "redis": (RedisKind.SERVER, 6379),
    "rediss": (RedisKind.SERVER, 6379),
    "unix": (RedisKind.SERVER, 0),
    "redis+sentinel": (RedisKind.SENTINEL, 26379),
    "rediss+sentinel": (RedisKind.SENTINEL, 26379),
    "redis+cluster": (RedisKind.CLUSTER, 6379),
    "rediss+cluster": (RedisKind.CLUSTER, 6379),
}
"""What each scheme says, and the port where none is given."""
_SENTINEL_ARGUMENTS = ("sentinel_username", "sentinel_password")

Address = tuple[str, int]
"""Host and port."""


class RedisUrl(Struct, frozen=True):
    """A URL that can be read."""

    text: str
    kind: RedisKind
    addresses: tuple[Address, ...] = ()
    """Of the Sentinels, or of nodes of the Cluster; of a server there is one, and none for a Unix socket."""
    service: str = ""
    """The name under which Sentinels know the master."""
    database: str = "0"

    def __repr__(self) -> str:
        return f"RedisUrl({self.shown})"

    @property
    def shown(self) -> str:
        """The address without its secrets: `host:port/0`, `unix://path`, `sentinel host:port,host:port/mymaster/0` or
        `cluster host:port,host:port`."""
        if not self.addresses:
            return f"unix://{urlsplit(self.text).path}"
        hosts = ",".join(map(written_address, self.addresses))
        if self.kind is RedisKind.CLUSTER:
            return f"cluster {hosts}"
        return f"sentinel {hosts}/{self.service}/{self.database}" if self.service else f"{hosts}/{self.database}"

    def of_server(self, address: Address) -> str:
        """The URL of one server that this one leads to, with the same user, password and options."""
        parts = urlsplit(self.text)
        user, at, _ = parts.netloc.rpartition("@")
        query = urlencode([each for each in parse_qsl(parts.query) if each[0] not in _SENTINEL_ARGUMENTS])
        scheme = parts.scheme.partition("+")[0]
        return urlunsplit((scheme, f"{user}{at}{written_address(address)}", f"/{self.database}", query, ""))

    def of_sentinel(self, address: Address) -> str:
        """The URL of one Sentinel: with its own user and password, those in `sentinel_username` and
        `sentinel_password`."""
        parts = urlsplit(self.text)
        own = {name.removeprefix("sentinel_"): value for name, value in parse_qsl(parts.query) if "sentinel_" in name}
        query = urlencode([*own.items(), *(each for each in parse_qsl(parts.query) if "sentinel_" not in each[0])])
        return urlunsplit((parts.scheme.partition("+")[0], written_address(address), "", query, ""))


def read_redis_url(text: str) -> RedisUrl | None:
    """None for what is no URL of Redis."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme not in _SCHEMES:
        return None
    kind, port = _SCHEMES[parts.scheme]
    if parts.scheme == "unix":
        return RedisUrl(text, kind)
    written = parts.netloc.rpartition("@")[2]
    addresses = tuple(_address(each, port) for each in (written or "localhost").split(","))
    path = [each for each in parts.path.split("/") if each]
    service = path.pop(0) if kind is RedisKind.SENTINEL and path else ""
    database = path.pop(0) if path else "0"
    is_whole = (
        all(addresses) and not path and _NUMBER.fullmatch(database) and bool(service) == (kind is RedisKind.SENTINEL)
    )
    if not is_whole or (kind is RedisKind.SERVER and len(addresses) > 1):
        return None
    if kind is RedisKind.CLUSTER and database != "0":
        return None  # a Cluster has this one alone
    return RedisUrl(text, kind, tuple(each for each in addresses if each), service, database)


def _address(text: str, port: int) -> Address | None:
    found = re.fullmatch(r"(\[[^\[\]]+\]|[^\[\]:\s]+)(?::(.*))?", text)
    if found is None:
        return None
    given = found[2]
    if given is not None and not (_PORT.fullmatch(given) and 0 < int(given) < 1 << 16):
        return None
    return found[1].strip("[]"), int(given or port)


def written_address(address: Address) -> str:
    """`host:port`, as it stands in a URL."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
