"""The app: pulls from the session on one timer, hands what changed to the screen in front, answers the keys."""

import os
import time
from collections.abc import Callable

from rich.console import RenderableType
from textual import events
from textual._compositor import ChopsUpdate
from textual.app import App
from textual.screen import Screen

from arbsniper_tui.runtime.exit_codes import LOST
from arbsniper_tui.runtime.terminal import terminal_look
from arbsniper_tui.session.snapshot import Changes, NodeSession
from arbsniper_tui.ui.cost import CostMeter
from arbsniper_tui.ui.keyboard import Keyboard
from arbsniper_tui.ui.look import Look
from arbsniper_tui.ui.notices import Notices
from arbsniper_tui.ui.output import ExactUpdate
from arbsniper_tui.ui.playback import PlaybackKeys
from arbsniper_tui.ui.screens.base import NodeScreen, front_of
from arbsniper_tui.ui.screens.modes import MODES
from arbsniper_tui.ui.screens.replay_summary import ReplaySummary
from arbsniper_tui.ui.stylesheet import OnceParsedStylesheet
from arbsniper_tui.ui.terminal import TerminalOutput, driver_on
from arbsniper_tui.ui.themes import THEMES, theme_for
from arbsniper_tui.ui.threshold import ThresholdDial
from arbsniper_tui.ui.view import Views

Supervise = Callable[[], str | None]

SUPERVISE_EVERY_S = 0.2


class ArbsniperApp(App[None], inherit_bindings=False):
    """The front end of one node."""

    CSS_PATH = "app.tcss"
    TITLE = "arbsniper"
    ENABLE_COMMAND_PALETTE = False
    DEFAULT_MODE = "overview"
    MODES = MODES

    def __init__(
        self,
        session: NodeSession,
        refresh_hz: float,
        remote: bool,
        supervise: Supervise | None,
        clock: Callable[[], float],
    ) -> None:
        self.output = TerminalOutput()
        # Without colours the terminal's own two are used.
        look = terminal_look(os.environ, None)
        super().__init__(driver_class=driver_on(self.output), ansi_color=None if look.has_colours else True)
        self.stylesheet = OnceParsedStylesheet(variables=self.get_css_variables())
        self.fault = ""
        """Why the node cannot go on; to be printed once the terminal is restored."""
        self.failure: BaseException | None = None
        """What went wrong in the UI itself; the node can go on."""
        self.cost = CostMeter()
        self.ticks_by_itself = True
        """False: views are drawn only at calls of `tick`, as tests make them."""
        self._session = session
        self._views = Views(session, refresh_hz, remote, clock)
        self._refresh_hz = refresh_hz
        self._supervise = supervise
        self._dial = ThresholdDial(patience=2 * refresh_hz)
        self._playback = PlaybackKeys(session, patience=2 * refresh_hz)
        self._keyboard = Keyboard(self, self.draw, session, self._views, self._dial, self._playback)
        self._notices = Notices(os.environ, clock)
        self._owes_summary = False
        """Whether a replay has ended and its summary was not shown yet."""
        self._owes_picture = False
        """Whether something was not drawn because the terminal did not read."""
        if remote:
            self.animation_level = "none"
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = theme_for(None if self.no_color else self.console.color_system)
        for name in self.available_themes.keys() - {theme.name for theme in THEMES}:
            self.unregister_theme(name)

    def on_mount(self) -> None:
        if self.ticks_by_itself:
            self.set_interval(1 / self._refresh_hz, self.tick)
            self.call_after_refresh(self.tick)
        if self._supervise is not None:
            self.set_interval(SUPERVISE_EVERY_S, self._check)

    # Drawing.

    def tick(self) -> None:
        """Take in what arrived and repaint it; while frozen, or while the terminal is behind, only take it in."""
        changes = self._views.pull()
        self._owes_summary |= changes.ended
        self._tell_alerts(changes)
        self._sum_up()
        if self._views.live.status is not None:
            self._dial.follow(self._views.live.status.threshold_pct)
        self._playback.follow()
        screen = self.front
        self._session.name_routes(screen.named_routes if screen is not None else ())
        if screen is None:
            return
        if self.output.is_behind:
            self.cost.skip()
            self._owes_picture = True
            return
        if self._owes_picture:
            self._owes_picture = False
            screen.refresh()
            self.draw()
            return
        frozen = self._views.frozen
        view = self._views.make(changes, self.cost.words, whole=changes.intro and not frozen)
        if frozen:
            screen.show_bars(view)
        else:
            screen.show(view)
        self.cost.count()
        if view.second:
            self.cost.settle(screen.rows_painted, self.output.sent_bytes)

    def _tell_alerts(self, changes: Changes) -> None:
        """Ring, and have the terminal show a notification, also while frozen."""
        status = self._views.live.status
        if status is not None:
            self._notices.take(changes.events, status.clock_ms)
        if not self.output.is_behind:
            self.output.write(self._notices.due())

    def _sum_up(self) -> None:
        """Show the summary that is owed, unless a prompt or a page is open, whose keys it would take."""
        is_free = len(self.screen_stack) == 1 and self.front is not None and self.front.prompt is None
        if self._owes_summary and is_free:
            self._owes_summary = False
            self.push_screen(ReplaySummary())

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Send a picture, unless the terminal is behind: then a whole one follows when it has caught up."""
        if self.output.is_behind:
            self._owes_picture = True
        elif isinstance(renderable, ChopsUpdate):
            super()._display(screen, ExactUpdate(renderable.chops, renderable.spans, renderable.chop_ends))
        else:
            super()._display(screen, renderable)

    @property
    def front(self) -> NodeScreen | None:
        """The screen in front, where it is one of ours."""
        return front_of(self)

    def draw(self, look: Look | None = None) -> None:
        """Draw the screen in front as a whole, with `look` from now on."""
        self._views.look = look or self._views.look
        if self.front is not None and self.front.is_mounted:
            self.front.show(self._views.make(Changes(), self.cost.words, whole=True))

    def on_node_screen_wanted(self) -> None:
        self._views.follow_basis()
        self.draw()

    # Ending.

    def _check(self) -> None:
        said = self._supervise() if self._supervise is not None and not self.fault else None
        if said:
            self.fault = said
            self.exit(return_code=LOST)

    def _handle_exception(self, error: Exception) -> None:
        self.failure = self.failure or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        # Textual would print hundreds of lines on the terminal: `run_ui` logs the failure instead.
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        self._close_messages_no_wait()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and self.front is not None:
            await self._keyboard.press(self.front, event.key, event.character)
        elif isinstance(event, events.Paste) and self.front is not None:
            self._keyboard.paste(self.front, event.text)
        else:
            await super().on_event(event)


def make_app(
    session: NodeSession,
    *,
    refresh_hz: float,
    remote: bool = False,
    supervise: Supervise | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> ArbsniperApp:
    """The app on a node's session, not yet running. `supervise` is called five times a second; a text that it returns
    ends the app with exit code 3. By `clock`, in seconds, ages grow while the node is not heard."""
    return ArbsniperApp(session, refresh_hz, remote, supervise, clock)
