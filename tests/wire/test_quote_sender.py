"""The feed's end of the bus on real sockets: it never waits, and the last word on each instrument arrives."""

import threading
from collections.abc import Callable, Iterator
from random import Random

import pytest
import zmq

from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import FromFeed, HealthReport, QuoteBatch, TapesEnded, Withdrawn, decode_from_feed
from arbsniper_tui.wire.publisher import Inbox
from arbsniper_tui.wire.sender import HIGH_WATER_MARK, QuoteSender

Context = zmq.Context[zmq.Socket[bytes]]
WaitUntil = Callable[[Callable[[], object]], None]

FULL = HIGH_WATER_MARK + 1


def quote(i: int, price: float) -> Quote:
    return Quote(i, price, 1.0, price + 1, 1.0)


class Reader:
    """The spread worker's end, once it is there."""

    def __init__(self, context: Context, endpoints: Endpoints) -> None:
        self.inbox = Inbox(context, endpoints.quotes, timeout_ms=5)
        self.messages: list[FromFeed] = []

    def take(self) -> None:
        """All that has come, until nothing more does for a moment."""
        while True:
            try:
                self.messages.append(decode_from_feed(self.inbox.receive()))
            except zmq.Again:
                return

    def has_ended(self) -> bool:
        self.take()
        return bool(self.messages) and isinstance(self.messages[-1], TapesEnded)

    @property
    def quotes(self) -> list[Quote]:
        return [quote for message in self.messages if isinstance(message, QuoteBatch) for quote in message.quotes]

    @property
    def states(self) -> dict[int, float | str]:
        """The last word on each instrument: its bid, or why it is withdrawn."""
        states: dict[int, float | str] = {}
        for message in self.messages:
            if isinstance(message, QuoteBatch):
                states.update({quote.instrument_id: quote.bid for quote in message.quotes})
            elif isinstance(message, Withdrawn):
                states.update(dict.fromkeys(message.instrument_ids, message.reason))
        return states


@pytest.fixture
def sender(context: Context, endpoints: Endpoints) -> Iterator[QuoteSender]:
    sender = QuoteSender(context, endpoints.quotes)
    yield sender
    sender.close()


@pytest.fixture
def drain(
    context: Context, endpoints: Endpoints, sender: QuoteSender, wait_until: WaitUntil
) -> Iterator[Callable[[], Reader]]:
    """Lets a reader come, and flushes until nothing is held and nothing is under way."""
    readers: list[Reader] = []

    def drain() -> Reader:
        if not readers:
            readers.append(Reader(context, endpoints))
        (reader,) = readers
        marker = f"drained {len(reader.messages)}"

        def has_nothing_left() -> bool:
            sender.flush()
            reader.take()
            return not sender.is_holding

        wait_until(has_nothing_left)
        # What is sent from here on comes after all that was sent before.
        sender.report(HealthReport(marker, ()))

        def has_come() -> bool:
            sender.flush()
            reader.take()
            return any(isinstance(each, HealthReport) and each.worker == marker for each in reader.messages)

        wait_until(has_come)
        return reader

    yield drain
    for reader in readers:
        reader.inbox.close()


def test_quotes_of_one_read_cross_in_one_message(sender: QuoteSender, drain: Callable[[], Reader]) -> None:
    sender.send_quotes([quote(0, 1.0), quote(1, 2.0)], 77)
    sender.send_quotes([quote(0, 3.0)], 88, 66)
    first, second = (each for each in drain().messages if isinstance(each, QuoteBatch))
    assert (first.ts_read_ns, first.quotes, first.recv_ns) == (77, [quote(0, 1.0), quote(1, 2.0)], [])
    assert (second.ts_read_ns, second.recv_ns) == (88, [66])
    assert first.ts_parsed_ns > 0


def test_without_a_reader_the_newest_of_each_instrument_waits_and_the_older_are_counted(
    sender: QuoteSender, drain: Callable[[], Reader]
) -> None:
    sent = 3000
    for number in range(sent):
        sender.send_quotes([quote(number % 3, float(number + 1))], number)
    assert sender.is_holding
    assert sender.conflated > sent - 2 * FULL
    reader = drain()
    assert reader.states == {0: 2998.0, 1: 2999.0, 2: 3000.0}
    assert len(reader.quotes) + sender.conflated == sent


def test_held_quotes_keep_the_time_of_their_own_receipt(sender: QuoteSender, drain: Callable[[], Reader]) -> None:
    for _ in range(FULL):
        sender.send_quotes([quote(9, 1.0)], 1)
    assert sender.is_holding
    sender.send_quotes([quote(0, 5.0)], 1000)
    sender.send_quotes([quote(1, 6.0)], 2000, 1500)
    sender.send_quotes([quote(0, 7.0)], 3000)
    (batch,) = [
        each
        for each in drain().messages
        if isinstance(each, QuoteBatch) and any(q.instrument_id == 0 for q in each.quotes)
    ]
    received = {quote.instrument_id: at_ns for quote, at_ns in zip(batch.quotes, batch.recv_ns, strict=True)}
    assert received == {9: 1, 1: 1500, 0: 3000}
    assert batch.ts_read_ns == 1


def test_a_withdrawal_never_overtakes_the_quote_before_it(sender: QuoteSender, drain: Callable[[], Reader]) -> None:
    for number in range(FULL):
        sender.send_quotes([quote(0, float(number + 1)), quote(1, 1.0)], number)
    assert sender.is_holding
    sender.withdraw(Withdrawal((0, 1), "disconnected"), 5000)
    sender.send_quotes([quote(1, 2.0)], 6000)
    reader = drain()
    assert reader.states == {0: "disconnected", 1: 2.0}
    withdrawn = [each for each in reader.messages if isinstance(each, Withdrawn)]
    assert [(each.instrument_ids, each.at_ns) for each in withdrawn] == [((0,), 5000)]


def test_a_withdrawal_waits_behind_what_is_held_though_there_is_room_again(
    context: Context, endpoints: Endpoints, sender: QuoteSender, wait_until: WaitUntil
) -> None:
    for number in range(2 * FULL):
        sender.send_quotes([quote(0, float(number + 1))], number)
    reader = Reader(context, endpoints)
    under_way = 2 * FULL - sender.conflated - 1

    def has_made_room() -> bool:
        reader.take()
        return len(reader.messages) >= under_way

    wait_until(has_made_room)
    assert sender.is_holding
    sender.withdraw(Withdrawal((0,), "disconnected"), 5000)

    def has_the_last_word() -> bool:
        sender.flush()
        reader.take()
        return not sender.is_holding and isinstance(reader.messages[-1], Withdrawn)

    wait_until(has_the_last_word)
    assert reader.states == {0: "disconnected"}
    reader.inbox.close()


def test_a_withdrawal_that_finds_room_goes_at_once(sender: QuoteSender, drain: Callable[[], Reader]) -> None:
    sender.send_quotes([quote(0, 1.0)], 1)
    sender.withdraw(Withdrawal((0, 3), "crossed"), 2)
    assert not sender.is_holding
    assert [type(each) for each in drain().messages[:2]] == [QuoteBatch, Withdrawn]


def test_whatever_was_said_last_of_an_instrument_is_what_arrives_last(
    sender: QuoteSender, drain: Callable[[], Reader]
) -> None:
    random = Random(20240808)
    expected: dict[int, float | str] = {}
    for number in range(4000):
        ids = random.sample(range(6), random.randint(1, 3))
        if random.random() < 0.3:
            sender.withdraw(Withdrawal(tuple(ids), f"reason {number}"), number)
            expected.update(dict.fromkeys(ids, f"reason {number}"))
        else:
            sender.send_quotes([quote(i, float(number + 1)) for i in ids], number)
            expected.update(dict.fromkeys(ids, float(number + 1)))
        if number % 1000 == 999:
            assert drain().states == expected


def test_of_several_reports_of_a_worker_the_newest_arrives(sender: QuoteSender, drain: Callable[[], Reader]) -> None:
    for _ in range(FULL):
        sender.send_quotes([quote(0, 1.0)], 1)
    for conflated in range(5):
        sender.report(HealthReport("feed-okx", (FeedHealth("okx", "okx", FeedState.LIVE),), conflated))
    reports = [each for each in drain().messages if isinstance(each, HealthReport) and each.worker == "feed-okx"]
    assert [report.conflated for report in reports] == [4]


def test_nothing_waits_for_a_reader_that_never_comes(context: Context, endpoints: Endpoints) -> None:
    sender = QuoteSender(context, endpoints.quotes)
    for number in range(10 * FULL):
        sender.send_quotes([quote(0, float(number + 1))], number)
        sender.withdraw(Withdrawal((1,), "x"), number)
        sender.flush()
    sender.close()
    ending = threading.Thread(target=context.term, daemon=True)
    ending.start()
    ending.join(20)
    assert not ending.is_alive()


def test_a_lossless_sender_waits_and_loses_nothing(
    context: Context, endpoints: Endpoints, wait_until: WaitUntil
) -> None:
    sent = 5 * HIGH_WATER_MARK
    sender = QuoteSender(context, endpoints.quotes, is_lossless=True)

    def play() -> None:
        for number in range(sent):
            if number % 7 == 6:
                sender.withdraw(Withdrawal((0,), str(number)), number)
            else:
                sender.send_quotes([quote(0, float(number + 1))], number, number)
        sender.send(TapesEnded(sent, sent, {}))

    player = threading.Thread(target=play, daemon=True)
    player.start()
    reader = Reader(context, endpoints)
    wait_until(reader.has_ended)
    player.join(20)
    assert not player.is_alive()
    reader.inbox.close()
    sender.close()
    assert sender.conflated == 0
    numbers = [
        each.at_ns if isinstance(each, Withdrawn) else each.recv_ns[0]
        for each in reader.messages
        if isinstance(each, QuoteBatch | Withdrawn)
    ]
    assert numbers == list(range(sent))
