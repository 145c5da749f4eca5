"""Writes what is made from the sources: pages and schemas of docs/, arbsniper.toml, and the Grafana dashboard."""

import sys
from functools import partial
from pathlib import Path
from typing import get_args

import msgspec
from msgspec import Struct

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from arbsniper_tui.model.signal import Event, EventKind, Signal  # noqa: E402  # after the path is set, as are the next
from arbsniper_tui.runtime.docstrings import docstrings  # noqa: E402
from arbsniper_tui.session.health import Figures, NodeHealth, Part  # noqa: E402
from arbsniper_tui.session.node_state import NodeState, NodeView  # noqa: E402
from arbsniper_tui.session.venue_rows import Venue  # noqa: E402
from arbsniper_tui.sinks import redis_keys  # noqa: E402
from arbsniper_tui.sinks.outbox import EVENTS_WAITING  # noqa: E402
from arbsniper_tui.spread.price_keys import Price  # noqa: E402
from arbsniper_tui.tools.status import ANSWER_WITHIN_MS, SHORT_COLUMNS  # noqa: E402
from arbsniper_tui.ui.actions import keys_page  # noqa: E402
from scripts.api_page import api_page  # noqa: E402
from scripts.dashboard import dashboard  # noqa: E402
from scripts.metrics_page import metrics_page  # noqa: E402
from scripts.settings_pages import sample_file, settings_page  # noqa: E402
from scripts.stream_page import stream_page  # noqa: E402

KINDS = {
    "open": "an opportunity opened; with its signal",
    "update": "it changed materially while open; with its signal",
    "close": "it closed, and why; with its signal, which goes out nowhere else",
    "survival": "the route of an opportunity that has closed, priced again 50, 200, 500 and 2000 ms after the opening",
    "venue_up": "a venue's first quote came",
    "venue_down": "its connection ended, or the worker that held it",
    "heartbeat": "once a second, so that silence tells",
    "worker_up": "a worker of the node was started again",
    "worker_down": "a worker of the node ended",
    "settings": "a viewer changed the threshold or the basis",
    "alert": "a rule of `[alerts]` has something to tell on terminals",
    "end": "the tapes of a replay ended",
}
"""What each kind of event says; a kind that is not here has no line on the page."""

SIGNALS_PAGE = """# Signals, events and prices

Made from the structs in `arbsniper_tui/model/signal.py`, `arbsniper_tui/spread/price_keys.py` and
`arbsniper_tui/session/node_state.py` by `make docs`; a test holds this page to them.

A signal is one JSON object: a line on standard output with `--no-ui`, a message on the Redis channel
`{signals_channel}`, and an entry of the sorted set `{history_key}` (the newest {history_length}, by `timestamp`).
Fields are added, never renamed: readers pass over what they do not know. Delivery to Redis is at least once; `id`,
`seq` and `state` tell a repeat. As JSON Schema: [signals](schema/signal.json), [events](schema/event.json).

`arbsniper-tui consume` prints signals and events as they come, one JSON line each, and each event once and in order,
also when Redis goes away and comes back. `arbsniper-tui consume --check` verifies this page while it runs, and ends
with exit code 4 and a message at the first thing that differs.

```json
{example}
```

## Fields of a signal

{signal_fields}

## Events

Every line of a node's life: on the channel `{events_channel}`, and in the stream `{stream_key}` (about the newest
{stream_length}). A field that holds nothing is left out, and a reader passes over
kinds that it does not know.

How to read them without missing or doubling anything ([why it is so](decisions/0024-numbering-over-restarts.md)):

- `node`, `run` and `seq` together name an event. `seq` counts from 1 in each run, without gaps; a new `run` is no gap.
  The stream keeps this over a killed worker, a killed Redis with `appendonly yes`, and a Redis that is away for up to
  {events_waiting} events.
- A number that was seen already, with the same bytes, is a repeat: pass over it.
- Of a gap, wait for the next heartbeat: its `lost` says how many events of this run, in all, Redis will never have. The
  channel repeats nothing for those who were not there: subscribe first, then read the stream from the last entry that
  you have. A heartbeat that stays away for some seconds says that the connection or the node is gone, and a PING which.
- Each opening has one close with the same `signal.id`. What a killed worker left open the next one closes, with the
  reason `restart`. After a killed node the next run of that name does, under its own `run` and numbers; `duration_ms`
  then ends with the last sign of life of the run that died.

{event_fields}

| `event` | says |
|---|---|
{kinds}

## Prices

The string `{price_key}` holds the newest quote of an instrument, refreshed at most ten times a second; it expires
{price_ttl_s} s after the last one.

{price_fields}

## Nodes

The string `{node_key}` holds what a live node says of itself, each second while Redis is up; it expires
{node_ttl_s} s after the last word. Any number of nodes may write to one Redis: each event and each id names its node,
and each node counts its own events. As JSON Schema: [node](schema/node.json). How far that goes: [scale](scale.md).

{node_fields}

### Venues of a node

{venue_fields}
"""

STATUS_PAGE = """# Status: is a node well?

Made from the structs in `arbsniper_tui/session/health.py` by `make docs`; a test holds this page to them.

```
arbsniper-tui status                # the node that was started last
arbsniper-tui status 4312           # or by process id, or folder
arbsniper-tui status --json         # one JSON object, as below
arbsniper-tui status --short        # one line of at most {short_columns} characters
```

`status` asks the node for its state once and changes nothing there. It gives up after {answer_within_s:g} s.

| exit code | |
|---|---|
| 0 | The node is ready. It may be degraded: one exchange of many is down, or its tapes cannot be written. |
| 1 | An internal fault, or an output that cannot be written. |
| 2 | Wrong usage, or a folder that cannot be trusted. |
| 5 | A node answers and is not ready: the words of its parts say why. |
| 6 | No node answers: none runs, or it is stopped. |

A node is ready while

- every process that it needs runs, the one that was started among them (the worker of alerts is not needed);
- quotes reach the spread worker from the feeds;
- Redis takes its signals, unless Redis is off;
- at least two exchanges have a live connection (rates alone do not count), or one where only one is watched.

In a status bar of tmux, and as the health check of a container:

```
set -g status-right "#(arbsniper-tui status --short)"
HEALTHCHECK --interval=10s --timeout=10s CMD ["arbsniper-tui", "status", "--short"]
```

## The object

Fields are added, never renamed. As JSON Schema: [health](schema/health.json).

{health_fields}

### Figures

{figures_fields}

### Parts

{part_fields}
"""

EXAMPLE = Signal(
    action="BUY_BINANCE_SELL_COINBASE",
    symbol="BTC/USDT",
    spread_pct=0.75,
    buy_price=45100.0,
    sell_price=45438.25,
    profit_estimate=338.25,
    timestamp=1705670123459,
    detected_at=1705670123456,
    id="desk-1-18d2a4f10a3-1-17",
    seq=17,
    state="open",
    buy_exchange="binance",
    sell_exchange="coinbase",
    buy_symbol="BTC/USDT",
    sell_symbol="BTC/USDT",
    size=0.31,
    net_spread_pct=0.0455,
    net_profit=20.5205,
    buy_age_ms=3,
    sell_age_ms=41,
    buy_market="spot",  # type: ignore[arg-type]  # spelled as in JSON
    sell_market="spot",  # type: ignore[arg-type]  # spelled as in JSON
)


def schema(struct: type[Struct]) -> str:
    """The JSON Schema of a struct, with what its source says about each field."""
    made = msgspec.json.schema(struct)
    for each in (Signal, Event, NodeHealth, Figures, Part, NodeState, NodeView, Venue):
        for field, said in docstrings(each).items():
            if each.__name__ in made["$defs"]:
                made["$defs"][each.__name__]["properties"][field]["description"] = said
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
    return msgspec.json.format(msgspec.json.encode(whole), indent=1).decode() + "\n"


def field_table(struct: type[Struct]) -> str:
    """A row for each field: its name, what it may hold, and its explanation. Raises KeyError where one is missing."""
    said = docstrings(struct)
    rows = ["| field | holds | |", "|---|---|---|"]
    for field in msgspec.structs.fields(struct):
        absent = ", may be absent" if field.default is msgspec.UNSET else ""
        rows.append(f"| `{field.encode_name}` | {holds(field.type)}{absent} | {said[field.name]} |")
    return "\n".join(rows)


def holds(kind: object) -> str:
    """A field's type in words."""
    match msgspec.inspect.type_info(kind):
        case msgspec.inspect.UnionType(types=types):
            words = [holds_info(each) for each in types]
            return " or ".join(word for word in words if word)
        case info:
            return holds_info(info)


def holds_info(info: msgspec.inspect.Type) -> str:
    match info:
        case msgspec.inspect.IntType():
            return "whole number"
        case msgspec.inspect.FloatType():
            return "number"
        case msgspec.inspect.StrType():
            return "text"
        case msgspec.inspect.LiteralType(values=values):
            return "text" if len(values) > 4 else ", ".join(f"`{value}`" for value in values)
        case msgspec.inspect.EnumType(cls=cls):
            return ", ".join(f"`{member.value}`" for member in cls)
        case msgspec.inspect.BoolType():
            return "true or false"
        case msgspec.inspect.ListType():
            return "list of venues"
        case msgspec.inspect.DictType():
            return "numbers by name"
        case msgspec.inspect.VarTupleType(item_type=msgspec.inspect.StructType()):
            return "list of parts"
        case msgspec.inspect.VarTupleType(item_type=msgspec.inspect.StrType()):
            return "list of texts"
        case msgspec.inspect.VarTupleType():
            return "list of numbers or null"
        case msgspec.inspect.StructType(cls=cls):
            return {Signal: "a signal", Figures: "figures", NodeHealth: "an object", NodeView: "an object"}[cls]
    return ""


def signals_page() -> str:
    """docs/signals.md."""
    return SIGNALS_PAGE.format(
        signals_channel=redis_keys.SIGNALS_CHANNEL,
        history_key=redis_keys.HISTORY_KEY,
        history_length=redis_keys.HISTORY_LENGTH,
        events_channel=redis_keys.EVENTS_CHANNEL,
        stream_key=redis_keys.STREAM_KEY,
        stream_length=redis_keys.STREAM_LENGTH,
        events_waiting=EVENTS_WAITING,
        price_key=redis_keys.price_key("{exchange}", "{symbol}"),
        price_ttl_s=redis_keys.PRICE_TTL_MS // 1000,
        example=msgspec.json.format(msgspec.json.encode(EXAMPLE), indent=1).decode(),
        signal_fields=field_table(Signal),
        event_fields=field_table(Event),
        kinds="\n".join(f"| `{kind}` | {KINDS[kind]} |" for kind in get_args(EventKind)),
        price_fields=field_table(Price),
        node_key=redis_keys.node_key("{node}"),
        node_ttl_s=redis_keys.NODE_TTL_MS // 1000,
        node_fields=field_table(NodeState),
        venue_fields=field_table(Venue),
    )


def status_page() -> str:
    """docs/status.md."""
    return STATUS_PAGE.format(
        short_columns=SHORT_COLUMNS,
        answer_within_s=ANSWER_WITHIN_MS / 1000,
        health_fields=field_table(NodeHealth),
        figures_fields=field_table(Figures),
        part_fields=field_table(Part),
    )


PAGES = {
    "docs/api.md": api_page,
    "docs/keys.md": keys_page,
    "docs/metrics.md": metrics_page,
    "docs/settings.md": settings_page,
    "docs/signals.md": signals_page,
    "docs/status.md": status_page,
    "docs/stream.md": stream_page,
    "docs/schema/event.json": partial(schema, Event),
    "docs/schema/health.json": partial(schema, NodeHealth),
    "docs/schema/node.json": partial(schema, NodeState),
    "docs/schema/signal.json": partial(schema, Signal),
    "arbsniper.toml": sample_file,
    "deploy/grafana/arbsniper-tui.json": dashboard,
}


def main() -> None:
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
