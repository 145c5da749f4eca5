"""The roles of those who ask."""

from enum import StrEnum


class Role(StrEnum):
    """Each may what those before it may."""

    VIEWER = "viewer"
    """Reads."""
    OPERATOR = "operator"
    """Also changes what signals: threshold, basis, mutes, alerts."""
    ADMIN = "admin"
    """Also changes what is watched, and saves settings."""

    def may(self, needed: "Role") -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)
