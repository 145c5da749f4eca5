"""The whole program in a terminal: keys in, screen out, and the terminal as it was before."""

import pytest

SCREENS = (
    ("2", "prices", "BTC/USDT by venue"),
    ("3", "routes", "why not"),
    ("4", "signals", "oldest first"),
    ("5", "latency", "Feeds by venue"),
    ("1", "overview", "Latency"),
)


@pytest.fixture
def terminal(place):
    terminal = place.terminal("--demo")
    terminal.sees_every_venue_up()
    return terminal


def check_clean_end(place, terminal) -> None:
    assert terminal.exit_code() == 0
    assert terminal.is_restored
    place.wait_for(lambda: not place.processes() and not place.node_folders(), "the end of every worker")


def test_keys_do_what_the_contract_says_and_q_leaves_nothing_behind(place, terminal):
    terminal.sees("BTC/USDT", "DEMO", "gross", "threshold 0.10%")
    terminal.type("+")
    terminal.sees("threshold 0.15%")
    terminal.type("-")
    terminal.sees("threshold 0.10%")
    terminal.type("b")
    terminal.sees("0.10% net")
    terminal.type("b")
    terminal.sees("0.10% gross")
    terminal.type(" ")
    terminal.sees("FROZEN")
    terminal.type(" ")
    terminal.misses("FROZEN")
    terminal.type("t")
    terminal.sees("threshold % 0.10")

    terminal.type("0.3")
    terminal.sees("threshold % 0.3")
    terminal.type("\r")
    screen = terminal.sees("threshold 0.30%")
    logs = list(place.folder.rglob("arbsniper.log"))
    assert len(logs) == 1 and "supervisor" in logs[0].read_text()
    assert "INFO" not in screen and "supervisor" not in screen
    terminal.type("q")
    check_clean_end(place, terminal)


def test_every_screen_has_its_number_under_the_same_bar_and_ctrl_c_ends_it(place, terminal):
    for number, name, shows in SCREENS:
        terminal.type(number)
        terminal.sees(f"{number} {name}")
        terminal.sees(shows, "threshold 0.10%")
    terminal.type("?")
    terminal.sees("Every key", "Freeze the view")
    terminal.type("\x1b")
    terminal.misses("Freeze the view")
    terminal.type("\x03")
    check_clean_end(place, terminal)


def test_a_terminal_made_too_small_says_so_and_comes_back_and_a_signal_ends_it(place, terminal):
    terminal.resize(40, 10)
    terminal.sees("40x10")
    terminal.resize(120, 36)
    terminal.sees_every_venue_up()
    terminal.sees("threshold 0.10%", "BTC/USDT")
    terminal.process.terminate()
    check_clean_end(place, terminal)
