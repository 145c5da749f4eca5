"""The threshold as it is typed and stepped. Pure."""

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.model.number import read_number
from arbsniper_tui.model.threshold import (
    HIGHEST_THRESHOLD_PCT,
    LOWEST_THRESHOLD_PCT,
    THRESHOLD_EXPECTED,
    is_threshold,
)

STEP_PCT = 0.05


def read_threshold(text: str) -> float:
    """A percentage as typed, with or without the sign; raises UsageError that says what was expected."""
    typed = text.strip().removesuffix("%").strip()
    found = f"found {_short(typed)!r}" if typed else "found nothing"
    value = read_number(typed)
    if value is None:
        hint = " with a point" if "," in typed else ""
        raise UsageError(f"{found}, expected a percentage{hint} such as 0.5")
    if not is_threshold(value):
        raise UsageError(f"{found}, expected {THRESHOLD_EXPECTED}")
    return value


def _short(text: str) -> str:
    return text if len(text) <= 10 else f"{text[:9]}…"


def stepped(threshold_pct: float, steps: int) -> float:
    """`steps` of 0.05 up or down, within the range of a threshold."""
    return min(HIGHEST_THRESHOLD_PCT, max(LOWEST_THRESHOLD_PCT, round(threshold_pct + steps * STEP_PCT, 4)))


class ThresholdDial:
    """Steps from the threshold last asked for, so that quick presses add up before the node has answered."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        """Looks at the status after which what was asked for is given up."""
        self._asked_pct: float | None = None
        self._looks = 0

    def ask(self, threshold_pct: float) -> float:
        """Remember what is being asked for; returns it."""
        self._asked_pct, self._looks = threshold_pct, 0
        return threshold_pct

    def step(self, in_force_pct: float, steps: int) -> float:
        """The threshold to ask for next."""
        return self.ask(stepped(in_force_pct if self._asked_pct is None else self._asked_pct, steps))

    def follow(self, in_force_pct: float) -> None:
        """Take note of what is in force; what was asked for is then done, or after a while given up."""
        self._looks += 1
        if in_force_pct == self._asked_pct or self._looks > self._patience:
            self._asked_pct = None
