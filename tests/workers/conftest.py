"""The bench of the decision tests."""

from pathlib import Path

import pytest
from decision_bench import DecisionBench


@pytest.fixture
def bench(tmp_path: Path) -> DecisionBench:
    return DecisionBench(tmp_path)
