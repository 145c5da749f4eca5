"""Viewers of a whole node: they see the same, they come and go in every way, and the node does not mind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from node_process import DEMO_FEEDS, PATIENT_COMMAND, RunningNode

from arbsniper_tui.session.session import Session

START = ("--threshold", "0")
VIEWER = """
import sys, time
from pathlib import Path
from arbsniper_tui.session.session import Session
from arbsniper_tui.wire.endpoints import Endpoints
session = Session(Endpoints(Path(sys.argv[1])))
is_told = False
while True:
    session.pull()
    if session.snapshot.status is not None and not is_told:
        is_told = True
        print("sees the node", flush=True)
    time.sleep(0.05)
"""


@pytest.fixture
def node(start_node: Callable[..., RunningNode]) -> RunningNode:
    return start_node(*START, command=PATIENT_COMMAND)


@pytest.fixture
def open_viewer(node: RunningNode) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Viewers in processes of their own, which see the node when they are returned."""
    viewers: list[subprocess.Popen[bytes]] = []

    def one() -> subprocess.Popen[bytes]:
        node.wait_for(lambda: (node.sockets / "commands").exists())
        viewer = subprocess.Popen([sys.executable, "-c", VIEWER, str(node.sockets)], stdout=subprocess.PIPE)
        viewers.append(viewer)
        assert viewer.stdout is not None
        assert viewer.stdout.readline() == b"sees the node\n"
        return viewer

    yield one
    for viewer in viewers:
        viewer.kill()
        viewer.wait()
        assert viewer.stdout is not None
        viewer.stdout.close()


def quotes_of(session: Session) -> int:
    return sum(row.quotes for row in session.snapshot.quotes.values())


def viewers_of(session: Session) -> int:
    return session.snapshot.status.viewers if session.snapshot.status is not None else 0


def moves_on(node: RunningNode, session: Session) -> None:
    """Until a hundred more quotes and a signal have come, with word from the node all the time."""
    before = quotes_of(session)
    node.watch(session, lambda: quotes_of(session) > before + 100)
    node.wait_for_signals()


def test_a_viewer_sees_what_the_node_does(node: RunningNode) -> None:
    with closing(node.session()) as session:
        snapshot = session.snapshot
        node.watch(session, lambda: len(snapshot.feeds) == DEMO_FEEDS)
        node.watch(session, lambda: {feed.state for feed in snapshot.feeds.values()} == {"live"})
        node.watch(session, lambda: {w.name for w in snapshot.workers.values() if w.up} == {"feed", "sim", "spread"})
        node.watch(session, lambda: any(event.event == "open" for event in snapshot.events))
        node.watch(session, lambda: {stage.name: stage.count for stage in snapshot.stages}.get("publish", 0) > 0)
        node.watch(session, lambda: snapshot.status and snapshot.status.quotes_per_s > 0)
        assert snapshot.intro is not None
        assert (snapshot.intro.mode, snapshot.intro.pid) == ("demo", node.process.pid)
        assert snapshot.intro.quotes_counted == ("USD counts as USDT at the live rate of kraken:USDT/USD",)
        assert len(snapshot.quotes) == len(snapshot.intro.instruments)
        node.watch(session, lambda: snapshot.routes and snapshot.lost_contact == "")
        assert snapshot.missed == 0
        pids = {worker.name: worker.pid for worker in snapshot.workers.values()}
        assert pids == {name: node.pid(name) for name in pids}
        signalled = [e.signal.seq for e in snapshot.events if e.signal is not None and e.signal.state != "close"]
        node.wait_for(lambda: any(line["seq"] == signalled[-1] for line in node.lines))
        printed = [line["seq"] for line in node.lines]
        # A session keeps so many events, from the newest back.
        begin = printed.index(signalled[0])
        assert printed[begin : begin + len(signalled)] == signalled


def test_three_viewers_share_one_threshold_and_their_number(node: RunningNode) -> None:
    with closing(node.session()) as one, closing(node.session()) as two, closing(node.session()) as three:
        for session in (one, two, three):
            node.watch(session, lambda session=session: viewers_of(session) == 3)
        one.set_threshold(3.0)
        for session in (one, two, three):
            node.watch(session, lambda session=session: session.snapshot.status.threshold_pct == 3.0)
            node.watch(session, lambda session=session: session.snapshot.status.open_opportunities == 0)
        two.set_basis("net")
        node.watch(three, lambda: three.snapshot.status and three.snapshot.status.basis == "net")
        node.watch(three, lambda: any(e.detail == "threshold 3.00% net" for e in three.snapshot.events))
        three.set_threshold(-1.0)
        two.set_threshold(0.0)
        node.watch(one, lambda: one.snapshot.status and one.snapshot.status.threshold_pct == 0.0)


def test_viewers_that_are_killed_or_stopped_do_not_slow_the_node(
    node: RunningNode, open_viewer: Callable[[], subprocess.Popen[bytes]]
) -> None:
    killed, stopped, leaving = open_viewer(), open_viewer(), open_viewer()
    # It comes last: while the others start, nobody would pull, and it would miss what the node forgets.
    with closing(node.session()) as session:
        node.watch(session, lambda: viewers_of(session) == 4)
        killed.kill()
        killed.wait()
        node.watch(session, lambda: viewers_of(session) == 3)
        os.kill(stopped.pid, signal.SIGSTOP)
        leaving.terminate()
        leaving.wait()
        node.watch(session, lambda: viewers_of(session) == 2)
        moves_on(node, session)
        node.watch(session, lambda: session.snapshot.lost_contact == "")
        assert session.snapshot.missed == 0
    assert node.stop() == 0, "a stopped viewer holds nothing up"
    assert "was killed" not in node.log


def test_who_left_may_come_again(node: RunningNode) -> None:
    for _ in range(3):
        with closing(node.session()) as session:
            node.watch(session, lambda session=session: quotes_of(session) > 0 and viewers_of(session) == 1)
    node.wait_for_signals()


def test_a_killed_spread_worker_is_back_in_sight_with_the_threshold_that_was_set(node: RunningNode) -> None:
    with closing(node.session()) as session:
        snapshot = session.snapshot
        node.watch(session, lambda: quotes_of(session) > 100)
        session.set_threshold(0.03)
        node.watch(session, lambda: snapshot.status and snapshot.status.threshold_pct == 0.03)
        killed = node.pid("spread")
        os.kill(killed, signal.SIGKILL)
        node.watch(session, lambda: any(e.event == "worker_up" and e.detail == "spread" for e in snapshot.events))
        node.watch(session, lambda: snapshot.workers["spread"].pid not in (killed, 0))
        node.watch(session, lambda: snapshot.lost_contact == "" and snapshot.status.threshold_pct == 0.03)
        assert snapshot.workers["spread"].restarts == 1
        fresh = {row.instrument_id for row in snapshot.quotes.values() if row.reason is None}
        node.watch(session, lambda: fresh or any(row.reason is None for row in snapshot.quotes.values()))
        moves_on(node, session)
