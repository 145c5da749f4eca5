"""Snapshots built by hand from a fixed seed and a fixed time, and a view that plays them. No clock, no socket."""

import random
from collections.abc import Sequence
from copy import deepcopy
from functools import cache

from msgspec import structs

from arbsniper_tui.model.fact import CoinName, Funding, Mark, OpenInterest
from arbsniper_tui.model.gate_words import GATE_SENTENCES
from arbsniper_tui.model.health import FeedHealth, FeedState, RedisHealth, RedisState, WorkerHealth
from arbsniper_tui.model.instrument import Instrument, Market, parse_symbol
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.signal import Event, EventKind, Signal, SignalState
from arbsniper_tui.model.view import (
    Breakdown,
    FactsRow,
    HeldRow,
    NodeIntro,
    NodeStatus,
    QuoteRow,
    RouteRow,
    StageRow,
    SurvivalRow,
    WhyRow,
)
from arbsniper_tui.session.snapshot import Snapshot

NOW_MS = 1_760_000_000_000.0
MIDS = {
    "BTC": 67_012.3,
    "ETH": 3_412.55,
    "SOL": 152.43,
    "XRP": 0.5312,
    "DOGE": 0.12345,
    "ADA": 0.4481,
    "LINK": 14.221,
    "AVAX": 27.84,
    "LTC": 71.33,
    "DOT": 6.412,
}
TICKS = {mid: 10.0 ** -len(f"{mid}".partition(".")[2]) for mid in MIDS.values()}
VENUES = (
    "binance",
    "coinbase",
    "kraken",
    "okx",
    "bybit",
    "kucoin",
    "gate",
    "mexc",
    "bitget",
    "phemex",
    "deribit",
    "bitmex",
)
FEES = {"binance": 0.1, "coinbase": 0.6, "kraken": 0.26, "okx": 0.1}
IN_USD = ("coinbase", "kraken")
STORIES = {
    "BTC": ("binance", "coinbase", "BTC/USDT", "BTC/USDT", "BTC/USD", 67_002.6, 0.7),
    "ETH": ("binance", "okx", "ETH/USDT:USDT", "ETH/USDT:USDT", "ETH/USDT:USDT", 3_391.78, 0.2),
}
COURSE: tuple[tuple[EventKind, str, float], ...] = (
    ("open", "BTC", 0.5423),
    ("update", "BTC", 0.6107),
    ("open", "ETH", 0.5211),
    ("close", "BTC", 0.4903),
    ("venue_down", "okx", 0.0),
    ("close", "ETH", 0.5302),
    ("venue_up", "okx", 0.0),
    ("open", "BTC", 0.5634),
    ("update", "BTC", 0.6328),
    ("update", "BTC", 0.6590),
    ("open", "ETH", 0.5077),
    ("close", "ETH", 0.4951),
    ("update", "BTC", 0.6745),
    ("open", "ETH", 0.5030),
)
OUT_OF_LINE = {("coinbase", "BTC/USD"): 0.0062, ("binance", "ETH/USDT:USDT"): -0.0058}
AILING = {
    "kraken": (FeedState.SILENT, "connected, but no quotes come", None),
    "gate": (FeedState.DOWN, "connection refused", 4.0),
}
WITHDRAWN = {"kraken": Reason(ReasonCode.STALE), "gate": Reason(ReasonCode.FEED_DOWN)}
SIGNALS = 17
STAGE_MEDIANS = {"parse": 2.4, "bus": 3.2, "decision": 2.1, "publish": 3.5, "total": 5.4}


def instruments(
    venues: Sequence[str] = VENUES[:4], bases: Sequence[str] = ("BTC", "ETH"), perps: bool = True
) -> tuple[Instrument, ...]:
    """Spot on every venue, in USD on some, and perpetuals on the others."""
    made: list[Instrument] = []
    for base in bases:
        for venue in venues:
            quote = "USD" if venue in IN_USD else "USDT"
            symbols = [f"{base}/{quote}"]
            if perps and venue not in IN_USD:
                symbols.append(f"{base}/USDT:USDT")
            for symbol in symbols:
                spelled = symbol.partition(":")[0].replace("/", "")
                made.append(Instrument(len(made), venue, symbol, spelled, "USDT", FEES.get(venue, 0.1)))
    return tuple(made)


def intro_of(listed: tuple[Instrument, ...], mode: str = "live") -> NodeIntro:
    return NodeIntro(
        node="quay-2:4312",
        version="0.1.0",
        mode=mode,
        pid=4312,
        instruments=listed,
        route_kinds=("spot-spot", "perp-perp"),
        routes=len(route_pairs(listed)),
        max_quote_age_ms=5000.0,
        cooldown_s=0.0,
        quotes_counted=("USD counts as USDT 1:1",),
    )


def status(threshold_pct: float = 0.5, basis: str = "gross", clock_ms: float = NOW_MS, opened: int = 2) -> NodeStatus:
    return NodeStatus(
        threshold_pct=threshold_pct,
        basis=basis,
        quotes_per_s=1284.0,
        signals=SIGNALS,
        open_opportunities=opened,
        uptime_s=11_520.0,
        clock_ms=clock_ms,
        viewers=1,
        conflated=204,
    )


def quotes_of(listed: Sequence[Instrument], seed: int = 7) -> dict[int, QuoteRow]:
    """One quote each around its coin's price; some are stale, crossed or withdrawn, the last has not come yet."""
    dice = random.Random(seed)
    rows: dict[int, QuoteRow] = {}
    for each in listed:
        mid = MIDS[each.base]
        tick = TICKS[mid]
        mid *= 1 + OUT_OF_LINE.get((each.venue, each.symbol), 0.0)
        bid = round(mid * (1 + dice.gauss(0, 0.0006)) / tick) * tick
        ask = bid + tick * dice.randint(1, 6)
        age_ms = dice.choice((12, 41, 64, 230, 470, 910, 1800))
        reason = WITHDRAWN.get(each.venue)
        if reason is not None:
            age_ms = 12_000
        elif each.venue == "okx" and each.symbol == "BTC/USDT:USDT":
            reason, age_ms = Reason(ReasonCode.STALE), 6_200
        elif each.venue == "okx" and each.symbol == "SOL/USDT":
            reason, bid, ask = Reason(ReasonCode.CROSSED), ask, bid
        rows[each.id] = QuoteRow(
            each.id,
            round(bid, 8),
            round(dice.uniform(0.05, 40_000 / mid), 6),
            round(ask, 8),
            round(dice.uniform(0.05, 40_000 / mid), 6),
            NOW_MS - age_ms,
            int(NOW_MS) - age_ms - dice.randint(2, 80) if each.venue != "binance" else None,
            reason,
            dice.randint(900, 90_000),
        )
    if len(listed) > 6:
        last = listed[-1].id
        rows[last] = QuoteRow(last, 0.0, 0.0, 0.0, 0.0, 0.0, None, Reason(ReasonCode.NO_DATA))
    return rows


def facts_of(listed: Sequence[Instrument], seed: int = 5) -> dict[int, FactsRow]:
    """What is told of each perpetual but the last; one venue tells the rate alone."""
    dice = random.Random(seed)
    rows: dict[int, FactsRow] = {}
    for each in [each for each in listed if each.market is Market.PERP][:-1]:
        mark = MIDS[each.base] * (1 + dice.gauss(0.0003, 0.0002))
        funding = Funding(each.id, round(dice.gauss(0.01, 0.008), 6), int(NOW_MS) + 6_132_000, dice.choice((4.0, 8.0)))
        if each.venue == "kucoin":
            rows[each.id] = FactsRow(each.id, structs.replace(funding, interval_h=None), NOW_MS - 1100)
            continue
        rows[each.id] = FactsRow(
            each.id,
            structs.replace(funding, predicted_pct=0.0125 if each.venue == "bybit" else None),
            NOW_MS - dice.choice((1100, 2900, 41_000)),
            Mark(each.id, round(mark, 2), round(mark / 1.0003, 2)),
            NOW_MS - dice.choice((400, 900)),
            OpenInterest(each.id, round(4e7 / mark, 3)),
            NOW_MS - dice.choice((2100, 95_000)),
        )
    return rows


def route_pairs(listed: Sequence[Instrument]) -> list[tuple[Instrument, Instrument]]:
    groups: dict[str, list[Instrument]] = {}
    for each in listed:
        groups.setdefault(each.group, []).append(each)
    return [(buy, sell) for buy in listed for sell in groups[buy.group] if buy.venue != sell.venue]


def routes_of(listed: Sequence[Instrument], rows: dict[int, QuoteRow], threshold_pct: float = 0.5) -> list[RouteRow]:
    """The routes between `rows`, the largest spread first; those above the threshold are open."""
    made: list[RouteRow] = []
    for buy, sell in route_pairs(listed):
        bought, sold = rows[buy.id], rows[sell.id]
        if bought.ask <= 0.0 or sold.bid <= 0.0:
            continue
        spread = (sold.bid - bought.ask) / bought.ask * 100
        net = spread - buy.taker_fee_pct - sell.taker_fee_pct
        faults = [fault.at(each.venue) for each in (buy, sell) if (fault := rows[each.id].reason) is not None]
        reason: Reason | None = Reason(ReasonCode.GROSS_BELOW, "", spread, threshold_pct)
        open_ms = 0.0
        if faults:
            reason = faults[0]
        elif spread > threshold_pct:
            reason, open_ms = None, 900.0 + 3_700.0 * len(made)
        size = min(bought.ask_size, sold.bid_size)
        net_total = size * bought.ask * net / 100
        made.append(
            RouteRow(
                buy.id,
                sell.id,
                spread,
                net,
                size,
                reason,
                open_ms,
                0 if reason else 2,
                net_total,
                0.02,
                (spread - 0.02) / 0.09,
            )
        )
    made.sort(key=lambda each: -each.spread_pct)
    return made


def feeds_of(listed: Sequence[Instrument]) -> dict[str, FeedHealth]:
    """One for each venue and market."""
    feeds: dict[str, FeedHealth] = {}
    served = list(dict.fromkeys((each.venue, each.market) for each in listed))
    for at, (venue, market) in enumerate(served):
        state, detail, retry = AILING.get(venue, (FeedState.LIVE, "", None))
        ids = tuple(each.id for each in listed if (each.venue, each.market) == (venue, market))
        name = f"{venue} {market}"
        feeds[name] = FeedHealth(
            name,
            venue,
            state,
            detail,
            ids,
            retry,
            since_ms=NOW_MS - (12_000 if state is not FeedState.LIVE else 11_500_000 - at * 60_000),
            connects=1 if retry is None else 7,
            frames=1_204_331 // (at + 1),
            quotes=1_204_102 // (at + 1),
            bytes=161_000_000 // (at + 1),
            dropped={"crossed": 3, "older than the quote held": 12} if at == 1 else {},
            rejected={"LUNC/USD": Reason(ReasonCode.NOT_LISTED)} if name == "okx spot" else {},
            rtt_ms=None if retry else 11.4 * (at + 1),
        )
    return feeds


WHY = (
    (Reason(ReasonCode.GROSS_BELOW), 2376),
    (Reason(ReasonCode.STALE, "kraken"), 1771),
    (Reason(ReasonCode.DISCONNECTED, "okx"), 150),
    (None, 23),
)
"""Of a symbol in the last hour."""
STOPPED_BY = {ReasonCode.STALE: "fresh", ReasonCode.GROSS_BELOW: "threshold", ReasonCode.NET_BELOW: "threshold"}


def breakdown_of(route: RouteRow) -> Breakdown:
    """The outcomes of the gates that fit the reason of a route."""
    outcomes: list[tuple[str, Reason | None]] = []
    for name in list(GATE_SENTENCES)[:-1]:
        stops = route.reason is not None and name == STOPPED_BY.get(route.reason.code, "book")
        outcomes.append((name, route.reason if stops else None))
        if stops:
            break
    return Breakdown(route.buy_id, route.sell_id, "BTC/USDT", tuple(outcomes))


def survival_of(route: RouteRow) -> SurvivalRow:
    return SurvivalRow(route.buy_id, route.sell_id, 40, (38, 30, 17, 6))


@cache
def stages() -> tuple[StageRow, ...]:
    """Bell-shaped histograms over 28 doublings, the first bucket below 8 us."""
    dice = random.Random(3)
    rows: list[StageRow] = []
    for name, middle in STAGE_MEDIANS.items():
        counts = [0] * 28
        drawn, counted = (SIGNALS, SIGNALS) if name == "publish" else (4000, 1_204_102)
        for _ in range(drawn):
            counts[max(0, min(27, round(dice.gauss(middle, 0.9) + dice.expovariate(1.6))))] += 1
        rows.append(
            StageRow(name, counted, 8 * 2**middle, 8 * 2 ** (middle + 3), 8 * 2 ** (middle + 6.2), tuple(counts))
        )
    return tuple(rows)


def signal(state: SignalState, seq: int, at_ms: int, spread_pct: float = 0.7512, story: str = "BTC") -> Signal:
    """BTC bought on binance and sold on coinbase, or ETH perpetuals bought on bybit and sold on okx."""
    buy, sell, symbol, buy_symbol, sell_symbol, buy_price, fees_pct = STORIES[story]
    sell_price = round(buy_price * (1 + spread_pct / 100), 2)
    closing = {"duration_ms": 4210, "best_spread_pct": 0.81, "reason": "below threshold"} if state == "close" else {}
    return Signal(
        action=f"BUY_{buy.upper()}_SELL_{sell.upper()}",
        symbol=symbol,
        spread_pct=spread_pct,
        buy_price=buy_price,
        sell_price=sell_price,
        profit_estimate=round(sell_price - buy_price, 2),
        timestamp=at_ms,
        detected_at=at_ms - 1,
        id=f"quay-{seq}",
        seq=seq,
        state=state,
        buy_exchange=buy,
        sell_exchange=sell,
        buy_symbol=buy_symbol,
        sell_symbol=sell_symbol,
        size=0.31,
        net_spread_pct=round(spread_pct - fees_pct, 4),
        net_profit=round(buy_price * (spread_pct - fees_pct) / 100, 2),
        buy_age_ms=3,
        sell_age_ms=41,
        buy_market=parse_symbol(buy_symbol).market,
        sell_market=parse_symbol(sell_symbol).market,
        **closing,  # type: ignore[arg-type]  # two numbers and a text, by name
    )


def events(count: int = 14) -> list[Event]:
    """Opportunities that open, change and close, with venues that go down and come back in between."""
    made: list[Event] = []
    for seq in range(1, count + 1):
        at_ms = int(NOW_MS) - (count - seq) * 1733 - (seq * 377) % 1000
        kind, about, spread_pct = COURSE[(seq - 1) % len(COURSE)]
        if kind == "venue_down":
            made.append(Event(event=kind, seq=seq, timestamp=at_ms, exchange=about, market="spot", detail="reset"))
        elif kind == "venue_up":
            made.append(Event(event=kind, seq=seq, timestamp=at_ms, exchange=about, market="spot"))
        elif kind in ("open", "update", "close"):
            told = signal(kind, seq, at_ms, spread_pct, about)
            made.append(Event(event=kind, seq=seq, timestamp=at_ms, signal=told))
    return made


def snapshot(
    venues: Sequence[str] = VENUES[:4],
    bases: Sequence[str] = ("BTC", "ETH"),
    mode: str = "live",
    perps: bool = True,
) -> Snapshot:
    """A busy node."""
    return deepcopy(_built(tuple(venues), tuple(bases), mode, perps))


@cache
def _built(venues: tuple[str, ...], bases: tuple[str, ...], mode: str, perps: bool) -> Snapshot:
    listed = instruments(venues, bases, perps)
    rows = quotes_of(listed)
    routes = routes_of(listed, rows)
    built = Snapshot(
        intro=structs.replace(intro_of(listed, mode), routes=len(routes)),
        status=status(opened=sum(not each.reason for each in routes)),
        quotes=rows,
        facts=facts_of(listed),
        routes=tuple(routes[:60]),
        feeds=feeds_of(listed),
        workers={name: WorkerHealth(name, pid, up=True) for name, pid in (("feed", 4313), ("spread", 4315))},
        redis=RedisHealth(
            RedisState.UP, "embedded", "unix:///run/user/1000/arbsniper-tui-1000/node-4312/redis.sock", rtt_ms=0.2
        ),
        stages=stages(),
        breakdowns={(each.buy_id, each.sell_id): breakdown_of(each) for each in routes[:60]},
        why={"BTC/USDT": WhyRow("BTC/USDT", 4320, WHY)},
        survival={(each.buy_id, each.sell_id): survival_of(each) for each in routes[:20]},
    )
    built.events.extend(events())
    return built


def held_snapshot() -> Snapshot:
    """A node on which one venue's ETH is another coin, and another venue sells SOL by the thousand."""
    built = snapshot(VENUES[:4], ("BTC", "ETH", "SOL"), perps=False)
    assert built.intro is not None
    by_name = {(each.venue, each.symbol): each for each in built.intro.instruments}
    apart = (("okx", "ETH/USDT", 0.0125, 40.0), ("binance", "SOL/USDT", 1000.0, 5.0))
    held = []
    for venue, symbol, ratio, held_s in apart:
        own = by_name[venue, symbol]
        others = [each for each in built.intro.instruments if each.base == own.base and each is not own]
        peers = tuple((each.id, round(MIDS[own.base] * (1 + each.id / 10_000), 2)) for each in others)
        reason = Reason(ReasonCode.IDENTITY, measured=ratio, bound=1.5, peers=len(peers))
        price = round(MIDS[own.base] * ratio, 4)
        bid, ask = round(price * 0.9998, 4), round(price * 1.0002, 4)
        built.quotes[own.id] = structs.replace(built.quotes[own.id], bid=bid, ask=ask, reason=reason)
        held.append(HeldRow(own.id, reason, ratio, price, "USDT", NOW_MS - held_s * 1000, peers))
        for each, name in ((own, "Ethan Coin" if own.base == "ETH" else ""), (others[0], "Ethereum")):
            if own.base == "ETH":
                built.facts[each.id] = FactsRow(each.id, coin=CoinName(each.id, name, "0x2260fac5e5542a773aa4"))
    built.held = tuple(held)
    assert built.status is not None
    built.status = structs.replace(built.status, held=len(held))
    return built


def converted_snapshot() -> Snapshot:
    """The same node, counting USD at the live rate of a market."""
    built = snapshot()
    assert built.intro is not None
    listed = built.intro.instruments
    rate = Instrument(len(listed), "kraken", "USDT/USD", "USDT/USD", "USD", 0.26, only_rate=True)
    listed = tuple(
        structs.replace(each, rate_id=rate.id, rate_inverted=True) if each.symbol.endswith("/USD") else each
        for each in listed
    )
    built.intro = structs.replace(built.intro, instruments=(*listed, rate))
    built.quotes[rate.id] = structs.replace(built.quotes[0], instrument_id=rate.id, bid=0.9994, ask=0.9995)
    return built
