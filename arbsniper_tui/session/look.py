"""One look at a node: its whole state, asked for once. The node counts no viewer and makes no views for it."""

import zmq

from arbsniper_tui.model.errors import UNREADABLE, NodeUnreachable
from arbsniper_tui.session.snapshot import Changes, Snapshot
from arbsniper_tui.session.take_view import take_view
from arbsniper_tui.wire.endpoints import find_endpoints
from arbsniper_tui.wire.messages import Hello, Welcome
from arbsniper_tui.wire.viewing import CommandClient


def look_at(endpoint: str, within_ms: int) -> Snapshot:
    """The state of the node that `attach_to` would find, without events. Raises NodeUnreachable for one that is not
    there or does not answer within this time, and FolderError."""
    endpoints = find_endpoints(endpoint)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    client = CommandClient(context, endpoints)
    try:
        client.send(Hello())
        reply = client.answer(within_ms)
    except UNREADABLE as error:
        raise NodeUnreachable(
            f"expected the node at {endpoints.folder} to answer as one of this version does, found: {error}"
        ) from error
    finally:
        client.close()
        context.term()
    if not isinstance(reply, Welcome):
        raise NodeUnreachable(
            f"expected an answer from the node at {endpoints.folder} within {within_ms / 1000:g} s, found none: "
            "it is starting, stopped (SIGCONT lets it go on) or busy"
        )
    snapshot = Snapshot(intro=reply.intro)
    take_view(snapshot, reply.view, Changes())
    return snapshot
