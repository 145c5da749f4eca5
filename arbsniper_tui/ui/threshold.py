"""The threshold as it is typed and stepped. Pure."""

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.model.number import read_number
from arbsniper_tui.model.threshold import (
    HIGHEST_THRESHOLD_PCT,
    LOWEST_THRESHOLD_PCT,
    THRESHOLD_EXPECTED,
    is_threshold,
)
from arbsniper_tui.ui.dial import Dial

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


class ThresholdDial(Dial[float]):
    """Steps from the threshold last asked for."""

    def step(self, in_force_pct: float, steps: int) -> float:
        """The threshold to ask for next."""
        return self.ask(stepped(self.from_here(in_force_pct), steps))
