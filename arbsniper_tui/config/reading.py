"""From a value as it was given to the one that the settings hold, or the message that says why it does not fit."""

from math import isfinite
from typing import Any, Union, get_args, get_origin

import msgspec

from arbsniper_tui.config.given import Given, advice, nearest, refusal, shown
from arbsniper_tui.config.keys import (
    ANY,
    KEYS,
    NAMES,
    SECTIONS,
    alternatives,
    bare_kind,
    choices,
    environment_name,
    is_struct,
    keys_below,
    noted,
    pattern_of,
)
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.model.number import read_number
from arbsniper_tui.venues import VENUES


def read(given: Given) -> object:
    """The value as the settings hold it. Raises ConfigError for a key or a value that does not fit."""
    pattern = pattern_of(given.path)
    if ANY in pattern:
        at = pattern.index(ANY)
        names = NAMES[pattern[:at]]
        if given.path[at] != given.path[at].strip():
            raise refusal(given, noted(names, "title"), found=given.path[at])
        fitted(given, given.path[at], names, noted(names, "title"))
    key = KEYS.get(pattern)
    if key is None:
        raise _no_such_key(given)
    if given.path == ("venues",) and not given.is_text:
        raise refusal(given, f"a table for each venue, as in [venues.{next(iter(VENUES))}]")
    if (
        pattern[0] == "venues"
        and len(pattern) == 4
        and (market := given.path[3]) not in (markets := Settings().markets_of(given.path[1]))
    ):
        has = f"{given.path[1]} has no {market} market, expected one of {', '.join(markets)}"
        raise ConfigError(f"{given.place}: {given.key}: {has}")
    return fitted(given, given.value, key.kind, key.expected)


def fitted(given: Given, value: object, kind: Any, expected: str) -> object:
    """The value, or one item of a list, as this type has it. Raises ConfigError where it does not fit."""
    if len(alternatives(kind)) > 1:
        is_list = isinstance(value, list)
        fit = [each for each in alternatives(kind) if (get_origin(bare_kind(each)) is tuple) == is_list]
        kind = Union[tuple(fit)] if fit else kind  # noqa: UP007  # of as many as there are
    bare = bare_kind(kind)
    if is_struct(bare):
        if value != {}:
            raise refusal(given, f"a table [{given.key}]")
        return value
    if text_reader := noted(kind, "read"):
        if not isinstance(value, str):
            raise refusal(given, expected)
        return text_reader(given, value.strip(), expected)
    if get_origin(bare) is tuple:
        if value == [] and noted(kind, "may_be_empty"):
            return []
        items = [fitted(given, item, get_args(bare)[0], expected) for item in _texts(given, expected)]
        return list(dict.fromkeys(items))
    words = choices(kind)
    fitting = value
    if isinstance(value, str):
        word = value.strip().lower()
        number = read_number(word) if given.is_text else None
        if word in words:
            fitting = word
        elif number is not None and {int, float} & {bare_kind(each) for each in alternatives(kind)}:
            fitting = int(number) if number.is_integer() else number
    try:
        fitting = msgspec.convert(fitting, kind)
    except msgspec.ValidationError:
        raise refusal(given, expected, found=value, near=nearest(str(value), words)) from None
    if isinstance(fitting, float) and not isfinite(fitting):
        raise refusal(given, expected)
    return fitting


def _texts(given: Given, expected: str) -> list[str]:
    """The items of a list of texts, not empty; bare text is split at its commas."""
    items = given.value if isinstance(given.value, list | tuple) else [given.value] if given.is_text else []
    for item in items:
        if not isinstance(item, str):
            raise refusal(given, expected, found=item)
    texts = [text.strip() for item in items for text in (str(item).split(",") if given.is_text else [str(item)])]
    texts = [text for text in texts if text or not given.is_text]
    if not texts:
        raise refusal(given, expected)
    return texts


def _no_such_key(given: Given) -> ConfigError:
    path = given.path
    beside = keys_below(pattern_of(path)[:-1])
    if path in NAMES or len(path) == 1 and path[0] in SECTIONS:
        keys = ", ".join(keys_below(path)) or noted(NAMES[path], "title")
        return refusal(given, f"a table [{given.key}] with {keys}")
    for length in range(1, len(path)):
        pattern = pattern_of(path[:length])
        if pattern in KEYS and not any(key[:-1] == pattern for key in KEYS):
            return ConfigError(f"{given.place}: {'.'.join(path[:length])}: found a table, expected one value")
    expected = beside or keys_below(())
    found = given.key if given.is_hidden else f"{given.key} = {shown(given.value)}"
    return ConfigError(
        f"{given.place}: found unknown key {found}, "
        f"expected one of {', '.join(expected)}{advice(_key_meant(given, beside))}"
    )


def _key_meant(given: Given, beside: list[str]) -> str:
    """The valid key closest to an unknown one, as its source spells it, or an empty string."""
    parent, name = given.path[:-1], given.path[-1]
    fixed = [path for path in KEYS if ANY not in path] + [("quotes",)]
    # In a section that exists, a key like none of its own is not made into one by the section's name.
    spelled = {"_".join(path): path for path in fixed if parent != path[:-1] or not parent}
    meant = [(*parent, near) for near in [nearest(name, beside)] if parent and near]
    meant += [path for path in fixed if path[-1] == name]
    meant += [spelled[near] for near in [nearest("_".join(given.path), spelled)] if near]
    if not meant:
        return ""
    if given.origin.startswith("environment"):
        return environment_name(meant[0])
    return ".".join(meant[0]) + (", above the first [table]" if len(meant[0]) == 1 < len(given.path) else "")
