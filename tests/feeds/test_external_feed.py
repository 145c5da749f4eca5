"""What a feed of ticks from outside makes of them: ages by two clocks, counts, last trades, states."""

import logging
from collections.abc import Collection, Sequence

import msgspec
import pytest
from tick_sender import HOUR_MS

from arbsniper_tui.feeds.external_feed import ExternalFeed, Listening, dated_receipt_ns
from arbsniper_tui.feeds.tick_worker import TickIntake
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.model.fact import Fact
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.health import FeedState
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.runtime.limited_log import LimitedLog
from arbsniper_tui.venues.external import read_tick

WALL_MS = 1_705_670_123_456
READ_NS = 50_000_000_000_000
IPC = Listening("ipc:///run/ticks", senders=1, accepted=1)
SECOND_NS = 1_000_000_000


class Sent:
    """An outlet that keeps what it is told."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[Quote], int, list[int]]] = []
        self.withdrawn: list[Withdrawal] = []
        self.changes = 0

    def quotes(self, quotes: Sequence[Quote], ts_read_ns: int, recv_ns: Sequence[int] = ()) -> None:
        self.batches.append((list(quotes), ts_read_ns, list(recv_ns)))

    def withdraw(self, withdrawal: Withdrawal, at_ns: int) -> None:
        self.withdrawn.append(withdrawal)

    def facts(self, facts: Sequence[Fact], at_ns: int) -> None:
        raise AssertionError("ticks tell no facts")

    def change_instruments(self, added: Sequence[Instrument], removed: Collection[int]) -> None:
        raise AssertionError("its instruments are those of the settings")

    def health_changed(self) -> None:
        self.changes += 1


def made_feed(
    outlet: Sent, exchange: str = "acme", symbols: Sequence[str] = ("BTC/USDT", "ETH/USDT"), first_id: int = 0
) -> ExternalFeed:
    instruments = tuple(
        Instrument(first_id + number, exchange, symbol, symbol, "USDT", 0.1) for number, symbol in enumerate(symbols)
    )
    spec = FeedSpec(f"{exchange} spot", exchange, Market.SPOT, f"ticks://{exchange}", "", instruments)
    return ExternalFeed(
        spec, outlet, FeedTimings(), LimitedLog(logging.getLogger(__name__)), wall_s=lambda: WALL_MS / 1000
    )


def tick_bytes(symbol: str = "BTC/USDT", bid: float = 100.0, late_ms: int | None = 0, **others: object) -> bytes:
    said = {"exchange": "acme", "symbol": symbol, "bid": bid, "ask": bid + 1, "bid_size": 1, "ask_size": 1}
    if late_ms is not None:
        said["timestamp"] = WALL_MS - late_ms
    return msgspec.json.encode(said | others)


def take(feed: ExternalFeed, *bodies: bytes, read_ns: int = READ_NS, as_old_as_ns: int = 0) -> None:
    for body in bodies:
        feed.take(read_tick(body), body)
    feed.settle(read_ns, WALL_MS, as_old_as_ns)


@pytest.mark.parametrize(
    ("late_ms", "age_ms"),
    [
        pytest.param(0, 0, id="of now"),
        pytest.param(70, 70, id="a little late"),
        pytest.param(HOUR_MS, HOUR_MS, id="a clock an hour behind"),
        pytest.param(-HOUR_MS, 0, id="a clock an hour ahead"),
        pytest.param(None, 0, id="no time"),
    ],
)
def test_an_age_counts_from_the_older_of_time_and_receipt(late_ms: int | None, age_ms: int) -> None:
    sent = Sent()
    take(made_feed(sent), tick_bytes(late_ms=late_ms))
    [(_, read_ns, recv_ns)] = sent.batches
    assert (read_ns, recv_ns) == (READ_NS, [READ_NS - age_ms * 1_000_000])


def test_after_a_pause_of_this_process_nothing_is_younger_than_the_pause() -> None:
    sent = Sent()
    bodies = tick_bytes(late_ms=None), tick_bytes("ETH/USDT", late_ms=30_000)
    take(made_feed(sent), *bodies, as_old_as_ns=READ_NS - 20 * SECOND_NS)
    assert sent.batches[0][2] == [READ_NS - 20 * SECOND_NS, READ_NS - 30 * SECOND_NS]


def test_a_time_is_compared_in_whole_ms_so_that_none_is_younger_than_its_receipt() -> None:
    quote = Quote(0, 1.0, 1.0, 2.0, 1.0, WALL_MS)
    assert dated_receipt_ns(quote, READ_NS, WALL_MS - 1) == dated_receipt_ns(quote, READ_NS, WALL_MS) == READ_NS
    assert dated_receipt_ns(quote, READ_NS, WALL_MS + 1) == READ_NS - 1_000_000


def test_of_the_ticks_at_hand_the_newest_of_each_symbol_goes_on() -> None:
    sent = Sent()
    feed = made_feed(sent)
    take(feed, *(tick_bytes(bid=100.0 + number) for number in range(50)), tick_bytes("ETH/USDT", bid=5.0))
    [(quotes, _, _)] = sent.batches
    assert [(quote.instrument_id, quote.bid) for quote in quotes] == [(0, 149.0), (1, 5.0)]
    assert (feed.counts.frames, feed.counts.quotes, feed.counts.superseded) == (51, 51, 49)


def test_a_tick_older_than_the_one_held_is_dropped_until_the_sender_clearly_began_anew() -> None:
    sent = Sent()
    feed = made_feed(sent)
    take(feed, tick_bytes(late_ms=-HOUR_MS))
    for late_ms in (0, -1, -2):
        take(feed, tick_bytes(late_ms=late_ms))
    assert feed.counts.dropped == {"older than the quote held": 2, "the venue's numbers began again": 1}
    assert len(sent.batches) == len(sent.withdrawn) == 1
    take(feed, tick_bytes(late_ms=-3))
    assert len(sent.batches) == 2


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"ask": 99.0}, "crossed"),
        ({"bid": 0, "ask": 1}, "no bid"),
        ({"ask": 0}, "no ask"),
        ({"bid": -1.0}, "invalid bid"),
        ({"bid_size": None}, "invalid size"),
        ({"ask_size": 0}, "invalid size"),
    ],
)
def test_a_tick_that_cannot_be_believed_withdraws_its_instrument(others: dict[str, object], reason: str) -> None:
    sent = Sent()
    feed = made_feed(sent)
    take(feed, tick_bytes())
    take(feed, tick_bytes(**others))
    assert feed.counts.dropped == {reason: 1}
    assert [each.instrument_ids for each in sent.withdrawn] == [(0,)]


def test_a_last_trade_is_shown_and_makes_no_quote() -> None:
    sent = Sent()
    feed = made_feed(sent)
    take(feed, b'{"exchange":"acme","symbol":"BTC/USDT","price":65000.5}')
    health = feed.health(READ_NS, IPC)
    assert sent.batches == sent.withdrawn == []
    assert health.state is FeedState.SUBSCRIBED
    assert health.detail == "external, last tick 0 s ago, last trades only: BTC/USDT 65000.5"
    assert (health.frames, health.quotes) == (1, 0)
    take(feed, tick_bytes())
    assert feed.health(READ_NS, IPC).detail == "external, last tick 0 s ago, 1 of 2 have no quote yet"


def test_its_states_follow_from_its_quotes() -> None:
    sent = Sent()
    feed = made_feed(sent, symbols=("BTC/USDT",))
    assert feed.health(READ_NS, Listening("ipc:///run/ticks", "cannot listen: why")).state is FeedState.DOWN
    waiting = feed.health(READ_NS, Listening("ipc:///run/ticks"))
    assert waiting.state is FeedState.SUBSCRIBED
    assert waiting.detail == "external, no tick yet on ipc:///run/ticks, no sender is connected"
    take(feed, tick_bytes())
    assert sent.changes == 1
    assert feed.health(READ_NS + SECOND_NS, IPC).state is FeedState.LIVE
    silent = feed.health(READ_NS + 20 * SECOND_NS, IPC)
    assert (silent.state, silent.detail) == (FeedState.SILENT, "external, last tick 20 s ago")
    assert silent.since_ms == WALL_MS - 20_000
    take(feed, tick_bytes(), read_ns=READ_NS + 21 * SECOND_NS)
    assert feed.health(READ_NS + 21 * SECOND_NS, IPC).state is FeedState.LIVE


def test_tcp_and_a_wrong_clock_are_told_where_the_feed_is_shown() -> None:
    feed = made_feed(Sent(), symbols=("BTC/USDT",))
    take(feed, tick_bytes(late_ms=-HOUR_MS))
    ahead = feed.health(READ_NS, Listening("tcp://127.0.0.1:5555", senders=1))
    assert "any user of this machine can send by TCP" in ahead.detail
    assert "its clock is 3600 s ahead: ages count from receipt" in ahead.detail
    feed = made_feed(Sent(), symbols=("BTC/USDT",))
    take(feed, tick_bytes(late_ms=HOUR_MS))
    assert feed.health(READ_NS, IPC).lag_ms == HOUR_MS


def test_what_belongs_to_no_feed_is_counted_at_the_first() -> None:
    sent = Sent()
    acme, zeta = made_feed(sent), made_feed(sent, "zeta", first_id=10)
    intake = TickIntake((acme, zeta))
    intake.take(b"[%s,5,{}]" % tick_bytes(exchange="ZETA"))
    for message in (
        b"\xff",
        tick_bytes(exchange="b\x1b[2Jad\u202e\n"),
        tick_bytes("DOGE/USDT"),
        tick_bytes("\x00", exchange="zeta"),
    ):
        intake.take(message)
    intake.settle(READ_NS, WALL_MS, 0)
    assert acme.counts.dropped == {"unreadable tick": 3, "unknown exchange": 1, "unknown symbol": 1}
    assert zeta.counts.dropped == {"unknown symbol": 1}
    assert [quote.instrument_id for batch, _, _ in sent.batches for quote in batch] == [10]


def test_what_holds_no_tick_is_work_all_the_same_so_that_a_flood_of_it_ends_a_turn() -> None:
    intake = TickIntake((made_feed(Sent()),))
    assert intake.take(b"[]") == intake.take(b"") == 1
    assert intake.take(b"[" + b"0," * 100_000 + b"0]") == intake.take(b" " * 200_003) == 2000
    assert intake.take(b"[%s]" % b",".join([tick_bytes()] * 500)) >= 500


def test_hostile_names_are_logged_in_visible_letters(caplog: pytest.LogCaptureFixture) -> None:
    intake = TickIntake((made_feed(Sent()),))
    for message in (tick_bytes(exchange="b\x1b[2J\n" * 1000), tick_bytes("\x1b[2J\u202e" * 1000), b"\x1b[2J\n" * 1000):
        intake.take(message)
    assert len(caplog.messages) == 3
    assert all(each.isprintable() and len(each) < 1200 for each in caplog.messages)
