"""What goes wrong by chance at a simulated venue: how it is spelled, and what it does to what the venue says."""

import asyncio
import socket

import msgspec
import pytest
from waiting import DEADLINE_S

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.sim.chaos import OF_FRAMES, USUAL_RATE, Chaos, read_chaos
from arbsniper_tui.sim.dialect import Flaw, Moment, Topic
from arbsniper_tui.sim.late_link import LateTransport
from arbsniper_tui.sim.market import NS_PER_S, Top
from arbsniper_tui.sim.plan import SimPlan, SimWorkerPlan
from arbsniper_tui.sim.registry import list_instruments
from arbsniper_tui.sim.truth import Claim, Truth, answer_claims
from arbsniper_tui.sim.venue_chaos import Struck, VenueChaos

TOPIC = Topic(3, "book")
START = Moment(1000 * NS_PER_S, 1_700_000_000 * NS_PER_S)


def after(seconds: float) -> Moment:
    return Moment(*(each + round(seconds * NS_PER_S) for each in START))


def spoil(flaw: Flaw) -> list[str]:
    return [flaw.name]


def sent(kind: Chaos, count: int, rate: float = 0.5, seed: int = 1) -> list[str]:
    """What becomes of so many numbered frames."""
    chaos = VenueChaos("okx", {kind: rate}, seed)
    return [str(each) for n in range(count) for each in chaos.frames(TOPIC, str(n), spoil, START)]


def begun(kind: Chaos) -> tuple[VenueChaos, Struck]:
    """A venue at which this has just begun."""
    struck: list[Struck] = []
    chaos = VenueChaos("okx", {kind: 1.0}, 1, struck.append)
    chaos.seen(Top(0, 1, 100, 5, 110, 6))
    tenths = 0
    while not struck:
        chaos.tick(after(tenths / 10))
        tenths += 1
    return chaos, struck[0]


def test_faults_are_read_with_and_without_a_rate() -> None:
    assert read_chaos("freeze:0.5, cut") == {Chaos.FREEZE: 0.5, Chaos.CUT: USUAL_RATE}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("frezze", r"found 'frezze', expected some of gap, .*; did you mean freeze\?"),
        ("", "found '', expected some of gap"),
        ("cut,", "found ''"),
        ("cut:0", r"found cut:0, expected a rate above 0 and up to 1, as in cut:0\.02"),
        ("cut:often", "found cut:often"),
        ("cut:nan", "found cut:nan"),
        ("cut:1.5", "found cut:1.5"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_can(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_chaos(text)


def test_a_plan_with_faults_crosses_to_the_process_that_plays_it() -> None:
    plan = SimWorkerPlan("sim", SimPlan(chaos={Chaos.CUT: 0.5}, chaos_seed=7), {"okx": 3}, truth=9)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=SimWorkerPlan) == plan


def test_a_gap_loses_frames_and_keeps_the_order_of_the_others() -> None:
    left = [int(each) for each in sent(Chaos.GAP, 200)]
    assert 50 < len(left) < 150
    assert left == sorted(left)


def test_a_double_follows_its_frame() -> None:
    frames = sent(Chaos.DUP, 200)
    assert set(map(int, frames)) == set(range(200))
    assert 250 < len(frames) < 350
    assert frames == sorted(frames, key=int)


def test_a_reordered_frame_comes_behind_the_next_one_and_none_is_lost() -> None:
    numbers = [int(each) for each in sent(Chaos.REORDER, 200)]
    assert sorted(numbers) == list(range(len(numbers))) and len(numbers) >= 199
    assert numbers != sorted(numbers)
    assert all(abs(number - place) <= 1 for place, number in enumerate(numbers))


def test_a_frame_held_back_is_not_sent_to_who_comes_later() -> None:
    chaos = VenueChaos("okx", {Chaos.REORDER: 1.0}, 1)
    assert chaos.frames(TOPIC, "old", spoil, START) == ()
    chaos.forget(TOPIC)
    assert chaos.frames(TOPIC, "new", spoil, START) == ()
    assert chaos.frames(TOPIC, "newer", spoil, START) == ("newer", "new")


@pytest.mark.parametrize(
    ("kind", "flaws"), [(Chaos.CROSS, {"CROSSED"}), (Chaos.GARBAGE, {"CUT", "SHAPE", "NAN", "NEGATIVE"})]
)
def test_bad_frames_come_behind_good_ones(kind: Chaos, flaws: set[str]) -> None:
    frames = sent(kind, 200)
    assert {each for each in frames if not each.isdigit()} == flaws
    assert [int(each) for each in frames if each.isdigit()] == list(range(200))
    assert frames[0].isdigit()


@pytest.mark.parametrize("kind", OF_FRAMES)
def test_the_same_seed_rolls_the_same_dice(kind: Chaos) -> None:
    assert sent(kind, 100) == sent(kind, 100)
    assert sent(kind, 100) != sent(kind, 100, seed=2)


def test_a_frozen_venue_repeats_its_prices_with_new_numbers_and_sizes() -> None:
    chaos, struck = begun(Chaos.FREEZE)
    shown = [chaos.seen(Top(0, serial, 200, 5, 210, 6)) for serial in (2, 3)]
    assert [(top.serial, top.bid_ticks, top.ask_ticks) for top in shown] == [(2, 100, 110), (3, 100, 110)]
    assert shown[0].bid_lots != shown[1].bid_lots
    _, ended = chaos.tick(Moment(struck.ends_ns, 0))
    assert Chaos.FREEZE in ended
    assert chaos.seen(Top(0, 4, 200, 5, 210, 6)) == Top(0, 4, 200, 5, 210, 6)


def test_a_skewed_clock_is_wrong_for_a_while_and_measures_spans_rightly() -> None:
    chaos, struck = begun(Chaos.SKEW)
    now = after(0.0)
    assert chaos.shifted(now) == (now.mono_ns, now.wall_ns + round(struck.amount_s * NS_PER_S))
    assert struck.amount_s != 0.0
    chaos.tick(Moment(struck.ends_ns, 0))
    assert chaos.shifted(now) == now


class Noted(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data).decode())

    def close(self) -> None:
        self.written.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.written


async def test_what_is_written_later_never_overtakes_what_waits(eventually) -> None:
    noted, waits_s = Noted(), [0.05, 0.0, 0.02, 0.0]
    late = LateTransport(noted, lambda: waits_s.pop(0))
    for data in (b"a", b"b", b"c"):
        late.write(data)
    late.close()
    assert noted.written == []
    await eventually(lambda: noted.written == ["a", "b", "c", "closed"])


def truth_of_btc() -> Truth:
    """An instrument with prices to two decimals that changed three times, a second apart."""
    instruments = list_instruments(SimPlan(venues=("okx",), bases=("BTC",)))
    truth = Truth(instruments)
    btc = next(each.id for each in instruments if each.symbol == "BTC/USDT")
    for second, ticks in enumerate((640_000, 640_100, 640_200)):
        truth.note(Top(btc, second, ticks, 1, ticks + 1, 1), START.mono_ns + second * NS_PER_S)
    return truth


def claim(price: float, since_s: float, until_s: float, *, is_ask: bool = False, symbol: str = "BTC/USDT") -> Claim:
    since_ms, until_ms = (round((START.wall_ns / NS_PER_S + each) * 1000) for each in (since_s, until_s))
    return Claim("okx", symbol, is_ask, price, since_ms, until_ms)


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        (claim(64_010.0, 1.5, 1.6), True),
        (claim(64_010.1, 1.5, 1.6, is_ask=True), True),
        (claim(64_010.1, 1.5, 1.6), False),
        (claim(64_010.0, 0.0, 0.9), False),
        (claim(64_010.1, 2.1, 9.0, is_ask=True), False),
        (claim(64_020.0, 50.0, 60.0), True),
        (claim(64_010.0, -5.0, 1.5), True),
        (claim(65_000.0, -5.0, 1.5), None),
        (claim(64_010.0, 1.5, 1.6, symbol="ETH/USDT"), None),
    ],
    ids=str,
)
def test_a_price_was_there_between_its_change_and_the_next(asked: Claim, verdict: bool | None) -> None:
    assert truth_of_btc().was_there(asked, START.wall_ns - START.mono_ns) is verdict


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        (claim(64_009.0, 1.5, 1.6), True),
        (claim(64_011.0, 1.5, 1.6), False),
        (claim(64_011.0, 1.5, 1.6, is_ask=True), True),
        (claim(64_009.0, 1.5, 1.6, is_ask=True), False),
    ],
    ids=str,
)
def test_a_price_that_was_better_would_have_filled_an_order_and_is_not_that_price(asked: Claim, verdict: bool) -> None:
    offset_ns = START.wall_ns - START.mono_ns
    assert truth_of_btc().was_there(asked, offset_ns) is verdict
    assert truth_of_btc().was_there(asked, offset_ns, exactly=True) is False


async def test_claims_are_answered_line_by_line_whatever_others_send() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(answer_claims(truth_of_btc(), listener))
    async with asyncio.timeout(DEADLINE_S):
        stray, scribbler = await asyncio.open_connection(*listener.getsockname()[:2])
        scribbler.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await stray.read() == b""
        reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        for _ in range(2):
            writer.write(msgspec.json.encode([claim(1.0, 0.0, 1.0), claim(2.0, 0.0, 1.0, symbol="none")]) + b"\n")
            assert len(msgspec.json.decode(await reader.readline())) == 2
    for each in (scribbler, writer):
        each.close()
    serving.cancel()
    await asyncio.wait([serving])
