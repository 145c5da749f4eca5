"""A key needs its declaration alone: what is expected in words, and how a value is read, follow from its type."""

from typing import Annotated, Literal

import pytest
from msgspec import Meta, Struct

from arbsniper_tui.config import keys
from arbsniper_tui.config.given import Given
from arbsniper_tui.config.keys import Key, declared
from arbsniper_tui.config.kinds import Symbols, SymbolText
from arbsniper_tui.config.reading import fitted
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.model.threshold import THRESHOLD_EXPECTED


class Made(Struct):
    enabled: bool = False
    name: str = ""
    names: tuple[str, ...] = ()
    wait_s: Annotated[float, Meta(gt=0)] = 2.5
    share_pct: Annotated[float, Meta(ge=0, le=100, examples=[40])] = 0.0
    retries: Annotated[int, Meta(ge=0)] = 3
    lines: Annotated[int, Meta(ge=1, le=9)] | Literal["all"] = "all"
    either: SymbolText | Symbols = ()


KEYS: dict[str, Key] = {path[0]: key for path, key in declared((), Made)}


def read(name: str, value: object, is_text: bool = False) -> object:
    given = Given((name,), value, "file f.toml", "f.toml", is_text)
    return fitted(given, value, KEYS[name].kind, KEYS[name].expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("enabled", "true or false"),
        ("name", "a text"),
        ("names", "a list of texts"),
        ("wait_s", "a number of seconds above 0, as in 2.5"),
        ("share_pct", "a percentage from 0 to 100, as in 40"),
        ("retries", "a whole number, at least 0, as in 3"),
        ("lines", "all or a whole number from 1 to 9"),
        ("either", 'a symbol or a list of symbols, as in ["BTC/USDT"]'),
    ],
)
def test_what_is_expected_follows_from_type_bounds_unit_and_example(name: str, expected: str) -> None:
    assert KEYS[name].expected == expected


def test_a_threshold_is_expected_in_the_words_of_the_screen() -> None:
    assert keys.KEYS["signals", "threshold_pct"].expected.startswith(THRESHOLD_EXPECTED)


@pytest.mark.parametrize(
    ("name", "value", "is_text", "found"),
    [
        ("enabled", True, False, True),
        ("name", "a, B", True, "a, B"),
        ("names", "a, B", True, ["a", "B"]),
        ("wait_s", 1, False, 1.0),
        ("retries", "12", True, 12),
        ("lines", "ALL", False, "all"),
        ("lines", "7", True, 7),
        ("either", "btc/usdt", False, "BTC/USDT"),
        ("either", ["btc/usdt"], False, ["BTC/USDT"]),
    ],
)
def test_a_value_is_read_as_its_type(name: str, value: object, is_text: bool, found: object) -> None:
    assert read(name, value, is_text) == found
    assert type(read(name, value, is_text)) is type(found)


@pytest.mark.parametrize(
    ("name", "value", "is_text"),
    [
        ("enabled", "yes", True),
        ("enabled", 1, False),
        ("name", 1, False),
        ("names", ["a", 1], False),
        ("wait_s", float("inf"), False),
        ("wait_s", "1_0", True),
        ("retries", 1.5, False),
        ("retries", "7", False),
        ("lines", 10, False),
        ("lines", [1], False),
    ],
)
def test_a_value_of_another_type_or_out_of_bounds_is_refused(name: str, value: object, is_text: bool) -> None:
    with pytest.raises(ConfigError, match=f"^f.toml: {name}: found .*, expected {KEYS[name].expected}$"):
        read(name, value, is_text)
