"""The health of a node: what is well, what is not, and whether the node is ready with it. Snapshots made by hand."""

import pytest
from msgspec import structs

from arbsniper_tui.model.health import FeedHealth, FeedState, RecordingHealth, RedisHealth, RedisState, WorkerHealth
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.view import NodeIntro, NodeStatus, QuoteRow
from arbsniper_tui.runtime.process_reading import ProcessReading
from arbsniper_tui.session.health import NodeHealth, Part, health_of, pids_of
from arbsniper_tui.session.snapshot import Snapshot

NOW_MS = 1_760_000_000_000.0
VENUES = ("kraken", "mexc", "okx")
IDS = {venue: i for i, venue in enumerate(VENUES)}


def feed(venue: str, state: FeedState = FeedState.LIVE, market: str = "spot", **more: object) -> FeedHealth:
    return FeedHealth(f"{venue} {market}", venue, state, instrument_ids=(IDS[venue],), quotes=100, **more)  # type: ignore[arg-type]  # by name


def node(*venues: str) -> Snapshot:
    """A node on these venues (left out: three) on which all is well."""
    watched = venues or VENUES
    listed = tuple(Instrument(IDS[venue], venue, "BTC/USDT", "BTCUSDT", "USDT", 0.1) for venue in watched)
    return Snapshot(
        intro=NodeIntro("desk-1", "0.1.0", "live", 10, listed, ("spot-spot",), 6, 5000.0, 0.0),
        status=NodeStatus(0.5, "gross", 812.4, 17, 2, 90.0, NOW_MS, 1, 3),
        quotes={each.id: QuoteRow(each.id, 100.0, 1.0, 101.0, 1.0, NOW_MS, None, None, quotes=50) for each in listed},
        feeds={f"{each.venue} spot": feed(each.venue) for each in listed},
        workers={name: WorkerHealth(name, pid, up=True) for name, pid in (("feed", 11), ("spread", 12))},
        redis=RedisHealth(RedisState.UP, "url", "127.0.0.1:6379", rtt_ms=0.2),
    )


def judged(snapshot: Snapshot, processes: dict[int, ProcessReading] | None = None) -> NodeHealth:
    return health_of(snapshot, processes or {}, NOW_MS)


def part(health: NodeHealth, *names: str) -> Part:
    """A part, or the part of a part."""
    parts = health.parts
    for name in names:
        (found,) = (each for each in parts if each.name == name)
        parts = found.parts
    return found


def test_a_node_on_which_all_is_well() -> None:
    snapshot = node()
    health = judged(snapshot, {pid: ProcessReading(2**20, is_stopped=False) for pid in pids_of(snapshot)})
    assert (health.state, health.is_live, health.is_ready, health.words) == ("ok", True, True, "")
    assert (health.node, health.mode, health.pid) == ("desk-1", "live", 10)
    assert [(each.name, each.words) for each in health.parts] == [
        ("workers", "3 processes run"),
        ("bus", "812 quotes a second, 3 replaced by newer ones on their way"),
        ("redis", "url 127.0.0.1:6379"),
        ("venues", "3 of 3 live"),
        ("clock", "that of this machine"),
        ("memory", "3 MiB in 3 processes"),
        ("viewers", "1 viewer"),
    ]
    assert health.figures is not None
    assert structs.asdict(health.figures) == {
        "exchanges_live": 3,
        "exchanges": 3,
        "quotes": 150,
        "quotes_per_s": 812.4,
        "signals": 17,
        "open_opportunities": 2,
        "uptime_s": 90.0,
        "connections": 3,
        "viewers": 1,
    }


def test_one_venue_down_leaves_the_node_ready() -> None:
    snapshot = node()
    snapshot.feeds["okx spot"] = feed("okx", FeedState.DOWN, detail="HTTP 503", retry_in_s=4.0, since_ms=NOW_MS - 9000)
    health = judged(snapshot)
    assert (health.state, health.is_ready) == ("degraded", True)
    assert health.words == "venues: expected 3 live, found 2: okx down"
    said = "okx spot: expected live, found down for 9 s: HTTP 503; next attempt in 4 s"
    assert part(health, "venues", "okx").words == said


def test_with_prices_of_one_venue_alone_the_node_is_not_ready() -> None:
    snapshot = node()
    for venue in ("okx", "mexc"):
        snapshot.feeds[f"{venue} spot"] = feed(venue, FeedState.DOWN)
    health = judged(snapshot)
    assert (health.state, health.is_live, health.is_ready) == ("down", True, False)
    assert part(health, "venues").words.endswith("mexc down, okx down; prices come from 1, and 2 are needed")


def test_where_one_venue_is_watched_one_is_enough() -> None:
    assert judged(node("okx")).is_ready


def test_a_venue_that_is_watched_for_a_rate_alone_does_not_count() -> None:
    snapshot = node()
    assert snapshot.intro is not None
    rate, *others = snapshot.intro.instruments
    snapshot.intro = structs.replace(snapshot.intro, instruments=(structs.replace(rate, only_rate=True), *others))
    assert judged(snapshot).is_ready
    snapshot.feeds["okx spot"] = feed("okx", FeedState.DOWN)
    assert part(judged(snapshot), "venues").words == (
        "expected 3 live, found 2: okx down; prices come from 1, and 2 are needed"
    )


def test_a_node_that_watches_nothing_yet_is_not_ready() -> None:
    snapshot = node()
    assert snapshot.intro is not None
    snapshot.intro = structs.replace(snapshot.intro, instruments=())
    snapshot.feeds.clear()
    venues = part(judged(snapshot), "venues")
    assert (venues.state, venues.words) == ("down", "expected 0 live, found 0; prices come from 0, and 1 are needed")


def test_a_venue_of_which_no_feed_worker_has_spoken_is_down() -> None:
    snapshot = node()
    del snapshot.feeds["okx spot"]
    venue = part(judged(snapshot), "venues", "okx")
    assert (venue.state, venue.words) == ("down", "expected a word of its feed worker, and none has come yet")


@pytest.mark.parametrize(
    ("state", "judgement"),
    [
        (FeedState.SUBSCRIBED, "degraded"),
        (FeedState.SILENT, "degraded"),
        (FeedState.LISTING, "down"),
        (FeedState.CONNECTING, "down"),
        (FeedState.DOWN, "down"),
    ],
)
def test_a_venue_with_one_connection_is_as_that_is(state: FeedState, judgement: str) -> None:
    snapshot = node()
    snapshot.feeds["okx spot"] = feed("okx", state)
    assert part(judged(snapshot), "venues", "okx").state == judgement


def test_a_venue_with_one_of_two_connections_is_degraded_and_counts_as_one_with_prices() -> None:
    snapshot = node("kraken", "okx")
    snapshot.feeds["okx perp"] = feed("okx", FeedState.DOWN, market="perp")
    health = judged(snapshot)
    assert part(health, "venues", "okx").state == "degraded"
    assert (part(health, "venues", "okx", "okx spot").state, health.is_ready) == ("ok", True)
    assert health.figures is not None
    assert (health.figures.exchanges_live, health.figures.connections) == (1, 2)


def test_late_data_missing_facts_and_prices_that_stand_still_degrade_a_venue() -> None:
    snapshot = node()
    snapshot.feeds["kraken spot"] = feed("kraken", lag_ms=2300.0)
    snapshot.feeds["mexc spot"] = feed("mexc", facts="HTTP 429")
    frozen = Reason(ReasonCode.FROZEN, measured=4.2, peers_median=12.0)
    snapshot.quotes[2] = structs.replace(snapshot.quotes[2], reason=frozen)
    venues = part(judged(snapshot), "venues")
    assert [(each.state, each.words) for each in venues.parts] == [
        ("degraded", "kraken spot: expected data within 1000 ms, found them 2,300 ms late"),
        ("degraded", "mexc spot: expected funding and marks, found: HTTP 429"),
        ("degraded", "expected moving prices, found them frozen 4.2 s, peers moved 12 bps"),
    ]
    assert venues.state == "degraded"


def test_a_worker_that_has_ended_makes_the_node_not_ready() -> None:
    snapshot = node()
    snapshot.workers["feed"] = WorkerHealth("feed", 11, False, 1, "ended by signal 9; starts again in 0.1 s")
    health = judged(snapshot)
    assert not health.is_ready
    assert part(health, "workers").words == "expected 3 processes to run, found 2: feed down"
    said = "expected it to run, found that process 11 ended by signal 9; starts again in 0.1 s"
    assert part(health, "workers", "feed").words == said
    assert 11 not in pids_of(snapshot)


def test_a_worker_without_which_the_node_goes_on_degrades_it() -> None:
    snapshot = node()
    snapshot.workers["alerts"] = WorkerHealth("alerts", 13, False, is_needed=False)
    health = judged(snapshot)
    assert (health.state, health.is_ready) == ("degraded", True)


@pytest.mark.parametrize(("pid", "name"), [(10, "supervisor"), (11, "feed")])
def test_a_stopped_process_is_down_though_nobody_has_missed_it_yet(pid: int, name: str) -> None:
    health = judged(node(), {pid: ProcessReading(2**20, is_stopped=True)})
    assert not health.is_ready
    words = f"expected process {pid} to run, found it stopped: `kill -CONT {pid}` lets it go on"
    assert part(health, "workers", name).words == words


@pytest.mark.parametrize("state", [RedisState.CONNECTING, RedisState.HUNG, RedisState.REFUSING, RedisState.AWAY])
def test_a_redis_that_takes_no_signals_makes_the_node_not_ready(state: RedisState) -> None:
    snapshot = node()
    snapshot.redis = RedisHealth(state, "url", "127.0.0.1:6379", "refused", waiting=12, lost=1)
    health = judged(snapshot)
    assert not health.is_ready
    assert health.words == (
        f"redis: expected it to take signals, found it {state}: url 127.0.0.1:6379; "
        "signals: 12 waiting, 1 lost: refused"
    )


def test_a_redis_that_is_off_is_well() -> None:
    snapshot = node()
    snapshot.redis = RedisHealth(RedisState.OFF)
    assert (judged(snapshot).state, part(judged(snapshot), "redis").words) == ("ok", "off")


def test_quotes_that_do_not_arrive_make_the_bus_down() -> None:
    snapshot = node()
    snapshot.quotes.clear()
    health = judged(snapshot)
    assert not health.is_ready
    assert health.words == "bus: expected the quotes of the feeds at the spread worker, found none of 300"


def test_what_came_of_instruments_that_are_watched_no_more_says_nothing_of_the_bus() -> None:
    snapshot = node()
    snapshot.quotes.clear()
    snapshot.feeds = {name: structs.replace(each, state=FeedState.SUBSCRIBED) for name, each in snapshot.feeds.items()}
    assert part(judged(snapshot), "bus").state == "ok"


def test_before_the_first_quote_the_bus_is_well() -> None:
    snapshot = node()
    snapshot.quotes.clear()
    snapshot.feeds = {name: structs.replace(each, quotes=0) for name, each in snapshot.feeds.items()}
    assert part(judged(snapshot), "bus").state == "ok"


@pytest.mark.parametrize(
    ("wall_ms", "said"), [(NOW_MS - 7_200_000, "7,200.0 s ahead"), (NOW_MS + 3000, "3.0 s behind")]
)
def test_a_clock_that_is_not_this_machines_degrades_the_node(wall_ms: float, said: str) -> None:
    health = health_of(node(), {}, wall_ms)
    assert (health.state, health.is_ready) == ("degraded", True)
    assert health.words == f"clock: expected within 2 s of this machine's, found {said}"


def test_a_replay_has_the_clock_of_its_tapes() -> None:
    snapshot = node()
    assert snapshot.intro is not None
    snapshot.intro = structs.replace(snapshot.intro, mode="replay")
    assert health_of(snapshot, {}, NOW_MS + 1e12).state == "ok"


def test_a_recording_that_failed_degrades_the_node() -> None:
    snapshot = node()
    snapshot.recording = RecordingHealth("tapes", 20, 4096)
    assert part(judged(snapshot), "recording").words == "20 frames in tapes"
    snapshot.recording = RecordingHealth("tapes", 20, 4096, "No space left on device")
    health = judged(snapshot)
    assert (health.state, health.is_ready) == ("degraded", True)
    assert health.words == "recording: expected every frame on tape, found: No space left on device"


def test_memory_is_left_out_where_no_process_can_be_looked_at() -> None:
    assert "memory" not in [each.name for each in judged(node()).parts]


def test_what_is_down_is_said_before_what_is_degraded() -> None:
    snapshot = node()
    snapshot.workers["alerts"] = WorkerHealth("alerts", 13, False, is_needed=False)
    snapshot.redis = RedisHealth(RedisState.AWAY)
    assert [said.partition(":")[0] for said in judged(snapshot).words.split("; ")] == ["redis", "workers"]


def test_a_node_that_has_not_spoken_or_has_fallen_silent_is_not_live() -> None:
    silent = node()
    silent.lost_contact = "no word from the node for 3 s"
    for snapshot, said in ((Snapshot(), "expected the node's state"), (silent, "no word from the node for 3 s")):
        health = judged(snapshot)
        assert (health.state, health.is_live, health.is_ready, health.figures) == ("down", False, False, None)
        assert health.words.startswith(said)
