"""Every role on every path: the paths are those that the application has, so that none can be forgotten."""

import time
from collections.abc import Callable

import httpx
import pytest
from app_stage import access, bearer, client_of, made_app, token
from litestar import get, patch
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from arbsniper_tui.api import app as app_module
from arbsniper_tui.api.node_reader import NodeReader
from arbsniper_tui.api.role import Role

READING = ("GET", "HEAD", "OPTIONS")
OPEN_TO_EVERYONE = ("/docs", "/health/", "/v1/openapi.json")
"""Where a path without any role may begin: what a browser loads first, and what a container asks."""
ASKS_ITSELF = "/v1/stream"
"""Its token may come in the first message."""
NOT_LET_IN = (401, 403, 404, 405, 500)
VALUES = {"symbol": "BTC-USDT", "route_id": "1-2", "name": "spike"}


@get("/v1/made-up/deciding", opt={"role": Role.ADMIN}, sync_to_thread=False)
def deciding(state: State) -> str:
    reader: NodeReader = state.reader
    return reader.intro.node


@patch("/v1/made-up/changing", opt={"role": Role.OPERATOR}, sync_to_thread=False)
def changing(state: State) -> str:
    reader: NodeReader = state.reader
    return reader.intro.node


PATHS = (*app_module.PATHS, deciding, changing)


def handlers() -> list[tuple[str, str, HTTPRouteHandler]]:
    """Method, path and handler of all there is; without the answers to OPTIONS, which the framework adds."""
    found = []
    for route in made_app(access()).app.routes:
        if not isinstance(route, HTTPRoute):
            assert route.path == ASKS_ITSELF, "a WebSocket that this table knows nothing of"
            continue
        for handler in route.route_handlers:
            methods = sorted(set(handler.http_methods) - {"OPTIONS"})
            found += [(method, route.path_format, handler) for method in methods]
    return found


@pytest.fixture(autouse=True)
def made_up_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two more paths, so that each role has some."""
    monkeypatch.setattr(app_module, "PATHS", PATHS)


def needed_by(handler: HTTPRouteHandler) -> Role | None:
    role: Role | None = handler.opt.get("role", Role.VIEWER)
    return role


def test_what_changes_things_needs_more_than_a_viewer_and_little_is_open_to_everyone() -> None:
    for method, path, handler in handlers():
        needed = needed_by(handler)
        assert method in READING or needed in (Role.OPERATOR, Role.ADMIN), f"{method} {path} needs {needed}"
        assert needed is not None or path.startswith(OPEN_TO_EVERYONE), f"{method} {path} is open to everyone"
    assert {needed_by(handler) for _, _, handler in handlers()} == {None, *Role}


SHOWN: dict[str, Callable[[], dict[str, str]]] = {
    "nothing": dict,
    "garbage": lambda: bearer("x.y.z"),
    **{role: lambda role=role: bearer(token(role, int(time.time()))) for role in Role},  # type: ignore[misc]  # the default binds the role
}


@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("needs_token", [True, False])
async def test_each_role_may_what_it_may_on_every_path_and_no_more(shown: str, needs_token: bool) -> None:
    role = Role(shown) if shown in list(Role) else Role.VIEWER if shown == "nothing" and not needs_token else None
    found = handlers()
    assert len(found) > 15
    async with client_of(made_app(access(needs_token=needs_token))) as client:
        for method, path, handler in found:
            needed = needed_by(handler)
            answer = await client.request(method, path.format(**VALUES), headers=SHOWN[shown]())
            if needed is None or role is not None and role.may(needed):
                assert answer.status_code not in NOT_LET_IN, f"{method} {path}: {answer.text}"
            elif role is None:
                assert_refused(answer, 401)
            else:
                assert_refused(answer, 403)
                assert f"expected a token of the role {needed}" in answer.json()["detail"]


def assert_refused(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert (status == 401) is ("WWW-Authenticate" in answer.headers)


async def test_a_refused_caller_is_told_nothing_of_what_it_asked_for() -> None:
    async with client_of(made_app(access())) as client:
        for path in ("/v1/best/NO-SUCH", "/v1/best/%00", "/v1/routes?limit=x", "/v1/routes/1-2/breakdown"):
            assert_refused(await client.get(path), 401)
