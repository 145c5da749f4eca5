"""What each kind of value may be: pure functions from what was given to what the settings hold.

Every reader raises ConfigError in the words of `refusal`.
"""

from collections.abc import Callable, Sequence
from math import isfinite
from urllib.parse import SplitResult, urlsplit

from arbsniper_tui.config.given import Given, nearest, redacted, refusal, shown
from arbsniper_tui.config.venue_names import refuse_venue
from arbsniper_tui.model.errors import ConfigError, SymbolError
from arbsniper_tui.model.instrument import Market, parse_symbol
from arbsniper_tui.model.number import read_number
from arbsniper_tui.venues import VENUES

Reader = Callable[[Given], object]

_QUOTE_ENDINGS = ("USDT", "USDC", "USD", "EUR", "BTC", "ETH")
_SCHEME_MEANT = {"http": "ws", "https": "wss", "ws": "http", "wss": "https"}


def number(expected: str, fits: Callable[[float], bool]) -> Reader:
    """A reader of finite numbers for which `fits` holds."""

    def read(given: Given) -> float:
        value = given.value
        if isinstance(value, str) and not given.is_text or isinstance(value, bool):
            raise refusal(given, expected)
        try:
            found = read_number(value.strip()) if isinstance(value, str) else _as_float(value)
        except OverflowError:
            raise refusal(given, expected) from None
        if found is None or not isfinite(found) or not fits(found):
            raise refusal(given, expected)
        return found

    return read


def _as_float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def port(given: Given) -> int:
    """A reader of a TCP port, or 0 for none."""
    value = given.value
    if isinstance(value, str) and given.is_text and value.isascii() and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 65535:
        raise refusal(given, "a port from 1 to 65535, or 0 for none")
    return value


def choice(*names: str) -> Reader:
    """A reader of one of `names`, in any case."""
    expected = " or ".join((", ".join(names[:-1]), names[-1]))

    def read(given: Given) -> str:
        word = given.value.strip().lower() if isinstance(given.value, str) else ""
        if word not in names:
            raise refusal(given, expected, near=nearest(str(given.value), names))
        return word

    return read


def choices(*names: str) -> Reader:
    """A reader of a list of `names` in any case, at least one."""
    expected = f"a list of {', '.join(names)}"

    def read(given: Given) -> list[str]:
        items = _texts(given, expected)
        for item in items:
            if item.lower() not in names:
                turned = "-".join(reversed(item.lower().split("-")))
                near = turned if turned in names else nearest(item, names)
                raise refusal(given, expected, found=item, near=near)
        return list(dict.fromkeys(item.lower() for item in items))

    return read


def symbols(given: Given) -> list[str]:
    """A reader of unified symbols, each once, in the order given."""
    read_symbols = []
    for item in _texts(given, 'a list of symbols, as in ["BTC/USDT"]'):
        try:
            read_symbols.append(str(parse_symbol(item)))
        except SymbolError as error:
            meant = _symbol_meant(item)
            advice = f"; did you mean {meant}?" if meant else ""
            raise ConfigError(f"{given.place}: {given.key}: {error}{advice}") from None
    return list(dict.fromkeys(read_symbols))


def venue_list(given: Given) -> list[str]:
    """A reader of venue ids; only the environment and `--venue` have them as a list."""
    expected = f"a list of venues out of {', '.join(VENUES)}"
    if not given.is_text:
        raise refusal(given, f"a table for each venue, as in [venues.{next(iter(VENUES))}]")
    ids = [item.lower() for item in _texts(given, expected)]
    for venue in ids:
        if venue not in VENUES:
            raise refuse_venue(given, venue)
    return list(dict.fromkeys(ids))


def venue_table(given: Given) -> dict[str, str]:
    """A reader of a venue's table without keys, which turns the venue on as it is."""
    if given.value != {}:
        raise refusal(given, f"a table [{given.key}]")
    return {}


def counted_currency(given: Given) -> str:
    """A reader of the currency that another counts as."""
    expected = 'a currency, as in "USDT", or a live rate, as in { convert = "kraken:USDT/USD" }'
    currency = given.path[1]
    counted = given.value.strip().upper() if isinstance(given.value, str) else ""
    if not counted.isalnum():
        raise refusal(given, expected)
    if counted == currency:
        raise refusal(given, f"another currency than {currency} itself")
    return counted


def conversion(given: Given) -> dict[str, str]:
    """A reader of the market of a live rate, VENUE:BASE/QUOTE, with the converted currency on one side."""
    currency = given.path[1]
    expected = f'VENUE:BASE/QUOTE, a spot market of {currency} as in "kraken:USDT/USD"'
    text = given.value.strip() if isinstance(given.value, str) else ""
    venue, colon, pair = text.partition(":")
    venue = venue.lower()
    if not colon:
        raise refusal(given, expected)
    if venue not in VENUES:
        raise refuse_venue(given, venue)
    try:
        symbol = parse_symbol(pair)
    except SymbolError as error:
        raise refusal(given, f"{expected} ({error})") from None
    if symbol.market is not Market.SPOT or currency not in (symbol.base, symbol.quote):
        raise refusal(given, expected)
    return {"convert": f"{venue}:{symbol}"}


def ws_url(given: Given) -> str:
    """A reader of scheme, host and port."""
    expected = "ws:// or wss:// with host and port and no path, which the adapter adds"
    parts = _url(given, ("wss", "ws"), expected)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise refusal(given, expected, near=_without_path(parts))
    return f"{parts.scheme}://{parts.netloc}"


def rest_url(given: Given) -> str:
    """A reader of a URL to which the adapter adds its path."""
    expected = "http:// or https:// with host and port"
    parts = _url(given, ("https", "http"), expected)
    if parts.query or parts.fragment:
        raise refusal(given, expected, near=_without_path(parts))
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def redis_url(given: Given) -> str:
    """A reader of what redis clients take: redis:// and rediss:// with a database number, unix:// with a path."""
    expected = "redis://HOST:PORT/DATABASE, rediss:// for TLS, or unix:///PATH"
    parts = _url(given, ("redis", "rediss", "unix"), expected)
    database = parts.path.strip("/")
    if parts.scheme != "unix" and database and not (database.isascii() and database.isdecimal()):
        raise refusal(given, f"{expected}, where DATABASE is a number")
    return str(given.value).strip()


def _texts(given: Given, expected: str) -> list[str]:
    """The items of a list of texts, not empty; bare text is split at its commas."""
    items: Sequence[object] = given.value if isinstance(given.value, list | tuple) else ()
    if given.is_text and isinstance(given.value, str):
        items = (given.value,)
    texts: list[str] = []
    for item in items:
        if not isinstance(item, str):
            raise refusal(given, expected, found=item)
        texts += item.split(",") if given.is_text else (item,)
    texts = [text.strip() for text in texts if text.strip() or not given.is_text]
    if not texts:
        raise refusal(given, expected)
    return texts


def _url(given: Given, schemes: tuple[str, ...], expected: str) -> SplitResult:
    text = given.value.strip() if isinstance(given.value, str) else ""
    try:
        parts = urlsplit(text)
        # The property is what raises for a port that is no number.
        has_address = parts.path if parts.scheme == "unix" else parts.hostname and parts.port != 0
    except ValueError:
        raise refusal(given, expected) from None
    if not text or any(character.isspace() for character in text):
        raise refusal(given, expected)
    if parts.scheme not in schemes or "://" not in text:
        raise refusal(given, expected, near=_url_meant(text, parts, schemes))
    if not has_address:
        raise refusal(given, expected)
    if not _is_host_name(parts.hostname or "localhost"):
        raise refusal(given, f"{expected} ({shown(parts.hostname)} is no valid host name)")
    return parts


def _is_host_name(name: str) -> bool:
    """Whether DNS can be asked for it. Addresses pass."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True


def _without_path(parts: SplitResult) -> str:
    """Scheme, host and port; empty where a password with a `/`, `?` or `#` in it may stand in their place."""
    after_host = parts.path + parts.query + parts.fragment
    return "" if "@" in after_host else redacted(f"{parts.scheme}://{parts.netloc}")


def _url_meant(text: str, parts: SplitResult, schemes: tuple[str, ...]) -> str:
    """The URL with the closest valid scheme, or an empty string."""
    if "://" not in text:
        return f"{schemes[0]}://{redacted(text)}" if text[0].isalnum() else ""
    meant = _SCHEME_MEANT.get(parts.scheme, "")
    meant = meant if meant in schemes else nearest(parts.scheme, schemes)
    return redacted(f"{meant}://{parts.netloc}") if meant else ""


def _symbol_meant(text: str) -> str:
    """The unified symbol behind a venue's spelling such as BTCUSDT or BTC-USDT, or an empty string."""
    plain = text.upper()
    for separator in ("-", "_", " "):
        plain = plain.replace(separator, "/")
    if "/" not in plain:
        quote = next((end for end in _QUOTE_ENDINGS if plain.endswith(end) and plain != end), "")
        plain = f"{plain.removesuffix(quote)}/{quote}"
    try:
        return str(parse_symbol(plain))
    except SymbolError:
        return ""
