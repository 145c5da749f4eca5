"""The bench of the decision tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from decision_bench import DecisionBench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[DecisionBench]:
    bench = DecisionBench(tmp_path)
    yield bench
    bench.close()
