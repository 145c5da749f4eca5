"""A market's instruments on as many connections as they need, under the names that the venue lists them by."""

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import product

import pytest
from feeding import QUICK, fed
from made_up_venues import MadeUpAdapter, TokenParser, made_up_market
from msgspec.structs import replace
from raw_venues import RawVenue, framed

from arbsniper_tui.model.fact import CoinName
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.health import FeedState
from arbsniper_tui.model.instrument import Instrument, Market, instrument_key
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import ReasonCode, reason_words
from arbsniper_tui.universe.names import listed_as
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import Limits, Rate, Subscription

Eventually = Callable[..., Awaitable[None]]

SUBSCRIPTION = Subscription('"$symbol"', '{"sub":[$topics]}', '{"unsub":[$topics]}')


class PlainVenue(MadeUpAdapter):
    """Its instruments are subscribed in one frame; quotes are those of TokenParser."""

    venue = "plain"
    parser_type = TokenParser
    markets = (made_up_market(SUBSCRIPTION),)

    def __init__(self, **declared: object) -> None:
        self.markets = (replace(self.markets[0], **declared),)  # type: ignore[misc] # one declaration for each test


def instruments(*bases: str) -> tuple[Instrument, ...]:
    return tuple(Instrument(n, "plain", f"{base}/USDT", f"{base}-USDT", "USDT", 0.1) for n, base in enumerate(bases))


def quote_of(name: str, bid: str = "1", ask: str = "2") -> str:
    return json.dumps({"type": "message", "topic": f"/top:{name}", "bid": [bid, "1"], "ask": [ask, "1"]})


@pytest.fixture
def raw() -> Iterator[RawVenue]:
    with RawVenue() as venue:
        yield venue


def spec_of(raw: RawVenue, wanted: tuple[Instrument, ...], **limits: int) -> FeedSpec:
    raw.rest["/list"] = json.dumps([each.venue_symbol for each in wanted]).encode()
    here = f"127.0.0.1:{raw.port}"
    spec = FeedSpec("plain spot", "plain", Market.SPOT, f"ws://{here}/ws", f"http://{here}/list", wanted)
    return replace(spec, **limits)


def subscribed(raw: RawVenue) -> list[list[str]]:
    return [json.loads(text)["sub"] for text in raw.heard if text.startswith('{"sub"')]


async def test_more_than_one_connection_carries_goes_to_others(raw: RawVenue, eventually: Eventually) -> None:
    wanted = instruments("A", "B", "C", "D", "E")
    async with fed(spec_of(raw, wanted, per_connection=2), PlainVenue()) as diary:
        await eventually(lambda: len(subscribed(raw)) == 3, lambda: raw.heard)
        assert sorted(map(len, subscribed(raw))) == [1, 2, 2]
        assert [health.feed for health in diary.market.health()] == ["plain spot", "plain spot 2", "plain spot 3"]


async def test_what_the_venue_has_no_room_for_is_left_out_and_comes_when_there_is(
    raw: RawVenue, eventually: Eventually
) -> None:
    wanted = instruments("A", "B", "C", "D", "E")
    spec = spec_of(raw, wanted, per_connection=2, connections=2)
    async with fed(spec, PlainVenue()) as diary:
        await eventually(lambda: len(subscribed(raw)) == 2, lambda: raw.heard)
        rejected = diary.market.health()[-1].rejected
        assert rejected.keys() == {"E/USDT"}
        expected = "no room: the venue takes 2 connections with 2 instruments each"
        assert reason_words(rejected["E/USDT"]) == expected
        assert diary.withdrawn[0].instrument_ids == (4,)
        assert diary.withdrawn[0].reason.code is ReasonCode.NO_ROOM
        diary.market.remove([0])
        await eventually(lambda: ["E-USDT"] in subscribed(raw), lambda: raw.heard)
        assert not diary.market.health()[-1].rejected


async def test_a_market_without_any_room_says_so(raw: RawVenue) -> None:
    spec = spec_of(raw, instruments("A", "B"), per_connection=2, connections=0)
    async with fed(spec, PlainVenue()) as diary:
        (health,) = diary.market.health()
        assert health.detail == "no room: the venue takes 0 connections with 2 instruments each"
        assert health.rejected.keys() == {"A/USDT", "B/USDT"}


async def test_a_connection_that_carries_nothing_any_more_is_closed(raw: RawVenue, eventually: Eventually) -> None:
    spec = replace(spec_of(raw, instruments("A", "B", "C"), per_connection=1), instruments=instruments("A", "B"))
    async with fed(spec, PlainVenue()) as diary:
        await eventually(lambda: len(subscribed(raw)) == 2, lambda: raw.heard)
        diary.market.remove([1])
        await eventually(lambda: len(diary.market.feeds) == 1, diary.shown)
        assert [health.feed for health in diary.market.health()] == ["plain spot"]
        diary.market.add(instruments("A", "C")[1:])
        await eventually(lambda: ["C-USDT"] in subscribed(raw), lambda: raw.heard)
        assert diary.instruments == [([], [1]), ([1], [])]


async def test_the_counts_of_a_market_do_not_go_back_with_a_connection_that_is_closed(
    raw: RawVenue, eventually: Eventually
) -> None:
    async with fed(spec_of(raw, instruments("A", "B"), per_connection=1), PlainVenue()) as diary:

        def counts() -> tuple[int, ...]:
            healths = diary.market.health()
            again = sum(max(0, each.connects - 1) for each in healths)
            sums = (sum(getattr(each, name) for each in healths) for name in ("frames", "quotes", "bytes"))
            return (*sums, again, sum(sum(each.dropped.values()) for each in healths))

        await eventually(lambda: len(subscribed(raw)) == 2, lambda: raw.heard)
        for connection in raw.connections:
            # Each takes its own of these, and drops the crossed ones.
            for name, ask in product(("A-USDT", "B-USDT"), ("2", "0.5")):
                connection.sendall(framed(quote_of(name, ask=ask).encode()))
        await eventually(lambda: counts()[0] == 8 and counts()[-1], diary.shown)
        before = counts()
        diary.market.remove([1])
        assert len(diary.market.feeds) == 1 and counts() == before
        diary.market.remove([0])
        assert not diary.market.feeds and counts() == before


async def test_a_coin_that_is_sold_by_the_thousand_is_the_coin(raw: RawVenue, eventually: Eventually) -> None:
    spec = spec_of(raw, instruments("PEPE"))
    raw.rest["/list"] = b'["1000PEPE-USDT","BTC-USDT"]'
    async with fed(spec, PlainVenue()) as diary:
        await eventually(lambda: subscribed(raw) == [["1000PEPE-USDT"]], lambda: raw.heard)
        raw.send(quote_of("1000PEPE-USDT", "0.0121101", "0.0121103"))
        await eventually(lambda: diary.read, diary.shown)
        assert diary.read[0] == Quote(0, 1.21101e-05, 1000.0, 1.21103e-05, 1000.0)
        (served,) = diary.market.instruments.values()
        assert (served.symbol, served.multiplier) == ("PEPE/USDT", 1000)


async def test_a_name_in_other_letters_is_found_where_there_is_one(raw: RawVenue, eventually: Eventually) -> None:
    spec = spec_of(raw, instruments("AAPLX"))
    raw.rest["/list"] = b'["AAPLx-USDT","BTC-USDT"]'
    async with fed(spec, PlainVenue()) as diary:
        await eventually(lambda: subscribed(raw) == [["AAPLx-USDT"]], lambda: raw.heard)
        (served,) = diary.market.instruments.values()
        assert (served.symbol, served.id) == ("AAPLx/USDT", instrument_key("plain", "AAPLx/USDT"))


def test_a_name_that_two_are_alike_to_stays_as_it_is() -> None:
    (asked,) = instruments("ABC")
    assert listed_as(PlainVenue(), asked, {"aBC-USDT": Listing(), "AbC-USDT": Listing()}) == asked


def test_the_plain_coin_takes_part_where_both_are_listed() -> None:
    binance = VENUES["binance"]
    asked = Instrument(0, "binance", "PEPE/USDT:USDT", "1000PEPEUSDT", "USDT", 0.1, multiplier=1000)
    both = {"PEPEUSDT": Listing(), "1000PEPEUSDT": Listing()}
    assert listed_as(binance, asked, both) == replace(asked, venue_symbol="PEPEUSDT", multiplier=1)


async def test_no_more_frames_are_sent_than_the_venue_takes(raw: RawVenue, eventually: Eventually) -> None:
    wanted = instruments(*"ABCDEF")
    one_each = replace(SUBSCRIPTION, per_frame=1)
    adapter = PlainVenue(subscription=one_each, limits=Limits(messages=Rate(4, 3600.0)))
    async with fed(spec_of(raw, wanted), adapter) as diary:
        # One is kept free for a pong.
        await eventually(lambda: len(subscribed(raw)) == 3 and diary.state is FeedState.SUBSCRIBED, lambda: raw.heard)
        raw.send(quote_of("A-USDT"))
        await eventually(lambda: diary.read, diary.shown)
        assert len(subscribed(raw)) == 3


async def test_a_connection_is_replaced_before_its_life_ends(raw: RawVenue, eventually: Eventually) -> None:
    async with fed(spec_of(raw, instruments("A")), PlainVenue(lifetime_h=1 / 3600)) as diary:
        await eventually(lambda: len(subscribed(raw)) >= 1, lambda: raw.heard)
        raw.send(quote_of("A-USDT", "1"))
        await eventually(lambda: diary.is_live, diary.shown)
        await eventually(lambda: len(subscribed(raw)) >= 2, lambda: raw.heard)
        raw.send(quote_of("A-USDT", "1.5"))
        await eventually(lambda: diary.read[-1].bid == 1.5, diary.shown)
        assert not diary.was(FeedState.DOWN)
        assert not diary.withdrawn


async def test_a_list_is_read_page_by_page(raw: RawVenue, eventually: Eventually) -> None:
    class Paged(PlainVenue):
        def next_list_path(self, market: Market, body: bytes) -> str:
            return "/list2" if b"A-USDT" in body else ""

    spec = spec_of(raw, instruments("A", "B"))
    raw.rest |= {"/list": b'["A-USDT"]', "/list2": b'["B-USDT"]'}
    async with fed(spec, Paged()) as diary:
        await eventually(lambda: subscribed(raw) == [["A-USDT", "B-USDT"]], lambda: raw.heard)
        assert [body for _, body in diary.lists] == [b'["A-USDT"]', b'["B-USDT"]']
        assert diary.lists[1][0].endswith("/list2")


async def test_what_orders_the_venue_takes_is_told_once_and_again_when_it_changes(
    raw: RawVenue, eventually: Eventually
) -> None:
    lots = {"A-USDT": 0.5, "B-USDT": 0.1}

    class WithLots(PlainVenue):
        def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
            return [(name, Listing(0.01, lot=lot)) for name, lot in lots.items()]

    timings = replace(QUICK, refresh_list_s=0.01)
    async with fed(spec_of(raw, instruments("A", "B")), WithLots(), timings=timings) as diary:
        await eventually(lambda: len(diary.limits) == 2, lambda: diary.limits)
        lots["B-USDT"] = 0.2
        await eventually(lambda: len(diary.limits) == 3, lambda: diary.limits)
    assert [(each.instrument_id, each.lot) for each in diary.limits] == [(0, 0.005), (1, 0.001), (1, 0.002)]


class NamingVenue(PlainVenue):
    """Its list tells what each coin is called."""

    def _listings(self, body: bytes) -> Iterable[tuple[str, Listing]]:
        return ((name, Listing(coin_name=f"{name} Coin", contract="0x1f")) for name in json.loads(body))


async def test_what_the_list_calls_the_coins_is_told_once(raw: RawVenue, eventually: Eventually) -> None:
    async with fed(spec_of(raw, instruments("A", "B")), NamingVenue()) as diary:

        def told() -> list[CoinName]:
            return [each for each in diary.told if isinstance(each, CoinName)]

        await eventually(lambda: len(told()) == 2, lambda: diary.told)
        assert told() == [CoinName(0, "A-USDT Coin", "0x1f"), CoinName(1, "B-USDT Coin", "0x1f")]
