"""Runs the app in this process's terminal, from the first picture to the exit code."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable

from arbsniper_tui.session.snapshot import NodeView
from arbsniper_tui.ui.app import ArbsniperApp, Supervise, make_app
from arbsniper_tui.workers.turns import step_back

_FIRST_PICTURE_WITHIN_S = 1.0
"""Until then whoever launched the program waits for this process; from then on quotes and signals go first."""


def run_ui(
    view: NodeView,
    *,
    refresh_hz: float,
    remote: bool = False,
    supervise: Supervise | None = None,
    on_signal: Callable[[], None] = lambda: None,
) -> int:
    """Run the app until it is left; returns the exit code. SIGTERM and SIGHUP leave it cleanly, and call `on_signal`
    first, also while the app waits for its terminal."""
    app = make_app(view, refresh_hz=refresh_hz, remote=remote, supervise=supervise)
    asyncio.run(_run(app, on_signal))
    if app.fault:
        sys.stderr.write(f"{app.fault}\n")
    return app.return_code or 0


async def _run(app: ArbsniperApp, on_signal: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def leave(number: int, frame: object) -> None:
        on_signal()
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(app.exit)

    for each in (signal.SIGTERM, signal.SIGHUP):
        # Not the loop's own handlers: they are only called when the loop comes round.
        signal.signal(each, leave)
    loop.call_later(_FIRST_PICTURE_WITHIN_S, step_back)
    await app.run_async()
