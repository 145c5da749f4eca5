"""The three places settings come from, file, environment and options, each read into values with their origin."""

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from platformdirs import user_config_path

from arbsniper_tui.config.given import Given, advice, nearest, redacted, redacted_line
from arbsniper_tui.config.keys import ENVIRONMENT_PREFIX, OPTIONS, SECTIONS
from arbsniper_tui.model.errors import ConfigError

FILE_NAME = "arbsniper.toml"
LARGEST_BYTES = 1 << 20
"""Of a file: a list of every symbol of every venue takes a tenth of it."""
_TOML_POSITION = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


def find_file(config: Path | None) -> Path | None:
    """The file to read: `config`, else ./arbsniper.toml, else the user's; None where there is none.

    Raises ConfigError for a `config` that does not exist, and where a folder may not be looked into.
    """
    users = user_config_path("arbsniper-tui") / FILE_NAME
    try:
        if config is None:
            return next((path for path in (Path(FILE_NAME), users) if path.is_file()), None)
        if config.exists():
            return config
        beside = [path.name for path in config.parent.iterdir()] if config.parent.is_dir() else []
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be looked at: {error.strerror}") from error
    near = nearest(config.name, beside)
    meant = advice(str(config.parent / near)) if near else ""
    places = f"without --config: ./{FILE_NAME}, then {users}"
    raise ConfigError(f"--config {config}: found no such file, expected a TOML file ({places}){meant}")


def from_file(path: Path) -> list[Given]:
    """The values of a TOML file. Raises ConfigError with line and column for what is no TOML."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise ConfigError(
                f"{path}: found more than {LARGEST_BYTES} bytes, expected a TOML file of at most that size"
            )
        # Some editors put a byte order mark first, which TOML does not know.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: found bytes that are not UTF-8 at position {error.start}, expected a TOML file in UTF-8"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}, expected a TOML file") from error
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(_not_toml(path, text, str(error))) from error
    return list(leaves((), tables, f"file {path}", str(path)))


def as_it_lies(path: Path) -> tuple[int, ...]:
    """Tells one state of a file from the next. Raises ConfigError for what is not there, or no file that can be read
    again."""
    try:
        found = os.stat(path)  # noqa: PTH116  # beside os.access
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{path}: found no regular file, expected one, since it is read again")
        if not os.access(path, os.R_OK):
            raise ConfigError(f"{path}: cannot be read: Permission denied, expected a TOML file")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}, expected a TOML file") from error
    return found.st_ino, found.st_size, found.st_mtime_ns


def from_texts(texts: Mapping[str, str], origin: str) -> list[Given]:
    """The values of keys that viewers set, each as text by its dotted key; wider keys before narrower ones."""
    return [
        given
        for key in sorted(texts, key=lambda key: key.count("."))
        for given in leaves(tuple(key.split(".")), toml_value(texts[key]), origin, origin, is_text=True)
    ]


def from_environment(environ: Mapping[str, str]) -> list[Given]:
    """The values of ARBSNIPER_SECTION__KEY variables, whatever their case; wider keys before narrower ones."""
    start = len(ENVIRONMENT_PREFIX)
    names = [name for name in environ if name[:start].upper() == ENVIRONMENT_PREFIX and name[start:]]
    values: list[Given] = []
    # Of two spellings of one name, the one in capitals comes last and so wins.
    for name in sorted(names, key=lambda name: (name.count("__"), name.upper(), name.isupper())):
        path = tuple(name[start:].lower().split("__"))
        values += leaves(path, toml_value(environ[name]), f"environment {name}", f"environment {name}", is_text=True)
    return values


def from_options(options: Mapping[str, object]) -> list[Given]:
    """The values of command-line options by dotted key; None and an empty list are options not given."""
    values: list[Given] = []
    for key, value in options.items():
        if value is None or value == [] or value == ():
            continue
        option = OPTIONS.get(key, "--" + key.rpartition(".")[2].replace("_", "-"))
        each = value if isinstance(value, list | tuple) else (value,)
        # A password that was typed is not shown again.
        place = " ".join(option if redacted(str(item)) != str(item) else f"{option} {item}" for item in each)
        values.append(Given(tuple(key.split(".")), value, f"option {option}", place, is_text=True))
    return values


def toml_value(text: str) -> object:
    """The value of a TOML literal. Other text stays as it is, and so do numbers, which people spell more freely."""
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    if read.keys() != {"value"} or type(read["value"]) in (int, float):
        return text
    return read["value"]


def leaves(path: tuple[str, ...], value: object, origin: str, place: str, is_text: bool = False) -> Iterator[Given]:
    """The values in nested tables. An empty section gives none; another empty table, as [venues.okx], is a value."""
    if isinstance(value, dict) and (value or len(path) < 2 and set(path) <= set(SECTIONS)):
        for key, inner in value.items():
            yield from leaves((*path, key), inner, origin, place, is_text)
        return
    if len(path) > 1 and path[0] == "quotes":
        path = ("quotes", path[1].upper(), *path[2:])
    elif len(path) > 1 and path[0] == "venues":
        path = ("venues", path[1].lower(), *path[2:])
    yield Given(path, value, origin, place, is_text)


def _not_toml(path: Path, text: str, error: str) -> str:
    """`PATH: line 3, column 17: found `threshold_pct = abc`, expected TOML: Invalid value`."""
    lines = text.splitlines() or [""]
    position = _TOML_POSITION.search(error)
    reason = error[: position.start()] if position else error
    line, column = len(lines), len(lines[-1]) + 1
    if position and position[1]:
        line, column = int(position[1]), int(position[2])
    elif not position:
        return f"{path}: found no TOML: {reason}"
    found = redacted_line(lines[line - 1].strip()) if line <= len(lines) else ""
    return f"{path}: line {line}, column {column}: found `{found}`, expected TOML: {reason}"
