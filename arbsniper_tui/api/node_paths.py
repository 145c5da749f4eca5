"""The paths of venues, facts, counts and settings."""

from http import HTTPStatus

from litestar import get
from litestar.datastructures import State

from arbsniper_tui.api.node_answers import Feeds, Funding, InForce, Latency, MarketSummary, Nodes, Statistics, Venues
from arbsniper_tui.api.node_reader import NodeReader
from arbsniper_tui.api.node_rows import (
    feed_of,
    in_force,
    market_of,
    perpetuals_of,
    stages_of,
    statistics_of,
)
from arbsniper_tui.api.price_paths import SymbolPath, SymbolQuery, VenueQuery
from arbsniper_tui.api.prices import instruments_of, read_symbol
from arbsniper_tui.api.problems import documented
from arbsniper_tui.api.source import SHARED, Source


@get("/v1/nodes", summary="Nodes", tags=["node"], responses=documented(), opt=SHARED, sync_to_thread=False)
def nodes(state: State) -> Nodes:
    """Who answers: this node, or all that write to the Redis which is read; and how each is."""
    reader: Source = state.reader
    return Nodes(reader.nodes())


@get("/v1/venues", summary="Venues", tags=["node"], responses=documented(), opt=SHARED, sync_to_thread=False)
def venues(state: State) -> Venues:
    """How each venue is: the connections of one node to it taken together."""
    reader: Source = state.reader
    return Venues(reader.venues())


@get("/v1/feeds", summary="Connections", tags=["node"], responses=documented(), sync_to_thread=False)
def feeds(state: State) -> Feeds:
    """How each connection is, and what it has counted."""
    reader: NodeReader = state.reader
    snapshot = reader.snapshot
    return Feeds([feed_of(snapshot.feeds[name]) for name in sorted(snapshot.feeds)])


@get(
    "/v1/funding", summary="Funding", tags=["market"], responses=documented(HTTPStatus.NOT_FOUND), sync_to_thread=False
)
def funding(state: State, symbol: SymbolQuery = None, venue: VenueQuery = None) -> Funding:
    """Funding, mark price and open interest of perpetuals, as their venues tell them."""
    reader: NodeReader = state.reader
    snapshot = reader.snapshot
    wanted = read_symbol(symbol) if symbol is not None else None
    return Funding(perpetuals_of(snapshot, instruments_of(reader.instruments.values(), wanted, venue)))


@get(
    "/v1/market/{symbol:path}",
    summary="One symbol over all venues",
    tags=["market"],
    responses=documented(HTTPStatus.NOT_FOUND),
    opt=SHARED,
    sync_to_thread=False,
)
def market(state: State, symbol: SymbolPath) -> MarketSummary:
    """The best bid and ask of a symbol, its widest spread, and the venues where it is live."""
    reader: Source = state.reader
    snapshot, wanted = reader.snapshot, read_symbol(symbol)
    found = instruments_of(reader.instruments.values(), wanted, None)
    return market_of(wanted, found, snapshot, reader.instruments, reader.clock_ms)


@get("/v1/statistics", summary="Counts", tags=["node"], responses=documented(), sync_to_thread=False)
def statistics(state: State) -> Statistics:
    """What was counted in this run: by route, by venue, by reason."""
    reader: NodeReader = state.reader
    return statistics_of(reader.snapshot, reader.status, reader.instruments)


@get("/v1/latency", summary="Latency", tags=["node"], responses=documented(), sync_to_thread=False)
def latency(state: State) -> Latency:
    """How long each stage takes on the way from a venue's socket to a signal."""
    reader: NodeReader = state.reader
    return Latency(stages_of(reader.snapshot))


@get("/v1/settings", summary="Settings in force", tags=["node"], responses=documented(), sync_to_thread=False)
def settings(state: State) -> InForce:
    """What decides what is watched and what signals, as it is in force now."""
    reader: NodeReader = state.reader
    return in_force(reader.intro, reader.status)


NODE_PATHS = (nodes, venues, feeds, funding, market, statistics, latency, settings)
