"""A plan crosses to its process as JSON, and arrives as it was."""

from pathlib import Path

import msgspec
import pytest
from decision_stage import INSTRUMENTS, spread_plan

from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.feeds.plan import FeedPlan, TapePlan
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.health import RedisHealth, RedisState
from arbsniper_tui.model.instrument import Instrument, Market, Rate
from arbsniper_tui.sim.plan import SimPlan, SimWorkerPlan
from arbsniper_tui.tapes.source import TapeSource

CONVERTED = Instrument(3, "kraken", "BTC/USD", "BTC/USD", "USDT", 0.4, True, 4, True, (Rate(5, False),))
SPEC = FeedSpec("kraken spot", "kraken", Market.SPOT, "wss://ws.kraken.com/v2", "https://x/y?z=1", (CONVERTED,))
SPREAD = spread_plan(Path("/run/node-1"), Rules(0.25, "net", 10**10, 10**9))

PLANS = {
    "feed": FeedPlan("feed", "/run/node-1", (SPEC,), '/tapes/with "quotes" and\nlines', 1),
    "tape": TapePlan("tape", "/run/node-1", (TapeSource("a", "okx", "perp"),), INSTRUMENTS, {"okx": "list"}, 0.5),
    "spread": msgspec.structs.replace(
        SPREAD, redis=RedisHealth(RedisState.CONNECTING, "url", "h:1/0", "why"), redis_url="redis://:p%40@h:1/0"
    ),
    "sim": SimWorkerPlan("sim", SimPlan(7, 4000.0, ("okx",), ("BTC",)), {"okx": 11}),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_plan_arrives_as_it_was(plan: msgspec.Struct) -> None:
    assert msgspec.json.decode(msgspec.json.encode(plan), type=type(plan)) == plan


def test_a_replay_is_told_by_its_mode() -> None:
    assert not SPREAD.is_replay
    replay = msgspec.structs.replace(SPREAD, intro=msgspec.structs.replace(SPREAD.intro, mode="replay"))
    assert msgspec.json.decode(msgspec.json.encode(replay), type=SpreadPlan).is_replay
