"""Real requests about routes, opportunities and signals."""

from collections.abc import Iterator

import pytest
from api_stage import BASE, ApiStage


@pytest.fixture
def opened(quoting: ApiStage) -> Iterator[ApiStage]:
    """One opportunity is open during the test: buy on kraken, sell on binance."""

    def nothing_is() -> bool:
        """By the word of the API too, which has read every event until now."""
        answer = quoting.get("/v1/opportunities")
        has_read = int(answer.headers["Arbsniper-Event"]) >= quoting.snapshot.last_event
        return has_read and not answer.json()["open"] and not answer.json()["open_in_all"]

    quoting.node.wait_for(nothing_is)
    quoting.open()
    quoting.node.wait_for(lambda: quoting.get("/v1/opportunities").json()["open"])
    yield quoting
    quoting.close_opportunity()


def test_an_open_opportunity_is_told_with_its_route_and_its_signal(opened: ApiStage) -> None:
    # The row of the route, the count, and the event come from the node one after the other.
    opened.node.wait_for(lambda: opened.get("/v1/opportunities").json()["open_in_all"])
    answer = opened.get("/v1/opportunities").json()
    (route,) = answer["open"]
    assert answer["open_in_all"] == 1 and answer["closed"] == []
    assert (route["symbol"], route["buy"]["venue"], route["sell"]["venue"]) == ("BTC/USDT", "kraken", "binance")
    assert route["spread_pct"] == pytest.approx((BASE + 500 - BASE - 0.5) / (BASE + 0.5) * 100)
    assert route["why_not"] is None and route["opened_at"] > 1_600_000_000_000
    opened.node.wait_for(lambda: opened.get("/v1/signals/latest?limit=1").json()["signals"])
    (signal,) = opened.get("/v1/signals/latest?limit=1").json()["signals"]
    # The same as on standard output.
    opened.node.wait_for(lambda: signal in opened.node.lines, lambda: (signal, opened.node.lines))


def test_a_closed_opportunity_is_told_to_those_who_ask_for_the_past(opened: ApiStage) -> None:
    since = opened.get("/v1/opportunities").headers["Arbsniper-Time"]
    opened.close_opportunity()
    opened.node.wait_for(lambda: opened.get(f"/v1/opportunities?since={since}").json()["closed"])
    answer = opened.get(f"/v1/opportunities?since={since}").json()
    (closed,) = answer["closed"]
    assert closed["state"] == "close" and closed["reason"]
    assert opened.get("/v1/opportunities").json()["closed"] == []
    assert opened.get(f"/v1/opportunities?since={closed['timestamp'] + 1}").json()["closed"] == []


def test_pages_of_routes_show_each_once_in_their_order(opened: ApiStage) -> None:
    whole = opened.get("/v1/routes").json()
    assert whole["watched"] == 2 and whole["cursor"] is None
    spreads = [route["spread_pct"] for route in whole["routes"]]
    assert len(spreads) == 2 and spreads == sorted(spreads, reverse=True)
    first = opened.get("/v1/routes?limit=1").json()
    second = opened.get(f"/v1/routes?limit=1&cursor={first['cursor']}").json()
    assert second["cursor"] is None
    ids = [route["id"] for route in first["routes"] + second["routes"]]
    assert ids == [route["id"] for route in whole["routes"]]


def test_routes_are_filtered(opened: ApiStage) -> None:
    assert len(opened.get("/v1/routes?symbol=BTC-USDT&venue=kraken").json()["routes"]) == 2
    assert opened.get("/v1/routes?venue=okx").json()["routes"] == []
    (route,) = opened.get("/v1/routes?min_spread_pct=0.5").json()["routes"]
    assert route["sell"]["venue"] == "binance"
    assert [each["id"] for each in opened.get("/v1/routes?is_open=true").json()["routes"]] == [route["id"]]
    assert len(opened.get("/v1/routes?sort=net_total").json()["routes"]) == 2


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("sort=price", "sort"),
        ("cursor=%00", "cursor"),
        ("cursor=WyJ6c2NvcmUiLDEsImEiXQ", "cursor"),
        ("symbol=x", "expected BASE/QUOTE"),
        ("min_spread_pct=much", "min_spread_pct"),
        ("min_spread_pct=nan", "min_spread_pct"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_with_the_reason(quoting: ApiStage, query: str, words: str) -> None:
    assert words in quoting.get(f"/v1/routes?{query}", 400).json()["detail"]


def test_the_breakdown_tells_each_gate_up_to_the_first_that_says_no(opened: ApiStage) -> None:
    routes = opened.get("/v1/routes").json()["routes"]
    for route, is_open in zip(routes, (True, False), strict=True):
        found = opened.get(f"/v1/routes/{route['id']}/breakdown").json()
        assert (found["id"], found["buy"], found["sell"]) == (route["id"], route["buy"], route["sell"])
        assert len(found["gates"]) > 1
        assert all(gate["why_not"] is None for gate in found["gates"][:-1])
        last = found["gates"][-1]["why_not"]
        assert last is None if is_open else last["code"] == "gross_below"


@pytest.mark.parametrize(("route_id", "status"), [("1-2", 404), ("x", 400), ("1", 400), ("-", 400)])
def test_a_route_that_is_none_is_refused(quoting: ApiStage, route_id: str, status: int) -> None:
    assert quoting.get(f"/v1/routes/{route_id}/breakdown", status).json()["status"] == status


def test_two_instruments_that_form_no_route_are_refused_at_once(opened: ApiStage) -> None:
    leg = opened.get("/v1/routes").json()["routes"][0]["id"].partition("-")[0]
    assert "no such route" in opened.get(f"/v1/routes/{leg}-{leg}/breakdown", 404).json()["detail"]
