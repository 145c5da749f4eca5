"""The feed loop serves venues whose handshakes, keep-alives and facts it has never heard of: on a real socket."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator

import pytest
from feeding import QUICK, fed
from made_up_venues import LIST, HeartbeatVenue, PacketVenue, TokenVenue
from msgspec.structs import replace
from raw_venues import RawVenue

from arbsniper_tui.model.fact import Funding, Mark
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.health import FeedState
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.venues.base import VenueAdapter

Eventually = Callable[..., Awaitable[None]]

BTC = Instrument(0, "made-up", "BTC/USDT", "BTC-USDT", "USDT", 0.1)
ETH = Instrument(1, "made-up", "ETH/USDT", "ETH-USDT", "USDT", 0.1)


@pytest.fixture
def raw() -> Iterator[RawVenue]:
    with RawVenue() as venue:
        venue.rest["/list"] = LIST
        yield venue


def spec_of(adapter: VenueAdapter, raw: RawVenue, ws_url: str = "") -> FeedSpec:
    here = f"127.0.0.1:{raw.port}"
    declared = adapter.markets[0]
    endpoint_url = f"http://{here}{declared.endpoint_path}" if declared.endpoint_path else ""
    ws_url = ws_url or f"ws://{here}/ws"
    return FeedSpec(
        adapter.venue,
        adapter.venue,
        Market.SPOT,
        ws_url,
        f"http://{here}/list",
        (BTC, ETH),
        "",
        endpoint_url=endpoint_url,
    )


def token_answer(raw: RawVenue, *, host: str = "", ping_ms: int = 20) -> Callable[[], bytes]:
    """A new token with each call."""
    tokens = iter(range(1, 1000))

    def answer() -> bytes:
        endpoint = f"ws://{host or f'127.0.0.1:{raw.port}'}/stream"
        return json.dumps({"token": f"t{next(tokens)}", "endpoint": endpoint, "pingInterval": ping_ms}).encode()

    return answer


class TestAVenueThatGivesATokenAndAWelcome:
    @staticmethod
    def quote(bid: float) -> str:
        return json.dumps(
            {
                "type": "message",
                "topic": "/top:BTC-USDT",
                "bid": [bid, 1],
                "ask": [bid + 1, 2],
                "ts": 1790113111261396000,
            }
        )

    async def test_asks_by_rest_before_each_connection_and_subscribes_after_the_welcome(
        self, raw: RawVenue, eventually: Eventually
    ) -> None:
        raw.rest["/token"] = token_answer(raw)
        async with fed(spec_of(TokenVenue(), raw), TokenVenue()) as diary:
            await eventually(lambda: raw.connections and diary.state is FeedState.SUBSCRIBED, diary.shown)
            assert raw.targets == ["/stream?token=t1"]
            await eventually(lambda: any("ping" in text for text in raw.heard), lambda: raw.heard)
            assert not any("subscribe" in text for text in raw.heard)
            raw.send('{"type":"welcome"}')
            await eventually(lambda: any("subscribe" in text for text in raw.heard), lambda: raw.heard)
            assert json.loads(next(text for text in raw.heard if "subscribe" in text)) == {
                "type": "subscribe",
                "topic": "/top:BTC-USDT,ETH-USDT",
            }
            raw.send(self.quote(100))
            await eventually(lambda: diary.is_live, diary.shown)
            assert diary.read == [Quote(0, 100.0, 1.0, 101.0, 2.0, 1790113111261)]
            raw.drop()
            await eventually(lambda: len(raw.connections) == 2, diary.shown)
            assert raw.targets == ["/stream?token=t1", "/stream?token=t2"]
            raw.send('{"type":"welcome"}', self.quote(101))
            await eventually(lambda: len(diary.read) == 2, diary.shown)

    async def test_pings_as_often_as_the_answer_says_with_a_number_and_the_time(
        self, raw: RawVenue, eventually: Eventually
    ) -> None:
        raw.rest["/token"] = token_answer(raw)
        async with fed(spec_of(TokenVenue(), raw), TokenVenue()) as diary:
            await eventually(lambda: sum("ping" in text for text in raw.heard) >= 3, diary.shown)
        pings = [json.loads(text)["id"].split("-") for text in raw.heard if "ping" in text]
        assert [int(number) for _, number in pings[:3]] == [1, 2, 3]
        assert all(re.fullmatch(r"1\d{12}", ms) for ms, _ in pings)

    async def test_a_server_that_the_settings_name_stands_in_the_answer_too(
        self, raw: RawVenue, eventually: Eventually
    ) -> None:
        raw.rest["/token"] = token_answer(raw, host="elsewhere.invalid")
        async with fed(spec_of(TokenVenue(), raw), TokenVenue()) as diary:
            await eventually(lambda: raw.connections, diary.shown)
        assert raw.targets[0] == "/stream?token=t1"

    async def test_the_venues_own_word_holds_where_the_settings_name_no_other_server(
        self, raw: RawVenue, eventually: Eventually
    ) -> None:
        raw.rest["/token"] = token_answer(raw)
        async with fed(spec_of(TokenVenue(), raw, "wss://nowhere.example/ws"), TokenVenue()) as diary:
            await eventually(lambda: raw.connections, diary.shown)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [(None, "HTTP 404"), (b'{"code":"500"}', "expected a token frame"), (b"", "expected a token")],
    )
    async def test_an_answer_that_cannot_be_had_is_told_and_asked_for_again(
        self, raw: RawVenue, eventually: Eventually, answer: bytes | None, words: str
    ) -> None:
        if answer is not None:
            raw.rest["/token"] = answer
        async with fed(spec_of(TokenVenue(), raw), TokenVenue()) as diary:
            await eventually(lambda: diary.was(FeedState.DOWN, words), diary.shown)
            raw.rest["/token"] = token_answer(raw)
            await eventually(lambda: raw.connections, diary.shown)

    async def test_the_token_stands_in_nothing_that_is_shown_or_logged(
        self, raw: RawVenue, eventually: Eventually, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        raw.rest["/token"] = token_answer(raw, ping_ms=18000)
        async with fed(spec_of(TokenVenue(), raw), TokenVenue()) as diary:
            await eventually(lambda: raw.connections, diary.shown)
            raw.drop()
            await eventually(lambda: diary.was(FeedState.DOWN), diary.shown)
        assert raw.targets[0] == "/stream?token=t1"
        assert not any("token=" in words for _, words in diary.states)
        assert "Sec-WebSocket-Key" in caplog.text and "token=" not in caplog.text

    async def test_a_venue_that_never_welcomes_is_connected_to_anew(
        self, raw: RawVenue, eventually: Eventually
    ) -> None:
        raw.rest["/token"] = token_answer(raw)
        timings = replace(QUICK, first_data_within_s=0.2)
        async with fed(spec_of(TokenVenue(), raw), TokenVenue(), timings) as diary:
            await eventually(lambda: len(raw.targets) >= 2, diary.shown)
        assert diary.was(FeedState.SUBSCRIBED, "waiting until the venue takes subscriptions")


class TestAVenueThatWantsItsHeartbeatAnswered:
    @staticmethod
    def message(channel: str, **data: object) -> str:
        body = {"channel": channel, "data": {"name": "BTC-USDT", **data}}
        return json.dumps({"method": "subscription", "params": body})

    def quote(self, bid: float) -> str:
        return self.message("quote", bid=bid, bid_size=1, ask=bid + 1, ask_size=2)

    async def test_answers_each_test_request_and_asks_for_heartbeats_first(
        self, raw: RawVenue, eventually: Eventually
    ) -> None:
        async with fed(spec_of(HeartbeatVenue(), raw), HeartbeatVenue()) as diary:
            await eventually(lambda: len(raw.heard) >= 2, diary.shown)
            for _ in range(2):
                raw.send('{"method":"heartbeat","params":{"type":"test_request"}}')
            await eventually(lambda: len(raw.heard) >= 4, diary.shown)
        assert [json.loads(text)["method"] for text in raw.heard] == [
            "public/set_heartbeat",
            "public/subscribe",
            "public/test",
            "public/test",
        ]

    async def test_marks_and_funding_go_their_own_way(self, raw: RawVenue, eventually: Eventually) -> None:
        async with fed(spec_of(HeartbeatVenue(), raw), HeartbeatVenue()) as diary:
            await eventually(lambda: len(raw.heard) >= 2, diary.shown)
            raw.send(self.quote(100), self.message("ticker", mark=100.5, funding=0.0001))
            await eventually(lambda: len(diary.told) == 2 and diary.read, diary.shown)
        assert diary.told == [Mark(0, 100.5), Funding(0, pytest.approx(0.01), None, 8.0)]
        assert len(diary.read) == 1

    async def test_a_halt_takes_the_instrument_out_and_its_end_subscribes_it_anew(
        self, raw: RawVenue, eventually: Eventually
    ) -> None:
        async with fed(spec_of(HeartbeatVenue(), raw), HeartbeatVenue()) as diary:
            await eventually(lambda: len(raw.heard) >= 2, diary.shown)
            raw.send(self.quote(100), self.message("state", state="halted"), self.quote(101))
            await eventually(lambda: diary.withdrawn, diary.shown)
            assert diary.withdrawn == [Withdrawal((0,), Reason(ReasonCode.NOT_TRADING, words="halted"))]
            assert diary.feed.health().rejected == {"BTC/USDT": Reason(ReasonCode.NOT_TRADING, words="halted")}
            assert diary.read == [], "what came in one read with the halt takes no part"
            raw.send(self.message("state", state="open"))
            await eventually(lambda: len(raw.heard) >= 4, lambda: raw.heard)
            assert [json.loads(text)["method"] for text in raw.heard[2:]] == ["public/unsubscribe", "public/subscribe"]
            assert json.loads(raw.heard[3])["params"] == {"channels": ["quote.BTC-USDT"]}
            raw.send(self.quote(102))
            await eventually(lambda: diary.read, diary.shown)
        assert [quote.bid for quote in diary.read] == [102.0]


class TestAVenueThatSpeaksSocketIo:
    @staticmethod
    def depth(kind: str, **sides: dict[str, str]) -> str:
        return "42" + json.dumps([kind, {"event": kind, "data": json.dumps({"s": "BTC-USDT", **sides})}])

    async def test_connects_in_steps_joins_one_by_one_and_keeps_the_book(
        self, raw: RawVenue, eventually: Eventually
    ) -> None:
        async with fed(spec_of(PacketVenue(), raw), PacketVenue()) as diary:
            await eventually(lambda: raw.connections, diary.shown)
            raw.send('0{"sid":"x","pingInterval":25000}')
            await eventually(lambda: raw.heard == ["40"], lambda: raw.heard)
            raw.send('40{"sid":"y"}')
            await eventually(lambda: len(raw.heard) == 3, lambda: raw.heard)
            joined = [json.loads(text.removeprefix("42")) for text in raw.heard[1:]]
            assert joined == [["join", {"channelName": f"{name}-USDT@orderbook@10"}] for name in ("BTC", "ETH")]
            raw.send(self.depth("depth-snapshot", bids={"100": "1", "99": "5"}, asks={"101": "2"}), "2")
            raw.send(self.depth("depth-update", bids={"100": "0"}))
            await eventually(lambda: diary.read and diary.read[-1].bid == 99.0, diary.shown)
            await eventually(lambda: raw.heard[-1] == "3", lambda: raw.heard)

    async def test_the_first_packet_may_come_in_one_read_with_the_handshake(
        self, raw: RawVenue, eventually: Eventually
    ) -> None:
        raw.greeting = ('0{"sid":"x"}',)
        async with fed(spec_of(PacketVenue(), raw), PacketVenue()) as diary:
            await eventually(lambda: raw.heard == ["40"], diary.shown)

    async def test_a_lost_book_is_left_and_joined_again(self, raw: RawVenue, eventually: Eventually) -> None:
        raw.greeting = ('0{"sid":"x"}', '40{"sid":"y"}')
        async with fed(spec_of(PacketVenue(), raw), PacketVenue()) as diary:
            await eventually(lambda: len(raw.heard) == 3, lambda: raw.heard)
            raw.send(self.depth("depth-update", bids={"100": "1"}))
            await eventually(lambda: raw.heard[-2:] == [self.asked("leave"), self.asked("join")], lambda: raw.heard)
            assert reason_words(diary.withdrawn[0].reason).startswith("book lost: ")
            raw.send(self.depth("depth-snapshot", bids={"100": "1"}, asks={"101": "1"}))
            await eventually(lambda: diary.is_live, diary.shown)

    @staticmethod
    def asked(word: str) -> str:
        return f'42["{word}",{{"channelName":"BTC-USDT@orderbook@10"}}]'
