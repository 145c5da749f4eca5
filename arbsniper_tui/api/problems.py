"""Every error of the API in one shape: problem details, RFC 9457."""

import logging
from http import HTTPStatus

import msgspec
from litestar import MediaType, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, NotFoundException
from litestar.openapi import ResponseSpec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

_log = logging.getLogger(__name__)

_NO_PATH = "there is no such path: /v1/openapi.json and the page /docs list those there are"
PROBLEM_TYPE = "application/problem+json"


class NodeAddress(Struct, frozen=True):
    """Where a node answers by itself."""

    node: str
    """Its name."""
    api: str | None
    """As http://127.0.0.1:8787, on the node's own machine; null where it runs no API."""


class Problem(Struct, frozen=True):
    """Why a request was not answered."""

    title: str
    """The status in words."""
    status: int
    """The status of the answer."""
    detail: str
    """What was expected, what was found, and what to do."""
    instance: str
    """The path that was asked for."""
    type: str = "about:blank"
    """The status says all of it."""
    nodes: list[NodeAddress] | UnsetType = UNSET
    """Of 409: the nodes that this process answers for, each of which answers it by itself."""


class Declined(HTTPException):
    """A request that cannot be answered. Raised by handlers, and told as a Problem."""

    def __init__(self, status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail=detail, status_code=status, headers=headers)


class Elsewhere(Declined):
    """What each node answers for itself alone."""

    def __init__(self, nodes: list[NodeAddress]) -> None:
        where = ", ".join(f"{each.node} at {each.api or 'none: it runs no API'}" for each in nodes) or "none runs"
        super().__init__(HTTPStatus.CONFLICT, f"Redis does not hold this: ask the API of the node itself ({where})")
        self.nodes = nodes


def problem_of(status: int, detail: str, path: str) -> Problem:
    return Problem(HTTPStatus(status).phrase, status, detail, path)


def problem_bytes(status: int, detail: str, path: str) -> bytes:
    return msgspec.json.encode(problem_of(status, detail, path))


def tell_refusal(request: Request[None, None, State], error: HTTPException) -> Response[Problem]:
    """What the framework and the handlers raise on purpose."""
    detail = _NO_PATH if isinstance(error, NotFoundException) else error.detail
    if isinstance(error.extra, list) and error.extra:
        # What is wrong with which parameter; the detail repeats the path alone.
        detail = "; ".join(f"{each.get('key', '')}: {each.get('message', '')}" for each in error.extra)
    nodes = error.nodes if isinstance(error, Elsewhere) else UNSET
    return _response(request, error.status_code, detail, error.headers, nodes)


def tell_nesting(request: Request[None, None, State], error: RecursionError) -> Response[Problem]:
    """A body whose JSON goes deeper than can be read; nothing else here calls itself."""
    return _response(request, HTTPStatus.BAD_REQUEST, "found JSON that is nested too deeply", None)


def tell_fault(request: Request[None, None, State], error: Exception) -> Response[Problem]:
    """A fault of this program: the log has its traceback, the caller is told no more than that."""
    _log.error("%s: a fault of the API's own", request.url.path, exc_info=error)
    return _response(request, HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of the program: its log says more", None)


def _response(
    request: Request[None, None, State],
    status: int,
    detail: str,
    headers: dict[str, str] | None,
    nodes: list[NodeAddress] | UnsetType = UNSET,
) -> Response[Problem]:
    problem = replace(problem_of(status, detail, request.url.path), nodes=nodes)
    return Response(problem, status_code=status, media_type=PROBLEM_TYPE, headers=headers)


def documented(*statuses: HTTPStatus) -> dict[int, ResponseSpec]:
    """These errors, and those that every path may answer, for the OpenAPI document."""
    return {
        int(status): ResponseSpec(Problem, generate_examples=False, description=status.phrase, media_type=_MEDIA_TYPE)
        for status in sorted({*_ALWAYS, *statuses})
    }


_ALWAYS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.CONFLICT,
    HTTPStatus.LENGTH_REQUIRED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_MEDIA_TYPE: MediaType = PROBLEM_TYPE  # type: ignore[assignment]  # any text will do, says the code that takes it
