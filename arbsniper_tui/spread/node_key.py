"""The node's own key in Redis: how it and its venues are, once a second."""

from collections.abc import Callable

import msgspec

from arbsniper_tui.engine.slices import Sliced
from arbsniper_tui.runtime.clock import wall_ms
from arbsniper_tui.session.node_state import state_of
from arbsniper_tui.sinks.sink import Sink
from arbsniper_tui.spread.view_maker import ViewMaker

_REFRESH_EVERY_NS = 1_000_000_000

_to_json = msgspec.json.Encoder().encode


class NodeKey:
    """Remembers when it is due."""

    def __init__(self, views: ViewMaker, sink: Sink, node: str, api: str) -> None:
        """`api`: where the node's own API answers; empty where there is none."""
        self._views = views
        self._sink = sink
        self._node = node
        self._api = api or None
        self._due_ns = 0

    def refresh(self, now_ns: int, clock_ns: Callable[[], int]) -> Sliced[None]:
        """Store it where it is due and the sink takes it. `clock_ns` tells the detector's time."""
        if now_ns < self._due_ns or not self._sink.takes_prices:
            return
        self._due_ns = now_ns + _REFRESH_EVERY_NS
        yield
        snapshot = yield from self._views.snapshot(clock_ns)
        yield
        state = yield from state_of(snapshot, self._api, wall_ms())
        self._sink.store_node(self._node, _to_json(state), now_ns)
