"""One look at a node: the same state as a viewer's, without one more viewer, and an end to waiting."""

import os
import threading
from collections.abc import Callable

import pytest
import zmq
from session_stage import INTRO, Stage, Viewer

from arbsniper_tui.model.errors import NodeUnreachable
from arbsniper_tui.runtime.node_folder import create_node_folder
from arbsniper_tui.session.look import look_at


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, short_folder) -> Stage:
    """A played node in a folder that tells that it runs."""
    monkeypatch.setattr("tempfile.tempdir", str(short_folder))
    folder = create_node_folder()
    stage = Stage(folder.path)
    yield stage
    stage.close()
    folder.remove()


def test_a_look_sees_what_a_viewer_sees_and_is_none(stage: Stage, come: Callable[[], Viewer]) -> None:
    stage.frame(107.0)
    seen = look_at(str(stage.endpoints.folder), 20_000)
    assert stage.viewers == 0
    assert seen.intro == INTRO
    assert seen.quotes[0].bid == 107.0
    viewer = come().snapshot
    assert (seen.status, seen.quotes, seen.feeds) == (viewer.status, viewer.quotes, viewer.feeds)


def test_a_node_that_does_not_answer_is_given_up(stage: Stage) -> None:
    stage.is_deaf = True
    with pytest.raises(NodeUnreachable, match=r"expected an answer from the node at \S+ within 0.05 s, found none"):
        look_at(str(stage.endpoints.folder), 50)


def test_what_cannot_be_read_is_no_answer(stage: Stage) -> None:
    stage.leave()
    with zmq.Context() as context, context.socket(zmq.REP) as other:
        other.bind(stage.endpoints.commands)
        answering = threading.Thread(target=lambda: (other.recv(), other.send(b"\xff\x00")))
        answering.start()
        with pytest.raises(NodeUnreachable, match="to answer as one of this version does, found: "):
            look_at(str(stage.endpoints.folder), 20_000)
        answering.join()


def test_a_node_that_is_not_there_is_not_waited_for(stage: Stage) -> None:
    with pytest.raises(NodeUnreachable, match=f"no node at /nowhere: expected .*{os.getpid()}"):
        look_at("/nowhere", 10**9)
