"""Writes what is made from the sources: the pages of keys, settings and signals, and arbsniper.toml."""

import sys
from pathlib import Path
from typing import get_args

import msgspec
from msgspec import Struct

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from arbsniper_tui.model.signal import Event, EventKind, Signal  # noqa: E402  # after the path is set, as are the next
from arbsniper_tui.sinks import redis_keys  # noqa: E402
from arbsniper_tui.spread.price_keys import Price  # noqa: E402
from arbsniper_tui.ui.actions import keys_page  # noqa: E402
from scripts.docstrings import docstrings  # noqa: E402
from scripts.settings_pages import sample_file, settings_page  # noqa: E402

KINDS = {
    "open": "an opportunity opened; with its signal",
    "update": "it changed materially while open; with its signal",
    "close": "it closed, and why; with its signal, which goes out nowhere else",
    "venue_up": "a venue's first quote came",
    "venue_down": "its connection ended, or the worker that held it",
    "heartbeat": "once a second, so that silence tells",
    "worker_up": "a worker of the node was started again",
    "worker_down": "a worker of the node ended",
    "settings": "a viewer changed the threshold or the basis",
    "end": "the tapes of a replay ended",
}
"""What each kind of event says; a kind that is not here has no line on the page."""

SIGNALS_PAGE = """# Signals, events and prices

Made from the structs in `arbsniper_tui/model/signal.py` and `arbsniper_tui/spread/price_keys.py` by `make docs`; a test
holds this page to them.

A signal is one JSON object: a line on standard output with `--no-ui`, a message on the Redis channel
`{signals_channel}`, and an entry of the sorted set `{history_key}` (the newest {history_length}, by `timestamp`).
Fields are added, never renamed: readers pass over what they do not know. Delivery to Redis is at least once; `id`,
`seq` and `state` tell a repeat.

```json
{example}
```

## Fields of a signal

{signal_fields}

## Events

Every line of a node's life, numbered without gaps: on the channel `{events_channel}`, and in the stream
`{stream_key}` (about the newest {stream_length}). A field that holds nothing is left out.

{event_fields}

| `event` | says |
|---|---|
{kinds}

## Prices

The string `{price_key}` holds the newest quote of an instrument, refreshed at most ten times a second; it expires
{price_ttl_s} s after the last one.

{price_fields}
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
    id="host-4711-18d2a-1",
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
        case msgspec.inspect.StructType():
            return "a signal"
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
        price_key=redis_keys.price_key("{exchange}", "{symbol}"),
        price_ttl_s=redis_keys.PRICE_TTL_MS // 1000,
        example=msgspec.json.format(msgspec.json.encode(EXAMPLE), indent=1).decode(),
        signal_fields=field_table(Signal),
        event_fields=field_table(Event),
        kinds="\n".join(f"| `{kind}` | {KINDS[kind]} |" for kind in get_args(EventKind)),
        price_fields=field_table(Price),
    )


PAGES = {
    "docs/keys.md": keys_page,
    "docs/settings.md": settings_page,
    "docs/signals.md": signals_page,
    "arbsniper.toml": sample_file,
}


def main() -> None:
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
