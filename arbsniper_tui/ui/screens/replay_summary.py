"""The results of a replay, shown once when its tapes have ended, over the last state."""

import time

from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.paint import Line, joined
from arbsniper_tui.ui.screens.base import NodeScreen, Pane
from arbsniper_tui.ui.view import View
from arbsniper_tui.ui.widgets.pane import TextPane


class ReplaySummary(NodeScreen):
    """A page of figures; `esc` leaves it."""

    def __init__(self) -> None:
        super().__init__()
        self._page = TextPane("The tapes have ended")

    def panes(self) -> list[Pane]:
        return [self._page]

    def show_body(self, view: View) -> None:
        if view.whole or view.changes.replay or view.changes.status:
            self._page.show(summary_lines(view.snapshot), "esc shows the last state, q quits")


def summary_lines(snapshot: Snapshot) -> list[Line]:
    """Views, quotes, signals, what was dropped and why, and how long it was."""
    replay, status = snapshot.replay, snapshot.status
    if replay is None:
        return []
    begin, end = (
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ns / 1e9)) for ns in (replay.begins_ns, replay.now_ns)
    )
    rows = [
        ("frames", fmt.count(replay.frames)),
        ("quotes", fmt.count(replay.quotes)),
        ("signals", fmt.count(status.signals) if status is not None else "-"),
        *(("dropped", f"{fmt.count(count)} {reason}") for reason, count in replay.dropped.items()),
        ("on the tapes", f"{fmt.span((replay.now_ns - replay.begins_ns) / 1e9)}, from {begin} to {end}"),
        ("took", fmt.span(replay.took_s) if replay.took_s >= 1.0 else f"{replay.took_s:.1f}s"),
        *(("not watched", each) for each in replay.unwatched),
    ]
    lines: list[Line] = [()]
    before = ""
    for name, text in rows:
        lines.append(joined(((f" {'' if name == before else name:<14}", "head"), (text, "text"))))
        before = name
    return lines
