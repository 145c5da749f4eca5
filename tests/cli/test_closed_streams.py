"""Started without what a shell usually gives: closed streams, no home, a terminal that goes away."""

import os
import pty
import signal
import subprocess

import pytest
from node_process import OF_FOUR
from waiting import DEADLINE_S


def start(place, shell_words: str, *arguments: str) -> subprocess.Popen[bytes]:
    """The command as a shell starts it with these redirections."""
    return subprocess.Popen(
        ["sh", "-c", f'exec "$0" "$@" {shell_words}', place.command, *arguments],
        stdin=subprocess.DEVNULL,
        env=place.env,
        cwd=place.folder,
    )


def text(place, name: str) -> str:
    file = place.folder / name
    return file.read_text() if file.exists() else ""


@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", "<&- >&- 2>&-", "2>&-"])
def test_a_node_without_a_terminal_runs_whatever_streams_are_closed(place, closed):
    streams = ("<&-" in closed, ">&-" in closed.replace("2>&-", ""), "2>&-" in closed)
    words = " ".join(
        word for is_closed, word in zip(streams, ("", ">out", "2>err"), strict=True) if not is_closed and word
    )
    node = start(place, f"{words} {closed}", "--demo", "--no-ui", "--threshold", "0", "--log-file", "log", *OF_FOUR)
    place.wait_for(lambda: node.poll() is not None or "okx perp: up" in text(place, "log"), "a venue")
    if ">out" in words:
        place.wait_for(lambda: text(place, "out").count("\n") > 3, "signals")
    node.terminate()
    assert node.wait(DEADLINE_S) == 0
    said = text(place, "log") + text(place, "err")
    assert "Traceback" not in said and "Bad file descriptor" not in said
    assert all(line.startswith('{"type"') for line in text(place, "out").splitlines())
    place.wait_for(lambda: not place.processes() and not place.node_folders(), "the end of every worker")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
def test_the_ui_without_a_terminal_says_what_it_needs(place, closed):
    node = start(place, f"{closed} 2>err", "--demo")
    assert node.wait(DEADLINE_S) == 2
    assert "expected a terminal on standard input and output" in text(place, "err")
    assert "Traceback" not in text(place, "err")


@pytest.mark.parametrize("verb", [["venues"], ["config", "show"], ["config", "show", "--json"], ["--help"]])
def test_a_full_disk_behind_standard_output_is_said_in_one_line(place, verb):
    done = start(place, ">/dev/full 2>err", *verb)
    assert done.wait(DEADLINE_S) == 1
    assert text(place, "err") == "standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize("verb", [["venues"], ["config", "show"], ["decode", "okx"], ["--version"], ["--help"]])
def test_other_verbs_run_with_closed_streams(place, verb):
    done = start(place, "<&- >&- 2>err", *verb)
    assert done.wait(DEADLINE_S) == 0
    assert "Traceback" not in text(place, "err")


def test_without_a_home_the_log_of_the_ui_goes_to_the_runtime_folder_and_the_user_is_told(place):
    place.env["HOME"] = "/dev/null"
    place.env.pop("XDG_STATE_HOME", None)
    terminal = place.terminal("--demo", *OF_FOUR, columns=200)
    terminal.sees("4/4 venues up")
    (log,) = place.folder.glob("arbsniper-tui-*/arbsniper.log")
    assert "supervisor" in log.read_text()
    terminal.type("q")
    assert terminal.exit_code() == 0
    assert f"the log goes to {log}".encode() in terminal.written


class TestHangup:
    """SIGHUP: a terminal that was closed, or a service manager's word."""

    ARGUMENTS = ("--no-ui", "--demo", "--threshold", "0", "--log-file", "log", *OF_FOUR)

    def start(self, place, *before: str, has_terminal: bool) -> tuple[subprocess.Popen[bytes], int]:
        """A node, started by the words before it, and our end of its terminal, which it has for standard error where
        it has one."""
        ours, theirs = pty.openpty()
        with (place.folder / "out").open("wb") as out:
            node = subprocess.Popen(
                ["setsid", *(["--ctty"] if has_terminal else []), *before, *place.patient_command, *self.ARGUMENTS],
                stdin=theirs if has_terminal else subprocess.DEVNULL,
                stdout=out,
                stderr=theirs if has_terminal else subprocess.DEVNULL,
                env=place.env,
                cwd=place.folder,
            )
        os.close(theirs)
        place.wait_for(lambda: text(place, "out").count("\n") > 3, "signals")
        return node, ours

    def test_a_node_whose_terminal_was_closed_ends_cleanly(self, place):
        node, ours = self.start(place, has_terminal=True)
        os.close(ours)
        assert node.wait(DEADLINE_S) == 0
        place.wait_for(lambda: not place.processes() and not place.node_folders(), "the end of every worker")
        assert "ended by signal" not in text(place, "log") and "was killed" not in text(place, "log")

    def test_a_node_without_a_terminal_ignores_it(self, place):
        node, ours = self.start(place, has_terminal=False)
        for pid in place.processes():
            os.kill(pid, signal.SIGHUP)
        told = text(place, "out").count("\n")
        place.wait_for(lambda: text(place, "out").count("\n") > told + 3, "more signals")
        assert text(place, "log").count(": process ") == 3, "no worker was started again"
        node.terminate()
        assert node.wait(DEADLINE_S) == 0
        os.close(ours)

    def test_nohup_is_respected(self, place):
        node, ours = self.start(place, "nohup", has_terminal=True)
        node.send_signal(signal.SIGHUP)
        told = text(place, "out").count("\n")
        place.wait_for(lambda: text(place, "out").count("\n") > told + 3, "more signals")
        node.terminate()
        assert node.wait(DEADLINE_S) == 0
        os.close(ours)

    def test_the_ui_whose_terminal_was_closed_ends_with_its_workers(self, place):
        terminal = place.terminal("--demo", *OF_FOUR)
        terminal.sees("4/4 venues up")
        terminal.hang_up()
        place.wait_for(lambda: terminal.process.poll() is not None, "the end")
        assert terminal.process.returncode == 0
        place.wait_for(lambda: not place.processes() and not place.node_folders(), "the end of every worker")
