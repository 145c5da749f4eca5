"""What each key does.

Each key is carried out completely before the next one is read, however fast they come. Textual would hand a key to a
widget, and the next key could open or close a screen before that widget takes it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from textual.app import App

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.model.reason import ReasonCode
from arbsniper_tui.model.verdict import Judgement, power_of_ten, read_judgement
from arbsniper_tui.session import derived
from arbsniper_tui.session.snapshot import NodeSession
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.actions import ACTIONS, ALWAYS, KEYS, Action
from arbsniper_tui.ui.line_editor import LineEditor
from arbsniper_tui.ui.look import Look
from arbsniper_tui.ui.playback import PlaybackKeys
from arbsniper_tui.ui.screens.base import NodeScreen, front_of
from arbsniper_tui.ui.screens.detail import DetailScreen
from arbsniper_tui.ui.screens.help import HelpScreen
from arbsniper_tui.ui.screens.identity import IdentityScreen
from arbsniper_tui.ui.screens.palette import Choice, PaletteScreen
from arbsniper_tui.ui.themes import THEMES
from arbsniper_tui.ui.threshold import ThresholdDial, read_threshold
from arbsniper_tui.ui.view import Views
from arbsniper_tui.ui.widgets.key_bar import Prompt

THRESHOLD_SAYS = "percent, such as 0.5; enter sets it"
FILTER_SAYS = "words in symbols, venues and markets"
VERDICT_SAYS = "same, different or multiplier=N"
PALETTE_SAYS = "enter runs it, esc goes back"


class Keyboard:
    """Each action of the table is a method here. While a prompt is open, the keys are its own."""

    def __init__(
        self,
        app: App[None],
        draw: Callable[[Look], None],
        session: NodeSession,
        views: Views,
        dial: ThresholdDial,
        playback: PlaybackKeys,
    ) -> None:
        """`draw` draws the screen in front as a whole, with this look from now on."""
        self._app = app
        self._draw = draw
        self._session = session
        self._views = views
        self._dial = dial
        self._playback = playback

    @property
    def _front(self) -> NodeScreen | None:
        return front_of(self._app)

    async def press(self, screen: NodeScreen, key: str, character: str | None) -> None:
        """Carry out one key, by Textual's name of it."""
        prompt, action = screen.prompt, KEYS.get(key)
        if prompt is None or key in ALWAYS:
            if action is not None:
                await self._run(action)
            return
        before = prompt.editor.text
        if key == "escape":
            screen.prompt = None
            prompt.left()
        elif key == "enter":
            await self._enter(screen, prompt)
        elif prompt.editor.press(key, character):
            if prompt.editor.text != before:
                self._typed(prompt)
        elif action is not None and action.name == "move":
            await self._run(action)
        screen.show_keys()

    def paste(self, screen: NodeScreen, text: str) -> None:
        """Put text into the prompt; without a prompt it is ignored."""
        if screen.prompt is not None:
            screen.prompt.editor.insert(text)
            self._typed(screen.prompt)
            screen.show_keys()

    async def _run(self, action: Action) -> None:
        method = getattr(self, action.name)
        done: Awaitable[None] | None = method() if action.argument is None else method(action.argument)
        if done is not None:
            await done

    # The prompt.

    def _ask(self, prompt: Prompt) -> None:
        if self._front is not None:
            self._front.prompt = prompt
            self._front.show_keys()

    def _typed(self, prompt: Prompt) -> None:
        prompt.refusal = ""
        prompt.typed(prompt.editor.text.strip())

    async def _enter(self, screen: NodeScreen, prompt: Prompt) -> None:
        try:
            done = prompt.entered(prompt.editor.text.strip())
        except UsageError as refusal:
            prompt.refusal = str(refusal)
            return
        screen.prompt = None
        if done is not None:
            await done

    # The actions.

    def leave(self) -> None:
        self._app.exit()

    async def help(self) -> None:
        if not isinstance(self._front, HelpScreen):
            await self._app.push_screen(HelpScreen())

    async def palette(self) -> None:
        runs = [Choice(each.title, each.says, partial(self._run, each)) for each in ACTIONS if each.in_palette]
        themes = [Choice(f"Theme {each.name}", "The colours.", partial(self._set_theme, each.name)) for each in THEMES]
        # Quit, the first of the table, goes last, so that `enter` does not run it at once.
        screen = PaletteScreen([*runs[1:], *themes, runs[0]])
        await self._app.push_screen(screen)
        run = partial(self._run_choice, screen)
        self._ask(Prompt("find", LineEditor(), PALETTE_SAYS, typed=screen.find, entered=run, left=self._pop))

    async def _run_choice(self, screen: PaletteScreen, text: str) -> None:
        self._pop()
        if screen.selected is not None and (done := screen.selected.run()) is not None:
            await done

    def _set_theme(self, name: str) -> None:
        self._app.theme = name

    async def goto(self, mode: str) -> None:
        while len(self._app.screen_stack) > 1:
            self._pop()
        if mode != self._app.current_mode:
            await self._app.switch_mode(mode)
            # Before it is laid out: the next key may move its selection already.
            self._draw(self._views.look)

    def _pop(self) -> None:
        self._app.pop_screen()

    def step_threshold(self, steps: int) -> None:
        status = self._views.live.status
        if status is None:
            self._app.notify("The node has not said its threshold yet.")
        else:
            self._session.set_threshold(self._dial.step(status.threshold_pct, steps))

    def type_threshold(self) -> None:
        status = self._views.live.status
        text = fmt.threshold(status.threshold_pct).removesuffix("%") if status else ""
        self._ask(Prompt("threshold %", LineEditor(text), THRESHOLD_SAYS, entered=self._set_threshold))

    def _set_threshold(self, text: str) -> None:
        self._session.set_threshold(self._dial.ask(read_threshold(text)))

    def switch_basis(self) -> None:
        status = self._views.live.status
        if status is None:
            self._app.notify("The node has not said its basis yet.")
        else:
            self._session.set_basis("gross" if status.basis == "net" else "net")

    def pause(self) -> None:
        self._say(self._playback.pause())

    def step_speed(self, steps: int) -> None:
        self._say(self._playback.step_speed(steps))

    def _say(self, words: str) -> None:
        if words:
            self._app.notify(words)

    def freeze(self) -> None:
        self._views.toggle_freeze()
        self._draw(self._views.look)

    def filter(self) -> None:
        before = self._views.look.filter
        undo = partial(self._set_filter, before)
        self._ask(Prompt("filter", LineEditor(before), FILTER_SAYS, typed=self._set_filter, left=undo))

    def _set_filter(self, words: str) -> None:
        self._draw(replace(self._views.look, filter=words))

    def sort(self) -> None:
        if self._front is not None and self._front.SORTED:
            self._draw(self._views.look.sorted_next(self._front.SORTED))
        else:
            self._app.notify("Nothing to sort on this screen.")

    async def detail(self) -> None:
        front = self._front
        if front is None or isinstance(front, DetailScreen):
            return
        route = front.selected_route(self._views.snapshot)
        if route is None:
            self._app.notify("No route to open yet.")
        else:
            await self._app.push_screen(DetailScreen(*route))

    def mute(self) -> None:
        front = self._front
        key = front.selected_route(self._views.snapshot) if front is not None else None
        route = self._views.live.route(key) if key is not None else None
        if key is None or route is None:
            self._app.notify("No route to mute.")
            return
        is_muted = route.reason is not None and route.reason.code is ReasonCode.MUTED
        self._session.set_mute(key, not is_muted)

    async def identity(self) -> None:
        if not isinstance(self._front, IdentityScreen):
            await self._app.push_screen(IdentityScreen())
            # Before it is laid out: the next key may be the one for a verdict.
            self._draw(self._views.look)

    async def judge(self) -> None:
        await self.identity()
        held = self._front.selected if isinstance(self._front, IdentityScreen) else None
        named = derived.instruments_of(self._views.snapshot).get(held.instrument_id) if held is not None else None
        if held is None or named is None:
            self._app.notify("No coin is held.")
            return
        exponent = power_of_ten(held.ratio) or 0
        guess = f"multiplier={10**exponent}" if exponent > 0 else ""
        enter = partial(self._set_verdict, named.venue, named.symbol)
        label = f"{named.venue} {named.symbol} is"
        self._ask(Prompt(label, LineEditor(guess), VERDICT_SAYS, entered=enter))

    def _set_verdict(self, venue: str, symbol: str, text: str) -> None:
        judgement, multiplier = read_judgement(text)
        self._session.set_verdict(venue, symbol, judgement, multiplier)
        if judgement is Judgement.MULTIPLIER:
            self._app.notify(f"{venue} {symbol} takes part from the node's next start.")

    async def step_back(self) -> None:
        if len(self._app.screen_stack) > 1:
            self._pop()
        elif self._views.look.filter:
            self._set_filter("")
        else:
            await self.goto("overview")

    def next_pane(self) -> None:
        if self._front is not None:
            self._front.next_pane()

    def move(self, direction: str) -> None:
        if self._front is not None:
            self._front.move(direction)
