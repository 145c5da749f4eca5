"""The range of a threshold: the same in the file, in an option, in the environment, at the prompt and in a command."""

LOWEST_THRESHOLD_PCT = 0.0
HIGHEST_THRESHOLD_PCT = 100.0
THRESHOLD_EXPECTED = f"a percentage from {LOWEST_THRESHOLD_PCT:g} to {HIGHEST_THRESHOLD_PCT:g}"


def is_threshold(pct: float) -> bool:
    """Whether a spread can be held against this percentage; NaN is none."""
    return LOWEST_THRESHOLD_PCT <= pct <= HIGHEST_THRESHOLD_PCT
