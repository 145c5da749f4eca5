"""`attach`: the UI on a node that runs, however it is named; the node does not notice when the UI is left."""

import pytest
from node_process import OF_FOUR

from arbsniper_tui.runtime.node_folder import live_folders

# One after the other, however many runners there are: each sees all nodes of this user.
pytestmark = pytest.mark.xdist_group("nodes of this user")


def start(place):
    run = place.start_node("--demo", "--no-ui", "--threshold", "0.02", *OF_FOUR)
    place.wait_for(lambda: run.lines, "a signal")
    return run


@pytest.fixture(scope="module")
def node(shared_place):
    """One node for all viewers that leave it as it was."""
    return start(shared_place)


@pytest.fixture
def alone(shared_place):
    """Where the system has one folder for all nodes of a user, `attach` would find others than this test's."""
    if set(live_folders()) - set(shared_place.node_folders()):
        pytest.skip("another node of this user runs on this machine")


def leave(terminal) -> None:
    terminal.type("q")
    assert terminal.exit_code() == 0
    assert terminal.is_restored


def test_no_node_at_all_is_said_in_a_sentence(place, alone):
    terminal = place.terminal("attach")
    assert terminal.exit_code() == 2
    assert "no node runs here" in terminal.read()


def test_a_node_is_found_by_its_process_id_and_runs_on(shared_place, node):
    place = shared_place
    terminal = place.terminal("attach", str(node.process.pid))
    terminal.sees("venues up", "DEMO", f"-{node.process.pid}", "BTC/USDT")
    leave(terminal)
    assert node.process.poll() is None
    told = len(node.lines)
    place.wait_for(lambda: len(node.lines) > told, "the node's next signal")


def test_without_an_endpoint_it_finds_the_node_that_runs(shared_place, alone, node):
    terminal = shared_place.terminal("attach")
    terminal.sees("venues up", f"-{node.process.pid}")
    leave(terminal)


def test_two_viewers_share_a_node_and_say_when_it_is_gone(place):
    node = start(place)
    first, second = (place.terminal("attach", str(node.process.pid)) for _ in range(2))
    first.sees("2 viewers")
    second.sees("threshold 0.02%")
    first.type("+")
    second.sees("threshold 0.07%")
    place.wait_for(lambda: "threshold 0.07% gross" in node.err, "the node's own word")
    first.type("b")
    second.sees("0.07% net")
    leave(first)
    second.misses("2 viewers")
    assert node.end() == 0
    second.sees("NO CONTACT")
    leave(second)


def test_a_node_that_is_not_there_is_refused_with_those_that_are(shared_place, node):
    terminal = shared_place.terminal("attach", "1")
    assert terminal.exit_code() == 2
    screen = terminal.read().replace("\n", "")
    assert "no node at 1" in screen and str(node.process.pid) in screen


def test_without_a_terminal_it_is_refused(place):
    done = place.run("attach")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"terminal" in done.stderr
