"""Counts the requests that were answered: by path, never by what a caller puts into it."""

from collections import Counter

from arbsniper_tui.latency.histogram import Histogram

OTHER = "other"
"""What stands for every path that there is not, and for every method that no path takes."""
_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"))


class Traffic:
    """Since the process started."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, str, str]] = Counter()
        """By method, path and status; the status is empty where the caller left before the answer."""
        self.durations: dict[str, Histogram] = {}
        """By path."""

    def count(self, method: str, path: str, status: int | None, duration_ns: int) -> None:
        """One request; `path` as the application declares it, such as /v1/best/{symbol}, empty where it has none."""
        path = path or OTHER
        method = method if method in _METHODS else OTHER
        self.answers[method, path, str(status or "")] += 1
        if path not in self.durations:
            self.durations[path] = Histogram()
        self.durations[path].record(duration_ns)
