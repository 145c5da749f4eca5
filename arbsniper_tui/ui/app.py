"""The app: pulls from the view on one timer, hands what changed to the screen in front, answers the keys."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from textual.app import App, SystemCommand
from textual.screen import Screen

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.session.snapshot import Changes, NodeView
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.actions import ACTIONS, bindings
from arbsniper_tui.ui.cost import CostMeter
from arbsniper_tui.ui.frames import Frames
from arbsniper_tui.ui.look import Look
from arbsniper_tui.ui.output import OutputMeter, metered_driver
from arbsniper_tui.ui.playback import PlaybackKeys
from arbsniper_tui.ui.screens.base import NodeScreen
from arbsniper_tui.ui.screens.detail import DetailScreen
from arbsniper_tui.ui.screens.help import HelpScreen
from arbsniper_tui.ui.screens.modes import MODES
from arbsniper_tui.ui.screens.replay_summary import ReplaySummary
from arbsniper_tui.ui.themes import THEMES, theme_for
from arbsniper_tui.ui.threshold import ThresholdDial, read_threshold
from arbsniper_tui.ui.widgets.prompt import Prompt

Supervise = Callable[[], str | None]

SUPERVISE_EVERY_S = 0.2
CANNOT_GO_ON = 3
THRESHOLD_SAYS = "percent, such as 0.5; enter sets it"
FILTER_SAYS = "words to find in symbols and venues"


class ArbsniperApp(App[None], inherit_bindings=False):
    """The front end of one node."""

    CSS_PATH = "app.tcss"
    TITLE = "arbsniper"
    BINDINGS = bindings()
    DEFAULT_MODE = "overview"
    MODES = MODES

    def __init__(self, view: NodeView, refresh_hz: float, remote: bool, supervise: Supervise | None) -> None:
        self.output = OutputMeter()
        super().__init__(driver_class=metered_driver(self.output))
        self.fault = ""
        """Why the node cannot go on; to be printed once the terminal is restored."""
        self.cost = CostMeter()
        self.ticks_by_itself = True
        """False: frames come only from calls of `tick`, as tests make them."""
        self._view = view
        self._frames = Frames(view, refresh_hz, remote)
        self._refresh_hz = refresh_hz
        self._supervise = supervise
        self._dial = ThresholdDial(patience=2 * refresh_hz)
        self._playback = PlaybackKeys(view, patience=2 * refresh_hz)
        self._filter_before = ""
        if remote:
            self.animation_level = "none"
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = theme_for(self.console.color_system)
        for name in self.available_themes.keys() - {theme.name for theme in THEMES}:
            self.unregister_theme(name)

    def on_mount(self) -> None:
        if self.ticks_by_itself:
            self.set_interval(1 / self._refresh_hz, self.tick)
            self.call_after_refresh(self.tick)
        if self._supervise is not None:
            self.set_interval(SUPERVISE_EVERY_S, self._check)

    # Frames.

    def tick(self) -> None:
        """Take in what arrived and repaint it; while frozen, only take it in."""
        changes = self._frames.pull()
        if changes.ended:
            self.push_screen(ReplaySummary())
        if self._frames.live.status is not None:
            self._dial.follow(self._frames.live.status.threshold_pct)
        self._playback.follow()
        screen = self._front
        if screen is None:
            return
        frozen = self._frames.frozen
        frame = self._frames.frame(changes, self.cost.words, whole=changes.intro and not frozen)
        if frozen:
            screen.show_bars(frame)
        else:
            screen.show(frame)
        self.cost.frame()
        if frame.second:
            self.cost.settle(screen.rows_painted, self.output.sent_bytes)

    @property
    def _front(self) -> NodeScreen | None:
        """The screen in front, where it is one of ours and not the palette."""
        return self.screen if isinstance(self.screen, NodeScreen) else None

    def _draw(self, look: Look | None = None) -> None:
        """Draw the screen in front as a whole, with `look` from now on."""
        self._frames.look = look or self._frames.look
        if self._front is not None and self._front.is_mounted:
            self._front.show(self._frames.frame(Changes(), self.cost.words, whole=True))

    def on_node_screen_wanted(self) -> None:
        self._frames.follow_basis()
        self._draw()

    def _check(self) -> None:
        said = self._supervise() if self._supervise is not None and not self.fault else None
        if said:
            self.fault = said
            self.exit(return_code=CANNOT_GO_ON)

    # Keys. Each action of the table has its method here.

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        for action in ACTIONS:
            if action.in_palette:
                yield SystemCommand(action.title, action.says, partial(self.run_action, f"app.{action.call}"))
        yield SystemCommand("Theme", "Dark, light, or the terminal's own sixteen colours.", self.action_change_theme)

    def action_leave(self) -> None:
        self.exit()

    def action_help(self) -> None:
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    def action_goto(self, mode: str) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if mode != self.current_mode:
            self.switch_mode(mode)

    def action_step_threshold(self, steps: int) -> None:
        status = self._frames.live.status
        if status is None:
            self.notify("The node has not said its threshold yet.")
        else:
            self._view.set_threshold(self._dial.step(status.threshold_pct, steps))

    def action_type_threshold(self) -> None:
        status = self._frames.live.status
        text = fmt.threshold(status.threshold_pct).removesuffix("%") if status else ""
        self._ask("threshold", "threshold %", text, THRESHOLD_SAYS)

    def action_switch_basis(self) -> None:
        status = self._frames.live.status
        if status is None:
            self.notify("The node has not said its basis yet.")
        else:
            self._view.set_basis("gross" if status.basis == "net" else "net")

    def action_pause(self) -> None:
        self._say(self._playback.pause())

    def action_step_speed(self, steps: int) -> None:
        self._say(self._playback.step_speed(steps))

    def _say(self, words: str) -> None:
        if words:
            self.notify(words)

    def action_freeze(self) -> None:
        self._frames.toggle_freeze()
        self._draw()

    def action_filter(self) -> None:
        self._filter_before = self._frames.look.filter
        self._ask("filter", "filter", self._frames.look.filter, FILTER_SAYS)

    def action_sort(self) -> None:
        if self._front is not None and self._front.SORTED:
            self._draw(self._frames.look.sorted_next(self._front.SORTED))
        else:
            self.notify("Nothing to sort on this screen.")

    def action_detail(self) -> None:
        if self._front is None or isinstance(self._front, DetailScreen):
            return
        route = self._front.selected_route(self._frames.snapshot)
        if route is None:
            self.notify("No route to open yet.")
        else:
            self.push_screen(DetailScreen(*route))

    def action_step_back(self) -> None:
        if self._front is not None and (purpose := self._front.prompt_purpose):
            self._front.close_prompt()
            if purpose == "filter":
                self._draw(replace(self._frames.look, filter=self._filter_before))
        elif len(self.screen_stack) > 1:
            self.pop_screen()
        elif self._frames.look.filter:
            self._draw(replace(self._frames.look, filter=""))
        else:
            self.action_goto("overview")

    def action_next_pane(self) -> None:
        if self._front is not None:
            self._front.next_pane()

    def action_move(self, direction: str) -> None:
        if self._front is not None:
            self._front.move(direction)

    def _ask(self, purpose: str, label: str, text: str, says: str) -> None:
        if self._front is not None:
            self._front.ask(purpose, label, text, says)

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        screen = self._front
        if screen is None:
            return
        if event.purpose == "filter":
            if event.done:
                screen.close_prompt()
            self._draw(replace(self._frames.look, filter=event.text.strip()))
            return
        try:
            asked_pct = read_threshold(event.text) if event.done else None
        except UsageError as refusal:
            screen.answer(str(refusal), refused=True)
            return
        if asked_pct is None:
            screen.answer(THRESHOLD_SAYS)
        else:
            self._view.set_threshold(self._dial.ask(asked_pct))
            screen.close_prompt()


def make_app(
    view: NodeView, *, refresh_hz: float, remote: bool = False, supervise: Supervise | None = None
) -> ArbsniperApp:
    """The app on a node's view, not yet running. `supervise` is called five times a second; a text that it returns
    ends the app with exit code 3."""
    return ArbsniperApp(view, refresh_hz, remote, supervise)
