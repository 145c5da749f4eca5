"""Which of a venue's hosts to connect to: after repeated failures the next one."""

from urllib.parse import urlsplit

from arbsniper_tui.model.feed_spec import FeedSpec

FAILURES = 2
"""So many connections in a row without data lead to the next host."""


class Hosts:
    """The addresses of one connection, in the order in which they are tried, the venue's usual one first."""

    def __init__(self, spec: FeedSpec) -> None:
        self._urls = (spec.ws_url, *spec.other_ws_urls)
        self._at = 0
        self._failures = 0

    @property
    def url(self) -> str:
        """Where to connect next."""
        return self._urls[self._at]

    @property
    def words(self) -> str:
        """Which host it is, where that is not the usual one."""
        return f"on {urlsplit(self.url).hostname}" if self._at else ""

    def note_end(self, *, had_data: bool) -> None:
        """A connection ended, or could not be opened."""
        self._failures = 0 if had_data else self._failures + 1
        if self._failures >= FAILURES:
            self._failures = 0
            self._at = (self._at + 1) % len(self._urls)
