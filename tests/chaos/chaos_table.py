"""Each fault at each simulated venue for a minute of simulated time: what was said, against what was true.

The bytes are the venues' wires, the way from them to the decision is the program's own, and one clock drives all of
it, timers of reconnecting too. `make chaos` prints the table; the tests play some of its cells.
"""

import argparse
import logging
import sys

import simulated_process

# isort: split
# Behind the line above, because the clocks must be replaced before the program binds them.
from cell import play
from verdict import Verdict, judge

from arbsniper_tui.sim.chaos import Chaos
from arbsniper_tui.sim.registry import SIMULATED

_LEGEND = """
A cell: signals given / spreads that stood long enough to be told of. F: false signals, of which a leg was not there;
w: signals of which a leg was there at a better price only; M: missed spreads; D: events that came twice;
U: openings without a close.
"""


def main() -> int:
    """Play the cells and print the table. Returns 1 where a cell is not good."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("cells", nargs="*", metavar="FAULT:VENUE", help="as freeze:okx or cut: or :okx; left out: all")
    options.add_argument("--seed", type=int, default=1, help="of the market and of what goes wrong")
    options.add_argument("--verbose", action="store_true", help="name each false signal and each missed spread")
    given = options.parse_args()
    logging.disable()
    wanted = [_cell(text) for text in given.cells] or [("", "")]
    began_s = simulated_process.real_s()
    bad = cells = 0
    sys.stdout.write(f"{'':10}" + "".join(f"{kind:>13}" for kind in Chaos) + "\n")
    for venue in SIMULATED:
        row = []
        for kind in Chaos:
            if not any(each[0] in ("", kind) and each[1] in ("", venue) for each in wanted):
                row.append("")
                continue
            verdict = judge(play(kind, venue, given.seed))
            cells += 1
            bad += not verdict.is_good
            row.append(_words(verdict))
            if given.verbose:
                _tell(kind, venue, verdict)
        if any(row):
            sys.stdout.write(f"{venue:10}" + "".join(f"{words:>13}" for words in row) + "\n")
            sys.stdout.flush()
    took_s = simulated_process.real_s() - began_s
    sys.stdout.write(f"{_LEGEND}{cells} cells in {took_s:.0f} s, {bad} of them not good\n")
    return 1 if bad else 0


def _cell(text: str) -> tuple[str, str]:
    kind, _, venue = text.partition(":")
    if (kind and kind not in set(Chaos)) or (venue and venue not in SIMULATED):
        expected = f"one of {', '.join(Chaos)}, a colon, and one of {', '.join(SIMULATED)}"
        raise SystemExit(f"found {text!r}, expected {expected}")
    return kind, venue


def _words(verdict: Verdict) -> str:
    counts = (
        ("F", len(verdict.false_signals)),
        ("w", verdict.worse),
        ("M", len(verdict.missed)),
        ("D", verdict.doubled),
        ("U", verdict.unclosed),
    )
    broken = "".join(f" {letter}{count}" for letter, count in counts if count)
    return f"{verdict.signals}/{verdict.standing}{broken}"


def _tell(kind: str, venue: str, verdict: Verdict) -> None:
    for each in verdict.false_signals:
        sys.stderr.write(f"{kind} {venue}: false: {each}\n")
    for missed in verdict.missed:
        begins_s, ends_s = ((ns - simulated_process.STARTED_NS) / 1e9 for ns in (missed.begins_ns, missed.ends_ns))
        stood = f"{begins_s:.2f} to {ends_s:.2f} s, up to {missed.spread_pct:.3f} %"
        sys.stderr.write(f"{kind} {venue}: missed: {missed.route}: {stood}\n")


if __name__ == "__main__":
    sys.exit(main())
