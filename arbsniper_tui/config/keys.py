"""Every key that can be set, how it is read, and what is said of a key that does not exist."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

from arbsniper_tui.config import readers
from arbsniper_tui.config.given import Given, is_secret, nearest, refusal, shown
from arbsniper_tui.config.readers import Reader, choice, choices, number
from arbsniper_tui.config.settings import Basis, RedisMode, RouteKind
from arbsniper_tui.config.venue_names import refuse_venue
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.threshold import THRESHOLD_EXPECTED, is_threshold
from arbsniper_tui.venues import VENUES

ENVIRONMENT_PREFIX = "ARBSNIPER_"
ANY = "*"
"""In a path, stands for a venue id or a currency."""

_BY_MARKET: Mapping[str, Reader] = {
    "ws_url": readers.ws_url,
    "rest_url": readers.rest_url,
    "taker_fee_pct": number("a percentage from 0 to 100, as in 0.1", lambda value: 0 <= value <= 100),
}

_KEYS: dict[tuple[str, ...], Reader] = {
    ("symbols",): readers.symbols,
    ("signals", "threshold_pct"): number(f"{THRESHOLD_EXPECTED}, as in 0.5", is_threshold),
    ("signals", "basis"): choice(*get_args(Basis)),
    ("signals", "routes"): choices(*get_args(RouteKind)),
    ("signals", "max_quote_age_ms"): number("a number of ms above 0", lambda value: value > 0),
    ("signals", "cooldown_s"): number("a number of seconds, at least 0", lambda value: value >= 0),
    ("signals", "max_spread_pct"): number("a percentage above 0, as in 20", lambda value: value > 0),
    ("quotes", ANY): readers.counted_currency,
    ("quotes", ANY, "convert"): readers.conversion,
    ("venues",): readers.venue_list,
    ("venues", ANY): readers.venue_table,
    **{("venues", ANY, name): reader for name, reader in _BY_MARKET.items()},
    ("venues", ANY, "symbols"): readers.symbols,
    ("redis", "url"): readers.redis_url,
    ("redis", "mode"): choice(*get_args(RedisMode)),
    ("redis", "embedded_port"): readers.port,
    ("ui", "refresh_hz"): number("a number from 1 to 30", lambda value: 1 <= value <= 30),
    **{("venues", ANY, name, str(market)): reader for name, reader in _BY_MARKET.items() for market in Market},
}
KEYS: Mapping[tuple[str, ...], Reader] = MappingProxyType(_KEYS)
SECTIONS = ("signals", "quotes", "venues", "redis", "ui")


def read(given: Given) -> object:
    """The value as the settings hold it. Raises ConfigError for a key or a value that does not fit."""
    pattern = pattern_of(given.path)
    if pattern[:2] == ("venues", ANY) and given.path[1] not in VENUES:
        raise refuse_venue(given, given.path[1])
    reader = KEYS.get(pattern)
    if reader is None:
        raise _no_such_key(given)
    if given.path[0] == "quotes" and not (given.path[1].isascii() and given.path[1].isalnum()):
        raise refusal(given, 'currencies by their code, as in USD = "USDT"', found=given.path[1])
    if len(pattern) == 4:
        _require_market(given)
    return reader(given)


def _require_market(given: Given) -> None:
    venue, market = given.path[1], given.path[3]
    markets = [str(declared.market) for declared in VENUES[venue].markets]
    if market not in markets:
        raise ConfigError(
            f"{given.place}: {given.key}: {venue} has no {market} market, expected one of {', '.join(markets)}"
        )


def pattern_of(path: tuple[str, ...]) -> tuple[str, ...]:
    """The path with ANY in place of a venue id or a currency."""
    return (path[0], ANY, *path[2:]) if path[0] in ("quotes", "venues") and len(path) > 1 else path


def _no_such_key(given: Given) -> ConfigError:
    path = given.path
    beside = _keys_of(pattern_of(path)[:-1])
    if len(path) == 1 and path[0] in SECTIONS:
        keys = ", ".join(_keys_of(path)) or 'currencies, as in USD = "USDT"'
        return refusal(given, f"a table [{path[0]}] with {keys}")
    for length in range(1, len(path)):
        if _is_last(pattern_of(path[:length])):
            return ConfigError(f"{given.place}: {'.'.join(path[:length])}: found a table, expected one value")
    near = _key_meant(given, beside)
    expected = beside or _keys_of(())
    found = given.key if is_secret(given.key) else f"{given.key} = {shown(given.value)}"
    return ConfigError(
        f"{given.place}: found unknown key {found}, "
        f"expected one of {', '.join(expected)}{f'; did you mean {near}?' if near else ''}"
    )


def _is_last(pattern: tuple[str, ...]) -> bool:
    """Whether the pattern is a key below which there is nothing."""
    return pattern in KEYS and not any(path[:-1] == pattern for path in KEYS)


def _keys_of(parent: tuple[str, ...]) -> list[str]:
    """The names of the keys and sections directly below a path."""
    below = (path[len(parent)] for path in KEYS if path[: len(parent)] == parent and len(path) > len(parent))
    return [name for name in dict.fromkeys(below) if name != ANY]


def _key_meant(given: Given, beside: list[str]) -> str:
    """The valid key closest to an unknown one, as its source spells it, or an empty string."""
    parent, name = given.path[:-1], given.path[-1]
    fixed = [path for path in KEYS if ANY not in path] + [("quotes",)]
    elsewhere = [path for path in fixed if path[-1] == name]
    if parent and (near := nearest(name, beside)):
        meant = (*parent, near)
    elif elsewhere:
        meant = elsewhere[0]
    else:
        # In a section that exists, a key like none of its own is not made into one by the section's name.
        spelled = {"_".join(path): path for path in fixed if parent != path[:-1] or not parent}
        meant = spelled.get(nearest("_".join(given.path), spelled), ())
    if not meant:
        return ""
    if given.origin.startswith("environment"):
        return environment_name(meant)
    above = ", above the first [table]" if len(meant) == 1 < len(given.path) else ""
    return ".".join(meant) + above


def environment_name(path: tuple[str, ...]) -> str:
    """The environment variable that overrides a key."""
    return ENVIRONMENT_PREFIX + "__".join(path).upper()
