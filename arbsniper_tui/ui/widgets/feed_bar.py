"""One line with the state of each venue's feed; those that are not live come first, in words."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.reason import Reason, reason_words
from arbsniper_tui.session.venue_health import LARGE_LAG_MS, VenueHealth, venue_healths
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.paint import Line, cell, joined, width_of
from arbsniper_tui.ui.widgets.pane import LineBar

UNKNOWN = ("?", "quiet")
"""The mark of a feed while nothing arrives from the node."""
MARKS = {
    FeedState.LIVE: ("●", "good"),
    FeedState.SUBSCRIBED: ("○", "warn"),
    FeedState.CONNECTING: ("○", "warn"),
    FeedState.LISTING: ("○", "warn"),
    FeedState.SILENT: ("◐", "warn"),
    FeedState.DOWN: ("×", "bad"),
}


class FeedBar(LineBar):
    """Chips as `● okx` while live, `● okx lags 2s`, `● okx frozen 4.2 s, peers moved 12 bps`, `◐ okx silent 12s` or
    `× okx down, retry 4s` while not well."""

    def show(
        self,
        feeds: Iterable[FeedHealth],
        now_ms: float | None,
        frozen: Mapping[str, Reason] = MappingProxyType({}),
        *,
        in_contact: bool = True,
    ) -> None:
        """`frozen` are the venues that stand still, as `frozen_venues` finds them."""
        self.put([self._line(venue_healths(feeds), now_ms, frozen, in_contact)])

    def _line(
        self, venues: list[VenueHealth], now_ms: float | None, frozen: Mapping[str, Reason], in_contact: bool
    ) -> Line:
        if not venues:
            return joined(((" Feeds ", "title"), ("waiting for the first word of a feed worker", "quiet")))
        well = [
            each for each in venues if each.state is FeedState.LIVE and not _lags(each) and each.venue not in frozen
        ]
        ailing = [each for each in venues if each not in well]
        live = sum(each.state is FeedState.LIVE for each in venues)
        said = f"{live}/{len(venues)} live  " if in_contact else "not known  "
        pieces: list[tuple[str, str]] = [(" Feeds ", "title"), (said, "head" if in_contact else "bad")]
        for at, each in enumerate((*ailing, *well)):
            chip = (
                _chip(each, now_ms, frozen.get(each.venue))
                if in_contact
                else [(f"{UNKNOWN[0]} {each.venue}", UNKNOWN[1])]
            )
            left = len(venues) - at - 1
            rest = f"+{left + 1} {'live' if at >= len(ailing) and in_contact else 'more'}"
            room = self.extent.width - width_of(joined(pieces)) - (len(rest) + 2 if left else 0)
            if sum(len(text) for text, _ in chip) > room:
                pieces.append((cell(rest, max(0, self.extent.width - width_of(joined(pieces)))), "quiet"))
                break
            pieces += [*chip, ("  ", "text")]
        return joined(pieces)


def _lags(venue: VenueHealth) -> bool:
    return venue.lag_ms is not None and venue.lag_ms > LARGE_LAG_MS


def _chip(venue: VenueHealth, now_ms: float | None, frozen: Reason | None) -> list[tuple[str, str]]:
    mark, role = MARKS[venue.state]
    lags = f" lags {fmt.age(venue.lag_ms)}" if venue.lag_ms is not None and _lags(venue) else ""
    if venue.state is FeedState.LIVE:
        ails = f" {reason_words(frozen)}" if frozen else lags
        return [(f"{mark} ", role), (venue.venue, "warn" if ails else "quiet"), (ails, "warn")]
    said = f"{mark} {venue.venue} {venue.state.value}"
    if venue.state is FeedState.SILENT and now_ms is not None and venue.since_ms:
        said += f" {fmt.span((now_ms - venue.since_ms) / 1000, parts=1)}"
    if venue.retry_in_s is not None:
        said += f", retry {venue.retry_in_s:.0f}s"
    return [(said + lags, role)]
