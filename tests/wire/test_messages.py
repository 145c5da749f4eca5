"""Every message is read back as it was written, by the decoder of those who receive it."""

import inspect
from collections.abc import Callable
from typing import get_args

import msgspec
import pytest
from msgspec import Struct

from arbsniper_tui.model.fact import Funding, Mark
from arbsniper_tui.model.health import FeedHealth, FeedState, RedisHealth, RedisState, WorkerHealth
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.setting_change import SettingChange
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.model.verdict import Judgement
from arbsniper_tui.model.view import Invariants, NodeIntro, NodeStatus, QuoteRow, ReplayStatus, RouteRow, StageRow
from arbsniper_tui.wire import messages
from arbsniper_tui.wire.messages import (
    Alerts,
    ChangeSettings,
    Command,
    Done,
    Events,
    EventsSince,
    Facts,
    FromFeed,
    HealthReport,
    Hello,
    InstrumentsChanged,
    InvariantsReport,
    LauncherCommand,
    NameRoutes,
    Playback,
    QuoteBatch,
    Refused,
    ReloadSettings,
    Reply,
    SetMute,
    SetRules,
    SettingsChanged,
    SetVerdict,
    TapeReport,
    TapesEnded,
    TellAlerts,
    TellTerminals,
    View,
    Welcome,
    Withdrawn,
    WorkerNotice,
    WorkerReport,
    decode_command,
    decode_event,
    decode_from_feed,
    decode_launcher_command,
    decode_reply,
    decode_view,
    encode,
)

FEED = FeedHealth(
    "okx spot+perp",
    "okx",
    FeedState.LIVE,
    "fine",
    (1, 2),
    0.5,
    1.7e12,
    3,
    4,
    5,
    6,
    {"crossed": 1},
    {"BTC/USDT": Reason(ReasonCode.NOT_LISTED)},
    12.5,
)
WORKER = WorkerHealth("feed-okx", 4711, up=True, restarts=2, detail="killed")
SIGNAL = Signal(
    action="BUY_A_SELL_B",
    symbol="BTC/USDT",
    spread_pct=0.75,
    buy_price=0.1 + 0.2,
    sell_price=1e-9,
    profit_estimate=338.25,
    timestamp=1705670123459,
    detected_at=1705670123456,
    id="node-1",
    seq=17,
    state="close",
    buy_exchange="a",
    sell_exchange="b",
    buy_symbol="BTC/USDT",
    sell_symbol="BTC/USD",
    size=0.31,
    net_spread_pct=-0.05,
    net_profit=-23.1,
    buy_age_ms=3,
    sell_age_ms=41,
    buy_market=Market.SPOT,
    sell_market=Market.PERP,
    quote_rate=1.0002,
    duration_ms=12,
    best_spread_pct=0.9,
    reason="stale",
)
EVENT = Event(event="close", seq=3, timestamp=1705670123459, signal=SIGNAL)
STATUS = NodeStatus(0.5, "gross", 1000.5, 17, 2, 60.0, 1.7e12, 3, 4)
INTRO = NodeIntro(
    "host 7",
    "0.1",
    "live",
    7,
    (Instrument(0, "okx", "BTC/USDT", "BTC-USDT", "USDT", 0.1, rate_id=1, rate_inverted=True),),
    ("spot-spot",),
    2,
    5000.0,
    0.0,
    ("USD counts as USDT 1:1",),
)
REPLAY = ReplayStatus(1, 2**62, None, 2.5, True, False, 3, 4, {"crossed": 1}, ("ETH/USDT of okx",), 0.5)
FRAME = View(
    9,
    is_full=True,
    status=STATUS,
    quotes=(QuoteRow(0, 1.0, 2.0, 3.0, 4.0, 5.5, None, Reason(ReasonCode.STALE), 6),),
    routes=(RouteRow(0, 1, 0.5, -0.1, 0.3, Reason(ReasonCode.NET_BELOW, "", 0.1, 0.5), 12.0, 4),),
    feeds=(FEED,),
    workers=(WORKER,),
    redis=RedisHealth(RedisState.AWAY, "url", "127.0.0.1:6379", "refused", 3, 1, 0.4),
    stages=(StageRow("bus", 3, 1.0, 2.0, 3.0, (0, 1, 2)),),
    last_event=3,
    replay=REPLAY,
    invariants=Invariants(1, 2, 3, 4),
)

FROM_FEED = [
    QuoteBatch(2**62, 5, [Quote(0, 0.1, 1e-8, 0.2, 1e12, 1705670123459, 2**63 - 1), Quote(1, 1, 2, 3, 4)], [7, 8]),
    QuoteBatch(1, 2, []),
    Withdrawn(5, (1, 2, 3), Reason(ReasonCode.DISCONNECTED, words="\u00fc")),
    Facts(6, (Funding(0, 0.01, 1790121600000, 8.0), Funding(1, -0.5), Mark(0, 64000.5, 64001), Mark(1, 1e-9))),
    HealthReport("feed-okx", (FEED, FeedHealth("k", "kraken", FeedState.DOWN)), 12, sent_ns=99, pid=4711),
    InstrumentsChanged(5, (Instrument(2**48 - 1, "okx", "ETH/USDT", "ETH-USDT", "USDT", 0.1),), (3, 2**47)),
    TapesEnded(5, 100, {"unreadable": 2}, 97),
]
COMMANDS = [
    Hello(),
    SetRules(0.5),
    SetRules(basis="net"),
    SetVerdict("mexc", "WRT/USDT", Judgement.MULTIPLIER, 1000),
    SetMute(3, 4, True),
    NameRoutes(((0, 1), (2**48 - 1, 0))),
    EventsSince(5),
    WorkerNotice(WORKER),
    TellTerminals("big: BTC/USDT", ("bell", "desktop")),
    WorkerReport("alerts", 4711, "hook 1 sent"),
    InvariantsReport(Invariants(1, 2, 3, 4)),
    Playback(None, True),
    TapeReport(REPLAY),
]
TO_LAUNCHER = [
    ReloadSettings(),
    ChangeSettings({"signals.basis": "net", "alerts.rules.wide": None}, True),
    TellAlerts(),
]
REPLIES = [
    SettingsChanged((SettingChange("signals.basis", "gross", "net"),), ("feed did not answer yet",), True),
    Alerts({"wide": msgspec.Raw(encode([1, 2]))}, ("wide",)),
    Welcome(INTRO, FRAME),
    Events((EVENT,)),
    Events(()),
    Done(),
    Refused("threshold -1: expected more"),
    Playback(10.0),
]


@pytest.mark.parametrize(
    ("message", "decode"),
    [
        *((message, decode_from_feed) for message in FROM_FEED),
        *((message, decode_command) for message in COMMANDS),
        *((message, decode_launcher_command) for message in TO_LAUNCHER),
        *((message, decode_reply) for message in REPLIES),
        (FRAME, decode_view),
        (View(0, is_full=False, status=STATUS), decode_view),
        (EVENT, decode_event),
        (Event(event="heartbeat", seq=1, timestamp=2, signals=3), decode_event),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_message_is_read_back_as_it_was_written(message: Struct, decode: Callable[[bytes], Struct]) -> None:
    read = decode(encode(message))
    assert read == message
    assert type(read) is type(message)


def test_the_end_of_tapes_is_told_in_words() -> None:
    assert TapesEnded(5, 100, {}, 97).in_words == "100 frames played, 97 quotes"
    dropped = {"unreadable": 2, "crossed": 1}
    assert TapesEnded(5, 100, dropped, 97).in_words == "100 frames played, 97 quotes; dropped: 2 unreadable, 1 crossed"


def test_every_message_of_the_module_is_tried_here() -> None:
    declared = {
        each
        for _, each in inspect.getmembers(messages, inspect.isclass)
        if issubclass(each, Struct) and each.__module__ == messages.__name__
    }
    assert declared == {type(message) for message in [*FROM_FEED, *COMMANDS, *TO_LAUNCHER, *REPLIES, FRAME]}
    for union, samples in (
        (FromFeed, FROM_FEED),
        (Command, COMMANDS),
        (LauncherCommand, TO_LAUNCHER),
        (Reply, REPLIES),
    ):
        assert {type(sample) for sample in samples} == set(get_args(union))


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x91\xa3abc", encode(FRAME)])
def test_what_is_no_message_is_not_read_as_one(body: bytes) -> None:
    for decode in (decode_from_feed, decode_command):
        with pytest.raises(msgspec.DecodeError):
            decode(body)


def test_a_message_with_fields_that_came_later_is_read_by_those_who_do_not_know_them() -> None:
    later = msgspec.msgpack.decode(encode(SetRules(0.5, "net"))) + ["new"]
    assert decode_command(encode(later)) == SetRules(0.5, "net")


def test_a_quote_is_small_on_the_bus() -> None:
    assert len(encode(Quote(3, 64210.01, 1.25, 64210.02, 0.5, 1785121247583, 400900217))) < 64
