"""Answers what the desk asks of the deciding loop."""

import msgspec

from arbsniper_tui.desk.desk import Desk, Request
from arbsniper_tui.desk.feed_watch import FeedWatch
from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.memory import HeldRules, SpreadMemory
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.rules import GROSS, NET
from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.model.threshold import THRESHOLD_EXPECTED, is_threshold, threshold_words
from arbsniper_tui.spread.identity_check import Verdicts
from arbsniper_tui.spread.mutes import Mutes
from arbsniper_tui.spread.view_maker import ViewMaker
from arbsniper_tui.wire.messages import (
    Done,
    Hello,
    Refused,
    Reply,
    SetMute,
    SetRules,
    SetVerdict,
    TellTerminals,
    Welcome,
    WorkerNotice,
    WorkerReport,
)


class Requests:
    """Collects the signals that requests bring about: the loop announces them when it has answered."""

    def __init__(
        self,
        desk: Desk,
        detector: Detector,
        journal: Journal,
        feeds: FeedWatch,
        memory: SpreadMemory,
        views: ViewMaker,
        verdicts: Verdicts,
        mutes: Mutes,
    ) -> None:
        self._desk = desk
        self._detector = detector
        self._journal = journal
        self._feeds = feeds
        self._memory = memory
        self._views = views
        self._verdicts = verdicts
        self._mutes = mutes
        self._signals: list[Signal] = []

    def answer(self, request: Request, now_ns: int) -> Reply:
        """Carry out one request."""
        if isinstance(request, Hello):
            return Welcome(self._views.intro(), self._views.whole(now_ns, self._desk.named_routes()))
        if isinstance(request, WorkerNotice):
            self._signals += self._feeds.notice(request.worker, now_ns)
            return Done()
        if isinstance(request, WorkerReport):
            self._feeds.describe(request)
            return Done()
        if isinstance(request, TellTerminals):
            wall_ms = (now_ns + self._detector.wall_offset_ns) // 1_000_000
            self._journal.write("alert", wall_ms, now_ns, detail=clean_text(request.words), to=request.to)
            return Done()
        if isinstance(request, SetVerdict):
            return self._verdicts.set(request, now_ns)
        if isinstance(request, SetMute):
            reply, signals = self._mutes.set(request, now_ns)
            self._signals += signals
            return reply
        return self._set_rules(request, now_ns)

    def take_signals(self) -> list[Signal]:
        """What requests have brought about since the last call."""
        signals, self._signals = self._signals, []
        return signals

    def _set_rules(self, command: SetRules, now_ns: int) -> Reply:
        rules = self._detector.rules
        threshold_pct = rules.threshold_pct if command.threshold_pct is None else command.threshold_pct
        basis = rules.basis if command.basis is None else command.basis
        if not is_threshold(threshold_pct):
            return Refused(f"threshold {threshold_pct:g}: expected {THRESHOLD_EXPECTED}")
        if basis not in (GROSS, NET):
            return Refused(f"basis {basis!r}: expected {GROSS} or {NET}")
        changed = msgspec.structs.replace(rules, threshold_pct=threshold_pct, basis=basis)
        if changed != rules:
            wall_ms = (now_ns + self._detector.wall_offset_ns) // 1_000_000
            self._journal.write(
                "settings", wall_ms, now_ns, detail=f"threshold {threshold_words(threshold_pct)} {basis}"
            )
            self._signals += self._detector.change_rules(changed, now_ns)
            self._memory.rules = HeldRules(changed, self._views.plan.rules_number)
        return Done()
