"""arbsniper.toml and docs/settings.md, made from the declaration of the settings."""

import textwrap
from typing import get_args

import msgspec
from msgspec import Struct

from arbsniper_tui.config.given import KeyPath
from arbsniper_tui.config.keys import ANY, KEYS, NAMES, Key, alternatives, bare_kind, environment_name, is_struct, noted
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.config.show import toml_text
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.runtime.docstrings import docstrings
from arbsniper_tui.venues import DEFAULT_VENUES, OPEN_VENUES

WIDTH = 120
PLACEHOLDERS = {("venues",): "VENUE", ("quotes",): "CURRENCY"}
INNER = [table for table in NAMES if len(table) > 1]
"""Tables of named tables inside a section."""

FILE_HEAD = """arbsniper.toml: what to watch, when to signal, where signals go. Made by `make docs`.

This file works as it is. A key that is left out keeps its default, which is the value shown where the text says no \
other; a key that does not exist is an error. A line such as #key = value shows how a key can be set. An environment \
variable and, for some keys, an option override what stands here: docs/settings.md. `arbsniper-tui config show` says \
what is in force, and where each value came from."""

PAGE = """# Settings

Made from `arbsniper_tui/config/settings.py` by `make docs`; a test holds this page to it.

## Where a value comes from

Each layer overrides those above it, key by key:

1. The default.
2. In a replay, the settings that the tapes carry. Such a replay reads no file but that of `--config`, and not the
   environment.
3. A file: `--config FILE`, else `./arbsniper.toml`, else `arbsniper.toml` in the user's config folder.
4. What viewers had saved for the node of this name, in the user's state folder (`settings.toml`, `alerts.toml`). No
   part of a demo and a replay.
5. The environment: `ARBSNIPER_` and the key in capitals, with two underscores between table and key, as in
   `{variable}=0.3`. Commas separate a list, as in `ARBSNIPER_SYMBOLS=BTC/USDT,ETH/USDT`.
6. An option of the command line, for the keys that have one below.
7. What viewers have set since the node runs.

- `symbols` of a later layer holds for every venue, also for one with a list of its own in an earlier layer.
- `--venue`, and `ARBSNIPER_VENUES`, keep the tables of the venues they name, and turn the others off.
- A value for all markets of a venue replaces those by market of an earlier layer; a value for one market leaves the
  others as they are.
- `--redis-url` means that server: it sets `redis.mode` to "url" where no layer sets it.

A key that does not exist and a value that does not fit end the program with exit code 2, after every fault has been
named. `arbsniper-tui config check` says whether a run would take the settings, `config show` what is in force and where
each value came from; neither shows a password.

## While a node runs

`arbsniper-tui config reload [ENDPOINT]`, SIGHUP on a node without a terminal, and `systemctl reload` have it read its
file again. It answers key by key what is applied and what needs a restart; the log has the same lines. A wrong file
changes nothing, and the node runs on. A file that is being written is read once it has rested for 0.3 s.

| key | |
|---|---|
| `symbols`, `exclude`, `min_venues` | applied: instruments come and go on the connections that stand |
| `signals.*` but `routes` | applied; every route is judged anew |
| `quotes.*.max_age_ms` | applied; what counts as what needs a restart |
| `venues.*` | applied: a venue is connected to, or left, and the others do not notice |
| `venues.*`: URLs and limits | applied: that venue is connected to anew |
| `venues.*` of an exchange with `external = true` | needs a restart |
| `alerts.*` | applied: a target that stays keeps what waits for it, a rule that stays tells nothing twice |
| `log.level` | applied |
| all others | need a restart |

A viewer changes a key of a running node with `arbsniper-tui config set KEY VALUE`, through the [API](api.md), or by the
keys of the terminal: for the rest of the run, or for later runs too with `--save` or `"save": true`. The newest word
counts: a reload takes back what viewers set where the file has another value than when it was read before, and leaves
the rest. What was saved counts before the file, and a reload says where that hides a value of the file; take the line
out of the file in the state folder to go back. Mutes and alerts made by viewers are always kept.
{sections}
"""

FIELDS = {field.name: field.type for field in msgspec.structs.fields(Settings)}


def explained(struct: type[Struct], path: KeyPath = ()) -> dict[KeyPath, str]:
    """The explanation of every key at and below a table, by its path with ANY for a name."""
    found = {(*path, name): text for name, text in docstrings(struct).items()}
    for field in msgspec.structs.fields(struct):
        for each in map(bare_kind, alternatives(field.type)):
            if is_struct(each):
                found[*path, field.name] = str(each.__doc__)
                found |= explained(each, (*path, field.name))
            for inner in filter(is_struct, alternatives(get_args(each)[-1]) if get_args(each) else ()):
                found |= explained(inner, (*path, field.name, ANY))
    return found


EXPLAINED = explained(Settings) | {("quotes", ANY): "What this currency counts as."}
SECTIONS = [name for name in FIELDS if (name,) not in KEYS or (name,) in NAMES]


def sample_file() -> str:
    """arbsniper.toml."""
    blocks = [[_comment(FILE_HEAD), ""], _entries(())]
    for section in SECTIONS:
        head = _comment(EXPLAINED[section,])
        if section == "venues":
            first, *others = (f"{'' if each in DEFAULT_VENUES else '#'}[venues.{each}]" for each in OPEN_VENUES)
            blocks += [[head, first, *_entries(("venues", ANY))], others]
        else:
            examples = noted(FIELDS[section], "examples") or ()
            lines = [f"#{name} = {toml_text(value)}" for example in examples for name, value in example.items()]
            blocks.append([head, f"[{section}]", *lines, *_entries((section,))])
            blocks += [_inner_table(table) for table in INNER if table[0] == section]
    return "\n\n".join("\n".join(block).strip() for block in blocks) + "\n"


def _entries(table: KeyPath) -> list[str]:
    """The keys of a table, each below its explanation."""
    paths = [path for path in KEYS if path[:-1] == table and path[-1] != ANY and path not in NAMES]
    return [line for path in paths for line in _entry(path, KEYS[path])]


def _inner_table(table: KeyPath) -> list[str]:
    """What is said of a table of named tables in a section, which the file does not fill."""
    keys = ", ".join(path[-1] for path in KEYS if path[:-1] == (*table, ANY))
    said = f"[{'.'.join(table)}.NAME] {EXPLAINED[table]} Its keys, which docs/settings.md explains: {keys}."
    return [_comment(said)]


def _entry(path: KeyPath, key: Key) -> list[str]:
    examples = noted(key.kind, "examples") or [key.default]
    said = f"{EXPLAINED[path]} Takes: {key.expected}."
    if key.default is None:
        return [_comment(said), *(f"#{path[-1]} = {toml_text(example)}" for example in examples)]
    default, shown = toml_text(key.default), toml_text(examples[0])
    return [_comment(said if shown == default else f"{said} Default: {default}."), f"{path[-1]} = {shown}"]


def _comment(text: str) -> str:
    """Paragraphs as lines of comment."""
    lines = [
        line for part in text.split("\n") for line in textwrap.wrap(part, WIDTH - 2, break_on_hyphens=False) or [""]
    ]
    return "\n".join(f"# {line}".rstrip() for line in lines)


def settings_page() -> str:
    """docs/settings.md."""
    tables = [(*table, ANY) for table in NAMES if table != ("quotes",)]
    paths = [path for path in KEYS if path not in (*NAMES, *tables) and path[-1] not in Market.__members__.values()]
    sections = [_table("Above the first table", "", [path for path in paths if len(path) == 1])]
    for section in SECTIONS:
        below = [path for path in paths if path[0] == section and len(path) > 1]
        sections.append(_table(f"[{section}]", EXPLAINED[section,], below))
    return PAGE.format(variable=environment_name(("signals", "threshold_pct")), sections="\n".join(sections))


def _table(title: str, intro: str, paths: list[KeyPath]) -> str:
    rows = ["| key | takes | default | |", "|---|---|---|---|", *map(_row, paths)]
    return "\n".join(["", f"## {title}", "", *([intro, ""] if intro else []), *rows])


def _row(path: KeyPath) -> str:
    key = KEYS[path]
    parts = [PLACEHOLDERS.get(path[:at], "NAME") if part == ANY else part for at, part in enumerate(path)]
    name = ".".join(parts[len(path) > 1 :])
    by_market = "; or a table with one for each market" if (*path, Market.SPOT) in KEYS else ""
    default = "" if key.default in (None, msgspec.NODEFAULT) else f"`{toml_text(key.default)}`"
    option = f" Option: `{key.option}`." if key.option else ""
    return f"| `{name}` | {key.expected}{by_market} | {default} | {EXPLAINED[path]}{option} |"
