"""The recorder: what it says is on disk is there, and whatever ends it ends nothing else."""

import resource
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path

import pytest
from node_process import unmeasured_environment

from arbsniper_tui.feeds.recorder import Recorder
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.tapes.tape import LISTING, TapeLine, read_tape

WaitUntil = Callable[..., None]
MakeRecorder = Callable[..., Recorder]
RECORD_UNTIL_IT_FAILS = """
import os, sys, time
from pathlib import Path
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.feeds.recorder import Recorder
recorder = Recorder(Path(sys.argv[1]), write_every_s=0.01)
note = recorder.frames_of(FeedSpec("kraken spot", "kraken", Market.SPOT, "ws://x/", "http://x/", ()))
note("ws://x/", b"first")
while recorder.health().frames < 1: time.sleep(0.01)
while not recorder.health().failure:
    note("ws://x/", os.urandom(500))
    time.sleep(0.01)
written = recorder.health().frames
note("ws://x/", b"too late")
recorder.close(30.0)
assert recorder.health().frames == written
print(recorder.health().failure)
"""
SPOT = FeedSpec("kraken spot", "kraken", Market.SPOT, "ws://x/", "http://x/", ())
PERP = FeedSpec("okx perp", "okx", Market.PERP, "ws://y/", "http://y/", ())


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[MakeRecorder]:
    made: list[Recorder] = []

    def make(**options: float) -> Recorder:
        made.append(Recorder(tmp_path / "tapes", **({"write_every_s": 0.01} | options)))  # type: ignore[arg-type]  # by name
        return made[-1]

    yield make
    for each in made:
        each.close(30.0)


def lines(folder: Path) -> dict[str, list[TapeLine]]:
    """What is on the tapes, by the first word of their names."""
    return {
        tape.name.partition(".")[0]: [line for _, line in read_tape(tape) if isinstance(line, TapeLine)]
        for tape in sorted(folder.iterdir())
    }


def test_frames_and_lists_are_on_disk_soon_and_while_the_tape_is_open(
    tmp_path: Path, recorder: MakeRecorder, wait_until: WaitUntil
) -> None:
    recording = recorder()
    recording.listings_of(SPOT)("http://x/", b"[]")
    for number in range(3):
        recording.frames_of(SPOT)("ws://x/", b"%d" % number)
    recording.frames_of(PERP)("ws://y/", b"\xff")
    wait_until(lambda: recording.health().frames == 4, recording.health)
    found = lines(tmp_path / "tapes")
    assert [(line.kind, line.frame()) for line in found["kraken-spot"]] == [
        (LISTING, b"[]"),
        ("", b"0"),
        ("", b"1"),
        ("", b"2"),
    ]
    assert [(line.market, line.frame()) for line in found["okx-perp"]] == [("perp", b"\xff")]
    health = recording.health()
    on_disk = sum(tape.stat().st_size for tape in (tmp_path / "tapes").iterdir())
    assert (health.folder, health.bytes, health.failure) == (str(tmp_path / "tapes"), on_disk, "")


def test_a_kill_costs_at_most_what_came_in_the_last_half_second() -> None:
    assert signature(Recorder).parameters["write_every_s"].default <= 0.5


def test_a_connection_without_frames_has_no_tape(tmp_path: Path, recorder: MakeRecorder) -> None:
    recording = recorder()
    recording.frames_of(SPOT)
    recording.close(30.0)
    assert list((tmp_path / "tapes").iterdir()) == []


def test_closing_writes_the_rest(tmp_path: Path, recorder: MakeRecorder) -> None:
    recording = recorder(write_every_s=3600.0)
    for number in range(5000):
        recording.frames_of(SPOT)("ws://x/", b"%d" % number)
    recording.close(30.0)
    assert len(lines(tmp_path / "tapes")["kraken-spot"]) == 5000
    (tape,) = (tmp_path / "tapes").iterdir()
    assert all(isinstance(line, TapeLine) for _, line in read_tape(tape)), "a whole gzip file"


def test_recordings_that_begin_in_the_same_second_have_tapes_of_their_own(
    tmp_path: Path, recorder: MakeRecorder
) -> None:
    for number in range(3):
        recording = recorder()
        recording.frames_of(SPOT)("ws://x/", b"%d" % number)
        recording.close(30.0)
    tapes = list((tmp_path / "tapes").iterdir())
    assert len(tapes) == 3
    assert sorted(line.frame() for tape in tapes for _, line in read_tape(tape) if isinstance(line, TapeLine)) == [
        b"0",
        b"1",
        b"2",
    ]


def test_a_full_disk_ends_the_recording_with_its_reason_and_what_was_written_stays(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RECORD_UNTIL_IT_FAILS, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        # Not measured: coverage could not write its findings either.
        env=unmeasured_environment(),
        # In a process of its own: the limit is on every file that it writes.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
    )
    assert done.stdout == "File too large\n", done.stderr
    assert done.stderr == f"record {tmp_path}: nothing is recorded any more: File too large\n"
    assert lines(tmp_path)["kraken-spot"][0].frame() == b"first"


def test_a_disk_that_is_too_slow_ends_the_recording_before_memory_does(
    tmp_path: Path, recorder: MakeRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    recording = recorder(write_every_s=3600.0, limit_bytes=3 << 20)
    note = recording.frames_of(SPOT)
    for _ in range(100):
        note("ws://x/", bytes(100_000))
    assert recording.health().failure == "the disk is too slow: 3 MiB of frames wait to be written"
    assert caplog.text.count("nothing is recorded any more") == 1


def test_a_folder_that_goes_away_ends_the_recording(
    tmp_path: Path, recorder: MakeRecorder, wait_until: WaitUntil
) -> None:
    recording = recorder()
    (tmp_path / "tapes").rmdir()
    recording.frames_of(SPOT)("ws://x/", b"0")
    wait_until(lambda: recording.health().failure == "No such file or directory", recording.health)


class HeldDeque(deque[object]):
    """Holds the thread between its look whether anything is noted and the taking of it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_held = threading.Event()
        self.may_go_on = threading.Event()

    def popleft(self) -> object:
        self.is_held.set()
        self.may_go_on.wait()
        return super().popleft()


def test_a_recording_that_is_ended_while_its_thread_writes_has_no_fault_of_its_own(
    tmp_path: Path, recorder: MakeRecorder, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    recording = recorder(limit_bytes=10_000)
    noted = recording._noted = HeldDeque()  # type: ignore[assignment]  # a deque that can be held up
    note = recording.frames_of(SPOT)
    note("ws://x/", b"0")
    wait_until(noted.is_held.is_set)
    note("ws://x/", bytes(10_000))
    assert recording.health().failure.startswith("the disk is too slow")
    noted.may_go_on.set()
    recording.close(30.0)
    assert "error of its own" not in caplog.text
    assert not noted, "nothing is kept in memory"
    assert len(lines(tmp_path / "tapes")["kraken-spot"]) == 1
