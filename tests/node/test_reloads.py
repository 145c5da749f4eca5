"""Settings are read again and again under load: venues that stay as they are notice nothing."""

import random
from pathlib import Path

from reloads import reload

RELOADS = 10
"""`make reloads` makes a hundred."""


def test_reloads_lose_no_quote_and_double_no_signal(short_folder: Path) -> None:
    found = reload(RELOADS, random.Random(1), short_folder)
    assert found.faults == []
    assert (found.reloads, found.refused) == (RELOADS, RELOADS // 10)
    assert found.quotes > 100 and found.signals > 1
