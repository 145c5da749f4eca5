"""A histogram of durations in constant memory: eight buckets to each doubling, from 1 us to over a minute."""

_STEPS_BITS = 3
_STEPS = 1 << _STEPS_BITS
_DOUBLINGS = 27
BUCKETS = _STEPS * (_DOUBLINGS + 1)


class Histogram:
    """Counts of microseconds; a value read back is right within an eighth."""

    __slots__ = ("count", "counts", "max_ns", "sum_ns")

    def __init__(self) -> None:
        self.counts = [0] * BUCKETS
        self.count = 0
        self.max_ns = 0
        self.sum_ns = 0

    def record(self, duration_ns: int) -> None:
        """Count one duration; one below zero, as a clock step between hosts may give, counts as zero."""
        self.count += 1
        if duration_ns > 0:
            self.sum_ns += duration_ns
        if duration_ns > self.max_ns:
            self.max_ns = duration_ns
        us = duration_ns // 1000
        if us < _STEPS:
            self.counts[us if us > 0 else 0] += 1
            return
        doubling = us.bit_length() - _STEPS_BITS
        bucket = (doubling << _STEPS_BITS) + (us >> (doubling - 1)) - _STEPS
        self.counts[bucket if bucket < BUCKETS else BUCKETS - 1] += 1

    def quantile_us(self, share: float) -> float:
        """The duration below which this share of all lies, in us; 0 while nothing was counted."""
        wanted = share * self.count
        seen = 0
        for bucket, count in enumerate(self.counts):
            seen += count
            if count and seen >= wanted:
                return min((lower_us(bucket) + lower_us(bucket + 1)) / 2, self.max_ns / 1000)
        return 0.0

    def doublings(self) -> tuple[int, ...]:
        """Counts by doubling: below 8 us, to 16, to 32 and so on, for drawing."""
        return tuple(sum(self.counts[start : start + _STEPS]) for start in range(0, BUCKETS, _STEPS))


def lower_us(bucket: int) -> int:
    """The least duration that falls into a bucket, in us."""
    doubling, step = divmod(bucket, _STEPS)
    return step if doubling == 0 else (_STEPS + step) << (doubling - 1)
