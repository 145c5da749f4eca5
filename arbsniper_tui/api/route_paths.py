"""The paths of routes, opportunities and signals."""

from collections.abc import Mapping
from http import HTTPStatus
from math import isnan
from typing import Annotated, get_args

from litestar import get
from litestar.datastructures import State
from litestar.params import Parameter

from arbsniper_tui.api.answers import Opportunities, RouteBreakdown, Routes, Signals
from arbsniper_tui.api.node_reader import NodeReader
from arbsniper_tui.api.price_paths import SymbolQuery
from arbsniper_tui.api.prices import read_symbol
from arbsniper_tui.api.problems import Declined, documented
from arbsniper_tui.api.routes import SortKey, Wanted, breakdown_of, is_route, key_of, page_of, routes_of
from arbsniper_tui.api.source import SHARED, Source
from arbsniper_tui.engine.routes import is_relayed
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.session.snapshot import RouteKey

MOST_ROUTES = 100
MOST_SIGNALS = 500
MOST_BREAKDOWNS_PER_S = 20
"""From one client: each costs the deciding process something."""

EitherVenue = Annotated[str | None, Parameter(description="Only routes with a leg on this venue.")]
MinSpread = Annotated[float | None, Parameter(description="Only routes with at least this gross spread, in percent.")]
OnlyOpen = Annotated[bool, Parameter(description="Only routes whose opportunity is open.")]
Sort = Annotated[SortKey, Parameter(description=f"By which number, the largest first: {', '.join(get_args(SortKey))}.")]
RoutesLimit = Annotated[int, Parameter(ge=1, le=MOST_ROUTES, description="Routes on a page.")]
Cursor = Annotated[str | None, Parameter(description="That of the page before, with all else the same.")]
Since = Annotated[int | None, Parameter(description="Also those that closed at this time or later, ms since 1970.")]
SignalsLimit = Annotated[int, Parameter(ge=1, le=MOST_SIGNALS, description="How many at most.")]


@get("/v1/routes", summary="Routes", tags=["routes"], responses=documented(), sync_to_thread=False)
def routes(
    state: State,
    symbol: SymbolQuery = None,
    venue: EitherVenue = None,
    min_spread_pct: MinSpread = None,
    is_open: OnlyOpen = False,
    sort: Sort = "spread_pct",
    limit: RoutesLimit = 50,
    cursor: Cursor = None,
) -> Routes:
    """The node's largest routes by its basis, filtered and sorted."""
    reader: NodeReader = state.reader
    snapshot, status = reader.snapshot, reader.status
    named = read_symbol(symbol) if symbol is not None else None
    if min_spread_pct is not None and isnan(min_spread_pct):
        raise Declined(HTTPStatus.BAD_REQUEST, "min_spread_pct: found nan, expected a number")
    wanted = Wanted(named, venue.lower() if venue is not None else None, is_open, min_spread_pct)
    found = routes_of(snapshot, reader.instruments, wanted, status.clock_ms)
    return page_of(found, reader.intro.routes, sort, limit, cursor)


@get(
    "/v1/routes/{route_id:str}/breakdown",
    summary="Why a route does not signal",
    tags=["routes"],
    opt={"requests_per_s": MOST_BREAKDOWNS_PER_S},
    responses=documented(HTTPStatus.NOT_FOUND),
)
async def breakdown(
    state: State, route_id: Annotated[str, Parameter(description="As /v1/routes tells it.")]
) -> RouteBreakdown:
    """What each gate says of a route now, up to the first that says no."""
    reader: NodeReader = state.reader
    key = key_of(route_id)
    instruments = reader.instruments
    if not is_route(key, instruments, reader.intro.route_kinds) and not _is_left_out(key, instruments):
        raise Declined(HTTPStatus.NOT_FOUND, f"{route_id}: this node watches no such route; /v1/routes lists routes")
    return breakdown_of(await reader.breakdown(key), instruments)


def _is_left_out(key: RouteKey, instruments: Mapping[int, Instrument]) -> bool:
    """Whether it would be a route, did one venue not show the other's book: its breakdown says so."""
    buy, sell = (instruments.get(each) for each in key)
    return buy is not None and sell is not None and is_relayed(buy, sell)


@get("/v1/opportunities", summary="Opportunities", tags=["routes"], responses=documented(), opt=SHARED)
async def opportunities(state: State, since: Since = None) -> Opportunities:
    """The routes that are open now; with `since`, the signals of those that closed from then on, newest first, as far
    as the API's memory of 2000 events goes."""
    reader: Source = state.reader
    open_now = routes_of(reader.snapshot, reader.instruments, Wanted(is_open=True), reader.clock_ms)
    closed = await reader.closes(since) if since is not None else []
    return Opportunities(open_now, reader.open_opportunities, closed)


@get("/v1/signals/latest", summary="Latest signals", tags=["routes"], responses=documented(), opt=SHARED)
async def latest_signals(state: State, limit: SignalsLimit = 50) -> Signals:
    """The newest signals, the newest first: openings and updates, as they were announced."""
    reader: Source = state.reader
    return Signals(await reader.signals(limit))


ROUTE_PATHS = (routes, breakdown, opportunities, latest_signals)
