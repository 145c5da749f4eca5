"""What can go wrong at simulated venues by chance, and how `--chaos` spells it."""

from difflib import get_close_matches
from enum import StrEnum

from arbsniper_tui.model.errors import UsageError

USUAL_RATE = 0.02


class Chaos(StrEnum):
    """The first five hit single frames, the others a venue for a while."""

    GAP = "gap"
    """A frame is lost."""
    DUP = "dup"
    """A frame is sent twice."""
    REORDER = "reorder"
    """A frame is sent after the next one of its instrument."""
    CROSS = "cross"
    """A frame with the bid above the ask follows a good one."""
    GARBAGE = "garbage"
    """A frame that is cut short, of another shape, or with prices that are no prices follows a good one."""
    FREEZE = "freeze"
    """The venue repeats the prices that it showed last, with new times, numbers and sizes."""
    SKEW = "skew"
    """The venue's clock is wrong by up to 8 s."""
    SLOW = "slow"
    """All that the venue sends, answers to pings too, arrives up to 8 s late."""
    CUT = "cut"
    """The venue's connections break off."""
    REFUSE = "refuse"
    """The venue's connections break off, and new ones and REST are answered 503."""


OF_FRAMES = (Chaos.GAP, Chaos.DUP, Chaos.REORDER, Chaos.CROSS, Chaos.GARBAGE)


def read_chaos(text: str) -> dict[Chaos, float]:
    """Kinds and their rates, from `freeze:0.02,cut`. Raises UsageError."""
    rates: dict[Chaos, float] = {}
    for part in text.split(","):
        name, _, rate = (piece.strip() for piece in part.partition(":"))
        if name not in set(Chaos):
            nearest = get_close_matches(name, list(Chaos), 1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise UsageError(f"--chaos: found {name!r}, expected some of {', '.join(Chaos)}{hint}")
        rates[Chaos(name)] = _read_rate(name, rate) if rate else USUAL_RATE
    return rates


def _read_rate(name: str, text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0.0 < rate <= 1.0:
        raise UsageError(
            f"--chaos: found {name}:{text}, expected a rate above 0 and up to 1, as in {name}:{USUAL_RATE}"
        )
    return rate
