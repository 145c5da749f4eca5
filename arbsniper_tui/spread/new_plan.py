"""What a spread worker does with a plan that it is handed while it runs."""

from arbsniper_tui.desk.desk import Desk
from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.memory import HeldRules, SpreadMemory
from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.sinks.sink import Sink
from arbsniper_tui.spread.view_maker import ViewMaker


def rules_at_start(plan: SpreadPlan, memory: SpreadMemory) -> Rules:
    """Those of the worker before, with what was set since; of the first worker those of the plan."""
    held = memory.rules
    return plan.rules if held is None else plan.rules_over(held.rules, held.number)


class NewPlan:
    """Instruments are not taken from it: feeds tell which they serve, each in the order of its quotes."""

    def __init__(
        self, detector: Detector, journal: Journal, memory: SpreadMemory, views: ViewMaker, desk: Desk, sink: Sink
    ) -> None:
        self._detector = detector
        self._journal = journal
        self._memory = memory
        self._views = views
        self._desk = desk
        self._sink = sink

    def take(self, plan: SpreadPlan, now_ns: int) -> list[Signal]:
        """Work by this plan from now on. Returns what is to be announced."""
        detector, before = self._detector, self._views.plan
        self._views.plan = plan
        self._sink.change_max_signal_age(plan.intro.max_quote_age_ms)
        rules = plan.rules_over(detector.rules, before.rules_number)
        has_new_terms = plan.terms != before.terms
        signals: list[Signal] = []
        if plan.note:
            wall_ms = (now_ns + detector.wall_offset_ns) // 1_000_000
            self._journal.write("settings", wall_ms, now_ns, detail=plan.note)
        if has_new_terms:
            detector.routes.change_terms(plan.terms)
        if has_new_terms or rules != detector.rules:
            signals = detector.change_rules(rules, now_ns)
        self._memory.rules = HeldRules(rules, plan.rules_number)
        self._desk.renew()
        return signals
