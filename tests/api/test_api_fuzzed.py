"""Requests as the OpenAPI document describes them, and damaged ones: no fault, no answer of another shape than the
document has, and nothing that gives more than its role.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
import schemathesis
from api_stage import ApiStage
from app_stage import access, client_of, made_app, token
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from litestar import patch
from litestar.params import Body, Parameter
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from arbsniper_tui.api import app as app_module
from arbsniper_tui.api.door import Door
from arbsniper_tui.api.role import Role

EXAMPLES = 10
"""Of each path, with values that fit its description, and as many with values that do not."""
STEADY = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_answer_has_the_shape_that_the_document_says(quoting: ApiStage, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(quoting.get("/v1/openapi.json").json())
    statuses: list[int] = []
    for operation in (result.ok() for result in schema.get_all_operations()):

        @STEADY
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            answer = case.call(base_url=str(quoting.client.base_url))
            # 503 is no fault: it says in time that a busy node is not ready, or did not answer.
            assert answer.status_code < 500 or answer.status_code == 503
            case.validate_response(answer, checks=CHECKS)
            statuses.append(answer.status_code)

        try:
            ask()
        except Unsatisfiable:
            # Of some paths any text is a value, or none is asked for.
            assert mode is GenerationMode.NEGATIVE
    assert {200, 400} & set(statuses) and len(statuses) > EXAMPLES


@patch("/v1/made-up/{name:str}", opt={"role": Role.OPERATOR}, sync_to_thread=False)
def changing(name: Annotated[str, Parameter()], data: Annotated[dict[str, int], Body()]) -> dict[str, int]:
    """What only an operator may reach."""
    return {name: len(data)}


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr(app_module, "PATHS", (changing,))
    return made_app(access(requests_per_s=1e9))


TOKENS = {role: token(role, int(time.time())) for role in Role}
ROLES = st.sampled_from(list(Role))
TEXT = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=80)
SHOWN = st.one_of(
    st.just((None, None)),
    ROLES.map(lambda role: (TOKENS[role], role)),
    TEXT.map(lambda text: (text, None)),
    # The last letter of a signature has spare bits, so that what comes of this may be the same signature.
    st.tuples(ROLES, st.text(max_size=3)).map(lambda each: (TOKENS[each[0]][:-3] + each[1], each[0])),
)
"""What is shown, and the most that it may give."""
HEADERS = st.dictionaries(
    st.sampled_from(
        ["X-Forwarded-For", "X-HTTP-Method-Override", "X-Original-URL", "X-Role", "Content-Type", "Cookie"]
    ),
    st.sampled_from(["127.0.0.1", "PATCH", "/v1/prices", "admin", "application/json", "application/x-msgpack", "a=b"]),
)
PATHS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"], exclude_characters="?#/\\"), min_size=1)


@settings(STEADY, max_examples=150)
@given(shown=SHOWN, headers=HEADERS, name=PATHS, body=st.binary(max_size=60) | st.just(b'{"a": 1}'))
def test_no_request_reaches_more_than_its_role(
    runner: asyncio.Runner,
    app: Door,
    shown: tuple[str | None, Role | None],
    headers: dict[str, str],
    name: str,
    body: bytes,
) -> None:
    credentials, role = shown
    sent = [(key.encode(), value.encode()) for key, value in headers.items()]
    if credentials is not None:
        sent.append((b"authorization", f"Bearer {credentials}".encode("latin-1", "replace")))

    async def ask() -> int:
        async with client_of(app) as client:
            return (await client.patch(f"/v1/made-up/{name}", headers=sent, content=body)).status_code

    status = runner.run(ask())
    assert status in (200, 400, 401, 403, 404)
    if role is None or not role.may(Role.OPERATOR):
        assert status in (401, 403, 404)
    elif credentials == TOKENS[role]:
        assert status in (200, 400, 404)
