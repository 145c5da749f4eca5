"""The node's own key in Redis: once a second, and never while Redis does not take it."""

import pytest
from decision_stage import MS, DecisionStage

from arbsniper_tui.engine.slices import at_once
from arbsniper_tui.spread.node_key import NodeKey

SECOND_NS = 1000 * MS


@pytest.fixture
def key(stage: DecisionStage) -> NodeKey:
    return NodeKey(stage.views, stage.sink, "desk-1", "http://127.0.0.1:8787")


def refresh(stage: DecisionStage, key: NodeKey) -> None:
    at_once(key.refresh(stage.now_ns, lambda: stage.now_ns))


def test_it_is_written_once_a_second(stage: DecisionStage, key: NodeKey) -> None:
    for _ in range(100):
        refresh(stage, key)
        stage.now_ns += SECOND_NS // 20
    assert len(stage.sink.nodes) == 5


def test_it_says_what_is_so_when_it_is_written(stage: DecisionStage, key: NodeKey) -> None:
    stage.quote(0, 99.0, 100.0)
    refresh(stage, key)
    ((name, said),) = stage.sink.nodes
    assert name == "desk-1" and said["api"] == "http://127.0.0.1:8787"
    assert said["timestamp"] == round((stage.now_ns + stage.detector.wall_offset_ns) / MS)
    assert str(0) not in said["view"]["idle"] and str(1) in said["view"]["idle"]


def test_nothing_is_made_while_redis_takes_nothing(stage: DecisionStage, key: NodeKey) -> None:
    stage.sink.is_up = False
    refresh(stage, key)
    stage.sink.is_up = True
    assert stage.sink.nodes == []
    refresh(stage, key)
    assert len(stage.sink.nodes) == 1
