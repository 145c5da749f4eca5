"""What tests of whole nodes share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis_cluster import ClusterOfSix


@contextmanager
def running_cluster(folder: Path) -> Iterator[ClusterOfSix]:
    cluster = ClusterOfSix(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def cluster(redis_binary: object, tmp_path: Path) -> Iterator[ClusterOfSix]:
    with running_cluster(tmp_path / "cluster") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def whole_cluster(redis_binary: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterOfSix]:
    """One for all tests of a module that kill none of its servers; each looks at what its own node wrote."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster
