"""A view of a node that a test plays, and the app on it. No clock, no socket."""

from collections.abc import Sequence

from textual.pilot import Pilot

from arbsniper_tui.model.verdict import Judgement
from arbsniper_tui.model.view import QuoteRow
from arbsniper_tui.session.snapshot import Changes, RouteKey, Snapshot
from arbsniper_tui.ui.app import ArbsniperApp, make_app
from arbsniper_tui.ui.cost import CostMeter
from arbsniper_tui.ui.themes import DARK
from tests.ui import builder


class PlayedView:
    """A NodeSession whose changes a test hands in; it remembers the commands it was given."""

    def __init__(self, shown: Snapshot) -> None:
        self.snapshot = shown
        self.coming = Changes()
        self.thresholds: list[float] = []
        self.bases: list[str] = []
        self.playbacks: list[tuple[float | None, bool]] = []
        self.verdicts: list[tuple[str, str, str, int]] = []
        self.mutes: list[tuple[RouteKey, bool]] = []
        self.named: tuple[RouteKey, ...] = ()
        self.pulls = 0

    def pull(self) -> Changes:
        self.pulls += 1
        taken, self.coming = self.coming, Changes()
        return taken

    def set_threshold(self, threshold_pct: float) -> None:
        self.thresholds.append(threshold_pct)

    def set_basis(self, basis: str) -> None:
        self.bases.append(basis)

    def set_verdict(self, venue: str, symbol: str, judgement: Judgement, multiplier: int) -> None:
        self.verdicts.append((venue, symbol, judgement.value, multiplier))

    def set_mute(self, route: RouteKey, is_muted: bool) -> None:
        self.mutes.append((route, is_muted))

    def name_routes(self, routes: Sequence[RouteKey]) -> None:
        self.named = tuple(routes)

    def set_playback(self, speed: float | None, is_paused: bool) -> None:
        self.playbacks.append((speed, is_paused))

    def requote(self, instrument_id: int, **changed: float) -> None:
        """Let one quote change, as the next pull will say."""
        held = self.snapshot.quotes[instrument_id]
        fields = {name: getattr(held, name) for name in held.__struct_fields__} | changed
        self.snapshot.quotes[instrument_id] = QuoteRow(**fields)
        self.coming.quotes.add(instrument_id)


def app_on(view: PlayedView, *, remote: bool = False, refresh_hz: float = 10.0, ticking: bool = False) -> ArbsniperApp:
    """The app in its dark theme, whatever the terminal. Unless `ticking`, only a test's `app.tick()` draws a view."""
    app = make_app(view, refresh_hz=refresh_hz, remote=remote, clock=lambda: 0.0)
    app.theme = DARK.name
    app.cost = CostMeter(clock=lambda: 0.0, processor=lambda: 0.0)
    if not ticking:
        app.ticks_by_itself = False
    return app


async def after(pilot: Pilot[None], *keys: str) -> None:
    """Press keys one after the other, and let what follows from them be drawn."""
    await pilot.pause()
    for key in keys:
        await pilot.press(key)
    await pilot.pause()


def begin(built: Snapshot | None = None) -> tuple[PlayedView, ArbsniperApp]:
    view = PlayedView(built or builder.snapshot())
    return view, app_on(view)
