"""What the detail of a route says of its gates, of its symbol in the last hour, and of how long opportunities stood."""

from arbsniper_tui.model.gate_words import GATE_SENTENCES
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import reason_words, short_words
from arbsniper_tui.model.view import Breakdown, SurvivalRow, WhyRow
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.paint import Line, joined

SURVIVAL_AFTER = ("50 ms", "200 ms", "500 ms", "2 s")
_NAME = 12


def gates_account(snapshot: Snapshot, buy: Instrument, sell: Instrument) -> list[Line]:
    """The gates of a route and their outcomes, as lines; empty until the node has told them."""
    breakdown = snapshot.breakdowns.get((buy.id, sell.id))
    if breakdown is None:
        return []
    lines = _gates(breakdown)
    if (why := snapshot.why.get(breakdown.symbol)) is not None and why.looks:
        lines += [(), _why(why)]
    lines.append(_survival(snapshot.survival.get((buy.id, sell.id)), "of the route"))
    lines.append(_survival(_of_pair(snapshot, buy, sell), f"{buy.venue} → {sell.venue}"))
    return lines


def _gates(breakdown: Breakdown) -> list[Line]:
    outcomes = dict(breakdown.outcomes)
    lines: list[Line] = [((" gates", "head"),)]
    for name, sentence in GATE_SENTENCES.items():
        said = (sentence, "quiet")
        if name not in outcomes:
            if name != "judged":
                lines.append(joined(((f"   - {name:<{_NAME}}", "quiet"), said)))
        elif reason := outcomes[name]:
            lines.append(joined(((f"  no {name:<{_NAME}}", "warn"), (reason_words(reason), "warn"))))
        else:
            lines.append(joined(((f"  ok {name:<{_NAME}}", "text"), said)))
    return lines


def _why(why: WhyRow) -> Line:
    parts = []
    for reason, count in why.reasons:
        words = "open" if reason is None else f"{short_words(reason)} {reason.venue}".rstrip()
        parts.append(f"{100 * count / why.looks:.0f} % {words}")
    return joined(((f" {why.symbol}, last hour: ", "head"), (", ".join(parts), "text")))


def _survival(row: SurvivalRow | None, route: str) -> Line:
    name = (f" survival {route}: ", "head")
    if row is None or not row.opened:
        return joined((name, ("nothing has opened yet", "quiet")))
    stood = zip(SURVIVAL_AFTER, row.stood, strict=True)
    parts = ", ".join(f"{100 * count / row.opened:.0f} % after {after}" for after, count in stood)
    return joined((name, (f"{parts}, of {fmt.count(row.opened)}", "text")))


def _of_pair(snapshot: Snapshot, buy: Instrument, sell: Instrument) -> SurvivalRow:
    """All routes from one venue to the other together."""
    venue_of = {each.id: each.venue for each in snapshot.intro.instruments} if snapshot.intro else {}
    pair = buy.venue, sell.venue
    rows = [row for row in snapshot.survival.values() if (venue_of.get(row.buy_id), venue_of.get(row.sell_id)) == pair]
    stood = tuple(map(sum, zip(*(row.stood for row in rows), strict=True))) or (0, 0, 0, 0)
    return SurvivalRow(buy.id, sell.id, sum(row.opened for row in rows), stood)
