"""`status`: the exit code of each health, and the most that is worth saying in 40 characters."""

import pytest

from arbsniper_tui.session.health import Figures, NodeHealth, Part, PartState, unanswered
from arbsniper_tui.tools.status import SHORT_COLUMNS, exit_code_of, short_line

OK, DEGRADED, DOWN = PartState


def health(
    state: PartState, *parts: Part, live: int = 12, signals: int = 17, quotes_per_s: float = 812.4
) -> NodeHealth:
    figures = Figures(live, 12, 1000, quotes_per_s, signals, 0, 90.0, 20, 1)
    return NodeHealth(state, True, state is not DOWN, "", figures=figures, parts=parts)


def venues(*down: str) -> Part:
    return Part("venues", DEGRADED, "", parts=tuple(Part(name, DOWN, "", is_needed=False) for name in down))


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (health(OK), "ok 12/12 venues 17 signals 812 quotes/s"),
        (health(OK, signals=123_456, quotes_per_s=98_765.0), "ok 12/12 venues 123,456 signals"),
        (health(DEGRADED, venues("kraken"), live=11), "degraded 11/12 venues kraken 17 signals"),
        (health(DEGRADED, venues("kraken", "coinbase", "okx"), live=9), "degraded 9/12 venues kraken coinbase okx"),
        (health(DOWN, Part("redis", DOWN, "")), "not ready 12/12 venues redis 17 signals"),
        (health(DOWN, Part("redis", DOWN, ""), venues("okx"), live=11), "not ready 11/12 venues redis okx"),
        (health(DEGRADED, venues("x" * 40), live=11), "degraded 11/12 venues 17 signals"),
        (unanswered("no node runs here"), "no node answers"),
    ],
)
def test_the_short_line_says_first_what_matters_most(found: NodeHealth, line: str) -> None:
    assert short_line(found) == line
    assert len(line) <= SHORT_COLUMNS


@pytest.mark.parametrize(
    ("found", "code"), [(health(OK), 0), (health(DEGRADED), 0), (health(DOWN), 5), (unanswered(""), 6)]
)
def test_each_health_has_its_exit_code(found: NodeHealth, code: int) -> None:
    assert exit_code_of(found) == code
