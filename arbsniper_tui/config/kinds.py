"""The types of settings that a plain type and its bounds do not describe: each with the words for what is expected,
and the function that reads its text.
"""

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from msgspec import Meta

from arbsniper_tui.config.given import Given, advice, nearest, redacted, refusal, shown
from arbsniper_tui.config.venue_names import why_unknown
from arbsniper_tui.model.errors import ConfigError, SymbolError
from arbsniper_tui.model.instrument import Market, parse_symbol
from arbsniper_tui.model.pattern import is_pattern, parse_pattern
from arbsniper_tui.model.threshold import HIGHEST_THRESHOLD_PCT, LOWEST_THRESHOLD_PCT
from arbsniper_tui.venues import OPEN_VENUES, VENUES

Read = Callable[[Given, str, str], str]
"""Takes what was given, the text in question and what is expected; returns the text as the settings hold it.
Raises ConfigError."""

_QUOTE_ENDINGS = ("USDT", "USDC", "USD", "EUR", "BTC", "ETH")
_SCHEME_MEANT = {"http": "ws", "https": "wss", "ws": "http", "wss": "https"}


def kind(expected: str, read: Read) -> Meta:
    """The annotation of a text that `read` reads."""
    return Meta(title=expected, extra={"read": read})


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
    if venue not in VENUES:
        raise ConfigError(f"{given.place}: {'.'.join(given.path[:2])}: {why_unknown(venue)}")
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
    venue = _venue(given, venue, expected)
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
WsUrl = Annotated[
    str,
    kind("ws:// or wss:// with host and port and no path, which the adapter adds", _url("wss", "ws", path="/?")),
]
RestUrl = Annotated[str, kind("http:// or https:// with host and port", _url("https", "http", path=".*"))]
RedisUrl = Annotated[
    str,
    kind(
        "redis://HOST:PORT/DATABASE, rediss:// for TLS, or unix:///PATH, where DATABASE is a number",
        _url("redis", "rediss", "unix", path="/*[0-9]*/*", has_query=True),
    ),
]
ThresholdPct = Annotated[float, Meta(ge=LOWEST_THRESHOLD_PCT, le=HIGHEST_THRESHOLD_PCT)]
Port = Annotated[int, Meta(ge=0, le=65535, title="a port from 1 to 65535, or 0 for none")]
