"""What `doctor` makes of the terminal, the clock and the machine, on made-up surroundings."""

import pytest

from arbsniper_tui.config.settings import Settings, VenueSettings
from arbsniper_tui.tools.doctor import checks as doctor_checks
from arbsniper_tui.tools.doctor.checks import (
    check_clock,
    check_external,
    check_limits,
    check_terminal,
    kernel_clock_state,
    venue_targets,
)
from arbsniper_tui.tools.doctor.streams import check_streams
from arbsniper_tui.ui.front_end import prepare_terminal
from arbsniper_tui.ui.widgets.too_small import is_too_small

GOOD_TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "en_GB.UTF-8"}


def verdicts(findings) -> dict[str, str]:
    return {finding.check: finding.verdict for finding in findings}


def test_a_good_terminal_is_ok_in_every_respect():
    findings = check_terminal(GOOD_TERMINAL, (120, 40))
    assert verdicts(findings) == {"terminal size": "ok", "terminal colours": "ok", "terminal text": "ok"}
    assert not any(finding.advice for finding in findings)


@pytest.mark.parametrize(("size", "verdict"), [((60, 15), "ok"), ((59, 15), "warn"), ((60, 14), "warn")])
def test_a_terminal_in_which_the_ui_shows_nothing_is_small(size, verdict):
    assert verdicts(check_terminal(GOOD_TERMINAL, size))["terminal size"] == verdict
    assert is_too_small(*size) == (verdict == "warn")


@pytest.mark.parametrize(
    ("environ", "verdict", "words"),
    [
        ({"TERM": "xterm-256color"}, "ok", "256"),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, "ok", "16 million"),
        ({"TERM": "xterm"}, "warn", "16 or fewer"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "warn", "NO_COLOR"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "ok", "256"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "fail", "TERM=dumb"),
        ({}, "fail", "TERM is not set"),
    ],
)
def test_the_colour_depth_is_told_from_the_environment(environ, verdict, words):
    (finding,) = (found for found in check_terminal(environ, (80, 24)) if found.check == "terminal colours")
    assert finding.verdict == verdict
    assert words in finding.found


@pytest.mark.parametrize(
    ("encoding", "verdict", "found"),
    [
        ("utf-8", "ok", "UTF-8"),
        ("UTF8", "ok", "UTF-8"),
        ("iso8859-1", "warn", "iso8859-1: the screen is drawn in ASCII"),
        ("ascii", "warn", "ascii: the screen is drawn in ASCII"),
    ],
)
def test_the_encoding_of_standard_output_decides_whether_the_screen_is_ascii(encoding, verdict, found):
    (finding,) = (each for each in check_terminal(GOOD_TERMINAL, (80, 24), encoding) if each.check == "terminal text")
    assert (finding.verdict, finding.found) == (verdict, found)


@pytest.mark.parametrize(("value", "kept"), [("", False), ("1", True)])
def test_an_empty_no_color_is_unset_for_the_ui_too(value, kept):
    environ = {"NO_COLOR": value}
    prepare_terminal(environ)
    assert ("NO_COLOR" in environ) == kept


def test_ssh_is_said_and_no_terminal_is_a_warning():
    *_, over_ssh = check_terminal({**GOOD_TERMINAL, "SSH_CONNECTION": "1.2.3.4"}, (80, 24))
    assert (over_ssh.check, over_ssh.found) == ("terminal over SSH", "drawn 5 times a second at most")
    assert verdicts(check_terminal({}, None)) == {"terminal": "warn"}


class Clocks:
    """A wall and a monotonic clock that move only when waited for."""

    def __init__(self, step_ms=0.0):
        self.wall_ns, self.monotonic_ns, self._step_ns = 10**18, 10**9, int(step_ms * 1e6)

    def wait(self, seconds):
        self.monotonic_ns += int(seconds * 1e9)
        self.wall_ns += int(seconds * 1e9) + self._step_ns

    def check(self, state):
        return check_clock(lambda: self.wall_ns, lambda: self.monotonic_ns, self.wait, lambda: state)


@pytest.mark.parametrize(
    ("state", "verdict", "words"),
    [
        (0, "ok", "synchronised and steady"),
        (5, "warn", "not synchronised"),
        (None, "ok", "cannot be told"),
    ],
)
def test_a_steady_clock_is_what_the_kernel_says_of_it(state, verdict, words):
    finding = Clocks().check(state)
    assert finding.verdict == verdict
    assert words in finding.found


@pytest.mark.parametrize("step_ms", [-40.0, 40.0])
def test_a_clock_that_jumps_is_a_warning_even_when_it_is_synchronised(step_ms):
    finding = Clocks(step_ms).check(0)
    assert finding.verdict == "warn"
    assert f"{step_ms:+.1f} ms" in finding.found


def test_an_interrupted_reading_of_the_clocks_is_no_jump():
    clocks, readings = Clocks(), iter(range(1000))

    def interrupted_ns():
        # The first pair of readings is torn apart by 50 ms, the others are not.
        return clocks.monotonic_ns + (50_000_000 if next(readings) == 1 else 0)

    assert check_clock(lambda: clocks.wall_ns, interrupted_ns, clocks.wait, lambda: 0).verdict == "ok"


def test_the_kernel_answers_or_cannot_be_asked():
    assert kernel_clock_state() in (None, 0, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("files", "verdict"),
    [
        (20000, "ok"),
        (256, "ok"),
        (255, "warn"),
        (64, "warn"),
        (63, "fail"),
        (doctor_checks.resource.RLIM_INFINITY, "ok"),
    ],
)
def test_the_limit_of_open_files_is_judged(files, verdict, monkeypatch):
    monkeypatch.setattr(doctor_checks.resource, "getrlimit", lambda kind: (files, files))
    assert verdicts(check_limits("auto"))["open files"] == verdict


@pytest.mark.parametrize(("cpus", "verdict"), [({0}, "warn"), ({0, 1}, "ok")])
def test_one_cpu_is_few(cpus, verdict, monkeypatch):
    monkeypatch.setattr(doctor_checks, "allowed_cpus", lambda: cpus)
    assert verdicts(check_limits("auto"))["CPUs"] == verdict


def test_the_line_of_the_cpus_says_what_is_set_for_the_workers():
    (cpus,) = [finding for finding in check_limits("off") if finding.check == "CPUs"]
    assert cpus.found.endswith("engine.cpu = off")


def test_an_external_exchange_is_named_and_nothing_is_connected_to():
    settings = Settings(venues={"acme": VenueSettings(taker_fee_pct=0.1, external=True)})
    (finding,) = check_external(settings)
    assert (finding.check, finding.verdict) == ("acme", "ok")
    assert finding.found == "external: takes ticks of BTC/USDT on ipc://ticks.sock in the node's folder"
    assert venue_targets(settings) == {}
    assert check_streams(settings, lambda _: None) == []
