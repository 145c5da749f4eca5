"""Writes docs/stream.md from the messages of /v1/stream."""

import types
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct

from arbsniper_tui.api.node_reader import PULL_EVERY_S
from arbsniper_tui.api.rate_limits import share_of
from arbsniper_tui.api.stream import limits, messages
from arbsniper_tui.api.stream.topic import PAGE_ROWS
from arbsniper_tui.runtime.docstrings import docstrings
from arbsniper_tui.session.session import HISTORY
from arbsniper_tui.session.snapshot import EVENTS_KEPT

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "read_stream.py"

PAGE = """# The stream: changes as they happen

Made from `arbsniper_tui/api/stream/` by `make docs`; a test holds this page to it.

`ws://127.0.0.1:8787/v1/stream` is a WebSocket of the [HTTP API](api.md). A client subscribes to what it wants, is told
all of it once, and then each change: state with each view of the node (`[ui] refresh_hz` a second), events within
{pull_ms:.0f} ms. Messages are JSON objects in text frames. Fields are added, never renamed: pass over those that you
do not know.

```
> {{"op": "subscribe", "to": {{"channel": "prices", "venue": "okx"}}}}
< {{"type": "prices", "of": {{"channel": "prices", "venue": "okx"}}, "is_snapshot": true, "prices": [...], ...}}
< {{"type": "prices", "of": {{"channel": "prices", "venue": "okx"}}, "is_snapshot": false, "prices": [...], ...}}
```

- **Token**: where the API asks for one, in the header `Authorization: Bearer ...`, or in the first message. In the
  address it is refused with 400, because addresses are logged: the address has no query. A token is looked at again
  each {check_s:g} s; when it is not valid any more, the connection is closed.
- **Refused before the handshake**, with problem details: another `Host` (421) or `Origin` (403) than the API's own, a
  token that is not valid (401), a caller that has its share (429), a node that does not answer or too many clients
  (503).
- **State** (`prices`, `routes`, `health`): a row replaces the one before. A client that is slow gets the newest state
  of each row when it can read, and in `missed` how many changes it did not see. Nothing waits for it in a queue. After
  a connection has ended, subscribe again: state begins with a snapshot.
- **Events** (`signals`, `events`): each is sent once and in order, and no newer one replaces it. The API holds the
  newest {events_kept} events, and after a start of its own the last {history} of the node. What was dropped before it
  could be read is counted in `missed`. To go on behind what you have read, name the `run` and `seq` of the last message
  in `after`. What is not held any more is told in `not_resumed`, and what is open now follows.
- **Ping**: the API pings each {ping_s:g} s, and closes with 1011 where no pong comes within {pong_s:g} s. A client
  that leaves what it is sent unread for {unread_s:g} s is cut.
- **Limits**: {clients} clients, of which {share} may be of one caller (without a token: of one address), and
  {share_here} of one on the API's own machine; {subscriptions} subscriptions of each, {topics} different ones of all
  together. The messages of a client have at most {message_kib} KiB, and after the first {at_once} one is read each
  {message_s:g} s. A message to it has at most {page_rows} rows.

## A client

With the library `websockets`; it is [a file](examples/read_stream.py) that the tests run.

```python
{example}```

## Close codes

The reason that comes with a code says what was expected and found. 1009 is a message that is too large, 1002 and 1007
are bytes that are no WebSocket messages.

| code | | |
|---|---|---|
{codes}

## What a client sends

{from_client}

### What can be subscribed to

{wanted}

## What the API sends

Prices and routes have the [fields of the HTTP API](api.md#fields), signals and events those of [signals](signals.md),
health those of [status](status.md#the-object).

{from_api}
"""


def stream_page() -> str:
    """docs/stream.md."""
    told = limits.Limits()
    return PAGE.format(
        pull_ms=PULL_EVERY_S * 1000,
        check_s=told.check_callers_every_s,
        events_kept=EVENTS_KEPT,
        history=HISTORY,
        ping_s=limits.PING_EVERY_S,
        pong_s=limits.ANSWER_PING_WITHIN_S,
        unread_s=told.unread_s,
        clients=told.clients,
        share=share_of(told.clients, "192.0.2.1"),
        share_here=share_of(told.clients, "127.0.0.1"),
        subscriptions=told.subscriptions,
        topics=told.topics,
        message_kib=limits.MESSAGE_BYTES // 1024,
        at_once=limits.MESSAGES_AT_ONCE,
        message_s=limits.MESSAGE_EVERY_S,
        page_rows=PAGE_ROWS,
        example=EXAMPLE.read_text(encoding="utf-8"),
        codes="\n".join(
            f"| {messages.CloseCode[name].value} | {name.lower().replace('_', ' ')} | {said} |"
            for name, said in docstrings(messages.CloseCode).items()
        ),
        from_client=_sections(messages.FromClient),
        wanted=_sections(messages.Wanted),
        from_api=_sections(messages.FromApi),
    )


def _sections(union: types.UnionType) -> str:
    return "\n\n".join(_section(struct) for struct in get_args(union))


def _section(struct: type[Struct]) -> str:
    said, config = docstrings(struct), struct.__struct_config__
    rows = [f"| `{config.tag_field}` | `{config.tag}` | |"]
    rows += [f"| `{each.name}` | {_holds(each.type)} | {said[each.name]} |" for each in msgspec.structs.fields(struct)]
    about = " ".join((struct.__doc__ or "").split())
    return f"#### `{config.tag}`\n\n{about}\n\n| field | holds | |\n|---|---|---|\n" + "\n".join(rows)


def _holds(kind: Any) -> str:
    """What a field may hold, in words."""
    if kind == messages.Wanted:
        return "one of [these](#what-can-be-subscribed-to)"
    if isinstance(kind, types.UnionType):
        return " or ".join(_holds(each) for each in get_args(kind))
    if get_origin(kind) is list:
        return f"list of {_holds(get_args(kind)[0])}"
    if get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return "text"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "null"}
    if kind is messages.EventPlace:
        return "an object with `run` and `seq`"
    return names.get(kind) or f"`{kind.__name__}`"
