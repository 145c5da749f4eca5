"""From settings that have changed while a node runs to the plans that its workers take over. Pure."""

from collections.abc import Iterable, Mapping

from msgspec.structs import fields, replace

from arbsniper_tui.config.settings import Settings
from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.engine.routes import route_pairs
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.instrument import Instrument, InstrumentChange
from arbsniper_tui.node.launch import rules_of, terms_of
from arbsniper_tui.universe.instruments import instruments_of, quotes_in_words
from arbsniper_tui.universe.names import told_multiple
from arbsniper_tui.venues import is_external

_RULE_OF_KEY = {"max_quote_age_ms": "max_age_ns", "cooldown_s": "cooldown_ns", "min_life_ms": "min_life_ns"}
_RULES = {field.name for field in fields(Rules)}


def rule_of(key: str) -> str:
    """The field of Rules that a key sets; empty for a key that sets none."""
    section, _, name = key.partition(".")
    rule = _RULE_OF_KEY.get(name, name)
    return rule if section == "signals" and rule in _RULES else ""


def next_instruments(
    before: Iterable[Instrument], settings: Settings, multipliers: Mapping[str, int]
) -> tuple[tuple[Instrument, ...], tuple[str, ...]]:
    """What is watched by these settings, and what of that needs a restart, a line each: an exchange from outside keeps
    its instruments, and one that is watched keeps whether it takes part or is a rate alone."""
    known = {each.id: each for each in before}
    watched = [each for each in known.values() if is_external(each.venue)]
    notes = []
    for each in instruments_of(settings):
        if is_external(each.venue):
            continue
        instrument = told_multiple(each, multipliers)
        if each.id in known and each.only_rate != (was := known[each.id].only_rate):
            instrument = replace(instrument, only_rate=was)
            takes_part = "takes part" if each.only_rate else "takes no part"
            notes.append(f"{each.venue} {each.symbol} is a rate as well, and {takes_part} in routes until a restart")
        watched.append(instrument)
    return tuple(watched), tuple(notes)


def change_since(start: Iterable[Instrument], ever: set[int], now: Iterable[Instrument]) -> InstrumentChange | None:
    """How the instruments differ from those of the node's start; `ever` are the ids of all that were watched."""
    at_start, wanted = {each.id for each in start}, {each.id: each for each in now}
    added = tuple(each for i, each in wanted.items() if i not in at_start)
    removed = tuple(sorted(ever - wanted.keys()))
    return InstrumentChange(added, removed) if added or removed else None


def next_spread_plan(
    plan: SpreadPlan, settings: Settings, instruments: tuple[Instrument, ...], rules_set: Iterable[str], note: str
) -> SpreadPlan:
    """`rules_set` are the fields of the rules that count from now on, whatever viewers have set before."""
    number = plan.rules_number + 1
    signals = settings.signals
    return replace(
        plan,
        intro=replace(
            plan.intro,
            instruments=instruments,
            routes=sum(1 for _ in route_pairs(instruments, signals.routes)),
            max_quote_age_ms=signals.max_quote_age_ms,
            cooldown_s=signals.cooldown_s,
            quotes_counted=quotes_in_words(settings),
        ),
        rules=rules_of(signals),
        terms=terms_of(settings),
        rules_number=number,
        rules_set=plan.rules_set | dict.fromkeys(rules_set, number),
        note=note,
    )
