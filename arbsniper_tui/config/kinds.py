"""The types of settings that a plain type and its bounds do not describe: each with the words for what is expected,
and the function that reads its text.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Annotated, Literal, Union
from urllib.parse import SplitResult, urlsplit

from msgspec import Meta

from arbsniper_tui.config.given import Given, advice, nearest, redacted, refusal, shown
from arbsniper_tui.config.venue_names import why_unknown
from arbsniper_tui.model.errors import ConfigError, SymbolError
from arbsniper_tui.model.instrument import Market, parse_symbol
from arbsniper_tui.model.pattern import is_pattern, parse_pattern
from arbsniper_tui.model.redis_url import read_redis_url
from arbsniper_tui.model.threshold import HIGHEST_THRESHOLD_PCT, LOWEST_THRESHOLD_PCT
from arbsniper_tui.runtime.node_folder import REDIS_SOCKET
from arbsniper_tui.runtime.state_folder import NODE_NAME, NODE_NAME_EXPECTED
from arbsniper_tui.venues import OPEN_VENUES, VENUES
from arbsniper_tui.venues.external import is_external_name

RouteKind = Literal["spot-spot", "perp-perp", "spot-perp"]
Read = Callable[[Given, str, str], str]
"""Takes what was given, the text in question and what is expected; returns the text as the settings hold it.
Raises ConfigError."""

LEAST_SECRET_BYTES = 32
"""Of what tokens are signed with by HMAC: as long as its hash, says RFC 7518."""
_QUOTE_ENDINGS = ("USDT", "USDC", "USD", "EUR", "BTC", "ETH")
_SCHEME_MEANT = {"http": "ws", "https": "wss", "ws": "http", "wss": "https"}


def kind(expected: str, read: Read) -> Meta:
    """The annotation of a text that `read` reads."""
    return Meta(title=expected, extra={"read": read})


def option(name: str) -> Meta:
    """The annotation of a key that an option of the command line sets."""
    return Meta(extra={"option": name})


def _symbol(given: Given, text: str, _expected: str) -> str:
    try:
        return parse_pattern(text) if is_pattern(text) else str(parse_symbol(text))
    except SymbolError as error:
        raise ConfigError(f"{given.place}: {given.key}: {error}{advice(_symbol_meant(text))}") from None


def _symbol_meant(text: str) -> str:
    """The unified symbol behind a venue's spelling such as BTCUSDT or BTC-USDT, or an empty string."""
    plain = re.sub("[-_ ]", "/", text.upper())
    if "/" not in plain:
        quote = next((end for end in _QUOTE_ENDINGS if plain.endswith(end) and plain != end), "")
        plain = f"{plain.removesuffix(quote)}/{quote}"
    try:
        return str(parse_symbol(plain))
    except SymbolError:
        return ""


def _venue(given: Given, text: str, _expected: str) -> str:
    venue = text.lower()
    if venue not in VENUES and not is_external_name(venue):
        raise unknown_venue(given, venue)
    return venue


def unknown_venue(given: Given, venue: str) -> ConfigError:
    """What to raise for a venue id that has no adapter, and is not said to be external."""
    return ConfigError(f"{given.place}: {'.'.join(given.path[:2])}: {why_unknown(venue)}")


def _live_venue(given: Given, text: str, expected: str) -> str:
    venue = _venue(given, text, expected)
    if venue not in VENUES:
        raise unknown_venue(given, venue)
    return venue


def _currency(given: Given, text: str, expected: str) -> str:
    if not (text.isascii() and text.isalnum()):
        raise refusal(given, expected, found=text)
    return text.upper()


def _counted_currency(given: Given, text: str, expected: str) -> str:
    counted = text.upper()
    if not counted.isalnum():
        raise refusal(given, expected)
    if counted == given.path[1]:
        raise refusal(given, f"another currency than {counted} itself")
    return counted


def _rate_market(given: Given, text: str, expected: str) -> str:
    currency = given.path[1]
    expected = expected.replace("the currency", currency)
    venue, colon, pair = text.partition(":")
    if not colon:
        raise refusal(given, expected)
    venue = _live_venue(given, venue, expected)
    try:
        symbol = parse_symbol(pair)
    except SymbolError as error:
        raise refusal(given, f"{expected} ({error})") from None
    if symbol.market is not Market.SPOT or currency not in (symbol.base, symbol.quote):
        raise refusal(given, expected)
    return f"{venue}:{symbol}"


def _url(*schemes: str, path: str, has_query: bool = False) -> Read:
    """A reader of URLs of these schemes whose path is of this form; `has_query` keeps the URL as it was typed."""

    def read(given: Given, text: str, expected: str) -> str:
        near = ""
        try:
            parts = urlsplit(text)
            (parts.hostname or "").encode("idna")  # raises for a name that DNS cannot be asked for
            # The property raises for a port that is no number.
            has_address = parts.path if parts.scheme == "unix" else parts.hostname and parts.port != 0
        except UnicodeError:
            raise refusal(given, f"{expected} ({shown(parts.hostname)} is no valid host name)") from None
        except ValueError:
            raise refusal(given, expected) from None
        is_one_word = not any(character.isspace() for character in text)
        if is_one_word and (parts.scheme not in schemes or "://" not in text):
            near = _url_meant(text, parts, schemes)
        elif is_one_word and has_address:
            fits = parts.scheme == "unix" or re.fullmatch(path, parts.path)
            if fits and (has_query or not parts.query + parts.fragment):
                return text if has_query else f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
            near = _without_path(parts)
        raise refusal(given, expected, near=near)

    return read


def _redis_url(given: Given, text: str, expected: str) -> str:
    if text.partition("://")[0].endswith(("+sentinel", "+cluster")):
        if any(character.isspace() for character in text) or read_redis_url(text) is None:
            raise refusal(given, expected)
        return text
    return _url("redis", "rediss", "unix", path="/*[0-9]*/*", has_query=True)(given, text, expected)


def _alert_name(given: Given, text: str, expected: str) -> str:
    if not re.fullmatch(r"[a-z0-9_-]{1,40}", text):
        raise refusal(given, expected, found=text)
    return text


def _alert_target(given: Given, text: str, expected: str) -> str:
    return _alert_name(given, text.lower(), expected)


def _quiet_hours(given: Given, text: str, expected: str) -> str:
    if given.value == "":
        return text
    hours = r"([01]?\d|2[0-3]):([0-5]\d)"
    found = re.fullmatch(rf"{hours} *- *{hours}", text)
    begin, end = (f"{found[hour]:0>2}:{found[hour + 1]}" for hour in (1, 3)) if found else ("", "")
    if begin == end:
        raise refusal(given, expected)
    return f"{begin}-{end}"


def _service_url(given: Given, text: str, expected: str) -> str:
    if not re.fullmatch(r"[A-Za-z][\w+.-]*://\S+", text):
        raise refusal(given, expected)
    return text


def _webhook_url(given: Given, text: str, expected: str) -> str:
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or any(character.isspace() for character in text):
        raise refusal(given, expected)
    return text


def _ticks_address(given: Given, text: str, expected: str) -> str:
    kind, _, place = text.partition("://")
    if kind == "ipc" and place.startswith("/") and PurePosixPath(place).name:
        return f"ipc://{PurePosixPath(place)}"
    if kind == "ipc" and re.fullmatch(r"[\w-]{1,7}\.sock", place, re.ASCII) and place != REDIS_SOCKET:
        return text
    host, _, port = place.rpartition(":")
    is_port = port.isascii() and port.isdigit() and 0 < int(port[:6]) < 1 << 16
    if kind == "tcp" and is_port and re.fullmatch(r"localhost|127(\.\d{1,3}){3}", host):
        return f"tcp://{host.replace('localhost', '127.0.0.1')}:{int(port)}"
    raise refusal(given, expected)


def _api_address(given: Given, text: str, expected: str) -> str:
    host, _, port = text.replace("localhost:", "127.0.0.1:").rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    try:
        is_address = host == (f"[{bare}]" if ip_address(bare).version == 6 else bare)
    except ValueError:
        is_address = False
    if not is_address or not re.fullmatch(r"\d{1,5}", port, re.ASCII) or int(port) >= 1 << 16:
        raise refusal(given, expected)
    return f"{host}:{int(port)}"


def _host_name(given: Given, text: str, expected: str) -> str:
    if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:]+\]", text.lower(), re.ASCII):
        raise refusal(given, expected, found=text)
    return text.lower()


def _origin(given: Given, text: str, expected: str) -> str:
    if not re.fullmatch(r"https?://[a-z0-9._-]+(:\d{1,5})?", text.lower(), re.ASCII):
        raise refusal(given, expected, found=text)
    return text.lower()


def _token_secret(given: Given, text: str, expected: str) -> str:
    if given.value != "" and len(text.encode()) < LEAST_SECRET_BYTES:
        raise refusal(given, expected)
    return text


def _otlp_url(given: Given, text: str, expected: str) -> str:
    if "@" in text:
        raise refusal(given, expected, found=redacted(text))
    return _url("https", "http", path="/.+")(given, text, expected) if text else ""


def _without_path(parts: SplitResult) -> str:
    """Scheme, host and port; empty where a password with a `/`, `?` or `#` in it may stand in their place."""
    after_host = parts.path + parts.query + parts.fragment
    return "" if "@" in after_host else redacted(f"{parts.scheme}://{parts.netloc}")


def _url_meant(text: str, parts: SplitResult, schemes: tuple[str, ...]) -> str:
    """The URL with the closest valid scheme, or an empty string."""
    if "://" not in text:
        return f"{schemes[0]}://{redacted(text)}" if text[:1].isalnum() else ""
    meant = _SCHEME_MEANT.get(parts.scheme, "")
    meant = meant if meant in schemes else nearest(parts.scheme, schemes)
    return redacted(f"{meant}://{parts.netloc}") if meant else ""


def _node_name(given: Given, text: str, expected: str) -> str:
    if text and not re.fullmatch(NODE_NAME, text):
        raise refusal(given, expected)
    return text


SymbolText = Annotated[str, kind("a symbol", _symbol)]
Symbols = Annotated[tuple[SymbolText, ...], Meta(title='a list of symbols, as in ["BTC/USDT"]')]
VenueId = Annotated[str, kind(f"a list of venues out of {', '.join(OPEN_VENUES)}", _venue)]
Currency = Annotated[str, kind('currencies by their code, as in USD = "USDT"', _currency)]
CountedCurrency = Annotated[
    str, kind('a currency, as in "USDT", or a live rate, as in { convert = "kraken:USDT/USD" }', _counted_currency)
]
RateMarket = Annotated[
    str, kind('VENUE:BASE/QUOTE, a spot market of the currency as in "kraken:USDT/USD"', _rate_market)
]
RateMarkets = Union[  # noqa: UP007  # mypy takes | of annotated types for no type
    RateMarket,
    Annotated[tuple[RateMarket, ...], Meta(title="a list of such markets, the preferred one first")],
]
WsUrl = Annotated[
    str,
    kind("ws:// or wss:// with host and port and no path, which the adapter adds", _url("wss", "ws", path="/?")),
]
RestUrl = Annotated[str, kind("http:// or https:// with host and port", _url("https", "http", path=".*"))]
OtlpUrl = Annotated[
    str,
    kind("a URL such as http://127.0.0.1:4318/v1/traces, with its path and without a password", _otlp_url),
]
TicksAddress = Annotated[
    str,
    kind(
        "ipc://NAME.sock with a name of at most 7 letters, ipc:///PATH, or tcp://127.0.0.1:PORT, since other machines "
        "may not send",
        _ticks_address,
    ),
]
ApiAddress = Annotated[
    str,
    kind(
        "ADDRESS:PORT, as in 127.0.0.1:8787 or [::1]:8787, with port 0 for any that is free",
        _api_address,
    ),
]
HostNames = Annotated[
    tuple[Annotated[str, kind('a list of host names without a port, as in ["node.example.org"]', _host_name)], ...],
    Meta(extra={"may_be_empty": True}),
]
Origins = Annotated[
    tuple[Annotated[str, kind('a list of origins, as in ["https://example.org"]', _origin)], ...],
    Meta(extra={"may_be_empty": True}),
]
FilePath = Annotated[str, Meta(title='the path of a file, or "" for none')]
TokenSecret = Annotated[str, kind(f"a text of at least {LEAST_SECRET_BYTES} bytes", _token_secret)]
RedisUrl = Annotated[
    str,
    kind(
        "redis://HOST:PORT/DATABASE, rediss:// for TLS, or unix:///PATH, where DATABASE is a number; "
        "redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DATABASE or redis+cluster://HOST:PORT,HOST:PORT",
        _redis_url,
    ),
]
NodeName = Annotated[str, kind(NODE_NAME_EXPECTED, _node_name)]
ThresholdPct = Annotated[float, Meta(ge=LOWEST_THRESHOLD_PCT, le=HIGHEST_THRESHOLD_PCT)]
Port = Annotated[int, Meta(ge=0, le=65535, title="a port from 1 to 65535, or 0 for none")]
AlertName = Annotated[
    str, kind("tables by names of yours, of small letters, digits, - and _, as in [alerts.rules.btc]", _alert_name)
]
AlertTarget = Annotated[str, kind('"bell", "desktop" or the name of a target', _alert_target)]
QuietHours = Annotated[str, kind('two times of day as in "23:00-07:00", or "" for none', _quiet_hours)]
ServiceUrl = Annotated[str, kind("a URL that the library apprise knows, as in tgram://TOKEN/CHAT", _service_url)]
WebhookUrl = Annotated[str, kind("http:// or https:// with a host", _webhook_url)]
