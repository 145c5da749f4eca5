"""One line that says how each venue's feed is; what is not live comes first, in words."""

from collections.abc import Iterable

from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.view import NodeStatus
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.paint import Line, cell, joined, width_of
from arbsniper_tui.ui.reading import VenueHealth, venue_healths
from arbsniper_tui.ui.widgets.pane import LineBar

MARKS = {
    FeedState.LIVE: ("●", "good"),
    FeedState.SUBSCRIBED: ("○", "warn"),
    FeedState.CONNECTING: ("○", "warn"),
    FeedState.LISTING: ("○", "warn"),
    FeedState.SILENT: ("◐", "warn"),
    FeedState.DOWN: ("×", "bad"),
}


class FeedBar(LineBar):
    """Chips as `● okx` while live, `◐ okx silent 12s` or `× okx down, retry 4s` while not."""

    def show(self, feeds: Iterable[FeedHealth], status: NodeStatus | None) -> None:
        self.put([self._line(venue_healths(feeds), status)])

    def _line(self, venues: list[VenueHealth], status: NodeStatus | None) -> Line:
        if not venues:
            return joined(((" Feeds ", "title"), ("waiting for the first word of a feed worker", "quiet")))
        ailing = [each for each in venues if each.state is not FeedState.LIVE]
        live = [each for each in venues if each.state is FeedState.LIVE]
        pieces: list[tuple[str, str]] = [(" Feeds ", "title"), (f"{len(live)}/{len(venues)} live  ", "head")]
        for at, each in enumerate((*ailing, *live)):
            chip = _chip(each, status)
            left = len(venues) - at - 1
            rest = f"+{left + 1} {'live' if at >= len(ailing) else 'more'}"
            room = self.size.width - width_of(joined(pieces)) - (len(rest) + 2 if left else 0)
            if sum(len(text) for text, _ in chip) > room:
                pieces.append((cell(rest, max(0, self.size.width - width_of(joined(pieces)))), "quiet"))
                break
            pieces += [*chip, ("  ", "text")]
        return joined(pieces)


def _chip(venue: VenueHealth, status: NodeStatus | None) -> list[tuple[str, str]]:
    mark, role = MARKS[venue.state]
    if venue.state is FeedState.LIVE:
        return [(f"{mark} ", role), (venue.venue, "quiet")]
    said = f"{mark} {venue.venue} {venue.state.value}"
    if venue.state is FeedState.SILENT and status is not None and venue.since_ms:
        said += f" {fmt.span((status.clock_ms - venue.since_ms) / 1000, parts=1)}"
    if venue.retry_in_s is not None:
        said += f", retry {venue.retry_in_s:.0f}s"
    return [(said, role)]
