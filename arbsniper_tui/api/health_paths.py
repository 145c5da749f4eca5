"""The paths of health: two for probes, which need no token and tell no address, and the whole tree."""

from http import HTTPStatus

from litestar import get
from litestar.datastructures import State

from arbsniper_tui.api.health_reader import HealthReader, why_not_ready
from arbsniper_tui.api.node_answers import Probe
from arbsniper_tui.api.problems import Declined, documented
from arbsniper_tui.session.health import NodeHealth

FOR_PROBES = {"role": None}


@get(
    "/health/live",
    summary="Is it alive?",
    tags=["health"],
    responses=documented(),
    opt=FOR_PROBES,
    sync_to_thread=False,
)
def live(state: State) -> Probe:
    """200 while the node answers this process, 503 while it does not. For a probe; it needs no token."""
    reader: HealthReader = state.health
    health = reader.health
    if not health.is_live:
        raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, f"not live: {health.words}")
    return Probe(health.state)


@get(
    "/health/ready",
    summary="Can it do its work?",
    tags=["health"],
    responses=documented(),
    opt=FOR_PROBES,
    sync_to_thread=False,
)
def ready(state: State) -> Probe:
    """200 while everything runs that the node needs, 503 with the parts that do not. For a probe; it needs no token."""
    reader: HealthReader = state.health
    health = reader.health
    if why := why_not_ready(health):
        raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, f"not ready: {why}")
    return Probe(health.state)


@get("/health", summary="Health", tags=["health"], responses=documented(), sync_to_thread=False)
def health(state: State) -> NodeHealth:
    """The tree of the node's parts, with words and figures: what `arbsniper-tui status --json` prints, and the API as
    a part. It is 200 however the node is."""
    reader: HealthReader = state.health
    return reader.health


HEALTH_PATHS = (live, ready, health)
