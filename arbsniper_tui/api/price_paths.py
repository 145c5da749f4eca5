"""The paths of prices."""

from http import HTTPStatus
from typing import Annotated

from litestar import get
from litestar.datastructures import State
from litestar.params import Parameter

from arbsniper_tui.api.answers import Best, Prices
from arbsniper_tui.api.prices import best_of, instruments_of, price_of, read_symbol
from arbsniper_tui.api.problems import documented
from arbsniper_tui.api.source import SHARED, Source

SYMBOL = "Such as BTC/USDT, encoded or as BTC-USDT; a perpetual is BTC/USDT:USDT or BTC-USDT-USDT."
SymbolQuery = Annotated[str | None, Parameter(description=f"Only this symbol. {SYMBOL}")]
VenueQuery = Annotated[str | None, Parameter(description="Only this venue, by its id, such as okx.")]
SymbolPath = Annotated[str, Parameter(description=SYMBOL)]


@get(
    "/v1/prices",
    summary="Prices",
    tags=["market"],
    responses=documented(HTTPStatus.NOT_FOUND),
    opt=SHARED,
    sync_to_thread=False,
)
def prices(state: State, symbol: SymbolQuery = None, venue: VenueQuery = None) -> Prices:
    """The newest quote of each instrument, of all or of one symbol or venue."""
    reader: Source = state.reader
    snapshot = reader.snapshot
    wanted = read_symbol(symbol) if symbol is not None else None
    found = instruments_of(reader.instruments.values(), wanted, venue)
    return Prices([price_of(each, snapshot) for each in found])


@get(
    "/v1/best/{symbol:path}",
    summary="Best prices",
    tags=["market"],
    responses=documented(HTTPStatus.NOT_FOUND),
    opt=SHARED,
    sync_to_thread=False,
)
def best(state: State, symbol: SymbolPath) -> Best:
    """The highest bid and the lowest ask of a symbol among the quotes that take part."""
    reader: Source = state.reader
    snapshot = reader.snapshot
    wanted = read_symbol(symbol)
    return best_of(wanted, instruments_of(reader.instruments.values(), wanted, None), snapshot)


PRICE_PATHS = (prices, best)
