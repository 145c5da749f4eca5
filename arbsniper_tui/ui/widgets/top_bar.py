"""Two lines over every screen: the node, its state, and the threshold in force."""

from arbsniper_tui.model.health import FeedState, RecordingHealth, RedisState
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.session.venue_health import venue_healths
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.paint import Line, ends, joined, width_of
from arbsniper_tui.ui.view import Standing
from arbsniper_tui.ui.widgets.pane import LineBar


class TopBar(LineBar):
    """Its first line names the node; the second always holds the threshold and the basis."""

    DEFAULT_CSS = "TopBar { height: 2; }"

    def show(self, snapshot: Snapshot, standing: Standing) -> None:
        self.put([self._node_line(snapshot, standing), self._rule_line(snapshot, standing)])

    def _node_line(self, snapshot: Snapshot, standing: Standing) -> Line:
        name: list[tuple[str, str]] = [(" arbsniper ", "title")]
        if snapshot.lost_contact:
            return joined((*name, (" NO CONTACT ", "badge"), (f" {snapshot.lost_contact}", "bad")))
        rate = f"{standing.refresh_hz:g} Hz"
        right = joined(((f"ssh {rate} " if standing.remote else f"{rate} ", "warn" if standing.remote else "quiet"),))
        intro, status = snapshot.intro, snapshot.status
        if intro is None:
            return ends(joined((*name, (" waiting for the node", "quiet"))), right, self.extent.width)
        if intro.mode in ("demo", "replay"):
            name += [(f" {intro.mode.upper()} ", "badge"), (" ", "text")]
        venues = venue_healths(snapshot.feeds.values())
        up = sum(each.state is FeedState.LIVE for each in venues)
        parts = [
            [(f" {intro.node}", "text")],
            [(f"  {up}/{len(venues)}", "text" if up == len(venues) else "warn"), (" venues up", "quiet")],
            [(f"  {fmt.count(status.quotes_per_s):>6}" if status else "       -", "text"), (" quotes/s", "quiet")],
            [(f"  up {fmt.span(status.uptime_s)}" if status else "", "quiet")],
            [(f"  {intro.routes} routes", "quiet")],
        ]
        return ends(self._as_fits(name, parts, width_of(right) + 2), right, self.extent.width)

    def _rule_line(self, snapshot: Snapshot, standing: Standing) -> Line:
        status, redis = snapshot.status, snapshot.redis
        held = f" threshold {fmt.threshold(status.threshold_pct)} " if status else " threshold - "
        fixed = [(held, "strong"), (f"{status.basis} " if status else "", "strong"), *_recording(snapshot.recording)]
        if standing.frozen:
            fixed += [(" FROZEN ", "badge"), (" space goes on ", "warn")]
        role = {RedisState.UP: "quiet", RedisState.OFF: "quiet", RedisState.CONNECTING: "warn"}.get(redis.state, "bad")
        parts = [[(f"  filter {standing.filter}", "accent")]] if standing.filter else []
        if (kept := snapshot.invariants) is not None:
            parts.append([(f"  {kept.in_words}", "text" if kept.hold else "bad")])
        parts.append([(f"  {fmt.redis(redis)}", role)])
        if status:
            parts.append(
                [(f"  {status.open_opportunities:>2} open", "accent" if status.open_opportunities else "quiet")]
            )
            if status.held:
                parts.append([(f"  {status.held} held: i", "warn")])
            parts.append([(f"  {fmt.count(status.signals)} signals", "quiet")])
        if snapshot.missed:
            parts.append([(f"  {fmt.count(snapshot.missed)} events missed", "warn")])
        viewers = f"{status.viewers} viewers " if status and status.viewers > 1 else ""
        return ends(self._as_fits(fixed, parts, 0), joined(((viewers, "quiet"),)), self.extent.width)

    def _as_fits(self, fixed: list[tuple[str, str]], parts: list[list[tuple[str, str]]], reserved: int) -> Line:
        """The fixed pieces, and of the parts as many as fit, in order."""
        pieces = list(fixed)
        for part in parts:
            if sum(len(text) for text, _ in (*pieces, *part)) <= self.extent.width - reserved:
                pieces += part
        return joined(pieces)


def _recording(recording: RecordingHealth | None) -> list[tuple[str, str]]:
    """A mark while the node records, and a badge once it cannot."""
    if recording is None:
        return []
    if recording.failure:
        return [(" NOT RECORDING ", "badge"), (f" {recording.failure} ", "bad")]
    return [(" ● REC ", "bad"), (f"{fmt.volume(recording.bytes)} ", "quiet")]
