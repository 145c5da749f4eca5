"""Real requests about the node: venues, connections, counts, latency, settings, funding."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_stage import BASE, ApiStage
from node_process import RunningNode
from shared_api import address_in
from waiting import DEADLINE_S, wait_until


@pytest.fixture(scope="module")
def opened(quoting: ApiStage) -> ApiStage:
    """One opportunity has opened and closed."""
    quoting.open()
    quoting.close_opportunity()
    quoting.node.wait_for(lambda: quoting.get("/v1/opportunities?since=0").json()["closed"])
    return quoting


def test_venues_and_connections_tell_how_they_are(opened: ApiStage) -> None:
    def told(path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = opened.get(f"/v1/{path}").json()[path]
        return found

    def are_live() -> bool:
        """The node tells each second how its connections are, and one that brings nothing for long is not live."""
        feeds = [(each["feed"], each["state"], bool(each["quotes"])) for each in told("feeds")]
        venues = [(each["venue"], each["state"], each["instruments"]) for each in told("venues")]
        return feeds == [("binance spot", "live", True), ("kraken spot", "live", True)] and venues == [
            ("binance", "live", 1),
            ("kraken", "live", 1),
        ]

    opened.quote_until(are_live)
    assert all(each["frames"] >= each["quotes"] > 0 and each["bytes"] > 0 for each in told("feeds"))


def test_a_market_is_summed_up(opened: ApiStage) -> None:
    opened.quote_until(lambda: opened.bids() == [BASE, BASE])
    market = opened.get("/v1/market/BTC%2FUSDT").json()
    assert market["symbol"] == "BTC/USDT"
    assert market["venues"] == market["venues_live"] == ["binance", "kraken"]
    assert market["bid"]["bid"] == BASE and market["ask"]["ask"] == BASE + 0.5
    assert market["widest"]["spread_pct"] == pytest.approx(-0.5 / (BASE + 0.5) * 100)
    assert market["open_interest"] is None
    opened.get("/v1/market/DOGE-USDT", 404)


def test_statistics_count_what_has_happened(opened: ApiStage) -> None:
    def told() -> dict[str, Any] | None:
        """Routes are counted by events; what the node counts itself comes with its views, before these or after."""
        counts: dict[str, Any] = opened.get("/v1/statistics").json()
        is_whole = counts["by_route"] and counts["signals"] >= 1 and counts["open_opportunities"] == 0
        return counts if is_whole else None

    counts = wait_until(told, lambda: opened.get("/v1/statistics").text)
    assert counts["uptime_s"] > 0
    (route,) = counts["by_route"]
    assert route["buy"]["venue"] == "kraken" and route["opened"] == 1
    assert [each["venue"] for each in counts["by_venue"]] == ["binance", "kraken"]
    opened.quote_until(
        lambda: (
            {each["code"]: each["routes"] for each in opened.get("/v1/statistics").json()["by_reason"]}
            == {"gross_below": 2}
        )
    )


def test_latency_tells_each_stage(opened: ApiStage) -> None:
    opened.node.wait_for(lambda: opened.get("/v1/latency").json()["stages"])
    for stage in opened.get("/v1/latency").json()["stages"]:
        assert stage["p50_us"] <= stage["p99_us"], stage


def test_settings_are_those_in_force(opened: ApiStage) -> None:
    settings = opened.get("/v1/settings").json()
    assert (settings["threshold_pct"], settings["basis"], settings["mode"]) == (0.5, "gross", "live")
    assert (settings["symbols"], settings["venues"]) == (["BTC/USDT"], ["binance", "kraken"])
    for threshold_pct in (0.75, 0.5):
        opened.session.set_threshold(threshold_pct)
        opened.node.watch(
            opened.session,
            lambda expected=threshold_pct: opened.get("/v1/settings").json()["threshold_pct"] == expected,  # type: ignore[misc]  # the default binds it
        )
    assert opened.get("/v1/funding").json() == {"perpetuals": []}


def test_funding_is_what_the_venues_of_perpetuals_tell(start_node: Callable[..., RunningNode], tmp_path: Path) -> None:
    config = tmp_path / "perps.toml"
    config.write_text('symbols = ["BTC/USDT:USDT"]\n[api]\nenabled = true\nlisten = "127.0.0.1:0"\n')
    node = start_node("--demo", "--config", str(config), "--venue", "okx", "--venue", "binance", demo=False)
    node.wait_for(lambda: address_in(node.log))
    with httpx.Client(base_url=address_in(node.log), timeout=DEADLINE_S, trust_env=False) as client:

        def perpetuals(path: str) -> list[dict[str, Any]]:
            """Empty also while the node says that it is busy."""
            found: list[dict[str, Any]] = client.get(path).json().get("perpetuals", [])
            return found

        def told() -> list[dict[str, Any]]:
            found = perpetuals("/v1/funding")
            return [each for each in found if each["funding_rate_pct"] is not None and each["mark_price"] is not None]

        both = wait_until(lambda: found if len(found := told()) == 2 else None)
        okx = next(each for each in both if each["venue"] == "okx")
        assert (okx["symbol"], okx["market"]) == ("BTC/USDT:USDT", "perp")
        assert okx["funding_interval_h"] > 0 and okx["next_funding_at"] > 1_600_000_000_000
        of_okx = wait_until(lambda: perpetuals("/v1/funding?venue=okx"))
        assert [each["venue"] for each in of_okx] == ["okx"]
        answer = wait_until(lambda: found if (found := client.get("/v1/market/BTC-USDT-USDT")).is_success else None)
        market = answer.json()
        assert market["symbol"] == "BTC/USDT:USDT" and market["venues"] == ["binance", "okx"]
