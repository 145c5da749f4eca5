"""From a snapshot to what the API says of the node and its venues. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

from arbsniper_tui.api.node_answers import (
    Feed,
    InForce,
    MarketSummary,
    Perpetual,
    ReasonCount,
    Rejected,
    RouteCount,
    Stage,
    Statistics,
    VenueCount,
)
from arbsniper_tui.api.prices import best_of, leg_of, why_of
from arbsniper_tui.api.routes import Wanted, id_of, page_of, routes_of
from arbsniper_tui.model.health import FeedHealth
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.view import NodeIntro, NodeStatus
from arbsniper_tui.session import derived
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.session.venue_rows import is_live, venues_of

Instruments = Mapping[int, Instrument]


def feed_of(feed: FeedHealth) -> Feed:
    rejected = [Rejected(symbol, why) for symbol, reason in feed.rejected.items() if (why := why_of(reason))]
    return Feed(
        feed=feed.feed,
        venue=feed.venue,
        state=feed.state,
        detail=feed.detail,
        since=feed.since_ms,
        retry_in_s=feed.retry_in_s,
        connects=feed.connects,
        frames=feed.frames,
        quotes=feed.quotes,
        bytes=feed.bytes,
        dropped=feed.dropped,
        rejected=rejected,
        rtt_ms=feed.rtt_ms,
        lag_ms=feed.lag_ms,
        facts=feed.facts,
    )


def perpetuals_of(snapshot: Snapshot, instruments: Iterable[Instrument]) -> list[Perpetual]:
    """Of those of which a venue has told something, in the order given."""
    found = []
    for instrument in instruments:
        facts = snapshot.facts.get(instrument.id)
        if instrument.market is not Market.PERP or facts is None:
            continue
        funding, mark, interest = facts.funding, facts.mark, facts.interest
        if funding is None and mark is None and interest is None:
            continue
        perpetual = Perpetual(
            venue=instrument.venue,
            market=instrument.market,
            symbol=instrument.symbol,
            funding_rate_pct=funding.rate_pct if funding is not None else None,
            funding_interval_h=funding.interval_h if funding is not None else None,
            next_funding_at=funding.next_ms if funding is not None else None,
            predicted_funding_pct=funding.predicted_pct if funding is not None else None,
            funding_received_at=facts.funding_ms if funding is not None else None,
            mark_price=mark.mark if mark is not None else None,
            index_price=mark.index if mark is not None else None,
            open_interest=interest.coins if interest is not None else None,
        )
        found.append(perpetual)
    return found


def market_of(
    symbol: str, found: list[Instrument], snapshot: Snapshot, instruments: Instruments, clock_ms: float
) -> MarketSummary:
    """`found` are the instruments of the symbol."""
    best = best_of(symbol, found, snapshot)
    routes = routes_of(snapshot, instruments, Wanted(symbol=symbol), clock_ms)
    priced = [each for each in routes if each.spread_pct is not None]
    interest = [facts.interest for each in found if (facts := snapshot.facts.get(each.id)) is not None]
    coins = [each.coins for each in interest if each is not None]
    return MarketSummary(
        symbol=symbol,
        bid=best.bid,
        ask=best.ask,
        widest=next(iter(page_of(priced, 0, "spread_pct", 1, None).routes), None),
        venues=sorted({each.venue for each in found if not derived.is_absent(each, snapshot.feeds.values())}),
        venues_live=sorted({each.venue for each in found if is_live(each, snapshot)}),
        open_interest=sum(coins) if coins else None,
    )


def statistics_of(snapshot: Snapshot, status: NodeStatus, instruments: Instruments) -> Statistics:
    """Counts of the run, and of what takes no part now."""
    quotes = (row.reason for i, row in snapshot.quotes.items() if i in instruments)
    idle = Counter(reason.code for reason in quotes if reason is not None)
    silent = Counter(row.reason.code for row in snapshot.routes if row.reason is not None)
    codes = sorted(idle.keys() | silent.keys(), key=lambda code: (-idle[code] - silent[code], code))
    return Statistics(
        uptime_s=status.uptime_s,
        quotes_per_s=status.quotes_per_s,
        signals=status.signals,
        open_opportunities=status.open_opportunities,
        by_route=sorted(_route_counts(snapshot, instruments), key=lambda each: (-each.opened, each.id)),
        by_venue=[
            VenueCount(each.venue, each.frames, each.quotes, sum(each.dropped.values()))
            for each in venues_of(snapshot, instruments)
        ],
        by_reason=[ReasonCount(code, idle[code], silent[code]) for code in codes],
    )


def stages_of(snapshot: Snapshot) -> list[Stage]:
    return [Stage(each.name, each.count, each.p50_us, each.p99_us, each.max_us) for each in snapshot.stages]


def in_force(intro: NodeIntro, status: NodeStatus) -> InForce:
    watched = [each for each in intro.instruments if not each.only_rate]
    return InForce(
        node=intro.node,
        version=intro.version,
        mode=intro.mode,
        threshold_pct=status.threshold_pct,
        basis=status.basis,
        route_kinds=list(intro.route_kinds),
        max_quote_age_ms=intro.max_quote_age_ms,
        cooldown_s=intro.cooldown_s,
        quotes_counted=list(intro.quotes_counted),
        symbols=sorted({each.symbol for each in watched}),
        venues=sorted({each.venue for each in watched}),
    )


def _route_counts(snapshot: Snapshot, instruments: Instruments) -> Iterable[RouteCount]:
    for (buy_id, sell_id), row in snapshot.survival.items():
        if buy_id in instruments and sell_id in instruments:
            buy, sell = leg_of(instruments[buy_id]), leg_of(instruments[sell_id])
            yield RouteCount(id_of(row), buy, sell, row.opened, *row.stood)
