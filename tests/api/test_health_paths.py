"""Probes and the tree of health over HTTP: what they say of a node that is well, ailing, or gone."""

import os
import signal
from http import HTTPStatus
from typing import Any

import pytest
from api_stage import ApiStage
from made_node import StillSession, api_on
from ui.builder import snapshot as busy_node
from waiting import wait_until

from arbsniper_tui.api.caller import Caller
from arbsniper_tui.api.crowd import Crowd
from arbsniper_tui.api.health_reader import READ_EVERY_S, HealthReader, why_not_ready
from arbsniper_tui.api.node_reader import NodeReader
from arbsniper_tui.api.problems import Declined
from arbsniper_tui.api.traffic import Traffic
from arbsniper_tui.session.health import NodeHealth, Part, PartState
from arbsniper_tui.session.snapshot import Snapshot


class Nobody:
    """Callers of whom none has shown who they are."""

    def caller_of(self, credentials: str | None) -> Caller:
        raise Declined(HTTPStatus.UNAUTHORIZED, "a token is needed")


async def test_probes_need_no_token_and_the_tree_and_the_metrics_need_one() -> None:
    async with api_on(busy_node(), Nobody()) as client:
        statuses = {
            path: (await client.get(path)).status_code
            for path in ("/health/live", "/health/ready", "/health", "/metrics", "/v1/prices")
        }
    assert statuses == {
        "/health/live": 200,
        "/health/ready": 200,
        "/health": 401,
        "/metrics": 401,
        "/v1/prices": 401,
    }


async def test_a_node_that_has_not_answered_yet_is_neither_live_nor_ready() -> None:
    async with api_on(Snapshot()) as client:
        for path in ("/health/live", "/health/ready"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert "none has come yet" in answer.json()["detail"]
        assert (await client.get("/health")).json()["state"] == "down"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((Part("redis", PartState.DOWN, "found it away: redis://10.1.2.3:6379"),), "redis down"),
        (
            (
                Part("workers", PartState.DOWN, "", parts=(Part("feed", PartState.DOWN, ""),)),
                Part("venues", PartState.DEGRADED, "", parts=(Part("okx", PartState.DOWN, ""),)),
                Part("recording", PartState.DOWN, "", is_needed=False),
            ),
            "workers down: feed down",
        ),
    ],
)
def test_what_is_not_ready_is_named_without_its_address(parts: tuple[Part, ...], words: str) -> None:
    health = NodeHealth(PartState.DOWN, is_live=True, is_ready=False, words="all of it", parts=parts)
    assert why_not_ready(health) == words


def test_a_reader_that_stood_still_does_not_tell_old_prices() -> None:
    session: Any = StillSession(busy_node())
    reader = NodeReader(session)
    assert reader.snapshot.quotes
    session.snapshot.is_outdated = True
    with pytest.raises(Declined, match="stood still"):
        _ = reader.snapshot


def test_the_node_is_judged_once_a_second_however_many_ask() -> None:
    now_s = 100.0
    session: Any = StillSession(busy_node())
    reader = HealthReader(NodeReader(session), Crowd(), Traffic(), lambda: now_s)
    assert reader.health.is_live
    session.snapshot.lost_contact = "no word from the node for 3 s"
    now_s += READ_EVERY_S / 2
    assert reader.health.is_live
    now_s += READ_EVERY_S / 2
    assert not reader.health.is_live


def test_a_node_tells_its_health_as_the_command_does_and_the_api_as_a_part(quoting: ApiStage) -> None:
    # A venue that brings nothing for long is not live, and the node not ready.
    quoting.quote_until(lambda: quoting.client.get("/health/ready").is_success)
    assert quoting.get("/health/live").json()["state"] in ("ok", "degraded")
    trees: list[dict[str, Any]] = []

    def has_counted() -> bool:
        trees.append(quoting.get("/health").json())
        figures = next((each["figures"] for each in trees[-1]["parts"] if each["name"] == "api"), {})
        return bool(trees[-1]["is_ready"] and figures.get("requests", 0) >= 2)

    # The tree is made anew once a while, however often it is asked for.
    quoting.quote_until(has_counted)
    health = trees[-1]
    assert health["node"] == quoting.snapshot.intro.node  # type: ignore[union-attr]  # it has answered
    parts = {each["name"]: each for each in health["parts"]}
    assert {"workers", "bus", "redis", "venues", "clock", "viewers", "api"} <= parts.keys()
    assert {each["name"] for each in parts["workers"]["parts"]} == {"supervisor", "feed", "spread", "api"}
    assert parts["api"]["figures"]["connections"] >= 1
    assert health["figures"]["exchanges"] == 2 and health["figures"]["uptime_s"] > 0


def test_a_node_whose_venue_is_gone_is_live_and_not_ready(stage: ApiStage) -> None:
    def ready() -> int:
        return stage.client.get("/health/ready").status_code

    stage.quote_until(lambda: ready() == 200)
    stage.kraken.drop()
    stage.kraken.close()

    def why_not() -> str | None:
        detail = str(stage.client.get("/health/ready").json().get("detail", ""))
        return detail if detail.startswith("not ready: venues down: ") else None

    detail = wait_until(why_not, lambda: stage.client.get("/health").text)
    assert "kraken" in detail and "127.0.0.1" not in detail
    assert stage.get("/health/live").json() == {"state": "down"}
    assert stage.get("/health").json()["is_ready"] is False


def test_a_node_that_hangs_is_not_live_and_recovers(stage: ApiStage) -> None:
    stage.quote_until(lambda: stage.client.get("/health/live").is_success)
    spread = stage.node.pid("spread")
    os.kill(spread, signal.SIGSTOP)
    try:
        stage.node.wait_for(lambda: stage.client.get("/health/live").status_code == 503)
        stage.node.wait_for(lambda: "arbsniper_node_up 0.0" in stage.get("/metrics").text)
        assert "arbsniper_quotes_total" not in stage.get("/metrics").text, "old numbers do not pass for new ones"
    finally:
        os.kill(spread, signal.SIGCONT)
    stage.node.wait_for(lambda: stage.client.get("/health/live").is_success)
