"""What a venue does not list or refuses is shown and left out; what needs the list waits for it in sight."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from feeding import ONE_EACH, QUICK, World, running, simulated_world
from msgspec.structs import replace

from arbsniper_tui.feeds import venue_list as listings
from arbsniper_tui.model.health import FeedState
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.sim.fault import Fault, FaultKind
from arbsniper_tui.venues import VENUES

Eventually = Callable[..., Awaitable[None]]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with simulated_world() as world:
        yield world


@pytest.mark.parametrize(
    ("venue", "market", "served", "missing"),
    [
        ("binance", Market.SPOT, "BTC/USDT", "NIX/USDT"),
        ("binance", Market.PERP, "BTC/USDT:USDT", "NIX/USDT:USDT"),
        ("coinbase", Market.SPOT, "BTC/USD", "NIX/USD"),
        ("kraken", Market.SPOT, "BTC/USD", "NIX/USD"),
        ("okx", Market.SPOT, "BTC/USDT", "NIX/USDT"),
        ("okx", Market.PERP, "BTC/USDT:USDT", "NIX/USDT:USDT"),
    ],
)
async def test_a_symbol_that_is_not_listed_is_shown_and_withdrawn_and_the_rest_runs(
    world: World, venue: str, market: Market, served: str, missing: str, eventually: Eventually
) -> None:
    async with world.feed(venue, market, (served, missing)) as diary:
        await eventually(lambda: diary.is_live and missing in diary.feed.health().rejected, diary.shown)
        await eventually(lambda: diary.counts[0] >= 3, diary.shown)
        assert diary.feed.health().rejected.keys() == {missing}
        assert {i for withdrawal in diary.withdrawn for i in withdrawal.instrument_ids} == {1}
        assert diary.counts.keys() == {0}


@pytest.mark.parametrize(("venue", "refused"), [("kraken", "BTC/USD"), ("okx", "BTC-USDT"), ("coinbase", "BTC-USD")])
async def test_a_listed_symbol_that_is_refused_is_shown_in_the_venues_words(
    world: World, venue: str, refused: str, eventually: Eventually
) -> None:
    world.sims[venue].fault = Fault(FaultKind.REJECT, (refused,))
    async with world.feed(venue, Market.SPOT) as diary:
        await eventually(lambda: diary.is_live and diary.feed.health().rejected, diary.shown)
        [(symbol, reason)] = diary.feed.health().rejected.items()
        assert symbol == diary.feed.spec.instruments[0].symbol
        assert reason_words(reason).startswith("rejected: ")
        assert diary.withdrawn[0].instrument_ids == (0,)
        assert diary.withdrawn[0].reason == reason
        await eventually(lambda: diary.counts[1] >= 3, diary.shown)
        assert diary.counts.keys() == {1}


async def test_a_refused_symbol_is_asked_for_again_on_the_next_connection(world: World, eventually: Eventually) -> None:
    world.sims["okx"].fault = Fault(FaultKind.REJECT, ("BTC-USDT",))
    async with world.feed("okx", Market.SPOT) as diary:
        await eventually(lambda: diary.is_live and diary.feed.health().rejected, diary.shown)
        world.sims["okx"].fault = Fault(FaultKind.DROP)
        await eventually(lambda: diary.feed.health().connects == 2 and diary.has_all(2), diary.shown)
        assert diary.feed.health().rejected == {}


async def test_a_rejection_without_a_symbol_changes_the_words_and_not_the_state(
    serve_raw: Callable, wire: type, closed_port: int, eventually: Eventually
) -> None:
    to_reject = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire.accepted(await reader.readuntil(b"\r\n\r\n")))
        await reader.read(4096)
        quote = b'{"symbol":"BTC/USD","bid":99,"bid_qty":1,"ask":100,"ask_qty":2}'
        writer.write(wire.frame(b'{"channel":"ticker","type":"update","data":[%s]}' % quote))
        await to_reject.wait()
        writer.write(wire.frame(b'{"method":"subscribe","success":false,"error":"Exceeded msg rate"}'))
        while await reader.read(4096):
            pass

    quick = replace(QUICK, silent_after_s=0.2)
    async with serve_raw(script) as port:
        urls = f"ws://127.0.0.1:{port}/v2", f"http://127.0.0.1:{closed_port}/"
        async with running("kraken", Market.SPOT, *urls, ("BTC/USD",), timings=quick) as diary:
            await eventually(lambda: diary.state is FeedState.SILENT, diary.shown)
            to_reject.set()
            await eventually(lambda: diary.feed.health().detail == "rejected: Exceeded msg rate", diary.shown)
            assert diary.state is FeedState.SILENT


async def test_a_quote_of_a_rejected_symbol_takes_no_part(world: World, eventually: Eventually) -> None:
    async with world.feed("kraken", Market.SPOT) as diary:
        await eventually(lambda: diary.is_live and diary.has_all(2), diary.shown)
        diary.feed._served.reject(diary.feed.spec.instruments[0], Reason(ReasonCode.REJECTED, words="no more"))
        diary.read.clear()
        await eventually(lambda: diary.counts[1] >= 5, diary.shown)
        assert diary.counts.keys() == {1}
        assert diary.withdrawn[-1].instrument_ids == (0,)


@pytest.mark.parametrize(("venue", "market"), ONE_EACH)
async def test_a_halt_is_told_at_once_and_ends_with_the_list(
    world: World, venue: str, market: Market, eventually: Eventually
) -> None:
    async with world.feed(venue, market, timings=replace(QUICK, refresh_list_s=0.1)) as diary:
        await eventually(lambda: diary.is_live and diary.has_all(2), diary.shown)
        first = diary.feed.spec.instruments[0]
        world.sims[venue].fault = Fault(FaultKind.HALT, (first.venue_symbol,))

        def why_rejected() -> dict[str, ReasonCode]:
            return {symbol: reason.code for symbol, reason in diary.feed.health().rejected.items()}

        await eventually(lambda: why_rejected() == {first.symbol: ReasonCode.NOT_TRADING}, diary.shown)
        assert diary.withdrawn[-1].instrument_ids == (0,)
        diary.read.clear()
        await eventually(lambda: diary.counts[1] >= 5, diary.shown)
        assert diary.counts.keys() == {1}
        world.sims[venue].fault = None
        await eventually(lambda: diary.counts[0] >= 3, diary.shown)
        assert diary.feed.health().rejected == {}
        # Where one subscription cannot be taken back alone, its first state takes a new connection.
        has_unsubscribed = bool(VENUES[venue].unsubscribe([first]))
        assert diary.feed.health().connects == (1 if has_unsubscribed else 2)


@pytest.mark.parametrize(("venue", "market"), [("binance", Market.SPOT), ("kraken", Market.SPOT), ("okx", Market.PERP)])
async def test_a_venue_in_maintenance_at_the_start_comes_back_by_itself(
    world: World, venue: str, market: Market, eventually: Eventually
) -> None:
    world.sims[venue].fault = Fault(FaultKind.MAINTENANCE)
    timings = replace(QUICK, refresh_list_s=0.1, first_data_within_s=1.0)
    async with world.feed(venue, market, timings=timings) as diary:
        await eventually(lambda: len(diary.states) > 3, diary.shown)
        world.sims[venue].fault = None
        await eventually(lambda: diary.is_live and diary.has_all(2), diary.shown)
        assert diary.feed.health().rejected == {}


async def test_a_venue_that_serves_nothing_of_what_is_wanted_says_so(world: World, eventually: Eventually) -> None:
    async with world.feed("kraken", Market.SPOT, ("NIX/USD", "NOX/USD")) as diary:
        await eventually(lambda: diary.state is FeedState.DOWN, diary.shown)
        health = diary.feed.health()
        assert health.rejected.keys() == {"NIX/USD", "NOX/USD"}
        assert health.detail == "the venue serves none of its symbols"
        assert health.retry_in_s == diary.feed._timings.rejected_wait_s


async def test_contracts_wait_in_sight_for_their_sizes_and_go_on_when_they_are_known(
    world: World, eventually: Eventually
) -> None:
    okx = world.sims["okx"]
    okx.fault = Fault(FaultKind.REFUSE)
    async with world.feed("okx", Market.PERP) as diary:
        await eventually(lambda: diary.was(FeedState.LISTING, "HTTP 503"), diary.shown)
        health = diary.feed.health()
        assert health.state is FeedState.LISTING
        assert health.detail.startswith("waiting for the venue's list of instruments: GET http://127.0.0.1:")
        assert health.connects == 0
        okx.fault = None
        await eventually(lambda: diary.is_live and diary.has_all(2), diary.shown)
        assert diary.feed.health().detail == ""


@pytest.mark.parametrize("answer", [b"\x00\x01 not HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"])
async def test_a_list_that_is_garbage_is_asked_for_again(
    world: World, serve_raw: Callable, eventually: Eventually, answer: bytes
) -> None:
    asked = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with serve_raw(script) as port, world.feed("okx", Market.PERP, list_url=f"http://127.0.0.1:{port}/") as diary:
        await eventually(lambda: asked >= 3, diary.shown)
        assert diary.state is FeedState.LISTING
        assert not diary.was(FeedState.CONNECTING, "ws://")


@pytest.mark.parametrize(
    ("venue", "market"), [("binance", Market.SPOT), ("coinbase", Market.SPOT), ("kraken", Market.SPOT)]
)
async def test_a_venue_without_contracts_starts_without_its_list(
    world: World, closed_port: int, venue: str, market: Market, eventually: Eventually
) -> None:
    async with world.feed(venue, market, list_url=f"http://127.0.0.1:{closed_port}/") as diary:
        await eventually(lambda: diary.is_live and diary.has_all(2), diary.shown)
        assert diary.feed.health().rejected == {}


@pytest.mark.parametrize(("venue", "market"), ONE_EACH)
async def test_what_is_halted_at_the_start_is_never_quoted(
    world: World, venue: str, market: Market, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = listings.fetch
    answer = asyncio.Event()

    async def late(url: str) -> bytes:
        await answer.wait()
        return await fetch(url)

    monkeypatch.setattr(listings, "fetch", late)
    async with world.feed(venue, market, timings=replace(QUICK, list_within_s=60.0)) as diary:
        first = diary.feed.spec.instruments[0]
        world.sims[venue].fault = Fault(FaultKind.HALT, (first.venue_symbol,))
        await eventually(lambda: diary.state is FeedState.LISTING, diary.shown)
        answer.set()
        await eventually(lambda: diary.counts[1] >= 20, diary.shown)
        assert diary.counts.keys() == {1}


async def test_a_list_that_does_not_come_holds_quotes_up_for_a_moment_only(
    world: World, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(url: str) -> bytes:
        return await asyncio.Future()

    monkeypatch.setattr(listings, "fetch", never)
    async with world.feed("kraken", Market.SPOT, timings=replace(QUICK, list_within_s=0.05)) as diary:
        await eventually(lambda: diary.is_live and diary.has_all(2), diary.shown)


async def test_contract_sizes_come_as_coins(world: World, eventually: Eventually) -> None:
    async with world.feed("okx", Market.PERP) as diary:
        await eventually(lambda: diary.has_all(2), diary.shown)
        assert diary.feed.spec.instruments[1].symbol == "BTC/USD:BTC"
        sizes = {quote.instrument_id: quote.bid_size * quote.bid for quote in diary.read}
        # A usual size is worth some ten thousand; taken for contracts, it would be off a hundredfold and more.
        assert all(100 < worth < 2_000_000 for worth in sizes.values()), sizes


async def test_frames_and_lists_are_handed_to_a_recorder(world: World, eventually: Eventually) -> None:
    async with world.feed("okx", Market.PERP) as diary:
        await eventually(lambda: diary.is_live and diary.has_all(2), diary.shown)
        spec = diary.feed.spec
    assert {url for url, _ in diary.frames} == {spec.ws_url}
    assert any(b"BTC-USDT-SWAP" in frame for _, frame in diary.frames)
    [(url, body)] = diary.lists
    assert url == spec.list_url and b"ctVal" in body


async def test_a_recorder_has_the_list_again_only_when_it_has_changed(
    world: World, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = listings.fetch
    fetched = 0

    async def count(url: str) -> bytes:
        nonlocal fetched
        fetched += 1
        return await fetch(url)

    monkeypatch.setattr(listings, "fetch", count)
    async with world.feed("okx", Market.SPOT, timings=replace(QUICK, refresh_list_s=0.02)) as diary:
        await eventually(lambda: fetched >= 5, diary.shown)
        assert len(diary.lists) == 1
        world.sims["okx"].fault = Fault(FaultKind.HALT, ("BTC-USDT",))
        await eventually(lambda: len(diary.lists) == 2, diary.shown)
