"""Where answers come from: one node, or the Redis to which nodes write."""

from collections.abc import Mapping
from typing import Any, Protocol

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from arbsniper_tui.api.node_answers import NodeWord
from arbsniper_tui.api.problems import Elsewhere, NodeAddress
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.runtime.process_reading import ProcessReading
from arbsniper_tui.session.health import NodeHealth
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.session.venue_rows import Venue

SHARED = {"shared": True}
"""The `opt` of a path that every source answers; of any other, Redis knows nothing."""


class Source(Protocol):
    """What paths may ask that every source answers. All but `latest`, `headers`, `health` and
    `elsewhere` raise Declined (503) while there
    is nothing new enough to answer from."""

    @property
    def latest(self) -> Snapshot:
        """The newest state, whether or not there is one; of many nodes together it tells of none."""

    @property
    def snapshot(self) -> Snapshot:
        """Quotes and routes, the newest."""

    @property
    def instruments(self) -> Mapping[int, Instrument]:
        """Those watched, by id."""

    @property
    def clock_ms(self) -> float:
        """The time of the snapshot, ms since 1970."""

    @property
    def open_opportunities(self) -> int:
        """How many are open in all."""

    def headers(self) -> dict[str, str]:
        """Those that every answer has; none while nothing is known."""

    async def signals(self, limit: int) -> list[Signal]:
        """The newest that were announced, the newest first."""

    async def closes(self, since_ms: int) -> list[Signal]:
        """The signals of opportunities that closed then or later, the newest first."""

    def venues(self) -> list[Venue]:
        """How each venue is."""

    def nodes(self) -> list[NodeWord]:
        """How each node is."""

    def health(self) -> tuple[NodeHealth, Mapping[int, ProcessReading]]:
        """How all that it answers for is, and the processes that can be looked at, by process id."""

    def elsewhere(self) -> list[NodeAddress] | None:
        """Who answers all other paths; None where this source does."""


def check_shared(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse what Redis does not know, and every change of settings. Raises Elsewhere (409)."""
    is_of_node = connection.scope["path"].startswith("/v1/") and not handler.opt.get("shared")
    source: Source = connection.app.state.reader
    if is_of_node and (nodes := source.elsewhere()) is not None:
        raise Elsewhere(nodes)
