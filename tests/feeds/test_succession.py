"""A connection is replaced before the venue ends it: no quote is missed, and no limit is exceeded."""

import asyncio
from collections import Counter
from random import Random

import pytest
from virtual_time import run_virtually

from arbsniper_tui.feeds.succession import Succession
from arbsniper_tui.feeds.venue_limits import VenueLimits
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import VenueMarket
from arbsniper_tui.venues.requests import Limits, Rate

DAYS = 3
HOUR_S = 3600.0
QUOTE_EVERY_S = 60.0
FIRST_QUOTE_S = 2.0
CUTTING = {
    # Markets of one venue that declare the same are one.
    (venue, declared.lifetime_h, declared.limits): pytest.param(declared, id=f"{venue}-{declared.market}")
    for venue, adapter in VENUES.items()
    for declared in adapter.markets
    if declared.lifetime_h is not None
}


def now_s() -> float:
    return asyncio.get_running_loop().time()


class ModelVenue:
    """Cuts connections at the end of their lives, counts them, and tells each the minute every minute."""

    def __init__(self, lifetime_h: float) -> None:
        self.lifetime_s = lifetime_h * HOUR_S
        self.opened_s: list[float] = []
        self.ended: list[str] = []
        self.open = 0
        self.most_open = 0


class ModelConnection:
    """Reads the minutes of one venue, into `heard` unless it is held back."""

    quote_every_s = QUOTE_EVERY_S

    def __init__(self, venue: ModelVenue, heard: "Counter[int]", *, is_held: bool, fails: bool = False) -> None:
        self.venue = venue
        self.heard = heard
        self.held: list[int] | None = [] if is_held else None
        self.fails = fails
        self.closed = asyncio.Event()
        self.data_ns = 0

    async def run(self) -> str:
        venue = self.venue
        venue.opened_s.append(now_s())
        if self.fails:
            return "refused"
        venue.open += 1
        venue.most_open = max(venue.most_open, venue.open)
        ends_s = now_s() + venue.lifetime_s
        try:
            await asyncio.sleep(FIRST_QUOTE_S)
            self._take()
            while not self.closed.is_set():
                next_s = (now_s() // self.quote_every_s + 1) * self.quote_every_s
                try:
                    # The clock stands still over less than its resolution.
                    await asyncio.wait_for(self.closed.wait(), max(min(next_s, ends_s) - now_s(), 1e-6))
                except TimeoutError:
                    if now_s() >= ends_s:
                        venue.ended.append("cut")
                        return "cut"
                    self._take()
            return "closed here"
        finally:
            venue.open -= 1

    def _take(self) -> None:
        self.data_ns = round(now_s() * 1e9)
        minute = int(now_s() // QUOTE_EVERY_S)
        if self.held is None:
            self.heard[minute] += 1
        else:
            self.held.append(minute)

    def close(self) -> None:
        self.closed.set()

    def covers(self, other: "ModelConnection") -> bool:
        return bool(self.data_ns)

    def take_over(self, other: "ModelConnection") -> None:
        assert self.held is not None
        for minute in self.held[-1:]:
            self.heard[minute] += 1
        self.held = None
        other.held = []


@pytest.mark.parametrize("declared", CUTTING.values())
def test_days_pass_without_a_missed_quote_or_an_exceeded_limit(declared: VenueMarket) -> None:
    count = 24
    assert declared.lifetime_h is not None
    venue = ModelVenue(declared.lifetime_h)
    heard: list[Counter[int]] = [Counter() for _ in range(count)]

    async def days() -> None:
        limits = VenueLimits(declared.limits, clock_s=now_s)

        async def one(minutes: "Counter[int]", number: int) -> None:
            def make(is_held: bool) -> ModelConnection:
                return ModelConnection(venue, minutes, is_held=is_held)

            assert limits.claim()
            await limits.admit()
            await Succession(make, limits, declared.lifetime_h, Random(number)).run()

        running = [asyncio.create_task(one(minutes, number)) for number, minutes in enumerate(heard)]
        await asyncio.sleep(DAYS * 24 * HOUR_S)
        for task in running:
            task.cancel()
        await asyncio.wait(running)

    run_virtually(days())
    assert not venue.ended, "the venue cut a connection that was not replaced in time"
    first, last = round(count * 2 / QUOTE_EVERY_S) + 2, round(DAYS * 24 * HOUR_S / QUOTE_EVERY_S) - 1
    for minutes in heard:
        assert not [minute for minute in range(first, last) if not minutes[minute]]
    assert len(venue.opened_s) >= count * DAYS
    rate = declared.limits.connects
    if rate is not None:
        pairs = zip(venue.opened_s, venue.opened_s[rate.most :], strict=False)
        assert all(later - earlier > rate.within_s for earlier, later in pairs)
    # The moments are spread: not all connections are open twice at once.
    assert venue.most_open < count + count // 2


def test_a_successor_that_cannot_connect_leaves_the_connection_that_is() -> None:
    venue, heard = ModelVenue(24.0), Counter[int]()
    made: list[ModelConnection] = []

    def make(is_held: bool) -> ModelConnection:
        made.append(ModelConnection(venue, heard, is_held=is_held, fails=is_held and len(made) < 3))
        return made[-1]

    async def day() -> None:
        succession = Succession(make, VenueLimits(Limits(), clock_s=now_s), 24.0, Random(1))
        running = asyncio.create_task(succession.run())
        await asyncio.sleep(24.5 * HOUR_S)
        running.cancel()
        await asyncio.wait((running,))

    run_virtually(day())
    assert len(made) == 4, "two that failed, and the third after some seconds"
    assert not venue.ended
    assert set(range(1, 1400)) <= heard.keys()


class BusyConnection(ModelConnection):
    """It hears something while a successor is awaited."""

    quote_every_s = 5.0


class MuteConnection(ModelConnection):
    """It stays open, and hears nothing."""

    async def run(self) -> str:
        await self.closed.wait()
        return "closed here"


def attempts_of(first: type[ModelConnection], later: type[ModelConnection]) -> list[ModelConnection]:
    """What was made in the two hours after a connection's end was announced."""
    venue, heard = ModelVenue(24.0), Counter[int]()
    made: list[ModelConnection] = []

    def make(is_held: bool) -> ModelConnection:
        made.append((later if is_held else first)(venue, heard, is_held=is_held))
        return made[-1]

    async def hours() -> None:
        succession = Succession(make, VenueLimits(Limits(), clock_s=now_s), None)
        running = asyncio.create_task(succession.run())
        await asyncio.sleep(100.0)
        succession.replace_soon()
        await asyncio.sleep(2 * HOUR_S)
        running.cancel()
        await asyncio.wait((running,))

    run_virtually(hours())
    return made


def test_a_mute_successor_is_given_up_and_the_next_attempts_come_more_seldom() -> None:
    made = attempts_of(BusyConnection, MuteConnection)
    assert made[0].held is None, "it speaks to the end"
    assert all(each.closed.is_set() for each in made)
    # 10, 20, 40, 80, 160 s after each attempt of 30 s, and then every 330 s.
    assert len(made) == 1 + 6 + (7200 - 490) // 330


def test_where_both_are_mute_the_successor_takes_over_all_the_same() -> None:
    made = attempts_of(MuteConnection, MuteConnection)
    assert len(made) == 2
    assert made[0].closed.is_set()
    assert made[1].held is None


def test_a_succession_that_is_cancelled_leaves_no_successor_connecting() -> None:
    venue, heard = ModelVenue(24.0), Counter[int]()
    left: set[asyncio.Task[object]] = set()

    async def minute() -> None:
        succession = Succession(
            lambda is_held: (MuteConnection if is_held else ModelConnection)(venue, heard, is_held=is_held),
            VenueLimits(Limits(), clock_s=now_s),
            None,
        )
        running = asyncio.create_task(succession.run())
        await asyncio.sleep(10.0)
        succession.replace_soon()
        await asyncio.sleep(5.0)
        assert len(succession.connections) == 2
        running.cancel()
        await asyncio.wait((running,))
        await asyncio.sleep(1.0)
        left.update(asyncio.all_tasks() - {asyncio.current_task()})

    run_virtually(minute())
    assert not left


def test_an_error_of_a_connection_is_not_lost() -> None:
    class Faulty(ModelConnection):
        async def run(self) -> str:
            await asyncio.sleep(5.0)
            raise ZeroDivisionError

    async def seconds() -> None:
        limits = VenueLimits(Limits(), clock_s=now_s)
        venue = ModelVenue(24.0)
        await Succession(lambda is_held: Faulty(venue, Counter(), is_held=is_held), limits, None).run()

    with pytest.raises(ZeroDivisionError):
        run_virtually(seconds())


def test_an_announced_end_is_forestalled() -> None:
    venue, heard = ModelVenue(24.0), Counter[int]()
    made: list[ModelConnection] = []

    def make(is_held: bool) -> ModelConnection:
        made.append(ModelConnection(venue, heard, is_held=is_held))
        return made[-1]

    async def minutes() -> None:
        succession = Succession(make, VenueLimits(Limits(), clock_s=now_s), None)
        running = asyncio.create_task(succession.run())
        await asyncio.sleep(100.0)
        assert succession.connections == (made[0],)
        succession.replace_soon()
        await asyncio.sleep(10.0)
        assert succession.connections == (made[1],)
        assert made[0].closed.is_set()
        running.cancel()
        await asyncio.wait((running,))

    run_virtually(minutes())


def test_a_connection_that_ends_while_its_successor_opens_is_followed_at_once() -> None:
    venue, heard = ModelVenue(24.0), Counter[int]()
    made: list[ModelConnection] = []

    def make(is_held: bool) -> ModelConnection:
        made.append(ModelConnection(venue, heard, is_held=is_held))
        return made[-1]

    async def minutes() -> None:
        succession = Succession(make, VenueLimits(Limits(), clock_s=now_s), None)
        running = asyncio.create_task(succession.run())
        await asyncio.sleep(100.0)
        succession.replace_soon()
        await asyncio.sleep(1.0)
        made[0].close()
        await asyncio.sleep(5.0)
        assert succession.connections == (made[1],)
        assert made[1].held is None
        running.cancel()
        await asyncio.wait((running,))

    run_virtually(minutes())


def test_without_a_successor_the_end_is_the_end() -> None:
    venue = ModelVenue(1.0)

    async def hours() -> tuple[str, ModelConnection]:
        succession = Succession(
            lambda is_held: ModelConnection(venue, Counter(), is_held=is_held),
            VenueLimits(Limits(), clock_s=now_s),
            None,
        )
        return await succession.run()

    reason, connection = run_virtually(hours())
    assert reason == "cut"
    assert connection.data_ns


def test_where_the_venue_takes_no_more_connections_none_is_opened_beside() -> None:
    venue, heard = ModelVenue(1.0), Counter[int]()

    async def hours() -> str:
        limits = VenueLimits(Limits(connects=Rate(10, 60.0)), 1, now_s)
        assert limits.claim()
        succession = Succession(lambda is_held: ModelConnection(venue, heard, is_held=is_held), limits, 1.0)
        reason, _ = await succession.run()
        return reason

    assert run_virtually(hours()) == "cut"
    assert venue.most_open == 1
