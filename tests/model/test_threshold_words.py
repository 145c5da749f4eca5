"""How a threshold is written, and a spread beside it."""

import pytest

from arbsniper_tui.model.threshold import measured_words, threshold_words


@pytest.mark.parametrize(
    ("pct", "words"),
    [
        (0.0, "0.00%"),
        (0.5, "0.50%"),
        (0.125, "0.125%"),
        (0.123456, "0.1235%"),
        (0.1 + 0.2, "0.30%"),
        (100.0, "100.00%"),
    ],
)
def test_a_threshold_is_written_with_two_to_four_decimals(pct: float, words: str) -> None:
    assert threshold_words(pct) == words


@pytest.mark.parametrize(
    ("measured_pct", "threshold_pct", "words"),
    [
        (0.2, 0.5, "0.20%"),
        (0.12, 0.125, "0.120%"),
        (0.1249, 0.125, "0.1249%"),
        (0.4999, 0.5, "0.4999%"),
        (0.125, 0.125, "0.125%"),
        (-0.3, 0.0, "-0.30%"),
    ],
)
def test_a_spread_never_reads_as_equal_to_a_threshold_that_it_does_not_equal(
    measured_pct: float, threshold_pct: float, words: str
) -> None:
    assert measured_words(measured_pct, threshold_pct) == words
