"""A detector with what is around it."""

from decision_bench import bench

__all__ = ["bench"]
