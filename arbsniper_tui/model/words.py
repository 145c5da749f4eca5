"""Counts as people write them."""

from collections.abc import Mapping


def counted(count: int, noun: str) -> str:
    """`1 frame`, `12,345 frames`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def counted_by_reason(counts: Mapping[str, int]) -> str:
    """`50 unreadable, 3 crossed`, in the order of the mapping; empty for none."""
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
