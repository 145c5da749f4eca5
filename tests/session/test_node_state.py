"""What a node says of itself in Redis: what it holds, and what can be made of it again."""

import msgspec

from arbsniper_tui.engine.slices import at_once
from arbsniper_tui.model.health import FeedHealth, FeedState, RedisHealth, RedisState
from arbsniper_tui.model.instrument import Instrument, Rate, instrument_key
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.view import NodeIntro, NodeStatus, QuoteRow, RouteRow
from arbsniper_tui.session.node_state import NodeState, instruments_in, state_of
from arbsniper_tui.session.snapshot import Snapshot

NOW_MS = 1_700_000_000_000.0


def instrument(venue: str, symbol: str, counted: str, **more: object) -> Instrument:
    made = Instrument(instrument_key(venue, symbol), venue, symbol, "", counted, 0.0)
    return msgspec.structs.replace(made, **more)


RATE = instrument("kraken", "USDT/USD", "USD", only_rate=True)
SPARE = instrument("coinbase", "USDT/USD", "USD", only_rate=True)
OWN = instrument("okx", "BTC/USDT", "USDT")
ASSUMED = instrument("gate", "BTC/USDC", "USDT")
PERP = instrument("okx", "BTC/USDT:USDT", "USDT")
CONVERTED = instrument(
    "kraken",
    "BTC/USD",
    "USDT",
    rate_id=RATE.id,
    rate_inverted=True,
    other_rates=(Rate(SPARE.id, is_inverted=True),),
)
ALL = (RATE, SPARE, OWN, ASSUMED, PERP, CONVERTED)


def row(of: Instrument, reason: Reason | None = None, rate_id: int | None = None) -> QuoteRow:
    return QuoteRow(of.id, 100.0, 1.0, 101.0, 2.0, NOW_MS - 5, None, reason, 7, rate_id)


FROZEN = Reason(ReasonCode.FROZEN, measured=4.2, bound=5.0, peers_median=12.0, peers=2)
SNAPSHOT = Snapshot(
    intro=NodeIntro("desk-1", "1.0", "live", 1, ALL, ("spot-spot",), 6, 5000.0, 0.0, (), "18d2"),
    status=NodeStatus(0.5, "gross", 10.0, 3, 1, 60.0, NOW_MS, 0, 0),
    quotes={OWN.id: row(OWN), PERP.id: row(PERP, FROZEN), CONVERTED.id: row(CONVERTED, rate_id=SPARE.id)},
    routes=(RouteRow(OWN.id, CONVERTED.id, 0.6, 0.4, 1.0, None, 50.0, 1),),
    feeds={"okx spot": FeedHealth("okx spot", "okx", FeedState.LIVE, "", (OWN.id,), connects=1, frames=9, quotes=7)},
    redis=RedisHealth(RedisState.UP, "url"),
    last_event=17,
)


def through_redis(api: str | None = None) -> NodeState:
    return msgspec.json.decode(msgspec.json.encode(at_once(state_of(SNAPSHOT, api, NOW_MS))), type=NodeState)


def test_it_names_the_node_its_run_and_its_last_event() -> None:
    state = through_redis("http://127.0.0.1:8787")
    assert (state.node, state.run, state.event, state.timestamp) == ("desk-1", "18d2", 17, NOW_MS)
    assert state.api == "http://127.0.0.1:8787"
    assert through_redis().api is None


def test_it_has_the_health_of_the_node_and_of_its_venues() -> None:
    state = through_redis()
    assert state.health.node == "desk-1" and {each.name for each in state.health.parts} >= {"venues", "redis", "bus"}
    (okx,) = state.venues
    assert (okx.venue, okx.node, okx.state, okx.instruments, okx.live) == ("okx", "desk-1", FeedState.LIVE, 2, 1)


def test_the_instruments_come_out_as_they_went_in() -> None:
    assert instruments_in(through_redis().view) == {each.id: each for each in ALL}


def test_it_says_which_quotes_take_no_part_and_which_rate_is_in_use() -> None:
    view = through_redis().view
    assert view.idle == {PERP.id: FROZEN}
    assert view.rates_used == {CONVERTED.id: SPARE.id}
    assert view.routes == SNAPSHOT.routes
