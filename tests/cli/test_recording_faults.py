"""`record` on a disk that fills up, and under a kill: the feeds go on, and what was recorded can be replayed."""

import os
import resource
import signal
import subprocess
import sys

import pytest
from node_process import DEMO_FEEDS, OF_FOUR
from waiting import DEADLINE_S

from arbsniper_tui.session.session import Session
from arbsniper_tui.wire.endpoints import Endpoints


def watch(place, process, condition, what):
    """Wait until a viewer of the node sees this of a snapshot."""
    folder = place.folder / f"arbsniper-tui-{os.getuid()}" / f"node-{process.pid}"
    place.wait_for(lambda: (folder / "commands").exists(), "the node's sockets")
    session = Session(Endpoints(folder))
    try:

        def holds() -> bool:
            session.pull()
            return bool(session.snapshot.status is not None and condition(session.snapshot))

        place.wait_for(holds, what)
        return session.snapshot
    finally:
        session.close()


@pytest.mark.skipif(sys.platform != "linux", reason="this system limits no process but one's own")
def test_a_full_disk_stops_the_recording_visibly_and_nothing_else(place):
    node = subprocess.Popen(
        [place.command, "record", "tapes", "--demo", "--no-ui", "--threshold", "0", *OF_FOUR],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=place.env,
        cwd=place.folder,
    )
    try:
        seen = watch(place, node, lambda s: s.recording and s.recording.frames > 100, "frames on disk")
        limit = max(tape.stat().st_size for tape in (place.folder / "tapes").iterdir())
        # No file that this worker writes may become larger: what a full disk is, too.
        resource.prlimit(seen.workers["feed"].pid, resource.RLIMIT_FSIZE, (limit, limit))
        seen = watch(place, node, lambda s: s.recording and s.recording.failure, "the end of the recording")
        assert seen.recording.folder == "tapes" and seen.recording.failure == "File too large"
        assert seen.recording.bytes > 0 and seen.recording.frames > 100
        signals = seen.status.signals
        seen = watch(
            place,
            node,
            lambda s: s.status.signals > signals + 10 and {feed.state for feed in s.feeds.values()} == {"live"},
            "more signals, of feeds that are live",
        )
        assert {worker.restarts for worker in seen.workers.values()} <= {0}
        node.terminate()
        assert node.stderr is not None
        log = node.stderr.read().decode()
        assert node.wait(DEADLINE_S) == 0
    finally:
        node.kill()
        node.communicate()
    assert log.count("record tapes: nothing is recorded any more: File too large") == 1
    assert "Traceback" not in log
    assert log.count("feed: process") == 1


def test_the_tapes_of_a_killed_recorder_are_replayed_with_all_others_and_the_loss_is_told(place):
    node = place.start_node(
        "record", "tapes", "--demo", "--no-ui", "--threshold", "0.02", *OF_FOUR, command=place.patient_command
    )
    seen = watch(place, node.process, lambda s: s.recording and s.recording.frames > 300, "frames on disk")
    killed = seen.workers["feed"].pid
    os.kill(killed, signal.SIGKILL)
    at_least = seen.recording.frames
    folder = place.folder / "tapes"
    place.wait_for(
        lambda: (
            sum(tape.stat().st_size > 500 for tape in folder.iterdir() if "-facts" not in tape.name) == 2 * DEMO_FEEDS
        ),
        "a tape of each feed from each worker",
    )
    assert node.end() == 0
    tapes = sorted(folder.iterdir())
    done = place.run("replay", *map(str, tapes), "--no-ui", "--speed", "max", "--threshold", "0.02")
    said = done.stderr.decode()
    assert done.returncode == 0, said
    assert said.count("the tape is cut off here, as a killed recorder leaves it") >= DEMO_FEEDS
    played = int(said.partition(" frames played")[0].rpartition(" ")[2])
    assert played > at_least


def test_a_tape_without_a_single_frame_does_not_keep_the_others_from_playing(place):
    frame = '{"u":1,"s":"BTCUSDT","b":"60000","B":"1","a":"60001","A":"1"}'
    (place.folder / "tapes").mkdir()
    tape = place.tape("tapes/whole.gz", "binance", "wss://stream.binance.com:9443/ws", (1.0, frame), (2.0, frame))
    for name, content in (("empty.gz", b""), ("head.gz", tape.read_bytes()[:10])):
        (tape.parent / name).write_bytes(content)
    done = place.run("replay", *map(str, sorted(tape.parent.iterdir())), "--no-ui", "--speed", "max")
    assert done.returncode == 0, done.stderr
    assert b"tapes ended: 2 frames" in done.stderr
    assert place.run("replay", "tapes/empty.gz", "--no-ui").returncode == 2
