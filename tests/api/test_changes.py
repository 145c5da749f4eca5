"""What callers change through the API, on a real node."""

import asyncio
import os
import signal
from typing import Any

import httpx
import pytest
from api_stage import ApiStage
from asking import asking
from waiting import eventually

from arbsniper_tui.api.caller import Role
from arbsniper_tui.api.routes import id_of
from arbsniper_tui.wire.endpoints import Endpoints

SETTINGS, ALERTS = "/v1/settings", "/v1/alerts"
RULE = {"name": "wide", "rule": {"min_net_spread_pct": 0.25, "to": ["bell"]}}


def endpoints_of(stage: ApiStage) -> Endpoints:
    return Endpoints(stage.node.sockets)


def threshold_of(stage: ApiStage) -> float | None:
    stage.session.pull()
    return stage.snapshot.status and stage.snapshot.status.threshold_pct


async def changes(client: httpx.AsyncClient, body: dict[str, Any]) -> list[list[Any]]:
    answer = await client.patch(SETTINGS, json=body)
    assert answer.status_code == 200, answer.text
    return [list(each.values()) for each in answer.json()["changes"]]


async def test_a_change_is_answered_when_the_node_goes_by_it(quoting: ApiStage) -> None:
    async with asking(endpoints_of(quoting), Role.OPERATOR) as client:
        told = await changes(client, {"threshold_pct": 0.75, "basis": "net"})
        assert told == [
            ["signals.threshold_pct", "0.5", "0.75", False],
            ["signals.basis", '"gross"', '"net"', False],
        ]
        await eventually(lambda: threshold_of(quoting) == 0.75)
        assert await changes(client, {"threshold_pct": 0.75}) == []
        in_force = (await client.get(SETTINGS)).json()
        assert in_force["basis"] == "net"
        await changes(client, {"threshold_pct": 0.5, "basis": "gross"})


async def test_a_value_set_again_counts_though_a_terminal_had_changed_it(quoting: ApiStage) -> None:
    async with asking(endpoints_of(quoting), Role.OPERATOR) as client:
        quoting.session.set_threshold(0.9)
        await eventually(lambda: threshold_of(quoting) == 0.9)
        await changes(client, {"threshold_pct": 0.5})
        await eventually(lambda: threshold_of(quoting) == 0.5)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"threshold_pct": -1}, 422, 'signals.threshold_pct: found "-1", expected a percentage'),
        ({"basis": "grosss"}, 422, "did you mean gross?"),
        ({"symbols": ["BTCUSDT"]}, 422, "symbols"),
        ({"symbols": []}, 422, "symbols"),
        ({"mutes": {"1-2": True}}, 404, "1-2, which is no route"),
        ({"mutes": {"x": True}}, 400, "expected the id of a route"),
        ({"threshold": 1}, 400, "unknown field"),
        ({"threshold_pct": "much"}, 400, "threshold_pct"),
    ],
)
async def test_what_the_node_refuses_is_said_and_changes_nothing(
    quoting: ApiStage, body: dict[str, Any], status: int, words: str
) -> None:
    async with asking(endpoints_of(quoting), Role.ADMIN) as client:
        before = (await client.get(SETTINGS)).json()
        answer = await client.patch(SETTINGS, json=body)
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert words in answer.json()["detail"]
        assert (await client.get(SETTINGS)).json() == before


@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize(
    ("method", "path", "body", "needed"),
    [
        ("GET", ALERTS, None, Role.VIEWER),
        ("PATCH", SETTINGS, {}, Role.OPERATOR),
        ("PATCH", SETTINGS, {"symbols": ["nothing"]}, Role.ADMIN),
        ("PATCH", SETTINGS, {"save": True}, Role.ADMIN),
        ("POST", ALERTS, {"name": "a.b", "rule": {}}, Role.OPERATOR),
        ("PATCH", f"{ALERTS}/none", {"muted": True}, Role.OPERATOR),
        ("DELETE", f"{ALERTS}/none", None, Role.OPERATOR),
    ],
)
async def test_each_change_needs_its_role(
    quoting: ApiStage, role: Role | None, method: str, path: str, body: Any, needed: Role
) -> None:
    async with asking(endpoints_of(quoting), role) as client:
        answer = await client.request(method, path, json=body)
        assert (answer.status_code != 403) is (role or Role.VIEWER).may(needed), answer.text
        assert answer.status_code < 500


async def test_a_route_is_muted_and_heard_again(quoting: ApiStage) -> None:
    quoting.quote_until(lambda: quoting.snapshot.routes)
    route = id_of(quoting.snapshot.routes[0])
    async with asking(endpoints_of(quoting), Role.OPERATOR) as client:
        assert await changes(client, {"mutes": {route: True}}) == [[f"mutes.{route}", "heard", "muted", False]]
        assert await changes(client, {"mutes": {route: False}}) == [[f"mutes.{route}", "muted", "heard", False]]
    words = [event.detail for event in quoting.snapshot.events if event.event == "settings"]
    await eventually(lambda: (quoting.session.pull(), len(words))[0])


async def test_what_is_no_route_is_not_muted_and_nothing_beside_it_is_changed(quoting: ApiStage) -> None:
    quoting.quote_until(lambda: quoting.snapshot.routes)
    buy_id = quoting.snapshot.routes[0].buy_id
    async with asking(endpoints_of(quoting), Role.OPERATOR) as client:
        before = (await client.get(SETTINGS)).json()
        body = {"threshold_pct": 0.9, "mutes": {f"{buy_id:x}-{buy_id:x}": True}}
        answer = await client.patch(SETTINGS, json=body)
        assert answer.status_code == 404 and "no route" in answer.json()["detail"]
        assert (await client.get(SETTINGS)).json() == before


async def test_json_that_is_nested_too_deeply_is_refused(quoting: ApiStage) -> None:
    async with asking(endpoints_of(quoting), Role.OPERATOR) as client:
        answer = await client.patch(SETTINGS, content=b"[" * 60_000, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["detail"]) == (400, "found JSON that is nested too deeply")


async def test_an_alert_is_added_muted_and_deleted(quoting: ApiStage) -> None:
    async with asking(endpoints_of(quoting), Role.OPERATOR) as client:
        added = await client.post(ALERTS, json=RULE)
        assert added.status_code == 201 and added.json()["saved"], added.text
        assert (await client.post(ALERTS, json=RULE)).status_code == 409
        (alert,) = (await client.get(ALERTS)).json()["alerts"]
        assert alert["name"] == "wide" and alert["made_by_viewer"]
        assert alert["rule"]["min_net_spread_pct"] == 0.25 and not alert["rule"]["muted"]
        quoting.node.wait_for(lambda: quoting.node.pids("alerts"))
        assert (await client.patch(f"{ALERTS}/wide", json={"muted": True})).status_code == 200
        assert (await client.get(ALERTS)).json()["alerts"][0]["rule"]["muted"]
        assert (await client.delete(f"{ALERTS}/wide")).status_code == 200
        assert (await client.delete(f"{ALERTS}/wide")).status_code == 404
        assert (await client.get(ALERTS)).json()["alerts"] == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"price_above": 1.0}, "found no symbols"),
        ({"to": ["nowhere"]}, "nowhere"),
        ({"venue_down_s": 5.0, "min_zscore": 2.0}, "in a rule of its own"),
    ],
)
async def test_an_alert_that_cannot_work_is_refused(quoting: ApiStage, rule: dict[str, Any], words: str) -> None:
    async with asking(endpoints_of(quoting), Role.OPERATOR) as client:
        refused = await client.post(ALERTS, json={"name": "odd", "rule": rule})
        assert refused.status_code == 422 and words in refused.json()["detail"], refused.text
        assert (await client.get(ALERTS)).json()["alerts"] == []


@pytest.mark.parametrize("name", ["", "a.b", "A", " wide", "wide\n", 'w"'])
async def test_a_name_that_none_can_have_is_refused(quoting: ApiStage, name: str) -> None:
    async with asking(endpoints_of(quoting), Role.OPERATOR) as client:
        refused = await client.post(ALERTS, json={"name": name, "rule": {"venue_down_s": 5.0}})
        assert refused.status_code == 422 and "digits, - and _" in refused.json()["detail"], refused.text


async def test_a_body_that_is_too_large_is_refused(quoting: ApiStage) -> None:
    async with asking(endpoints_of(quoting), Role.OPERATOR) as client:
        answer = await client.patch(SETTINGS, content=b'{"basis": "' + b"x" * 200_000 + b'"}')
        assert answer.status_code == 413


async def test_a_node_that_does_not_answer_is_said(quoting: ApiStage) -> None:
    async with asking(endpoints_of(quoting), Role.OPERATOR, within_s=0.5) as client:
        os.kill(quoting.node.process.pid, signal.SIGSTOP)
        try:
            answer = await client.patch(SETTINGS, json={"threshold_pct": 0.5})
        finally:
            os.kill(quoting.node.process.pid, signal.SIGCONT)
        assert answer.status_code == 503 and "did not answer" in answer.json()["detail"]
    # The next question is not answered with what was asked before.
    async with asking(endpoints_of(quoting), Role.OPERATOR) as client:
        assert (await client.get(ALERTS)).json() == {"alerts": []}


async def test_changes_of_many_at_once_are_all_answered(quoting: ApiStage) -> None:
    async with asking(endpoints_of(quoting), Role.OPERATOR) as client:
        bodies = [{"threshold_pct": 0.5 + number / 10} for number in range(6)]
        answers = await asyncio.gather(*(client.patch(SETTINGS, json=body) for body in bodies))
        assert {answer.status_code for answer in answers} == {200}
        await changes(client, {"threshold_pct": 0.5})
