"""The line that says how a node is."""

from arbsniper_tui.headless.status import NodeStatus
from arbsniper_tui.model.signal import Event, EventKind

VENUES = frozenset({"okx", "kraken", "binance"})


def status_after(*happened: tuple[EventKind, str, str], signals: int = 0, redis: str = "up") -> str:
    status = NodeStatus()
    for event, exchange, market in happened:
        status.take(Event(event=event, seq=1, timestamp=1, exchange=exchange, market=market))
    status.take(Event(event="heartbeat", seq=2, timestamp=1, signals=signals, redis=redis))
    return status.line(VENUES)


def test_a_node_starts_until_its_first_heartbeat() -> None:
    status = NodeStatus()
    assert (status.has_heard, status.line(VENUES)) == (False, "starting")
    status.take(Event(event="venue_up", seq=1, timestamp=1, exchange="okx", market="spot"))
    assert (status.has_heard, status.line(VENUES)) == (True, "starting")


def test_venues_signals_and_redis_stand_in_it() -> None:
    up = (("venue_up", "okx", "spot"), ("venue_up", "okx", "perp"), ("venue_up", "kraken", "spot"))
    assert status_after(*up, signals=3) == "2 of 3 venues live, 3 signals, redis up"
    assert status_after(redis="away") == "0 of 3 venues live, 0 signals, redis away"


def test_a_venue_is_live_while_all_its_markets_are() -> None:
    up = (("venue_up", "okx", "spot"), ("venue_up", "okx", "perp"))
    assert status_after(*up, ("venue_down", "okx", "perp")).startswith("0 of 3")
    assert status_after(*up, ("venue_down", "okx", "perp"), ("venue_up", "okx", "perp")).startswith("1 of 3")


def test_a_venue_that_joined_later_is_counted_too() -> None:
    assert status_after(("venue_up", "gate", "spot")).startswith("1 of 4")
