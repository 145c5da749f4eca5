"""A fault of the terminal UI ends the UI alone: the node of that process goes on, and can be attached to."""

import signal
from collections.abc import Callable, Iterator

import pytest
from node_process import OF_FOUR

from tests.ui.pty_program import PtyProgram

FAULTY = """
import sys
from arbsniper_tui.cli.main import run
from arbsniper_tui.session.session import Session
from arbsniper_tui.ui.widgets.routes_pane import RoutesPane

broken = {"widget": (RoutesPane, "line_of"), "session": (Session, "pull")}[sys.argv.pop(1)]
works, calls = getattr(*broken), []

def breaks(*arguments):
    calls.append(arguments)
    if len(calls) > 50:
        raise ValueError("broken by the test")
    return works(*arguments)

setattr(*broken, breaks)
run()
"""
FAILED = "the terminal UI failed: ValueError: broken by the test"

Start = Callable[..., PtyProgram]


@pytest.fixture
def faulty(place) -> Iterator[Start]:
    programs: list[PtyProgram] = []

    def start(*arguments: str) -> PtyProgram:
        programs.append(PtyProgram(FAULTY, *arguments, **place.env))
        return programs[-1]

    yield start
    for each in programs:
        each.close()


@pytest.mark.parametrize(("broken", "number"), [("session", signal.SIGINT), ("widget", signal.SIGTERM)])
def test_the_node_goes_on_without_its_ui_until_it_is_stopped(place, faulty: Start, broken: str, number: int) -> None:
    node = faulty(broken, "--demo", *OF_FOUR)
    node.wait(lambda: "ctrl+C stops it" in (node.read(), node.said_at_end)[1])
    said = node.said_at_end
    assert f"{FAILED}; the node goes on without it" in said
    assert "Traceback" not in said
    assert node.is_restored
    assert "broken by the test" in next(place.folder.rglob("arbsniper.log")).read_text()

    viewer = place.terminal("attach", str(node.process.pid))
    viewer.sees("4/4 venues up")
    viewer.type("q")
    assert viewer.exit_code() == 0

    node.process.send_signal(number)
    assert node.exit_code() == 0
    place.wait_for(lambda: not place.processes(), "the end of every worker")


def test_a_viewer_that_fails_says_so_and_the_node_does_not_notice(place, faulty: Start) -> None:
    node = place.start_node("--demo", "--no-ui", "--threshold", "0.02", *OF_FOUR)
    place.wait_for(lambda: node.lines, "a signal")
    viewer = faulty("widget", "attach", str(node.process.pid))
    assert viewer.exit_code() == 1
    assert viewer.is_restored
    assert FAILED in viewer.said_at_end
    assert "broken by the test" in next(place.folder.rglob("arbsniper.log")).read_text()
    assert "Traceback" not in viewer.said_at_end
    told = len(node.lines)
    place.wait_for(lambda: len(node.lines) > told, "the node's next signal")
