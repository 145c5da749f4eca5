"""The application: its paths, its errors, its pages."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from litestar import Litestar, MediaType, Response, get
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from arbsniper_tui.api.access import ON_LOOPBACK, Access
from arbsniper_tui.api.caller import Callers, check_rate, check_role
from arbsniper_tui.api.change_paths import CHANGE_PATHS
from arbsniper_tui.api.crowd import Crowd
from arbsniper_tui.api.describe import describe
from arbsniper_tui.api.door import Door
from arbsniper_tui.api.health_paths import HEALTH_PATHS
from arbsniper_tui.api.health_reader import HealthReader
from arbsniper_tui.api.metrics.page import MetricsPage, NodeCollector, metrics
from arbsniper_tui.api.node_paths import NODE_PATHS
from arbsniper_tui.api.node_reader import NODE_EVENT, NODE_RUN, NODE_TIME, NodeReader
from arbsniper_tui.api.node_writer import NodeWriter
from arbsniper_tui.api.price_paths import PRICE_PATHS
from arbsniper_tui.api.problems import tell_fault, tell_nesting, tell_refusal
from arbsniper_tui.api.rate_limits import RateLimits
from arbsniper_tui.api.route_paths import ROUTE_PATHS
from arbsniper_tui.api.source import SHARED, Source, check_shared
from arbsniper_tui.api.stream.entrance import Entrance
from arbsniper_tui.api.stream.hub import Hub
from arbsniper_tui.api.stream.limits import STREAM_LIMITS, Limits
from arbsniper_tui.api.traffic import Traffic

PATHS: tuple[HTTPRouteHandler, ...] = (*PRICE_PATHS, *ROUTE_PATHS, *NODE_PATHS, *CHANGE_PATHS, *HEALTH_PATHS)
_PAGE = Path(__file__).with_name("page")


EVERYONE: dict[str, object] = {"role": None}
"""What a browser loads before anyone can give it a token; none of it is of this node."""
_ASKED_BY_SCRIPTS = ["Authorization", "Content-Type", "If-None-Match"]
_TOLD_SCRIPTS = ["ETag", "Retry-After", NODE_TIME, NODE_RUN, NODE_EVENT]


@get("/docs", opt=EVERYONE, sync_to_thread=False)
def page() -> Response[bytes]:
    """A page to try the paths on; it loads nothing from another host."""
    return _page_file("index.html", MediaType.HTML)


@get("/docs/page.js", opt=EVERYONE, sync_to_thread=False)
def page_script() -> Response[bytes]:
    return _page_file("page.js", "text/javascript; charset=utf-8")


@get("/docs/page.css", opt=EVERYONE, sync_to_thread=False)
def page_style() -> Response[bytes]:
    return _page_file("page.css", MediaType.CSS)


def _page_file(name: str, media_type: str) -> Response[bytes]:
    return Response((_PAGE / name).read_bytes(), media_type=media_type)


def make_app(
    reader: Source,
    writer: NodeWriter | None,
    crowd: Crowd,
    callers: Callers,
    access: Access = ON_LOOPBACK,
    stream_limits: Limits = STREAM_LIMITS,
) -> Door:
    """What answers these callers from what this reader knows; the writer asks the node for changes. Both the stream and
    changes are of one node: of many there is no writer."""
    document = msgspec.json.encode(describe(PATHS))
    limits, traffic = RateLimits(), Traffic()
    health = HealthReader(reader, crowd, traffic)
    metrics_page = MetricsPage(NodeCollector(reader, health, crowd, traffic))

    @get("/v1/openapi.json", opt=EVERYONE | SHARED, sync_to_thread=False)
    def openapi() -> Response[bytes]:
        return Response(document, media_type=MediaType.JSON)

    app = Litestar(
        # The framework's own pages would answer for every other path beside theirs, and not with problem details.
        openapi_config=None,
        route_handlers=[page, page_script, page_style, openapi, metrics, *PATHS],
        guards=[check_role, check_rate, check_shared],
        cors_config=_cors(access.origins) if access.origins else None,
        state=State(
            {
                "reader": reader,
                "writer": writer,
                "callers": callers,
                "limits": limits,
                "health": health,
                "metrics": metrics_page,
            }
        ),
        exception_handlers={HTTPException: tell_refusal, RecursionError: tell_nesting, Exception: tell_fault},
        logging_config=None,
    )
    stream = Entrance(Hub(reader, callers, stream_limits)) if isinstance(reader, NodeReader) else None
    return Door(app, stream, reader, crowd, access, limits, traffic)


def _cors(origins: Sequence[str]) -> CORSConfig:
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=_ASKED_BY_SCRIPTS,
        expose_headers=_TOLD_SCRIPTS,
    )
