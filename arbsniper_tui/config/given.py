"""One value as somebody gave it, and the words in which it is refused. No rule about any key lives here."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from msgspec import Struct

from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.model.errors import ConfigError

KeyPath = tuple[str, ...]
"""A key in parts: `("redis", "url")` for `redis.url`."""

SHOWN_OF_A_TEXT = 60
_SECRET_NAME = r"[\w.-]*(?:password|secret|token|key)[\w.-]*"
_SECRET_VALUE = re.compile(rf"({_SECRET_NAME}=)[^&\s]*", re.IGNORECASE)
_REDIS_SCHEMES = tuple(f"{each}{place}" for each in ("redis", "rediss") for place in ("", "+sentinel", "+cluster"))
_PUBLIC_SCHEMES = ("", "http", "https", "ws", "wss", *_REDIS_SCHEMES, "unix", "ipc", "tcp", "ftp")
"""Of URLs that hold nothing secret but a user, a password and what is named so. tgram://TOKEN/CHAT is one of others."""
_WEB_PATH = re.compile(r"""(https?://[^/\s"']+)/[^\s"']+""")
_SECRET_LINE = re.compile(rf"""({_SECRET_NAME}["']?\s*=\s*).+""", re.IGNORECASE)


class Given(Struct, frozen=True):
    """A value found at `path`."""

    path: KeyPath
    value: object
    origin: str
    """As `config show` prints it: `file PATH`, `environment NAME`, `option --name`."""
    place: str
    """As messages begin, without the key."""
    is_text: bool = False
    """It came as bare text, so that lists may be comma-separated and numbers are spelled freely."""

    @property
    def key(self) -> str:
        return ".".join(self.path)

    @property
    def is_hidden(self) -> bool:
        """Whether its value is not to be shown: by its name, or as the address of a target of alerts."""
        is_of_target = self.path[0] == "alerts" and len(self.path) > 2 and self.path[1] != "rules"
        return is_of_target or is_secret(self.key)


def redacted(text: str) -> str:
    """A URL without its user and password, and without the value of `password=` and its like; of a service that alerts
    go to, the scheme alone. Other text as it is."""
    scheme, separator, rest = text.partition("://")
    if separator and re.split(r"[^\w+.-]", scheme.lower())[-1] not in _PUBLIC_SCHEMES:
        return f"{scheme}://***"
    if not separator:
        # A URL whose scheme was forgotten may hold a password all the same.
        scheme, rest = "", text
    _, at, address = rest.rpartition("@")
    return _SECRET_VALUE.sub(r"\1***", f"{scheme}{separator}{'***@' if at else ''}{address}")


def hidden(text: str) -> str:
    """What may be shown of an address of alerts or of its secret: of a URL the scheme, and of a web page its host."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return "***"
    host = rest.partition("/")[0].rpartition("@")[2] if scheme in ("http", "https") else ""
    return f"{scheme}://{host}{'/' if host else ''}***"


def redacted_line(line: str) -> str:
    """A line of a settings file, which may be no TOML, without the secrets in it."""
    return _SECRET_LINE.sub(r"\1***", _WEB_PATH.sub(r"\1/***", redacted(line)))


def is_secret(key: str) -> bool:
    """Whether the name of a key says that its value is not to be shown."""
    return re.fullmatch(_SECRET_NAME, key, re.IGNORECASE) is not None


def shown(value: object) -> str:
    """A found value in words, for a message."""
    match value:
        case str():
            text = clean_text(redacted(value), 2 * SHOWN_OF_A_TEXT)
            return f'"{text[:SHOWN_OF_A_TEXT]}…"' if len(text) > SHOWN_OF_A_TEXT else f'"{text}"'
        case bool():
            return "true" if value else "false"
        case dict() | list() | tuple():
            name = "table" if isinstance(value, dict) else "list"
            return f"a {name}" if value else f"an empty {name}"
        case int() | float():
            return str(value)
    return f"{value} ({type(value).__name__})"


def nearest(text: str, names: Iterable[str]) -> str:
    """The valid name closest to `text`, whatever its case and the order of its parts, or an empty string."""
    by_lower = {name.lower(): name for name in names}
    turned = "-".join(reversed(text.lower().split("-")))
    close = [turned] if turned in by_lower else get_close_matches(text.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[close[0]] if close else ""


def advice(near: str) -> str:
    """What a message ends with where a valid name is close."""
    return f"; did you mean {near}?" if near else ""


def refusal(given: Given, expected: str, *, found: object = None, near: str = "") -> ConfigError:
    """What to raise for a value that does not fit; `found` is the offending part where the value is a list."""
    offending = "a value that is kept secret" if given.is_hidden else shown(given.value if found is None else found)
    return ConfigError(f"{given.place}: {given.key}: found {offending}, expected {expected}{advice(near)}")
