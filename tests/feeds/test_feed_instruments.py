"""A feed that serves an instrument more, or one less, while it is connected."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from feeding import ONE_EACH, SYMBOLS, World, instruments, simulated_world

from arbsniper_tui.model.instrument import Instrument, Market

Eventually = Callable[..., Awaitable[None]]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with simulated_world() as world:
        yield world


@pytest.mark.parametrize(("venue", "market"), ONE_EACH)
async def test_an_instrument_is_taken_up_and_dropped_on_one_connection(
    world: World, venue: str, market: Market, eventually: Eventually
) -> None:
    symbols = SYMBOLS[venue, market]
    async with world.feed(venue, market, symbols[:1]) as diary:
        await eventually(lambda: diary.is_live and diary.counts[0] >= 3, diary.shown)
        diary.market.add(instruments(venue, symbols)[1:])
        await eventually(lambda: diary.counts[1] >= 3, diary.shown)
        assert diary.feed.health().instrument_ids == (0, 1)
        diary.market.remove([1])
        diary.read.clear()
        await eventually(lambda: diary.counts[0] >= 20, diary.shown)
        assert diary.counts.keys() == {0}
        assert diary.instruments == [([1], []), ([], [1])]
        assert (diary.feed.health().instrument_ids, diary.feed.health().connects) == ((0,), 1)


async def test_an_instrument_that_the_venue_does_not_list_is_barred(world: World, eventually: Eventually) -> None:
    async with world.feed("okx", Market.SPOT, SYMBOLS["okx", Market.SPOT][:1]) as diary:
        await eventually(lambda: diary.is_live, diary.shown)
        diary.market.add([Instrument(7, "okx", "NIX/USDT", "NIX-USDT", "USDT", 0.1)])
        assert diary.feed.health().rejected.keys() == {"NIX/USDT"}
        assert diary.withdrawn[-1].instrument_ids == (7,)
