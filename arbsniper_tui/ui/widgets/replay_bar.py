"""One line under the top bar of a replay: where on the tapes it is, how fast it plays, and how it ended."""

import time

from arbsniper_tui.model.view import NodeStatus, ReplayStatus
from arbsniper_tui.model.words import counted
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.paint import Line, ends, joined
from arbsniper_tui.ui.widgets.pane import LineBar

TRACK_FROM = 110
_TRACK = 20


class ReplayBar(LineBar):
    """Hidden where no tapes are played."""

    DEFAULT_CSS = """
    ReplayBar { display: none; }
    ReplayBar.-playing { display: block; }
    """

    def show(self, replay: ReplayStatus | None, status: NodeStatus | None) -> None:
        if replay is None:
            return
        self.add_class("-playing")
        self.put([self._over(replay, status) if replay.is_over else self._playing(replay)])

    def _playing(self, replay: ReplayStatus) -> Line:
        mark = (" ‖ ", "warn") if replay.is_paused else (" ▶ ", "good")
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(replay.now_ns / 1e9))
        pieces = [mark, (at, "text"), (f"  {position(replay)}", "text")]
        if self.size.width >= TRACK_FROM and replay.share is not None:
            done = round(replay.share * _TRACK)
            pieces += [("  ", "text"), ("━" * done, "bar"), ("─" * (_TRACK - done), "rule")]
        pieces.append((f"  {speed_in_words(replay.speed)}", "text"))
        if replay.is_paused:
            pieces.append(("  paused", "warn"))
        keys = (("p", "accent"), (" plays  " if replay.is_paused else " pauses  ", "quiet"))
        return ends(joined(pieces), joined((*keys, ("< > ", "accent"))), self.size.width)

    def _over(self, replay: ReplayStatus, status: NodeStatus | None) -> Line:
        signals = f", {counted(status.signals, 'signal')}" if status else ""
        played = f"{counted(replay.frames, 'frame')}, {counted(replay.quotes, 'quote')}{signals}"
        dropped = f", {sum(replay.dropped.values()):,} dropped" if replay.dropped else ""
        return joined(((" ■ ", "head"), ("the tapes have ended: ", "text"), (played + dropped, "text")))


def position(replay: ReplayStatus) -> str:
    """`1m 3s of 10m 1s, 10%`; without the end while it is not known."""
    played = fmt.span((replay.now_ns - replay.begins_ns) / 1e9)
    if replay.ends_ns is None or replay.share is None:
        return played
    return f"{played} of {fmt.span((replay.ends_ns - replay.begins_ns) / 1e9)}, {replay.share:.0%}"


def speed_in_words(speed: float | None) -> str:
    return "speed max" if speed is None else f"speed {speed:g}"
