"""How old each quote of a connection counts as: by the read, by a doubt about the read, and by the venue's time."""

import logging
from collections.abc import Collection, Sequence
from types import SimpleNamespace

import pytest
from feeding import instruments

from arbsniper_tui.feeds.connection import Connection
from arbsniper_tui.feeds.outlet import FeedCounts
from arbsniper_tui.feeds.served import Served
from arbsniper_tui.feeds.shared import Shared
from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.feeds.venue_lag import VenueLag
from arbsniper_tui.model.fact import Fact
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.net.backlog import Backlog
from arbsniper_tui.runtime.limited_log import LimitedLog
from arbsniper_tui.venues import VENUES

MS = 1_000_000
READ_NS = 9_000_000 * MS
VENUE_MS = 1_700_000_000_000


class NotedOutlet:
    def __init__(self) -> None:
        self.sent: list[tuple[int, list[int]]] = []
        """The read in ns, and the receipt that each quote counts from."""

    def quotes(self, quotes: Sequence[Quote], ts_read_ns: int, recv_ns: Sequence[int] = ()) -> None:
        self.sent.append((ts_read_ns, list(recv_ns)))

    def withdraw(self, withdrawal: Withdrawal, at_ns: int) -> None: ...

    def facts(self, facts: Sequence[Fact], at_ns: int) -> None: ...

    def change_instruments(self, added: Sequence[Instrument], removed: Collection[int]) -> None: ...

    def health_changed(self) -> None: ...


class Reading:
    """A connection to OKX whose reads are made here."""

    def __init__(self) -> None:
        self.outlet = NotedOutlet()
        listed = instruments("okx", ("BTC/USDT",))
        self.connection = Connection(
            FeedSpec("okx spot", "okx", Market.SPOT, "ws://x/", "http://x/", listed),
            VENUES["okx"],
            Shared(
                Served(listed, lambda instrument, reason: None),
                {},
                self.outlet,
                FeedTimings(),
                Backlog(lambda: None, lambda: None),
                FeedCounts(),
                VenueLag(),
                LimitedLog(logging.getLogger(__name__)),
                show=lambda state, detail: None,
                on_status=lambda status: None,
                on_closing=lambda: None,
            ),
        )
        self.connection.socket = SimpleNamespace(last_read_ns=0, as_old_as_ns=0)  # type: ignore[assignment]  # its times
        self.seq = 0

    def read(self, after_ms: int, late_ms: int, *, as_old_as_ms: int | None = None) -> tuple[int, list[int]]:
        """A read `after_ms` of a state that the venue made `late_ms` before; `as_old_as_ms` before it counts from."""
        self.seq += 1
        read_ns = READ_NS + after_ms * MS
        self.connection.socket.last_read_ns = read_ns  # type: ignore[union-attr]  # set above
        frame = (
            '{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["101","1","0","1"]],'
            f'"bids":[["100","{self.seq}","0","1"]],"ts":"{VENUE_MS + after_ms - late_ms}","seqId":{self.seq}}}]}}'
        )
        counted_ns = read_ns if as_old_as_ms is None else read_ns - as_old_as_ms * MS
        self.connection._take_frames([frame.encode()], counted_ns)
        read, receipts = self.outlet.sent[-1]
        return (read_ns - read) // MS, [(read_ns - each) // MS for each in receipts]


@pytest.fixture
def reading() -> Reading:
    reading = Reading()
    for after_ms in range(5):
        assert reading.read(after_ms, 20) == (0, [])
    return reading


def test_a_state_counts_from_its_read(reading: Reading) -> None:
    assert reading.read(100, 20) == (0, [])


def test_a_late_state_counts_from_when_it_would_have_come(reading: Reading) -> None:
    assert reading.read(100, 12_020) == (0, [12_000])


def test_under_a_doubt_it_counts_from_the_older_of_both(reading: Reading) -> None:
    assert reading.read(100, 20, as_old_as_ms=300) == (0, [300])
    assert reading.read(200, 12_020, as_old_as_ms=300) == (0, [12_000])
    assert reading.read(300, 1_020, as_old_as_ms=5000) == (0, [5000])
