"""The range of a threshold, and how it is written: the same in every source, message and pane."""

LOWEST_THRESHOLD_PCT = 0.0
HIGHEST_THRESHOLD_PCT = 100.0
_DECIMALS = 4
_MOST_DECIMALS = 10
THRESHOLD_EXPECTED = f"a percentage from {LOWEST_THRESHOLD_PCT:g} to {HIGHEST_THRESHOLD_PCT:g}"


def is_threshold(pct: float) -> bool:
    """Whether a spread can be held against this percentage; NaN is none."""
    return LOWEST_THRESHOLD_PCT <= pct <= HIGHEST_THRESHOLD_PCT


def threshold_words(pct: float) -> str:
    """At least two decimals, and at most four: `0.50%`, `0.125%`."""
    whole, _, part = f"{pct:.{_DECIMALS}f}".rstrip("0").partition(".")
    return f"{whole}.{part:0<2}%"


def measured_words(measured_pct: float, threshold_pct: float) -> str:
    """A spread beside a threshold, with its decimals, and more where it would read as equal and is not."""
    bound = threshold_words(threshold_pct)
    for decimals in range(len(bound.partition(".")[2]) - 1, _MOST_DECIMALS + 1):
        words = f"{measured_pct:.{decimals}f}%"
        if measured_pct == threshold_pct or float(words[:-1]) != float(bound[:-1]):
            break
    return words
