"""A fault of the terminal UI ends the UI alone: the node of that process goes on, and can be attached to."""

import signal
from collections.abc import Iterator

import pytest

from tests.ui.pty_program import PtyProgram

FAULTY = """
import sys
from arbsniper_tui.cli.main import run
from arbsniper_tui.ui.widgets.routes_pane import RoutesPane

line_of, calls = RoutesPane.line_of, []

def breaks(pane, index):
    calls.append(index)
    if len(calls) > 50:
        raise ValueError("broken by the test")
    return line_of(pane, index)

RoutesPane.line_of = breaks
run()
"""


@pytest.fixture
def faulty(place) -> Iterator[PtyProgram]:
    program = PtyProgram(FAULTY, "--demo", **place.env)
    yield program
    program.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_node_goes_on_without_its_ui_until_it_is_stopped(place, faulty, number):
    faulty.wait(lambda: "ctrl+C stops it" in (faulty.read(), faulty.said_at_end)[1])
    said = faulty.said_at_end
    assert "the terminal UI failed: ValueError: broken by the test; the node goes on without it" in said
    assert "Traceback" not in said
    assert faulty.is_restored
    assert "broken by the test" in next(place.folder.rglob("arbsniper.log")).read_text()

    viewer = place.terminal("attach", str(faulty.process.pid))
    viewer.sees("4/4 venues up")
    viewer.type("q")
    assert viewer.exit_code() == 0

    faulty.process.send_signal(number)
    assert faulty.exit_code() == 0
    place.wait_for(lambda: not place.processes(), "the end of every worker")
