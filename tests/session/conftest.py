"""A played node, and viewers of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from session_stage import Stage, Viewer


@pytest.fixture
def stage(short_folder: Path) -> Iterator[Stage]:
    stage = Stage(short_folder)
    yield stage
    stage.close()


@pytest.fixture
def come(stage: Stage, wait_until: Callable[..., None]) -> Iterator[Callable[[], Viewer]]:
    """Another viewer, who has seen the whole state."""
    viewers: list[Viewer] = []

    def one() -> Viewer:
        expected = stage.viewers + 1
        viewers.append(Viewer(stage, wait_until))
        wait_until(lambda: stage.viewers == expected)
        viewers[-1].pull_until(lambda: viewers[-1].snapshot.intro is not None)
        return viewers[-1]

    yield one
    for viewer in viewers:
        viewer.session.close()


@pytest.fixture
def viewer(come: Callable[[], Viewer]) -> Viewer:
    return come()
