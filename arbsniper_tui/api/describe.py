"""The OpenAPI document: what the framework knows of the paths, and what the sources say of each field."""

from collections.abc import Iterator, Sequence
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from msgspec import Struct

from arbsniper_tui import __version__
from arbsniper_tui.api import answers, changes, node_answers, problems
from arbsniper_tui.config import alert_settings
from arbsniper_tui.model import signal
from arbsniper_tui.runtime.docstrings import docstrings
from arbsniper_tui.session import health, venue_rows

DESCRIPTION = (
    "What one node of arbsniper-tui sees: prices, routes, opportunities, and how its parts are. Each answer has the "
    "node's time, run and last event in the headers Arbsniper-Time, Arbsniper-Run and Arbsniper-Event, and a tag: "
    "asked again with If-None-Match it is 304 while nothing has changed. Errors are problem details (RFC 9457)."
)


def describe(handlers: Sequence[HTTPRouteHandler]) -> dict[str, Any]:
    """The document of these paths."""
    config = OpenAPIConfig(
        "arbsniper-tui",
        __version__,
        description=DESCRIPTION,
        use_handler_docstrings=True,
        components=Components(security_schemes={"token": SecurityScheme("http", scheme="bearer")}),
        # On loopback nothing has to be shown to read.
        security=[{"token": []}, {}],
    )
    app = Litestar(handlers, openapi_config=config, logging_config=None)
    document: dict[str, Any] = app.openapi_schema.to_schema()
    schemas = document["components"]["schemas"]
    for struct in _structs():
        if described := schemas.get(struct.__name__):
            described["description"] = " ".join((struct.__doc__ or "").split())
            for field, words in docstrings(struct).items():
                described["properties"][field]["description"] = words
    return document


def _structs() -> Iterator[type[Struct]]:
    for module in (answers, changes, node_answers, problems, alert_settings, signal, health, venue_rows):
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, Struct) and each.__module__ == module.__name__:
                yield each
