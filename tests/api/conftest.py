"""A node that answers programs."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api_stage import ApiStage
from node_process import RunningNode
from raw_venues import RawBinance, RawKraken


@pytest.fixture
def stage(start_node: Callable[..., RunningNode], tmp_path: Path) -> Iterator[ApiStage]:
    with RawBinance() as binance, RawKraken() as kraken:
        stage = ApiStage(start_node, tmp_path, binance, kraken)
        yield stage
        stage.close()


@pytest.fixture(scope="module")
def quoting() -> Iterator[ApiStage]:
    """One for all tests of a module, which leave it as they find it: both venues have quoted."""
    folder = Path(tempfile.mkdtemp(prefix="arb"))
    nodes: list[RunningNode] = []

    def start(*arguments: str, demo: bool) -> RunningNode:
        assert not demo
        nodes.append(RunningNode(folder, (*arguments, "--no-ui")))
        return nodes[-1]

    try:
        with RawBinance() as binance, RawKraken() as kraken:
            stage = ApiStage(start, folder, binance, kraken)
            stage.quote_until(lambda: len([row for row in stage.snapshot.quotes.values() if row.quotes]) == 2)
            stage.node.wait_for(lambda: all(stage.bids()))
            yield stage
            stage.close()
    finally:
        for node in nodes:
            node.close()
        shutil.rmtree(folder, ignore_errors=True)
