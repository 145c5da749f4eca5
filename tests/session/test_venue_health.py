"""Of a venue's connections the worst counts."""

from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.session.venue_health import venue_healths


def test_a_venue_is_as_bad_as_its_worst_connection() -> None:
    feeds = [
        FeedHealth("okx spot", "okx", FeedState.LIVE),
        FeedHealth("okx perp", "okx", FeedState.DOWN, detail="reset"),
    ]
    assert [(each.state, each.detail) for each in venue_healths(feeds)] == [(FeedState.DOWN, "reset")]
