"""What a route must hold to signal: the settings of the gates."""

from typing import Literal

from msgspec import Struct

GROSS = "gross"
NET = "net"
WITNESSED_SHARE = 0.1
"""Two prices that differ by less than this share of `max_spread_pct` are each other's witness; above it the peers are
asked too."""
UPDATE_SHARE = 0.25
"""Unless the settings say otherwise an open opportunity is announced again when its spread moved by this share of the
threshold ..."""
UPDATE_LEAST_PCT = 0.01
"""... and by this much."""


class Rules(Struct, frozen=True):
    """The bounds of all gates; 0 turns those off whose name begins with `min_`."""

    threshold_pct: float = 0.5
    basis: str = GROSS
    max_age_ns: int = 5_000_000_000
    cooldown_ns: int = 0
    max_spread_pct: float = 20.0
    """A gross spread above this is an error in somebody's prices."""
    hysteresis_pct: float = 0.0
    """An open opportunity closes when its spread is this far below the threshold."""
    min_life_ns: int = 0
    """How long a spread must stand before it is announced."""
    min_net_total: float = 0.0
    """What the whole size must bring after fees, in the currency that counts."""
    min_zscore: float = 0.0
    """How many deviations above its usual spread a route must be."""
    update_step_pct: float = 0.0
    """0: a quarter of the threshold, at least 0.01."""
    announce: Literal["all", "best"] = "all"
    """Which of the routes that one quote opens are signals: the others are events alone."""

    @property
    def witnessed_pct(self) -> float:
        """Up to this gross spread the two prices of a route are believed without asking their peers."""
        return self.max_spread_pct * WITNESSED_SHARE

    @property
    def material_pct(self) -> float:
        """How far the spread of an open opportunity must move to be announced again."""
        return self.update_step_pct or max(UPDATE_LEAST_PCT, self.threshold_pct * UPDATE_SHARE)
