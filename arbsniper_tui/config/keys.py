"""Every key that can be set, as a table made from the declaration in settings.py, with what is expected in words."""

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import fields

from arbsniper_tui.config.given import KeyPath
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.model.instrument import Market

ENVIRONMENT_PREFIX = "ARBSNIPER_"
ANY = "*"
"""In a path, stands for a name that the user gives: a venue id, a currency, the name of a rule."""
_OTHERS = {bool: "true or false", str: "a text"}
_UNITS = {"pct": "a percentage", "ms": "a number of ms", "s": "a number of seconds"}


class Key(Struct, frozen=True):
    """One key as it is declared."""

    kind: Any
    """The type of its value, annotations included."""
    expected: str
    """What a value has to be, in words."""
    default: object
    """`msgspec.NODEFAULT` for a key that has none."""
    option: str
    """The option of the command line that sets it; empty for none."""


def bare_kind(kind: Any) -> Any:
    """A type without its annotations."""
    return kind.__origin__ if get_origin(kind) is Annotated else kind


def noted(kind: Any, name: str) -> Any:
    """What the annotations of a type say under a name of `Meta` or in its `extra`; None for nothing."""
    notes = getattr(kind, "__metadata__", ())
    said = (getattr(note, name) if hasattr(Meta, name) else (note.extra or {}).get(name) for note in notes)
    return next((each for each in said if each is not None), None)


def alternatives(kind: Any) -> tuple[Any, ...]:
    """The members of a union; another type alone."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def choices(kind: Any) -> list[str]:
    """The words that a type takes."""
    words = map(bare_kind, alternatives(kind))
    return [name for each in words if get_origin(each) is Literal for name in get_args(each)]


def is_struct(kind: Any) -> bool:
    """Whether values of this type are tables with declared keys."""
    return isinstance(kind, type) and issubclass(kind, Struct)


def declared(path: KeyPath, kind: Any, default: object = NODEFAULT) -> Iterator[tuple[KeyPath, Key]]:
    """The keys at a path of the declaration and below it."""
    values: list[Any] = []
    below: dict[str, tuple[Any, object]] = {}
    for each in alternatives(kind):
        bare = bare_kind(each)
        if is_struct(bare):
            below |= {field.encode_name: (field.type, field.default) for field in fields(bare)}
        elif get_origin(bare) is dict:
            names, inner = get_args(bare)
            below |= {str(name): (inner, default) for name in (Market if names is Market else (ANY,))}
            if is_struct(inner) and noted(kind, "option"):
                # Outside a file, a list of their names turns tables on.
                values.append(tuple[names, ...])  # type: ignore[valid-type]  # a type made here
        elif each is not NoneType:
            values.append(each)
    if path[-1:] == (ANY,) and not values:
        values.append(kind)  # an empty table, which turns it on
    if values:
        value = Union[tuple(values)]  # type: ignore[valid-type]  # noqa: UP007  # a type made here
        yield path, Key(value, _expected(path, value, default), default, noted(kind, "option") or "")
    for name, (inner, inner_default) in below.items():
        yield from declared((*path, name), inner, inner_default)


def _expected(path: KeyPath, kind: Any, default: object) -> str:
    """What a value of this type has to be."""
    if title := noted(kind, "title"):
        return str(title)
    bare = bare_kind(kind)
    if get_origin(bare) is tuple:
        (item, _) = get_args(bare)
        return str(noted(item, "title") or f"a list of {', '.join(choices(item)) or 'texts'}")
    if bare in (int, float):
        return _number_expected(path, kind, default)
    others = [each for each in alternatives(kind) if get_origin(each) is not Literal and each is not kind]
    words = choices(kind) + [_expected(path, each, default) for each in others]
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:]))) or _OTHERS.get(bare, "a table")


def _number_expected(path: KeyPath, kind: Any, default: object) -> str:
    """`a percentage from 0 to 100, as in 0.5`: the unit is that in the key's name."""
    units = (_UNITS.get(name.rpartition("_")[2]) for name in reversed(path))
    noun = next(filter(None, units), "a whole number" if bare_kind(kind) is int else "a number")
    above, least, most = (noted(kind, bound) for bound in ("gt", "ge", "le"))
    bounds = f" above {above:g}" if above is not None else f", at least {least:g}" if least is not None else ""
    if least is not None and most is not None:
        bounds = f" from {least:g} to {most:g}"
    (example, *_) = noted(kind, "examples") or (default,)
    as_in = f", as in {example:g}" if isinstance(example, int | float) and example else ""
    return f"{noun}{bounds}{as_in}"


KEYS = dict(declared((), Settings))
OPTIONS = {".".join(path): key.option for path, key in KEYS.items() if key.option}
"""Dotted key -> the option that sets it."""
SECTIONS = tuple(dict.fromkeys(path[0] for path in KEYS if len(path) > 1))


def _named(above: KeyPath, table: type[Struct]) -> Iterator[tuple[KeyPath, Any]]:
    for field in fields(table):
        path, kind = (*above, field.encode_name), bare_kind(field.type)
        if get_origin(kind) is dict:
            yield path, get_args(kind)[0]
        elif is_struct(kind):
            yield from _named(path, kind)


NAMES: dict[KeyPath, Any] = dict(_named((), Settings))
"""Table -> the type of its names, where users name the keys or tables in it."""


def pattern_of(path: KeyPath) -> KeyPath:
    """The path with ANY in place of a name that the user gives."""
    table = next((each for each in NAMES if path[: len(each)] == each and len(path) > len(each)), None)
    return path if table is None else (*table, ANY, *path[len(table) + 1 :])


def keys_below(parent: KeyPath) -> list[str]:
    """The names of the keys and sections directly below a path."""
    below = (path[len(parent)] for path in KEYS if path[: len(parent)] == parent and len(path) > len(parent))
    return [name for name in dict.fromkeys(below) if name != ANY]


def environment_name(path: KeyPath) -> str:
    """The environment variable that overrides a key."""
    return ENVIRONMENT_PREFIX + "__".join(path).upper()
