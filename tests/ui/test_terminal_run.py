"""The app in a real terminal, from its own process: how it begins, how it leaves, and what a terminal may do to it."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ui.pty_program import PtyProgram

Start = Callable[..., PtyProgram]

PROGRAM = """
import logging, sys
from arbsniper_tui.model.errors import UiFailed
from arbsniper_tui.session.snapshot import Changes
from arbsniper_tui.ui.run import run_ui
from tests.ui import builder
from tests.ui.played import PlayedView

task, log, pulls = sys.argv[1:] + [""] * (4 - len(sys.argv))
logging.basicConfig(filename=log or "/dev/null", level="INFO")

class View(PlayedView):
    def pull(self):
        if pulls:
            with open(pulls, "a") as file:
                file.write("x")
        if task == "busy" and self.pulls > 3:
            for each in list(self.snapshot.quotes.values()):
                if each.ts_recv_ms:
                    self.requote(each.instrument_id, bid=60_000.0 + self.pulls, ask=70_000.0 + self.pulls)
        if task == "broken" and self.pulls > 3:
            raise ValueError("a view that\\nnobody can read")
        return super().pull()

    def set_threshold(self, threshold_pct):
        self.snapshot.status = builder.status(threshold_pct=threshold_pct)

said = iter([None] * 3 + ["worker feed-1 could not be kept running"])
supervise = (lambda: next(said, None)) if task == "lost" else None
try:
    hz = 60.0 if task == "busy" else 20.0
    code = run_ui(View(builder.snapshot()), refresh_hz=hz, supervise=supervise)
except UiFailed as failure:
    sys.stderr.write(f"{failure}\\n")
    code = 9
sys.exit(code)
"""
SHOWN = "threshold 0.50%"
STYLE = re.compile(rb"\x1b\[([\d;]*)m")
ATTRIBUTES = {b"", b"0", b"1", b"2", b"3", b"4", b"7", b"22", b"23", b"24", b"27", b"39", b"49"}
"""Of text, without any colour but the terminal's own two."""
SHOWN_BID = re.compile(r"▲(\d\d,\d{3}\.\d) ")


def test_q_leaves_with_0(on_pty: Start) -> None:
    run = on_pty(PROGRAM)
    run.sees(SHOWN)
    run.type(b"q")
    assert run.exit_code() == 0
    assert run.is_restored
    assert re.sub(r"\x1b\[[?\d]*[a-z]", "", run.said_at_end) == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal_and_leaves_with_0(on_pty: Start, number: int) -> None:
    run = on_pty(PROGRAM)
    run.sees(SHOWN)
    run.process.send_signal(number)
    assert run.exit_code() == 0
    assert run.is_restored
    assert b"Traceback" not in run.output


def test_a_lost_worker_is_told_after_the_terminal_is_restored(on_pty: Start) -> None:
    run = on_pty(PROGRAM, "lost")
    assert run.exit_code() == 3
    assert "worker feed-1 could not be kept running" in run.said_at_end


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "cp1252"])
def test_a_terminal_that_is_not_utf_8_gets_ascii_in_the_same_places(on_pty: Start, encoding: str) -> None:
    run = on_pty(PROGRAM, PYTHONIOENCODING=encoding)
    run.sees(SHOWN, "-BTC/USDT -", "* BTC")
    assert run.output.isascii()
    run.type(b"q")
    assert run.exit_code() == 0


def test_without_colours_everything_is_said_by_words_signs_and_attributes(on_pty: Start) -> None:
    run = on_pty(PROGRAM, NO_COLOR="1")
    run.sees(SHOWN)
    assert {code for codes in STYLE.findall(run.output) for code in codes.split(b";")} <= ATTRIBUTES
    run.type(b"q")
    assert run.exit_code() == 0
    assert run.is_restored


def test_bytes_that_are_no_character_are_no_key(on_pty: Start) -> None:
    run = on_pty(PROGRAM)
    run.sees(SHOWN)
    run.type(b"\xff\xfe\xc3")
    run.type(b"(4")
    run.sees("4 signals")
    run.type(b"q")
    assert run.exit_code() == 0


def test_a_terminal_that_is_gone_ends_the_app(on_pty: Start) -> None:
    run = on_pty(PROGRAM)
    run.sees(SHOWN)
    for descriptor in (run.master, run.slave):
        os.close(descriptor)
    run.master, run.slave = os.openpty()
    run.wait(lambda: run.process.poll() is not None)
    assert run.process.returncode == 0


@pytest.mark.parametrize(
    ("keys", "shows"),
    [
        (b"t\x150.33\r", "threshold 0.33%"),
        (b"/perp\r4", "4 signals"),
        (b"/eth\r/\x15perp\r2", "2 prices"),
        (b"4/perp\r", "filter perp"),
        (b"/nothing\x1b[Ht \x1b[Fs\r3", "filter t nothings"),
        (b"\x10\x1b[6~\x1b[6~\x1b[5~signals\r", "4 signals"),
        (b"\x10gross\x15help\r", "Every key"),
        (b"t9\x7f\x7f\x7f0.12345678901\r", "threshold 0.1235%"),
        (b"3\x1b[B\x1b[B\r", "esc goes back"),
    ],
)
def test_keys_in_one_burst_go_where_they_were_meant(on_pty: Start, keys: bytes, shows: str) -> None:
    run = on_pty(PROGRAM)
    run.sees(SHOWN)
    run.type(keys)
    run.sees(shows)
    run.type(b"q")
    assert run.exit_code() == 0


def test_a_filter_in_one_burst_with_a_screen_keeps_its_words(on_pty: Start) -> None:
    run = on_pty(PROGRAM)
    run.sees(SHOWN)
    run.type(b"/perp\r4")
    run.sees("4 signals", "filter perp ")


@pytest.mark.parametrize("pasted", [b"eth\nq", b"eth\rq", b"\reth\r\nq"])
def test_a_pasted_text_of_several_lines_gives_its_first(on_pty: Start, pasted: bytes) -> None:
    run = on_pty(PROGRAM)
    run.sees(SHOWN)
    run.type(b"/\x1b[200~" + pasted + b"\x1b[201~\r")
    run.sees("filter eth ")
    run.type(b"q")
    assert run.exit_code() == 0


def selected(run: PtyProgram) -> int:
    """The line of the screen in which the selected row stands."""
    return next((y for y, line in enumerate(run.read().splitlines()) if line.startswith("›")), -1)


def test_the_mouse_selects_turns_and_drags(on_pty: Start) -> None:
    run = on_pty(PROGRAM, lines=20)
    run.sees(SHOWN)
    run.type(b"3")
    run.sees("Routes by spread")
    run.wait(lambda: selected(run) == 3)
    # SGR mouse reports: a click on the sixth row, a turn of the wheel, and a drag of the scrollbar to its end.
    run.type(b"\x1b[<0;20;9M\x1b[<0;20;9m")
    run.wait(lambda: selected(run) == 8)
    run.type(b"\x1b[<65;20;9M")
    run.wait(lambda: selected(run) == 5)
    run.type(b"\x1b[<0;100;6M\x1b[<32;100;18M\x1b[<0;100;18m")
    run.wait(lambda: selected(run) == 3)
    run.wait(lambda: run.read().splitlines()[17].endswith("▐"))
    run.type(b"q")
    assert run.exit_code() == 0


def test_a_fault_of_the_ui_is_logged_and_said_in_one_line(on_pty: Start, tmp_path: Path) -> None:
    run = on_pty(PROGRAM, "broken", str(tmp_path / "log"))
    assert run.exit_code() == 9
    assert run.is_restored
    said = run.said_at_end[run.said_at_end.index("the terminal UI failed") :]
    assert said == "the terminal UI failed: ValueError: a view that nobody can read\r\n"
    logged = (tmp_path / "log").read_text()
    assert "Traceback" in logged
    assert "nobody can read" in logged


def test_a_terminal_that_does_not_read_holds_nothing_up(on_pty: Start, tmp_path: Path) -> None:
    pulls = tmp_path / "pulls"
    run = on_pty(PROGRAM, "busy", "", str(pulls))
    run.sees(SHOWN)
    run.wait(pulls.exists)
    run.stop_reading()
    stopped_at = pulls.stat().st_size
    run.wait(lambda: pulls.stat().st_size > stopped_at + 100, reads=False)
    run.read_again()
    newest = 60_000 + pulls.stat().st_size
    run.wait(lambda: any(float(bid.replace(",", "")) > newest for bid in SHOWN_BID.findall(run.read())))
    run.type(b"5")
    run.sees("skipped: the terminal was behind")
    run.type(b"q")
    assert run.exit_code() == 0


@pytest.mark.parametrize("how", ["q", "SIGTERM"])
def test_a_terminal_that_does_not_read_is_left_at_once(on_pty: Start, tmp_path: Path, how: str) -> None:
    pulls = tmp_path / "pulls"
    run = on_pty(PROGRAM, "busy", "", str(pulls), columns=200, lines=50)
    run.sees(SHOWN)
    run.wait(pulls.exists)
    stopped_at = pulls.stat().st_size
    run.wait(lambda: pulls.stat().st_size > stopped_at + 100, reads=False)
    if how == "q":
        run.type(b"q")
    else:
        run.process.send_signal(signal.SIGTERM)
    assert run.exit_code(reads=False) == 0
    assert run.is_restored
