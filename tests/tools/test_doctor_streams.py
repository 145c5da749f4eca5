"""`doctor` subscribes: simulated venues that work, that refuse, and that hang at each stage."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from feeds.made_up_venues import LIST, TokenVenue
from msgspec.structs import replace
from raw_venues import RawVenue
from simulated_venues import SimulatedVenues, simulated_venues

from arbsniper_tui.config.load import load_settings
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.sim.fault import FaultKind
from arbsniper_tui.sim.plan import BASES
from arbsniper_tui.sim.registry import SIMULATED
from arbsniper_tui.tools.doctor import streams as doctor_streams
from arbsniper_tui.tools.doctor.checks import Finding
from arbsniper_tui.tools.doctor.seen import Awaited, Seen, finding_of
from arbsniper_tui.tools.doctor.streams import Stream, check_streams
from arbsniper_tui.universe.instruments import feed_specs, instruments_of
from arbsniper_tui.venues import VENUES

Eventually = Callable[..., Awaitable[object]]

GENEROUS_S = 60.0
BTC = Instrument(0, "made-up", "BTC/USDT", "BTC-USDT", "USDT", 0.1)


@pytest.fixture
def simulated() -> Iterator[SimulatedVenues]:
    with simulated_venues(*SIMULATED) as venues:
        yield venues


def settings_of(simulated: SimulatedVenues, tmp_path: Path, *venues: str) -> Settings:
    path = tmp_path / "f.toml"
    path.write_text("".join(map(simulated.table, venues)))
    return load_settings(path, {}, {}).settings


def stream_of(settings: Settings, market: Market) -> Stream:
    (venue,) = settings.venues
    declared = settings.market_of(venue, market)
    assert declared is not None
    (spec,) = (spec for spec in feed_specs(instruments_of(settings), settings) if spec.market is market)
    return Stream(VENUES[venue], spec, declared, GENEROUS_S)


def token_stream(port: int) -> Stream:
    here = f"127.0.0.1:{port}"
    declared = replace(TokenVenue.markets[0], ws_url=f"ws://{here}", rest_url=f"http://{here}")
    token = f"http://{here}{declared.endpoint_path}"
    ws_url, list_url = f"ws://{here}/ws", f"http://{here}/list"
    spec = FeedSpec("made-up", "made-up", Market.SPOT, ws_url, list_url, (BTC,), endpoint_url=token)
    return Stream(TokenVenue(), spec, declared, GENEROUS_S)


@asynccontextmanager
async def looking(stream: Stream) -> AsyncIterator[Stream]:
    """The stream while it is looked at, which ends when the test has seen enough."""
    task = asyncio.create_task(stream.look())
    yield stream
    task.cancel()
    await asyncio.wait([task])


def test_every_market_of_every_venue_tells_its_times_and_its_streams(
    simulated: SimulatedVenues, tmp_path: Path
) -> None:
    said: list[str] = []
    found = check_streams(settings_of(simulated, tmp_path, *SIMULATED), said.append, GENEROUS_S)
    markets = {f"{venue} {each.market}" for venue in SIMULATED for each in VENUES[venue].markets}
    assert {finding.check for finding in found} == markets
    for finding in found:
        assert finding.verdict == "ok", finding
        for words in ("connected in ", "first quote after ", "round trip ", "clock ", " streams"):
            assert words in finding.found
    assert len(said) == len(markets)
    assert f"({len(markets)} of {len(markets)} markets)" in said[-1]


def test_streams_of_a_pattern_are_counted_in_the_list_of_the_venue(simulated: SimulatedVenues, tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    table = simulated.table("okx").partition("symbols")[0]
    path.write_text(f"{table}symbols = ['*/USDT:USDT']\n")
    (finding,) = check_streams(load_settings(path, {}, {}).settings, lambda said: None, GENEROUS_S)
    assert (finding.check, finding.verdict) == ("okx perp", "ok"), finding
    assert f"{len(BASES)} of 100 streams" in finding.found


def test_a_symbol_that_is_refused_is_named_with_the_words_of_the_venue(
    simulated: SimulatedVenues, tmp_path: Path
) -> None:
    simulated.fail("kraken", FaultKind.REJECT, "BTC/USD")
    (finding,) = check_streams(settings_of(simulated, tmp_path, "kraken"), lambda said: None, GENEROUS_S)
    assert finding.verdict == "fail"
    assert "expected a quote of BTC/USD, found a refusal of each (BTC/USD: " in finding.found


def test_a_list_in_which_nothing_trades_is_told_as_such(simulated: SimulatedVenues, tmp_path: Path) -> None:
    simulated.fail("okx", FaultKind.HALT, "BTC-USDT-SWAP")
    settings = settings_of(simulated, tmp_path, "okx")
    perp, spot = check_streams(settings, lambda said: None, GENEROUS_S)
    assert (perp.verdict, spot.verdict) == ("fail", "ok")
    assert "expected its list of instruments, found expected one of BTC-USDT-SWAP that trades" in perp.found


@pytest.mark.parametrize(
    ("venue", "market", "kind", "awaited", "words"),
    [
        ("okx", Market.PERP, FaultKind.SLOW, Awaited.LIST, "expected its list of instruments, found none within 60 s"),
        ("kraken", Market.SPOT, FaultKind.SLOW, Awaited.CONNECTION, "expected a WebSocket, found none within 60 s"),
        ("okx", Market.SPOT, FaultKind.STALL, Awaited.QUOTE, "expected a quote of BTC-USDT, found none within 60 s"),
    ],
)
async def test_a_venue_that_hangs_is_told_by_the_stage_at_which_it_hangs(
    simulated: SimulatedVenues,
    tmp_path: Path,
    eventually: Eventually,
    venue: str,
    market: Market,
    kind: FaultKind,
    awaited: Awaited,
    words: str,
) -> None:
    await asyncio.to_thread(simulated.fail, venue, kind)
    async with looking(stream_of(settings_of(simulated, tmp_path, venue), market)) as stream:
        await eventually(lambda: stream.seen.awaited is awaited)
    finding = finding_of(stream.seen)
    assert (finding.check, finding.verdict, finding.advice) == (f"{venue} {market}", "fail", awaited.advice)
    assert finding.found.startswith("127.0.0.1:") and words in finding.found


async def test_a_venue_that_does_not_say_where_to_connect_is_told_as_such(
    serve_raw: Callable, eventually: Eventually
) -> None:
    asked = asyncio.Event()

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    async with serve_raw(never_answer) as port, looking(token_stream(port)) as stream:
        await eventually(asked.is_set)
    assert "expected where to connect, found none within" in finding_of(stream.seen).found


async def test_a_venue_that_does_not_greet_is_told_as_such(eventually: Eventually) -> None:
    with RawVenue() as raw:
        token = {"token": "t", "endpoint": f"ws://127.0.0.1:{raw.port}/stream", "pingInterval": 20}
        raw.rest[TokenVenue.markets[0].endpoint_path] = json.dumps(token).encode()
        raw.rest["/list"] = LIST
        async with looking(token_stream(raw.port)) as stream:
            await eventually(lambda: raw.targets and stream.seen.awaited is Awaited.GREETING)
        assert "expected its greeting, found none within" in finding_of(stream.seen).found


def test_all_venues_together_take_the_time_of_one_whatever_hangs(
    simulated: SimulatedVenues, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    resolve = socket.getaddrinfo

    def silent(host: str, *arguments: object, **hints: object) -> object:
        released.wait(GENEROUS_S)
        return resolve(host, *arguments, **hints)

    for venue, kind in zip(SIMULATED, (FaultKind.SLOW, FaultKind.STALL) * len(SIMULATED), strict=False):
        simulated.fail(venue, kind)
    path = tmp_path / "f.toml"
    # An address needs no name server: half of the venues hang there, the others later.
    tables = [simulated.table(venue).replace("127.0.0.1", "localhost") for venue in SIMULATED[::2]]
    path.write_text("".join((*tables, *map(simulated.table, SIMULATED[1::2]))))
    settings = load_settings(path, {}, {}).settings
    monkeypatch.setattr(doctor_streams.socket, "getaddrinfo", silent)
    try:
        found = check_streams(settings, lambda said: None, 0.05)
    finally:
        released.set()
    assert {finding.check.partition(" ")[0] for finding in found} == set(SIMULATED)
    assert "ok" not in {finding.verdict for finding in found}


SOUND = Seen(
    "okx spot",
    ws_host="h:1",
    rest_host="r:2",
    within_s=8.0,
    streams=12,
    streams_a_connection=100,
    most_connections=None,
    frames=3,
    connected_ms=20.0,
    first_ms=31.0,
    rtt_ms=10.0,
    lag_ms=8.0,
)


def found_with(**values: object) -> Finding:
    return finding_of(replace(SOUND, **values))


def test_what_was_measured_is_told_in_one_line() -> None:
    told = "connected in 20 ms, first quote after 31 ms; round trip 10 ms; clock +3 ms; 12 of 100 streams"
    assert found_with() == Finding("okx spot", "ok", told)


@pytest.mark.parametrize(
    ("lag_ms", "dated_ms", "verdict", "words"),
    [
        (5.0, None, "ok", "clock +0 ms"),
        (-3005.0, None, "warn", "clock -3.0 s"),
        (9000.0, (-400.0, 600.0), "ok", "clock right to a second"),
        (9000.0, (8000.0, 9000.0), "warn", "clock +8.0 s"),
        (None, (-400.0, 600.0), "ok", "clock right to a second"),
        (None, (300.0, 1300.0), "ok", "clock +0.3 s"),
        (None, (-5000.0, -4000.0), "warn", "clock -4.0 s"),
        (None, None, "ok", "no time told"),
    ],
)
def test_the_clock_is_judged_by_quotes_and_by_the_date_where_these_may_be_old(
    lag_ms: float | None, dated_ms: tuple[float, float] | None, verdict: str, words: str
) -> None:
    finding = found_with(lag_ms=lag_ms, dated_ms=dated_ms)
    assert finding.verdict == verdict and words in finding.found
    assert ("synchronise" in finding.advice) == (verdict == "warn")


@pytest.mark.parametrize(
    ("streams", "most", "verdict", "words"),
    [
        (100, 5, "ok", "100 of 100 streams"),
        (250, None, "ok", "250 streams on 3 connections of 100"),
        (250, 5, "ok", "250 streams on 3 of 5 connections of 100"),
        (501, 5, "warn", "501 streams on 6 of 5 connections of 100"),
    ],
)
def test_streams_are_told_against_the_limits_of_the_venue(
    streams: int, most: int | None, verdict: str, words: str
) -> None:
    finding = found_with(streams=streams, most_connections=most)
    assert finding.verdict == verdict and finding.found.endswith(words)
    assert ("fewer symbols" in finding.advice) == (verdict == "warn")


def test_a_ping_that_nobody_answers_is_no_fault() -> None:
    finding = found_with(rtt_ms=None)
    assert finding.verdict == "ok" and "no answer to a ping" in finding.found


def test_no_change_of_a_quiet_symbol_is_a_warning_where_the_venue_tells_changes_alone() -> None:
    quiet = found_with(first_ms=None, awaited=Awaited.QUOTE, asked=("A", "B"), tells_changes_alone=True)
    assert (quiet.verdict, quiet.found) == (
        "warn",
        "h:1: expected a quote of A, B, found none within 8 s (3 frames, none with a quote)",
    )
    refused = found_with(first_ms=None, awaited=Awaited.QUOTE, asked=("A",), tells_changes_alone=True, words="A: no")
    assert (refused.verdict, refused.found) == ("fail", "h:1: expected a quote of A, found none within 8 s (A: no)")


def test_the_host_is_told_once() -> None:
    finding = found_with(first_ms=None, fault="h:1: connection refused")
    assert finding.found == "h:1: expected a WebSocket, found connection refused"
