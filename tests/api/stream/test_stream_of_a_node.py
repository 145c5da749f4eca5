"""Real clients of a real node: what they are told first, what then, and what filters leave."""

from collections.abc import Iterator

import pytest
from api_stage import BASE, ApiStage
from stream_stage import StreamClient, refusal

from arbsniper_tui.api.stream.messages import (
    EventsChange,
    HealthChange,
    PricesChange,
    RoutesChange,
    SignalsChange,
    Welcome,
)


@pytest.fixture
def client(quoting: ApiStage) -> Iterator[StreamClient]:
    with StreamClient(quoting.address) as client:
        yield client


@pytest.fixture
def quiet(quoting: ApiStage) -> Iterator[ApiStage]:
    """Nothing is open when the test begins, by the word of the API too."""

    def is_known() -> bool:
        if int(quoting.get("/v1/prices").headers["Arbsniper-Event"]) < quoting.snapshot.last_event:
            return False
        with StreamClient(quoting.address) as client:
            client.subscribe("signals")
            return client.first(SignalsChange).signals == []

    quoting.node.wait_for(is_known)
    yield quoting
    quoting.close_opportunity()


def bid_of(client: StreamClient, venue: str) -> float | None:
    price = client.read().prices.get((venue, "BTC/USDT"))
    return price.bid if price is not None else None


def test_a_client_is_welcomed_by_the_node_and_told_its_role(quoting: ApiStage, client: StreamClient) -> None:
    welcome = client.first(Welcome)
    assert quoting.snapshot.intro is not None
    assert (welcome.node, welcome.run) == (quoting.snapshot.intro.node, quoting.snapshot.intro.run)
    assert (welcome.caller, welcome.role) == ("anyone", "viewer") and welcome.time > 1_600_000_000_000


def test_all_prices_come_first_and_then_those_that_change(quoting: ApiStage, client: StreamClient) -> None:
    client.subscribe("prices")
    first = client.first(PricesChange)
    assert first.is_snapshot and sorted(each.venue for each in first.prices) == ["binance", "kraken"]
    quoting.quote_until(lambda: bid_of(client, "binance") == BASE + 3, BASE + 3)
    changes = client.all(PricesChange)
    assert not any(each.is_snapshot for each in changes[1:])
    numbers = [each.number for each in changes]
    assert numbers == sorted(set(numbers)) and not any(each.missed for each in changes)
    price = client.prices["binance", "BTC/USDT"]
    (asked,) = quoting.get("/v1/prices?venue=binance").json()["prices"]
    assert (price.bid, price.ask, price.why_not) == (asked["bid"], asked["ask"], asked["why_not"])


def test_prices_are_filtered_by_venue_and_symbol(quoting: ApiStage, client: StreamClient) -> None:
    client.subscribe("prices", venue="KRAKEN", symbol="btc-usdt")
    first = client.first(PricesChange)
    assert [each.venue for each in first.prices] == ["kraken"]
    assert (first.of.venue, first.of.symbol) == ("kraken", "BTC/USDT"), "as it is held"
    with StreamClient(quoting.address) as other:
        other.subscribe("prices")
        quoting.quote_until(lambda: bid_of(other, "binance") == BASE + 4, BASE + 4)
    assert client.read().prices.keys() == {("kraken", "BTC/USDT")}


@pytest.mark.parametrize(
    ("wanted", "status", "words"),
    [
        ({"channel": "prices", "symbol": "DOGE/USDT"}, 404, "this node does not watch it"),
        ({"channel": "events", "venue": "nasdaq"}, 404, "this node does not watch it"),
        ({"channel": "routes", "symbol": "BTC"}, 400, "expected BASE/QUOTE"),
    ],
)
def test_what_cannot_be_had_is_refused_and_the_connection_stays(
    client: StreamClient, wanted: dict[str, str], status: int, words: str
) -> None:
    client.send({"op": "subscribe", "to": wanted})
    refused = refusal(client)
    assert refused.status == status and words in refused.detail
    client.subscribe("prices")
    assert client.first(PricesChange).prices


def test_the_same_subscription_twice_is_refused_and_a_place_without_events_too(client: StreamClient) -> None:
    client.subscribe("prices", venue="kraken")
    client.subscribe("prices", venue="Kraken")
    assert refusal(client).status == 409
    client.messages.clear()
    client.subscribe("routes", after={"run": "x", "seq": 1})
    assert refusal(client).status == 400


def test_a_subscription_that_was_given_up_sends_nothing_more(quoting: ApiStage, client: StreamClient) -> None:
    client.subscribe("prices")
    client.first(PricesChange)
    client.send({"op": "unsubscribe", "to": {"channel": "prices"}})
    client.send({"op": "unsubscribe", "to": {"channel": "prices"}})
    assert "no such subscription" in refusal(client).detail
    client.messages.clear()
    with StreamClient(quoting.address) as other:
        other.subscribe("prices")
        quoting.quote_until(lambda: bid_of(other, "binance") == BASE + 5, BASE + 5)
    client.subscribe("prices", venue="kraken")
    assert client.first(PricesChange).of.venue == "kraken"


def test_health_comes_each_second_as_the_command_tells_it(quoting: ApiStage, client: StreamClient) -> None:
    client.subscribe("health")
    (health,) = client.first(HealthChange).health
    assert health.is_live and {part.name for part in health.parts} >= {"workers", "venues", "redis"}
    quoting.node.wait_for(lambda: len(client.read().all(HealthChange)) >= 3)


def test_an_opportunity_is_told_in_each_channel_from_opening_to_close(stage: ApiStage) -> None:
    with StreamClient(stage.address) as client, StreamClient(stage.address) as picky:
        for channel in ("routes", "signals", "events"):
            client.subscribe(channel)
        picky.subscribe("signals", min_spread_pct=50.0)
        picky.subscribe("events", symbol="BTC/USDT", venue="kraken", min_spread_pct=0.5)
        picky.subscribe("routes", min_spread_pct=0.5)
        for kind in (RoutesChange, SignalsChange, EventsChange):
            assert client.first(kind).is_snapshot and picky.first(kind).is_snapshot
        stage.open()
        stage.node.wait_for(lambda: client.read().signals and len(client.routes) == 2)
        stage.node.wait_for(lambda: [each.why_not for each in picky.read().routes.values()] == [None])
        (route,) = picky.routes.values()
        assert (route.buy.venue, route.sell.venue) == ("kraken", "binance")
        stage.close_opportunity()
        stage.node.wait_for(
            lambda: (
                "survival" in {each.event for each in client.read().events}
                # What happened together comes in one message of each channel.
                and len(client.signals) == len([each for each in client.events if each.event in ("open", "update")])
            )
        )
        told = [each for each in client.events if each.event in ("open", "update", "close", "survival")]
        assert told[0].event == "open" and [each.event for each in told[-2:]] == ["close", "survival"]
        assert client.signals == [each.signal for each in told if each.event in ("open", "update")]
        assert client.signals[0] in [each.signal for each in stage.snapshot.events if each.event == "open"], (
            "as the node's other viewers read it"
        )
        stage.node.wait_for(lambda: "survival" in {each.event for each in picky.read().events})
        assert [each.seq for each in picky.events] == [each.seq for each in told]
        assert picky.signals == []
        stage.node.wait_for(lambda: not picky.read().routes)


def test_what_is_open_is_told_to_those_who_come_later(quiet: ApiStage) -> None:
    quiet.open()
    with StreamClient(quiet.address) as client:

        def is_open() -> bool:
            client.subscribe("signals")
            first = client.first(SignalsChange)
            client.send({"op": "unsubscribe", "to": {"channel": "signals"}})
            client.messages.clear()
            return [each.buy_exchange for each in first.signals] == ["kraken"]

        quiet.node.wait_for(is_open)


def test_a_client_that_comes_again_goes_on_where_it_left(quiet: ApiStage) -> None:
    with StreamClient(quiet.address) as client:
        client.subscribe("events")
        client.first(EventsChange)
        quiet.open()
        quiet.node.wait_for(lambda: "open" in {each.event for each in client.read().events})
        place = client.place
    quiet.close_opportunity()
    with StreamClient(quiet.address) as again:
        again.subscribe("events", after=place)
        first = again.first(EventsChange)
        assert not first.is_snapshot and first.not_resumed == "" and first.missed == 0
        quiet.node.wait_for(lambda: "close" in {each.event for each in again.read().events})
        seen = [each.seq for each in client.events + again.events]
        expected = [each.seq for each in quiet.snapshot.events if each.seq > client.all(EventsChange)[0].seq]
        assert seen[: len(expected)] == expected[: len(seen)] and seen == sorted(set(seen))
