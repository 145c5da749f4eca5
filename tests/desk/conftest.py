"""A detector with what is around it."""

from decision_stage import stage

__all__ = ["stage"]
