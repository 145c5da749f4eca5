"""The feed's end of the bus on real sockets: it never waits, and the last word on each instrument arrives."""

import threading
from collections.abc import Callable, Iterator
from random import Random

import pytest

from arbsniper_tui.model.fact import Fact, Funding, Mark
from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.inbox import Inbox
from arbsniper_tui.wire.messages import (
    Facts,
    FromFeed,
    HealthReport,
    QuoteBatch,
    TapesEnded,
    Withdrawn,
    decode_from_feed,
)
from arbsniper_tui.wire.sender import LosslessSender, QuoteSender

WaitUntil = Callable[[Callable[[], object]], None]

MORE_THAN_FITS = 3000
MOST_UNDER_WAY = 514
"""Messages that the bus may hold before the newest state wins."""


def quote(i: int, price: float) -> Quote:
    return Quote(i, price, 1.0, price + 1, 1.0)


class Reader:
    """The spread worker's end, once it is there."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.inbox = Inbox(endpoints.quotes, usual_wait_ms=5)
        self.messages: list[FromFeed] = []

    def take(self) -> None:
        """All that has come, until nothing more does for a moment."""
        self.inbox.admit()
        while (body := self.inbox.receive(5)) is not None:
            self.messages.append(decode_from_feed(body))

    def has_ended(self) -> bool:
        self.take()
        return bool(self.messages) and isinstance(self.messages[-1], TapesEnded)

    @property
    def quotes(self) -> list[Quote]:
        return [quote for message in self.messages if isinstance(message, QuoteBatch) for quote in message.quotes]

    @property
    def states(self) -> dict[int, float | Reason]:
        """The last word on each instrument: its bid, or why it is withdrawn."""
        states: dict[int, float | Reason] = {}
        for message in self.messages:
            if isinstance(message, QuoteBatch):
                states.update({quote.instrument_id: quote.bid for quote in message.quotes})
            elif isinstance(message, Withdrawn):
                states.update(dict.fromkeys(message.instrument_ids, message.reason))
        return states


@pytest.fixture
def sender(endpoints: Endpoints) -> Iterator[QuoteSender]:
    sender = QuoteSender(endpoints.quotes)
    yield sender
    sender.close()


@pytest.fixture
def drain(endpoints: Endpoints, sender: QuoteSender, wait_until: WaitUntil) -> Iterator[Callable[[], Reader]]:
    """Lets a reader come, and flushes until nothing is held and nothing is under way."""
    readers: list[Reader] = []

    def drain() -> Reader:
        if not readers:
            readers.append(Reader(endpoints))
        (reader,) = readers
        marker = f"drained {len(reader.messages)}"
        # What is sent from here on comes after all that was sent before.
        sender.report(HealthReport(marker, ()))

        def has_come() -> bool:
            sender.flush()
            reader.take()
            return any(isinstance(each, HealthReport) and each.worker == marker for each in reader.messages)

        wait_until(has_come)
        assert not sender.is_holding
        return reader

    yield drain
    for reader in readers:
        reader.inbox.close()


def fill(sender: QuoteSender, instrument_id: int) -> int:
    """Send quotes until one has to be held back, and say how many left."""
    for number in range(MORE_THAN_FITS):
        sender.send_quotes([quote(instrument_id, 1.0)], 1)
        if sender.is_holding:
            return number
    raise AssertionError("the bus takes everything")


def test_quotes_of_one_read_cross_in_one_message(sender: QuoteSender, drain: Callable[[], Reader]) -> None:
    reader = drain()
    sender.send_quotes([quote(0, 1.0), quote(1, 2.0)], 77)
    sender.send_quotes([quote(0, 3.0)], 88)
    drain()
    first, second = (each for each in reader.messages if isinstance(each, QuoteBatch))
    assert (first.ts_read_ns, first.quotes, first.recv_ns) == (77, [quote(0, 1.0), quote(1, 2.0)], [])
    assert (second.ts_read_ns, second.quotes, second.recv_ns) == (88, [quote(0, 3.0)], [])
    assert first.ts_parsed_ns > 0
    assert not sender.conflated


def test_without_a_reader_the_newest_of_each_instrument_waits_and_the_older_are_counted(
    sender: QuoteSender, drain: Callable[[], Reader]
) -> None:
    sent = 300
    for number in range(sent):
        sender.send_quotes([quote(number % 3, float(number + 1))], number)
    assert sender.is_holding
    reader = drain()
    assert reader.quotes == [quote(0, 298.0), quote(1, 299.0), quote(2, 300.0)]
    assert sender.conflated == sent - 3
    feed = FeedHealth("okx spot", "okx", FeedState.LIVE, instrument_ids=(0, 2), conflated=1)
    assert sender.with_conflated(feed).conflated == 1 + 2 * (sent // 3 - 1)
    other = FeedHealth("kraken spot", "kraken", FeedState.LIVE)
    assert sender.with_conflated(other).conflated == 0
    assert sender.with_conflated(other, {1}).conflated == sent // 3 - 1, "of an instrument that it had before"


def test_while_the_reader_is_behind_the_newest_of_each_instrument_waits_and_the_older_are_counted(
    sender: QuoteSender, drain: Callable[[], Reader]
) -> None:
    reader = drain()
    sent = MORE_THAN_FITS
    for number in range(sent):
        sender.send_quotes([quote(number % 3, float(number + 1))], number)
    assert sender.is_holding
    assert sender.conflated > sent - MOST_UNDER_WAY
    drain()
    assert reader.states == {0: 2998.0, 1: 2999.0, 2: 3000.0}
    assert len(reader.quotes) + sender.conflated == sent


def test_held_quotes_keep_the_time_of_their_own_receipt(sender: QuoteSender, drain: Callable[[], Reader]) -> None:
    drain()
    fill(sender, 9)
    sender.send_quotes([quote(0, 5.0)], 1000)
    sender.send_quotes([quote(1, 6.0)], 2000)
    sender.send_quotes([quote(0, 7.0)], 3000)
    (batch,) = [
        each
        for each in drain().messages
        if isinstance(each, QuoteBatch) and any(q.instrument_id == 0 for q in each.quotes)
    ]
    received = {quote.instrument_id: at_ns for quote, at_ns in zip(batch.quotes, batch.recv_ns, strict=True)}
    assert received == {9: 1, 1: 2000, 0: 3000}
    assert batch.ts_read_ns == 1


def test_a_withdrawal_never_overtakes_the_quote_before_it(sender: QuoteSender, drain: Callable[[], Reader]) -> None:
    drain()
    for number in range(fill(sender, 9)):
        sender.send_quotes([quote(0, float(number + 1)), quote(1, 1.0)], number)
    sender.withdraw(Withdrawal((0, 1), Reason(ReasonCode.DISCONNECTED)), 5000)
    sender.send_quotes([quote(1, 2.0)], 6000)
    reader = drain()
    assert reader.states == {9: 1.0, 0: Reason(ReasonCode.DISCONNECTED), 1: 2.0}
    withdrawn = [each for each in reader.messages if isinstance(each, Withdrawn)]
    assert [(each.instrument_ids, each.at_ns) for each in withdrawn] == [((0,), 5000)]


def test_a_withdrawal_waits_behind_what_is_held_though_there_is_room_again(
    sender: QuoteSender, drain: Callable[[], Reader], wait_until: WaitUntil
) -> None:
    reader = drain()
    under_way = len(reader.messages) + fill(sender, 0)
    sender.send_quotes([quote(0, 2.0)], 2)

    def has_made_room() -> bool:
        reader.take()
        return len(reader.messages) >= under_way

    wait_until(has_made_room)
    assert sender.is_holding
    sender.withdraw(Withdrawal((0,), Reason(ReasonCode.DISCONNECTED)), 5000)
    drain()
    assert reader.states == {0: Reason(ReasonCode.DISCONNECTED)}


def test_a_held_withdrawal_leaves_before_quotes_that_could_be_judged_against_its_price(
    sender: QuoteSender, drain: Callable[[], Reader]
) -> None:
    reader = drain()
    sender.send_quotes([quote(0, 1.0)], 1)
    drain()
    before = len(reader.messages)
    sender.pause()
    sender.withdraw(Withdrawal((0,), Reason(ReasonCode.DISCONNECTED)), 2)
    sender.send_quotes([quote(1, 1.0)], 3)
    sender.resume()
    drain()
    assert [type(each) for each in reader.messages[before : before + 2]] == [Withdrawn, QuoteBatch]


def test_a_withdrawal_that_finds_room_goes_at_once(sender: QuoteSender, drain: Callable[[], Reader]) -> None:
    reader = drain()
    before = len(reader.messages)
    sender.send_quotes([quote(0, 1.0)], 1)
    sender.withdraw(Withdrawal((0, 3), Reason(ReasonCode.CROSSED)), 2)
    assert not sender.is_holding
    drain()
    assert [type(each) for each in reader.messages[before : before + 2]] == [QuoteBatch, Withdrawn]


def test_whatever_was_said_last_of_an_instrument_is_what_arrives_last(
    sender: QuoteSender, drain: Callable[[], Reader]
) -> None:
    random = Random(20240808)
    expected: dict[int, float | Reason] = {}
    for number in range(4000):
        ids = random.sample(range(6), random.randint(1, 3))
        if random.random() < 0.3:
            sender.withdraw(Withdrawal(tuple(ids), Reason(ReasonCode.NO_PONG, measured=float(number))), number)
            expected.update(dict.fromkeys(ids, Reason(ReasonCode.NO_PONG, measured=float(number))))
        else:
            sender.send_quotes([quote(i, float(number + 1)) for i in ids], number)
            expected.update(dict.fromkeys(ids, float(number + 1)))
        if number % 1000 == 999:
            assert drain().states == expected


def test_of_several_reports_of_a_worker_the_newest_arrives(sender: QuoteSender, drain: Callable[[], Reader]) -> None:
    drain()
    fill(sender, 0)
    for conflated in range(5):
        sender.report(HealthReport("feed-okx", (FeedHealth("okx", "okx", FeedState.LIVE),), conflated))
    reports = [each for each in drain().messages if isinstance(each, HealthReport) and each.worker == "feed-okx"]
    assert [report.conflated for report in reports] == [4]


def test_a_report_that_was_held_never_follows_a_newer_one(
    sender: QuoteSender, drain: Callable[[], Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    drain()
    with monkeypatch.context() as full:
        full.setattr(sender._push, "send", lambda body: False)
        sender.report(HealthReport("feed-okx", (), 1))
    sender.report(HealthReport("feed-okx", (), 2))  # room has come, and no flush yet
    reports = [each for each in drain().messages if isinstance(each, HealthReport) and each.worker == "feed-okx"]
    assert [report.conflated for report in reports] == [2]


def test_a_reader_that_begins_anew_is_told_the_last_word_on_every_instrument(
    endpoints: Endpoints, sender: QuoteSender, drain: Callable[[], Reader], wait_until: WaitUntil
) -> None:
    reader = drain()
    sender.send_quotes([quote(0, 1.0), quote(1, 1.0)], 100)
    sender.withdraw(Withdrawal((2,), Reason(ReasonCode.DISCONNECTED)), 200)
    sender.send_quotes([quote(1, 2.0)], 300)
    drain()
    reader.inbox.close()
    anew = Reader(endpoints)

    def knows_all() -> bool:
        sender.report(HealthReport("feed", ()))
        sender.flush()
        anew.take()
        return len(anew.states) == 3

    wait_until(knows_all)
    assert anew.states == {0: 1.0, 1: 2.0, 2: Reason(ReasonCode.DISCONNECTED)}
    (batch,) = (each for each in anew.messages if isinstance(each, QuoteBatch))
    assert dict(zip((q.instrument_id for q in batch.quotes), batch.recv_ns, strict=True)) == {0: 100, 1: 300}
    anew.inbox.close()


def test_nothing_waits_for_a_reader_that_never_comes(sender: QuoteSender) -> None:
    for number in range(MORE_THAN_FITS):
        sender.send_quotes([quote(0, float(number + 1))], number)
        sender.withdraw(Withdrawal((1,), Reason(ReasonCode.DISCONNECTED, words="x")), number)
        sender.flush()
    assert sender.is_holding


def test_who_asked_to_be_told_is_told_that_something_is_held(endpoints: Endpoints) -> None:
    told: list[str] = []
    sender = QuoteSender(endpoints.quotes, on_holding=lambda: told.append("holding"))
    sender.send_quotes([quote(0, 1.0)], 1)
    sender.report(HealthReport("feed", ()))
    sender.close()
    assert told == ["holding"] * 2


def test_a_lossless_sender_waits_and_loses_nothing(endpoints: Endpoints, wait_until: WaitUntil) -> None:
    sent = 2 * MORE_THAN_FITS
    sender = LosslessSender(endpoints.quotes)

    def play() -> None:
        for number in range(sent):
            sender.send(Withdrawn(number, (0,), Reason(ReasonCode.DISCONNECTED, words="x" * (number % 500))))
        sender.send(TapesEnded(sent, sent, {}))

    player = threading.Thread(target=play, daemon=True)
    player.start()
    reader = Reader(endpoints)
    wait_until(reader.has_ended)
    player.join(20)
    assert not player.is_alive()
    reader.inbox.close()
    sender.close()
    assert [each.at_ns for each in reader.messages if isinstance(each, Withdrawn)] == list(range(sent))


def facts_of(reader: Reader) -> list[Fact]:
    return [fact for message in reader.messages if isinstance(message, Facts) for fact in message.facts]


def test_facts_leave_together(sender: QuoteSender, drain: Callable[[], Reader]) -> None:
    drain()
    sender.send_facts([Mark(0, 100.0), Funding(0, 0.01)], 7)
    reader = drain()
    assert [message for message in reader.messages if isinstance(message, Facts)] == [
        Facts(7, (Mark(0, 100.0), Funding(0, 0.01)))
    ]


def test_of_facts_that_wait_the_newest_of_a_kind_and_an_instrument_leaves(
    sender: QuoteSender, drain: Callable[[], Reader]
) -> None:
    for at_ns in range(MORE_THAN_FITS):
        sender.send_facts([Mark(0, float(at_ns)), Funding(0, 0.5), Mark(1, 1.0)], at_ns)
    assert sender.is_holding
    found = facts_of(drain())
    assert len(found) < MORE_THAN_FITS
    assert {(type(fact), fact.instrument_id): fact for fact in found} == {
        (Mark, 0): Mark(0, MORE_THAN_FITS - 1.0),
        (Funding, 0): Funding(0, 0.5),
        (Mark, 1): Mark(1, 1.0),
    }
