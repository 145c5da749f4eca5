"""A subscription that clients share: each change is encoded once, however many read it, and no client has a queue.

A client holds a cursor. When it can take a message it is given the page behind its cursor, made of the newest state.
"""

from abc import ABC, abstractmethod
from typing import Any

import msgspec
from msgspec import Raw, Struct

from arbsniper_tui.api.stream.messages import HealthChange, PricesChange, RoutesChange, Wanted

PAGE_ROWS = 250
"""Bounds the size of a message, and so the memory that a client takes."""
MOST_GONE = 500
"""Rows that are remembered as gone. A client that has read none of the last so many begins anew."""
_PAGES_KEPT = 4
"""Clients that read are together at one or two cursors; the pages of others are made for each alone."""

_encode = msgspec.json.Encoder().encode


class Cursor(Struct, frozen=True):
    """How far a client has read a topic."""

    at: int
    """The number of the last change that it has read; -1 before its first page."""
    snapshot_upto: int = 0
    """While the pages of a snapshot are read: the number at which it was begun. Else 0."""
    not_resumed: str = ""
    """Why it begins anew although the client named a place."""


BEGIN = Cursor(-1)


class Topic(ABC):
    """What one subscription shows, to all clients that have it."""

    def __init__(self, of: Wanted) -> None:
        self.of = of
        self.number = 0
        """Of the last change."""
        self._pages: dict[Cursor, tuple[str, Cursor]] = {}

    def page(self, cursor: Cursor) -> tuple[str, Cursor]:
        """The message behind this cursor, and the cursor behind that message."""
        found = self._pages.get(cursor)
        if found is None:
            found = self._make_page(cursor)
            if len(self._pages) < _PAGES_KEPT:
                self._pages[cursor] = found
        return found

    def has_more(self, cursor: Cursor) -> bool:
        """Whether there is a page behind this cursor."""
        return cursor.at < self.number

    def _count(self, changes: int = 1) -> int:
        """The number of the last of so many new changes."""
        self._pages.clear()
        self.number += changes
        return self.number

    @abstractmethod
    def _make_page(self, cursor: Cursor) -> tuple[str, Cursor]: ...


class _Row(Struct, frozen=True, gc=False):
    number: int
    encoded: bytes
    is_gone: bool = False


class StateTopic(Topic):
    """Rows by key, of which the newest replaces the one before."""

    def __init__(self, of: Wanted) -> None:
        super().__init__(of)
        self._rows: dict[Any, _Row] = {}
        """By key, in the order in which they have changed."""
        self._gone: dict[Any, None] = {}
        """The keys of those that are gone, the oldest first."""
        self._forgotten = 0
        """The number of the last row that is not even remembered as gone."""
        self.time_ms = 0.0
        """Of the newest state, by the node's clock."""

    def keys(self) -> set[Any]:
        """Of the rows that are there."""
        return self._rows.keys() - self._gone.keys()

    def put(self, key: Any, encoded: bytes) -> None:
        """The row of this key is now this; nothing changes where it is already."""
        before = self._rows.get(key)
        if before is not None and before.encoded == encoded and not before.is_gone:
            return
        self._rows.pop(key, None)
        self._gone.pop(key, None)
        self._rows[key] = _Row(self._count(), encoded)

    def drop(self, key: Any, encoded: bytes) -> None:
        """The row of this key is gone; `encoded` tells its key to clients."""
        del self._rows[key]
        self._rows[key] = _Row(self._count(), encoded, is_gone=True)
        self._gone[key] = None
        if len(self._gone) > MOST_GONE:
            oldest = next(iter(self._gone))
            del self._gone[oldest]
            self._forgotten = self._rows.pop(oldest).number

    def _make_page(self, cursor: Cursor) -> tuple[str, Cursor]:
        at, begun = cursor.at, cursor.snapshot_upto
        is_snapshot = at < self._forgotten or at < 0
        if is_snapshot:
            at, begun = 0, self.number
        rows = []
        for row in reversed(self._rows.values()):
            if row.number <= at:
                break
            if not (row.is_gone and row.number <= begun):
                rows.append(row)
        rows.reverse()
        has_more = len(rows) > PAGE_ROWS
        del rows[PAGE_ROWS:]
        upto = rows[-1].number if has_more else self.number
        changes = max(0, upto - max(at, begun))
        told: dict[str, Any] = {
            "of": self.of,
            "number": upto,
            "missed": changes - sum(row.number > begun for row in rows),
            "is_snapshot": is_snapshot,
            "has_more": has_more,
            "time": self.time_ms,
        }
        message = self._message(
            [Raw(row.encoded) for row in rows if not row.is_gone],
            [Raw(row.encoded) for row in rows if row.is_gone],
            told,
        )
        return _encode(message).decode(), Cursor(upto, begun if upto < begun else 0)

    @abstractmethod
    def _message(self, rows: list[Any], gone: list[Any], told: dict[str, Any]) -> Struct: ...


class PriceTopic(StateTopic):
    """Prices, by instrument."""

    def _message(self, rows: list[Any], gone: list[Any], told: dict[str, Any]) -> Struct:
        return PricesChange(prices=rows, gone=gone, **told)


class RouteTopic(StateTopic):
    """Routes, by the ids of the instruments bought and sold."""

    def _message(self, rows: list[Any], gone: list[Any], told: dict[str, Any]) -> Struct:
        return RoutesChange(routes=rows, gone=gone, **told)


class HealthTopic(StateTopic):
    """One row: the whole tree."""

    def _message(self, rows: list[Any], gone: list[Any], told: dict[str, Any]) -> Struct:
        return HealthChange(health=rows, **told)
