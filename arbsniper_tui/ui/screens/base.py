"""What every screen shares: the bars, the prompt, and the notice of a small terminal."""

from collections.abc import Iterable

from textual import events
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.screen import Screen

from arbsniper_tui.session.derived import instruments_of
from arbsniper_tui.session.snapshot import RouteKey, Snapshot
from arbsniper_tui.session.venue_health import frozen_venues
from arbsniper_tui.ui.actions import ACTIONS
from arbsniper_tui.ui.paint import LOST_CLASS, ROLE_CLASSES
from arbsniper_tui.ui.view import View
from arbsniper_tui.ui.widgets.feed_bar import FeedBar
from arbsniper_tui.ui.widgets.key_bar import KeyBar, Prompt
from arbsniper_tui.ui.widgets.pane import LinePane, LineWidget
from arbsniper_tui.ui.widgets.price_area import PriceArea
from arbsniper_tui.ui.widgets.replay_bar import ReplayBar
from arbsniper_tui.ui.widgets.too_small import TooSmall, is_too_small
from arbsniper_tui.ui.widgets.top_bar import TopBar

Pane = LinePane | PriceArea


class Body(Container):
    """Holds panes. Nothing of its own is seen, so that its lines need no drawing with each of theirs."""

    BLANK = True


class NodeScreen(Screen[None], inherit_bindings=False):
    """Bars around a body; a subclass names the panes of the body and shows a view in them."""

    DEFAULT_CSS = """
    NodeScreen { layout: vertical; overflow: hidden; }
    NodeScreen > .body { height: 1fr; width: 100%; }
    NodeScreen.-too-small > * { display: none; }
    NodeScreen.-too-small > TooSmall { display: block; }
    """
    COMPONENT_CLASSES = ROLE_CLASSES
    AUTO_FOCUS = ""
    BLANK = True
    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (78, "-narrow"), (110, "-medium"), (170, "-broad")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-short"), (30, "-tall"), (45, "-high")]
    TITLED = ""
    """The name of the screen in the key bar; empty: not there."""
    SORTED = ""
    """The pane that `s` sorts; empty: none."""

    class Wanted(Message):
        """The screen came up or changed its size: it wants a whole view."""

    def __init__(self) -> None:
        super().__init__()
        self._active = 0
        self._rule: tuple[object, ...] = ()
        self._top_bar = TopBar()
        self._replay_bar = ReplayBar()
        self._feed_bar = FeedBar()
        self._key_bar = KeyBar()
        self._too_small = TooSmall()
        self.named_routes: tuple[RouteKey, ...] = ()
        """The routes that it draws though they may not be among the largest."""
        self.prompt: Prompt | None = None
        """What is asked for in the place of the key hints. While it is, it takes the keys."""

    # For subclasses to implement.

    def body(self) -> ComposeResult:
        """The widgets between the bars; here the panes under each other."""
        with Body(classes="body"):
            yield from self.panes()

    def panes(self) -> list[Pane]:
        """The panes that the arrow keys can act on, the first one at the start."""
        raise NotImplementedError

    def show_body(self, view: View) -> None:
        """Hand the view's values to the widgets."""
        raise NotImplementedError

    def selected_route(self, snapshot: Snapshot) -> tuple[int, int] | None:
        """The route that `enter` opens; here the one with the largest spread."""
        return (snapshot.routes[0].buy_id, snapshot.routes[0].sell_id) if snapshot.routes else None

    # For the app to use.

    def compose(self) -> ComposeResult:
        yield self._top_bar
        yield self._replay_bar
        yield from self.body()
        yield self._feed_bar
        yield self._key_bar
        yield self._too_small

    def show(self, view: View) -> None:
        """Draw what changed."""
        if self.has_class("-too-small"):
            return
        self.show_bars(view)
        self.show_body(view)

    def show_bars(self, view: View) -> None:
        """Draw the top bar when its state changes, and its counts once a second; the feed bar when a feed changes."""
        snapshot, changes = view.snapshot, view.changes
        status = snapshot.status
        rule = (
            view.standing,
            snapshot.lost_contact,
            snapshot.redis,
            snapshot.recording and snapshot.recording.failure,
            snapshot.invariants,
            status and (status.threshold_pct, status.basis, status.open_opportunities),
        )
        is_due = view.whole or view.second or rule != self._rule
        if is_due:
            self._rule = rule
            self.set_class(bool(snapshot.lost_contact), LOST_CLASS)
            self._top_bar.show(snapshot, view.standing)
        self._replay_bar.show(snapshot.replay, status)
        if is_due or changes.feeds:
            frozen = frozen_venues(instruments_of(snapshot).values(), snapshot.quotes)
            in_contact = not snapshot.lost_contact
            self._feed_bar.show(snapshot.feeds.values(), view.now_ms, frozen, in_contact=in_contact)
        if view.whole:
            self.show_keys()
            self.mark_active()

    def show_keys(self) -> None:
        """Draw the last line: the key hints, or the prompt as it is now."""
        self._key_bar.show(ACTIONS, self.TITLED, self.prompt)

    def move(self, direction: str) -> None:
        panes = self.panes()
        if panes:
            panes[self._active % len(panes)].move(direction)

    def next_pane(self) -> None:
        self._active += 1
        self.mark_active()

    def mark_active(self) -> None:
        panes = self.panes()
        for at, pane in enumerate(panes):
            pane.mark_active(len(panes) > 1 and at == self._active % len(panes))

    @property
    def rows_painted(self) -> int:
        """Lines drawn since the screen came up."""
        painters: Iterable[LineWidget] = self.query(LineWidget)
        return sum(each.rows_painted for each in painters)

    def on_screen_resume(self) -> None:
        self.post_message(self.Wanted())

    def on_resize(self, event: events.Resize) -> None:
        small = is_too_small(event.size.width, event.size.height)
        self.set_class(small, "-too-small")
        if small:
            self._too_small.show(event.size.width, event.size.height)
        self.call_after_refresh(self.post_message, self.Wanted())


def front_of(app: App[None]) -> NodeScreen | None:
    """The screen in front, where it is a NodeScreen."""
    return app.screen if app.screen_stack and isinstance(app.screen, NodeScreen) else None
