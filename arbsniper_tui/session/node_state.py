"""What a node says of itself in Redis each second: made from a snapshot, and read again by whoever answers for it."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.engine.slices import Sliced
from arbsniper_tui.model.instrument import Instrument, Rate, instrument_key, parse_symbol
from arbsniper_tui.model.reason import Reason
from arbsniper_tui.model.view import RouteRow
from arbsniper_tui.session import derived
from arbsniper_tui.session.health import NodeHealth, health_of
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.session.venue_rows import Venue, venues_of


class RateMarket(Struct, frozen=True, array_like=True):
    """A market whose live price converts a currency."""

    venue: str
    symbol: str
    is_inverted: bool
    """As that of an instrument's rate."""


class CountedAs(Struct, frozen=True, omit_defaults=True):
    """What a quote currency counts as."""

    currency: str
    """This one."""
    rates: tuple[RateMarket, ...] = ()
    """At these live rates, the preferred one first; one for one where there are none."""


class NodeView(Struct, frozen=True):
    """What the program's own API needs of a node; it may change with each version."""

    max_quote_age_ms: float
    open_opportunities: int
    instruments: dict[str, list[str]]
    """Venue -> the symbols that are watched there, but for those that it does not list and nobody asked for."""
    counted: dict[str, CountedAs]
    """Quote currencies that count as another."""
    rates_only: list[int]
    """Instruments that are watched for their rate alone."""
    idle: dict[int, Reason]
    """Instruments whose quote takes no part, and why."""
    rates_used: dict[int, int]
    """Instrument -> the one that converts it now, where that is not the preferred one."""
    routes: tuple[RouteRow, ...]
    """The largest."""


class NodeState(Struct, frozen=True):
    """A node's word on itself."""

    node: str
    """Its name."""
    run: str
    """The run of the node: another one with each start."""
    version: str
    """Of the program."""
    mode: str
    """`live` or `demo`."""
    timestamp: int
    """When it was said, ms since 1970."""
    event: int
    """The number of the last event of its run."""
    api: str | None
    """Where the node's own API answers, as `http://127.0.0.1:8787`; null where it runs none."""
    health: NodeHealth
    """How the node is, as `arbsniper-tui status --json` has it, without the memory of its processes."""
    venues: list[Venue]
    """How its venues are, as `GET /v1/venues` has it."""
    view: NodeView
    """For the program's own API alone: it may change with each version."""


def state_of(snapshot: Snapshot, api: str | None, wall_ms: float) -> Sliced[NodeState]:
    """What to say of the node that a whole snapshot shows. `wall_ms` is this machine's clock, ms since 1970."""
    intro, status = snapshot.intro, snapshot.status
    assert intro is not None and status is not None, "a node knows itself"
    health = health_of(snapshot, {}, wall_ms)
    yield
    venues = venues_of(snapshot, derived.instruments_of(snapshot))
    yield
    view = _view_of(snapshot, intro.instruments)
    yield
    return NodeState(
        node=intro.node,
        run=intro.run,
        version=intro.version,
        mode=intro.mode,
        timestamp=round(status.clock_ms),
        event=snapshot.last_event,
        api=api,
        health=health,
        venues=venues,
        view=view,
    )


def _view_of(snapshot: Snapshot, instruments: tuple[Instrument, ...]) -> NodeView:
    assert snapshot.intro is not None and snapshot.status is not None
    by_id = {each.id: each for each in instruments}
    symbols: dict[str, list[str]] = {}
    counted: dict[str, CountedAs] = {}
    for each in instruments:
        if not derived.is_absent(each, snapshot.feeds.values()):
            symbols.setdefault(each.venue, []).append(each.symbol)
        if (native := each.native_quote) != each.counted_quote and native not in counted:
            markets = ((by_id[rate.id], rate.is_inverted) for rate in each.rates)
            counted[native] = CountedAs(
                each.counted_quote,
                tuple(RateMarket(market.venue, market.symbol, inverted) for market, inverted in markets),
            )
    quotes = snapshot.quotes
    return NodeView(
        max_quote_age_ms=snapshot.intro.max_quote_age_ms,
        open_opportunities=snapshot.status.open_opportunities,
        instruments=symbols,
        counted=counted,
        rates_only=[each.id for each in instruments if each.only_rate],
        idle={i: row.reason for i, row in quotes.items() if row.reason is not None},
        rates_used={
            i: row.rate_id
            for i, row in quotes.items()
            if row.rate_id is not None and i in by_id and row.rate_id != by_id[i].rate_id
        },
        routes=snapshot.routes,
    )


def instruments_in(view: NodeView) -> dict[int, Instrument]:
    """The instruments that a node watches, by id, as far as answers tell of them: without fees and spellings."""
    rates_only = set(view.rates_only)
    found = (
        _instrument(venue, symbol, view.counted) for venue, symbols in view.instruments.items() for symbol in symbols
    )
    return {each.id: replace(each, only_rate=each.id in rates_only) for each in found}


def _instrument(venue: str, symbol: str, counted: Mapping[str, CountedAs]) -> Instrument:
    parsed = parse_symbol(symbol)
    counts = counted.get(parsed.quote, CountedAs(parsed.quote))
    if counts.currency == parsed.base:
        # USDT/USD, where USD counts as USDT: nothing is counted in itself.
        counts = CountedAs(parsed.quote)
    rates = tuple(Rate(instrument_key(each.venue, each.symbol), each.is_inverted) for each in counts.rates)
    plain = Instrument(instrument_key(venue, symbol), venue, symbol, "", counts.currency, 0.0)
    if not rates:
        return plain
    return replace(plain, rate_id=rates[0].id, rate_inverted=rates[0].is_inverted, other_rates=rates[1:])
