"""Who asks, and what they may."""

from http import HTTPStatus
from typing import Any, Protocol

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from msgspec import Struct

from arbsniper_tui.api.problems import Declined
from arbsniper_tui.api.rate_limits import RateLimits, client_of, too_often
from arbsniper_tui.api.role import Role as Role  # those who write handlers find it here


class Caller(Struct, frozen=True):
    """One who asks."""

    name: str
    """As it stands in the log."""
    role: Role


class Callers(Protocol):
    """Tells callers by what they show."""

    def caller_of(self, credentials: str | None) -> Caller:
        """Whose these are: the value of the header Authorization, None without one. Raises Declined (401)."""


def no_token(detail: str) -> Declined:
    """What to raise for credentials that do not count, or are missing (401)."""
    return Declined(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})


def check_role(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse a caller whose role is not enough for this path, which names what it needs in `opt["role"]`: a viewer
    where it names nothing; None is for everyone, without any token. Raises Declined (401, 403)."""
    needed: Role | None = handler.opt.get("role", Role.VIEWER)
    if needed is None:
        return
    callers: Callers = connection.app.state.callers
    caller = callers.caller_of(connection.headers.get("authorization"))
    if not caller.role.may(needed):
        raise Declined(HTTPStatus.FORBIDDEN, f"{caller.name} is {caller.role}: expected a token of the role {needed}")
    connection.scope["user"] = caller


def check_rate(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse what comes too often for this path, which names how often one client may ask in
    `opt["requests_per_s"]`. Raises Declined (429)."""
    per_s: float | None = handler.opt.get("requests_per_s")
    if per_s is None:
        return
    limits: RateLimits = connection.app.state.limits
    if wait_s := limits.wait_s((client_of(connection.scope), str(handler)), per_s):
        status, detail, headers = too_often(wait_s, f"{per_s:g} requests a second to this path")
        raise Declined(status, detail, headers)
