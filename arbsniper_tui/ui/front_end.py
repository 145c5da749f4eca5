"""The terminal UI on a node that starts with it, or on one that runs. Textual is imported once the node has started."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, MutableMapping

from arbsniper_tui.model.errors import NodeUnreachable, UiFailed, UsageError
from arbsniper_tui.node.node import Node
from arbsniper_tui.node.node_thread import NodeThread
from arbsniper_tui.runtime.exit_codes import CLEAN, FAULT, LOST, USAGE, fail, say
from arbsniper_tui.runtime.log import LAST_LINES_S
from arbsniper_tui.runtime.log_file import LogOptions, open_log
from arbsniper_tui.runtime.standard_streams import discard_unsent
from arbsniper_tui.runtime.terminal import REMOTE_HZ, terminal_look
from arbsniper_tui.session.session import Session, attach_to

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.2


def run_with_ui(launched: Node, refresh_hz: float) -> int:
    """Start a node and show it; quitting stops it. Returns the exit code. Raises UsageError without a terminal."""
    _require_terminal(": add --no-ui to run without one")
    # Until the UI runs, which takes these signals itself.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda signum, frame: sys.exit(CLEAN))
    node = NodeThread(launched)
    try:
        session = Session(node.start())
        try:
            return _show(session, refresh_hz, lambda: node.fault)
        except UiFailed as failure:
            return _go_on(session, node, failure)
        finally:
            session.close()
    finally:
        node.stop()


def run_attached(endpoint: str, refresh_hz: float) -> int:
    """Show a node that already runs. Returns the exit code; what cannot be done is said on standard error."""
    try:
        _require_terminal("")
        log = open_log(LogOptions(is_beside_ui=True), is_replay=False)
        session = attach_to(endpoint)
    except (NodeUnreachable, UsageError) as error:
        return fail(error, USAGE)
    try:
        return _show(session, refresh_hz, None)
    except UiFailed as failure:
        return fail(failure, FAULT)
    finally:
        session.close()
        log.stream.drain(LAST_LINES_S)


def _go_on(session: Session, node: NodeThread, failure: UiFailed) -> int:
    """Keep a node whose UI has failed, until a signal, the end of its tapes or a fault of its own ends it."""
    signal.signal(signal.SIGINT, lambda signum, frame: sys.exit(CLEAN))
    again = f"`arbsniper-tui attach {os.getpid()}` shows it again"
    say(f"{failure}; the node goes on without it: {again}, ctrl+C stops it")
    is_heard = True
    while node.fault is None:
        try:
            if is_heard and session.pull().ended:
                return CLEAN
        except Exception:  # noqa: BLE001  # the failure may lie in the session: the node goes on without it
            _log.exception("the node cannot be listened to; the end of its tapes will not be noticed")
            is_heard = False
        time.sleep(_LOOK_EVERY_S)
    say(node.fault)
    return LOST


def _show(session: Session, refresh_hz: float, supervise: Callable[[], str | None] | None) -> int:
    is_remote = prepare_terminal(os.environ)
    # Textual reads its environment when it is imported.
    from arbsniper_tui.ui.run import run_ui

    code = run_ui(
        session,
        refresh_hz=min(refresh_hz, REMOTE_HZ) if is_remote else refresh_hz,
        remote=is_remote,
        supervise=supervise,
    )
    try:
        sys.stdout.flush()
    except OSError:  # the terminal was closed
        discard_unsent(sys.stdout.buffer)
    return code


def prepare_terminal(environ: MutableMapping[str, str]) -> bool:
    """Switch off animations, and over SSH draw less often. Returns whether this is SSH."""
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    look = terminal_look(environ, None)
    if look.has_colours:
        environ.pop("NO_COLOR", None)  # Textual takes an empty one for a set one
    if look.is_remote:
        environ.setdefault("TEXTUAL_FPS", "10")
    return look.is_remote


def _require_terminal(remedy: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(f"expected a terminal on standard input and output, found none{remedy}")
