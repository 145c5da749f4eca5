"""Runs the app in this process's terminal, from the first picture to the exit code."""

import asyncio
import contextlib
import logging
import signal
import sys

from arbsniper_tui.model.errors import UiFailed
from arbsniper_tui.runtime.turns import step_back
from arbsniper_tui.session.snapshot import NodeSession
from arbsniper_tui.ui.app import ArbsniperApp, Supervise, make_app

_log = logging.getLogger(__name__)

_FIRST_PICTURE_WITHIN_S = 1.0
"""After the first picture, which the user waits for, this process lowers its priority below that of the workers."""
_LEAVE_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LONGEST_REASON = 120


def run_ui(session: NodeSession, *, refresh_hz: float, remote: bool = False, supervise: Supervise | None = None) -> int:
    """Run the app until it is left; returns the exit code. SIGINT, SIGTERM and SIGHUP leave it cleanly.

    Raises UiFailed, with the terminal as it was before, for a fault of the UI itself: the node can go on without it.
    """
    before = {number: signal.getsignal(number) for number in _LEAVE_ON}
    app: ArbsniperApp | None = None
    failure: BaseException | None = None
    try:
        app = make_app(session, refresh_hz=refresh_hz, remote=remote, supervise=supervise)
        asyncio.run(_run(app))
        failure = app.failure
    except Exception as error:  # noqa: BLE001  # the boundary of the UI: logged below, and the caller says it
        failure = error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if failure is not None:
        _log.critical("the terminal UI failed", exc_info=failure)
        reason = " ".join(f"{type(failure).__name__}: {failure}".split())
        raise UiFailed(f"the terminal UI failed: {reason[:_LONGEST_REASON]}")
    assert app is not None
    if app.fault:
        sys.stderr.write(f"{app.fault}\n")
    return app.return_code or 0


async def _run(app: ArbsniperApp) -> None:
    loop = asyncio.get_running_loop()

    def leave(signum: int, frame: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(app.exit)

    for number in _LEAVE_ON:
        # asyncio removes its own handlers when the loop ends, and a signal would kill the process before its caller
        # has stopped the node.
        signal.signal(number, leave)
    loop.call_later(_FIRST_PICTURE_WITHIN_S, step_back)
    await app.run_async()
