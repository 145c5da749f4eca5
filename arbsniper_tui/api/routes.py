"""From a snapshot to routes and their pages. Pure, but for what it refuses."""

import base64
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Literal

import msgspec
from msgspec import Struct

from arbsniper_tui.api.answers import Gate, Route, RouteBreakdown, Routes
from arbsniper_tui.api.prices import leg_of, why_of
from arbsniper_tui.api.problems import Declined
from arbsniper_tui.engine.routes import route_kind
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.view import Breakdown, RouteRow, SurvivalRow
from arbsniper_tui.session import derived
from arbsniper_tui.session.snapshot import RouteKey, Snapshot

SortKey = Literal["spread_pct", "net_spread_pct", "net_total", "zscore"]
_NO_NUMBER = float("-inf")
"""Where a route that has no such number stands: behind all others."""


class Wanted(Struct, frozen=True):
    """Which routes; None and False take all."""

    symbol: str | None = None
    venue: str | None = None
    """Of either leg."""
    is_open: bool = False
    min_spread_pct: float | None = None


class _Place(Struct, frozen=True, array_like=True):
    """The last route of a page, in its order; sent as the cursor."""

    sort: SortKey
    number: float | None
    id: str


def id_of(row: RouteRow | Breakdown | SurvivalRow) -> str:
    """The same in every run and on every node, as the instruments' ids are."""
    return text_of((row.buy_id, row.sell_id))


def text_of(key: RouteKey) -> str:
    """The id of the route of these instruments."""
    buy_id, sell_id = key
    return f"{buy_id:x}-{sell_id:x}"


def key_of(text: str) -> RouteKey:
    """The route that an id names. Raises Declined (400) for what is none."""
    buy, _, sell = text.partition("-")
    try:
        return int(buy, 16), int(sell, 16)
    except ValueError:
        expected = "expected the id of a route, as /v1/routes tells it"
        raise Declined(HTTPStatus.BAD_REQUEST, f"found {text!r}, {expected}") from None


def is_route(key: RouteKey, instruments: Mapping[int, Instrument], kinds: Collection[str]) -> bool:
    """Whether these two instruments form a route of one of these kinds."""
    buy, sell = (instruments.get(each) for each in key)
    return buy is not None and sell is not None and route_kind(buy, sell) in kinds


def route_of(row: RouteRow, instruments: Mapping[int, Instrument], clock_ms: float) -> Route:
    """A route whose instruments are known."""
    buy, sell = instruments[row.buy_id], instruments[row.sell_id]
    is_priced = derived.is_priced(row)
    return Route(
        id=id_of(row),
        symbol=buy.group,
        buy=leg_of(buy),
        sell=leg_of(sell),
        spread_pct=row.spread_pct if is_priced else None,
        net_spread_pct=row.net_spread_pct if is_priced else None,
        size=row.size if is_priced else None,
        net_total=row.net_total if is_priced else None,
        basis_pct=row.basis_pct,
        zscore=row.zscore,
        opened_at=clock_ms - row.open_ms if is_open(row) else None,
        signals=row.signals,
        why_not=why_of(row.reason),
    )


def is_open(row: RouteRow) -> bool:
    return row.reason is None or row.open_ms > 0.0


def routes_of(
    snapshot: Snapshot, instruments: Mapping[int, Instrument], wanted: Wanted, clock_ms: float
) -> list[Route]:
    """Those of the node's largest routes that are wanted, the largest first."""
    rows = [row for row in snapshot.routes if row.buy_id in instruments and row.sell_id in instruments]
    routes = (route_of(row, instruments, clock_ms) for row in rows if is_open(row) or not wanted.is_open)
    return [route for route in routes if is_wanted(route, wanted)]


def is_wanted(route: Route, wanted: Wanted) -> bool:
    """By symbol, venue and spread."""
    return (
        (wanted.symbol is None or wanted.symbol in (route.symbol, route.buy.symbol, route.sell.symbol))
        and (wanted.venue is None or wanted.venue in (route.buy.venue, route.sell.venue))
        and (wanted.min_spread_pct is None or _number(route.spread_pct) >= wanted.min_spread_pct)
    )


def page_of(routes: list[Route], watched: int, sort: SortKey, limit: int, cursor: str | None) -> Routes:
    """The routes behind the cursor, largest first; each stands where its number of now puts it. Raises Declined (400)
    for a cursor of another order, or none of this API's."""

    def rank(number: float | None, route_id: str) -> tuple[float, str]:
        return -_number(number), route_id

    routes = sorted(routes, key=lambda route: rank(getattr(route, sort), route.id))
    if cursor is not None:
        last = _place_in(cursor, sort)
        routes = [each for each in routes if rank(getattr(each, sort), each.id) > rank(last.number, last.id)]
    page = routes[:limit]
    is_last = len(page) == len(routes)
    return Routes(page, watched, None if is_last else _cursor_of(_Place(sort, getattr(page[-1], sort), page[-1].id)))


def _number(number: float | None) -> float:
    return _NO_NUMBER if number is None else number


def breakdown_of(found: Breakdown, instruments: Mapping[int, Instrument]) -> RouteBreakdown:
    return RouteBreakdown(
        id=id_of(found),
        symbol=found.symbol,
        buy=leg_of(instruments[found.buy_id]),
        sell=leg_of(instruments[found.sell_id]),
        gates=[Gate(name, why_of(reason)) for name, reason in found.outcomes],
    )


def _cursor_of(place: _Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _place_in(cursor: str, sort: SortKey) -> _Place:
    try:
        place = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=_Place)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        place = None
    if place is None or place.sort != sort:
        raise Declined(HTTPStatus.BAD_REQUEST, "cursor: expected the one of the page before, asked for in the same way")
    return place
