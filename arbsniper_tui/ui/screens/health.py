"""Screen 5: latency by stage, each feed's health, the workers, Redis, and what the UI itself costs."""

from textual.app import ComposeResult

from arbsniper_tui.model.health import RedisHealth
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.paint import Line, joined
from arbsniper_tui.ui.screens import shared_panes
from arbsniper_tui.ui.screens.base import Body, NodeScreen, Pane
from arbsniper_tui.ui.view import View
from arbsniper_tui.ui.widgets.feed_table import FeedTable
from arbsniper_tui.ui.widgets.latency_pane import LatencyPane
from arbsniper_tui.ui.widgets.pane import TextPane


class HealthScreen(NodeScreen):
    """Latency on top, feeds below, the node's parts at the foot."""

    DEFAULT_CSS = """
    HealthScreen LatencyPane { height: 6; }
    HealthScreen.-low LatencyPane { height: 3; }
    HealthScreen.-tall LatencyPane { height: 11; }
    HealthScreen.-high LatencyPane { height: 16; }
    HealthScreen FeedTable { height: 1fr; }
    HealthScreen #node { height: 6; }
    HealthScreen.-low #node { height: 3; }
    HealthScreen.-tall #node { height: 8; }
    HealthScreen.-high #node { height: 11; }
    """
    TITLED = "latency"
    SORTED = "feeds"

    def __init__(self) -> None:
        super().__init__()
        self._latency = LatencyPane()
        self._feeds = FeedTable()
        self._node = TextPane("Node", id="node")

    def body(self) -> ComposeResult:
        with Body(classes="body"):
            yield self._latency
            yield self._feeds
            yield self._node

    def panes(self) -> list[Pane]:
        return [self._feeds, self._latency, self._node]

    def show_body(self, view: View) -> None:
        snapshot = view.snapshot
        shared_panes.show_latency(self._latency, view)
        if view.whole or view.second or view.changes.feeds:
            listed = snapshot.intro.instruments if snapshot.intro else ()
            implied = frozenset((each.venue, each.symbol) for each in listed if each.implied)
            waiting = "waiting for the first word of a feed worker ..."
            self._feeds.show(
                snapshot.feeds.values(),
                view.now_ms,
                view.look,
                in_contact=not snapshot.lost_contact,
                implied=implied,
                empty=waiting,
            )
        if view.whole or view.second or view.changes.redis:
            self._node.show(node_lines(snapshot, view.cost))


def node_lines(snapshot: Snapshot, cost: str) -> list[Line]:
    """What is recorded, Redis, the UI's cost, the workers, and the rules in force, one each."""
    rows = _recording_rows(snapshot) + [("redis", _redis_says(snapshot.redis), "text")]
    rows.append(("this UI", cost or "measuring ...", "text"))
    if snapshot.status is not None:
        conflated = f"{fmt.count(snapshot.status.conflated)} quotes conflated on the way to the spread worker"
        rows.append(("bus", conflated, "quiet"))
    for worker in sorted(snapshot.workers.values(), key=lambda each: each.name):
        state = (
            f"pid {worker.pid}  {'up' if worker.up else 'DOWN'}  {worker.restarts} restarts  {worker.detail}".rstrip()
        )
        rows.append((worker.name, state, "quiet" if worker.up else "bad"))
    if snapshot.intro is not None:
        intro = snapshot.intro
        rules = f"{', '.join(intro.route_kinds)}; quotes older than {intro.max_quote_age_ms:g} ms take no part; "
        rules += f"{intro.cooldown_s:g} s between two signals of a route"
        rows.append(("rules", rules, "quiet"))
        rows += [("counted", each, "quiet") for each in intro.quotes_counted]
        rows.append(("node", f"{intro.node}, pid {intro.pid}, version {intro.version}", "quiet"))
    return [joined(((f"{name:<14} ", "head"), (text, role))) for name, text, role in rows]


def _redis_says(redis: RedisHealth) -> str:
    said = fmt.redis(redis).removeprefix("redis ")
    if redis.address.startswith("unix://"):
        said += f", {redis.address}"
    if redis.rtt_ms is not None:
        said += f", rtt {fmt.millis(redis.rtt_ms)}"
    return f"{said}: {redis.detail}" if redis.detail and redis.detail != redis.state.value else said


def _recording_rows(snapshot: Snapshot) -> list[tuple[str, str, str]]:
    recording = snapshot.recording
    if recording is None:
        return []
    kept = f"{recording.folder}, {fmt.volume(recording.bytes)}, {fmt.count(recording.frames)} frames"
    if recording.failure:
        return [("NOT RECORDING", recording.failure, "bad"), ("recorded", kept, "text")]
    return [("recording", kept, "text")]
