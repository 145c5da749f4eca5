"""Asks a node that runs to read its settings again, or to change one."""

from contextlib import closing

import zmq

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.wire.endpoints import find_endpoints
from arbsniper_tui.wire.messages import ChangeSettings, Refused, ReloadSettings, SettingsChanged
from arbsniper_tui.wire.viewing import CommandClient

Changed = SettingsChanged
WITHIN_MS = 15_000
"""A file that is being written, and a worker that does not answer, are waited for some seconds each."""


def reload_settings(endpoint: str, within_ms: int = WITHIN_MS) -> SettingsChanged:
    """Raises UsageError for what the node refuses, NodeUnreachable or FolderError where none answers."""
    return _ask(endpoint, ReloadSettings(), within_ms)


def change_setting(endpoint: str, key: str, text: str, *, save: bool, within_ms: int = WITHIN_MS) -> SettingsChanged:
    """Raises as `reload_settings` does."""
    return _ask(endpoint, ChangeSettings({key: text}, save), within_ms)


def lines_of(changed: SettingsChanged) -> list[str]:
    """What the node has done, for a person."""
    lines = [each.in_words for each in changed.changes] or ["nothing has changed"]
    return [*lines, "saved for later runs"] if changed.is_saved else lines


def _ask(endpoint: str, command: ReloadSettings | ChangeSettings, within_ms: int) -> SettingsChanged:
    endpoints = find_endpoints(endpoint)
    with zmq.Context() as context, closing(CommandClient(context, endpoints, to_launcher=True)) as client:
        reply = client.ask(command, within_ms)
    if isinstance(reply, SettingsChanged):
        return reply
    raise UsageError(
        reply.why if isinstance(reply, Refused) else f"the node answered {reply}, expected what has changed"
    )
