"""Numbers, ages and times as text. Pure; columns decide the widths."""

import math
import time

from arbsniper_tui.model.fact import Funding
from arbsniper_tui.model.health import RedisHealth, RedisState
from arbsniper_tui.model.number import MOST_DECIMALS
from arbsniper_tui.model.number import number as number  # for those who import this module
from arbsniper_tui.model.threshold import threshold_words

_SCALES = ((1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T"))
_VOLUMES = ((1e3, " kB"), (1e6, " MB"), (1e9, " GB"), (1e12, " TB"))


def decimals_of(price: float, at_least: int = 0) -> int:
    """The decimals that show `price` unrounded, never fewer than `at_least`, never more than eight."""
    if not math.isfinite(price):
        return at_least
    decimals = at_least
    while decimals < MOST_DECIMALS and round(price, decimals) != price:
        decimals += 1
    return decimals


def converted_decimals(price: float) -> int:
    """The decimals of a price that no venue shows: six digits in all, and two decimals at least."""
    return max(2, min(MOST_DECIMALS, 5 - _magnitude(price)))


def converted(price: float, decimals: int) -> str:
    """A price in another currency than the venue's own, marked as such."""
    return f"≈{number(price, decimals)}"


def money(value: float, width: int = 99) -> str:
    """A signed amount to two decimals, or as many as its first two digits need: `+23.10`, `-0.0042`, `+1.2M`; with
    fewer where it would be wider than `width`."""
    decimals = max(2, min(MOST_DECIMALS, 1 - _magnitude(value)))
    text = f"{value:+,.{decimals}f}"
    while len(text) > width and decimals:
        decimals -= 1
        text = f"{value:+,.{decimals}f}"
    if round(abs(value), 2) >= 1e6 or len(text) > width:
        return f"{'-' if value < 0 else '+'}{amount(abs(value), 2, 8)}"
    return text if text.strip("-+0.,") else "+0.00"


def money_in(currency: str, value: float, width: int) -> str:
    """An amount and its currency in `width` cells, the amount as exact as the currency leaves room for."""
    return f"{money(value, width - len(currency) - 1)} {currency}"


def _magnitude(value: float) -> int:
    """The power of ten of the first digit; 0 where there is none."""
    return math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0


def size_decimals(price: float) -> int:
    """The decimals of a size in coins at which its last digit is worth about one unit of the quote currency."""
    if not (0.0 < price < math.inf):
        return 4
    return max(0, min(5, int(math.log10(price))))


def amount(value: float, decimals: int, width: int) -> str:
    """A size in at most `width` characters: with fixed decimals, or else in thousands, millions ..."""
    text = number(value, decimals)
    if len(text) <= width or not math.isfinite(value):
        return text
    return _scaled(value, _SCALES) if value >= 1000 else f"{value:.{max(0, width - 2)}g}"


def _scaled(value: float, scales: tuple[tuple[float, str], ...]) -> str:
    """The value with one decimal, in the first of the scales in which it rounds to less than 1000."""
    scale, unit = next((each for each in scales if round(value / each[0], 1) < 1000), scales[-1])
    return f"{value / scale:.1f}{unit}"


def pct(value: float, decimals: int = 3, width: int = 99) -> str:
    """Signed, with fewer decimals where it would not fit; a value that rounds to zero carries a plus."""
    text = f"{value:+.{decimals}f}"
    if len(text) > width and decimals:
        return pct(value, decimals - 1, width)
    return text if text.strip("-0.") else text.replace("-", "+")


def funding(told: Funding) -> str:
    """A rate in percent, and what it is for: `+0.0100/8h`; `+0.0100` where the interval is not known."""
    rate = pct(told.rate_pct, 4, 7)
    return rate if told.interval_h is None else f"{rate}/{told.interval_h:g}h"


def threshold(threshold_pct: float) -> str:
    """At least two decimals: `0.50%`, `0.125%`."""
    return threshold_words(threshold_pct)


def count(value: float) -> str:
    return f"{value:,.0f}"


def age(age_ms: float) -> str:
    """At most five characters, coarser the older: `<0.1s`, `0.4s`, `12s`, `3m`, `2h`, `5d`."""
    seconds = max(0.0, age_ms) / 1000
    if seconds < 0.1:
        return "<0.1s"
    if seconds < 1.0:
        return f"{int(seconds * 10) / 10:.1f}s"
    return span(seconds, parts=1)


def span(seconds: float, parts: int = 2) -> str:
    """A length of time in its `parts` largest units: `42s`, `3m 10s`, `2h 5m`."""
    whole = max(0, int(seconds))
    units = ((whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "m"), (whole % 60, "s"))
    first = next((i for i, (value, _) in enumerate(units) if value), len(units) - 1)
    shown = [f"{value}{unit}" for value, unit in units[first : first + parts]]
    return " ".join(shown)


def micros(value_us: float) -> str:
    """A stage's time in at most five characters: `12µs`, `1.2ms`, `340ms`, `2.1s`."""
    if value_us < 999.5:
        return f"{value_us:.0f}µs"
    if value_us < 9_950:
        return f"{value_us / 1e3:.1f}ms"
    if value_us < 999_500:
        return f"{value_us / 1e3:.0f}ms"
    return f"{value_us / 1e6:.1f}s" if value_us < 99.95e6 else f"{value_us / 1e6:.0f}s"


def millis(value_ms: float | None) -> str:
    """`-3.2ms`, `340ms`; one that rounds to zero has no minus."""
    if value_ms is None:
        return "-"
    # Adding zero turns a negative zero positive.
    return f"{round(value_ms, 1) + 0.0:.1f}ms" if abs(value_ms) < 99.95 else f"{value_ms:.0f}ms"


def clock(ts_ms: float) -> str:
    """Wall time in the local zone: `14:03:22.417`."""
    seconds, rest_ms = divmod(int(ts_ms), 1000)
    return f"{time.strftime('%H:%M:%S', time.localtime(seconds))}.{rest_ms:03d}"


def volume(size_bytes: float) -> str:
    """`999 B`, `8.4 MB`."""
    return f"{size_bytes:.0f} B" if size_bytes < 999.5 else _scaled(size_bytes, _VOLUMES)


def redis(health: RedisHealth) -> str:
    """The sink in a few words: `redis url :6379 up`, `redis embedded up`, `redis away, 12 waiting`, `redis off`."""
    if health.state is RedisState.OFF:
        return "redis off"
    if health.state is RedisState.UP:
        port = health.address.rpartition(":")[2].partition("/")[0]
        where = f":{port}" if port.isdigit() else ""  # a Unix socket's path is too long here
        words = ["redis", health.source, where, "up"]
        text = " ".join(word for word in words if word)
    else:
        text = f"redis {health.state.value}"
    if health.waiting:
        text += f", {count(health.waiting)} waiting"
    if health.lost:
        text += f", {count(health.lost)} lost"
    return text


def multiplier(coins: int) -> str:
    """How many coins a venue sells as one, such as x1000; empty where it sells them one by one."""
    if coins == 1:
        return ""
    if coins % 1_000_000 == 0:
        return f"x{coins // 1_000_000}M"
    return f"x{coins}" if coins < 10_000 else f"x{coins // 1000}k"
