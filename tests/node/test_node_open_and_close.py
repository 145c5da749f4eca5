"""Whole nodes: every opening gets its close, also over the death of the worker that announced it, and at the end."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq
from node_process import RunningNode
from raw_venues import RawBinance, RawKraken
from test_node_old_states import ASK, BASE, SETTINGS

from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.session.session import Session
from arbsniper_tui.wire.messages import QuoteBatch, Withdrawn, encode

StartNode = Callable[..., RunningNode]


class Opened:
    """A node with one opportunity open, bought on kraken and sold on binance."""

    def __init__(self, node: RunningNode, binance: RawBinance, kraken: RawKraken) -> None:
        self.node = node
        self.binance = binance
        self.kraken = kraken
        self.session: Session = node.session()
        for venue in (binance, kraken):
            venue.wait_for_subscription()
        self.node.watch(self.session, self.keeps_open)

    def keep(self) -> None:
        self.binance.send(self.binance.quote(45_500.0, 45_500.5))
        self.kraken.send(self.kraken.quote(BASE, ASK))

    def keeps_open(self) -> bool:
        self.keep()
        return any(event.event == "open" for event in self.session.snapshot.events)

    @property
    def events(self) -> list[Event]:
        """Openings and closes."""
        return [each for each in self.session.snapshot.events if each.signal is not None]

    def signal_of(self, number: int) -> Signal:
        found = self.events[number].signal
        assert found is not None
        return found


@pytest.fixture
def opened(start_node: StartNode, tmp_path: Path) -> Iterator[Opened]:
    with RawBinance() as binance, RawKraken() as kraken:
        config = tmp_path / "arbsniper.toml"
        config.write_text(SETTINGS.format(max_age_ms=60_000, binance=binance.table, kraken=kraken.table))
        opened = Opened(start_node("--config", str(config), demo=False), binance, kraken)
        yield opened
        opened.session.close()


def test_a_killed_spread_workers_opening_is_closed_and_what_stands_is_resumed_in_events_only(opened: Opened) -> None:
    node = opened.node
    first = opened.signal_of(0)
    os.kill(node.pid("spread"), signal.SIGKILL)

    def is_resumed() -> bool:
        opened.keep()
        return len(opened.events) >= 3

    node.watch(opened.session, is_resumed)
    assert [(each.event, each.signal.id if each.signal else "") for each in opened.events][:2] == [
        ("open", first.id),
        ("close", first.id),
    ]
    closed, resumed = opened.signal_of(1), opened.signal_of(2)
    assert closed.reason == "restart"
    assert (resumed.state, resumed.resumed_from) == ("open", first.id)
    assert resumed.id != first.id
    # Standard output carries what the signals' channel carries: nothing is announced there again.
    assert [line["id"] for line in node.lines] == [first.id]
    numbers = [event.seq for event in opened.session.snapshot.events]
    assert numbers == sorted(set(numbers))


def test_after_a_kill_what_is_over_is_closed_and_does_not_open_again(opened: Opened) -> None:
    node = opened.node
    os.kill(node.pid("spread"), signal.SIGKILL)
    opened.binance.send(opened.binance.quote(BASE, ASK))

    def is_closed() -> bool:
        opened.binance.send(opened.binance.quote(BASE, ASK))
        opened.kraken.send(opened.kraken.quote(BASE, ASK))
        quotes = opened.session.snapshot.quotes.values()
        return len(opened.events) >= 2 and all(row.quotes > 2 and not row.reason for row in quotes)

    node.watch(opened.session, is_closed)
    assert [each.event for each in opened.events] == ["open", "close"]


def test_a_stop_closes_what_is_open(opened: Opened) -> None:
    first = opened.signal_of(0)
    assert opened.node.stop() == 0

    def has_told() -> bool:
        opened.session.pull()
        return len(opened.events) == 2

    opened.node.wait_for(has_told)
    closed = opened.signal_of(1)
    assert (closed.state, closed.id, closed.reason) == ("close", first.id, "stopped")


def test_a_threshold_that_was_set_outlives_the_worker_and_touches_no_disk(opened: Opened) -> None:
    node = opened.node
    files = {path.name for path in node.sockets.iterdir()}
    opened.session.set_threshold(0.75)
    node.watch(opened.session, lambda: (status := opened.session.snapshot.status) and status.threshold_pct == 0.75)
    killed = node.pid("spread")
    os.kill(killed, signal.SIGKILL)
    node.wait_for(lambda: node.pids("spread")[-1] != killed)
    workers = opened.session.snapshot.workers
    node.watch(opened.session, lambda: "spread" in workers and workers["spread"].restarts and opened.keeps_open())
    assert opened.session.snapshot.status is not None
    assert opened.session.snapshot.status.threshold_pct == 0.75
    assert {path.name for path in node.sockets.iterdir()} == files


def test_what_cannot_be_read_on_the_bus_or_names_no_instrument_is_passed_over(opened: Opened) -> None:
    node = opened.node
    spread = node.pid("spread")
    context = zmq.Context()
    stranger = context.socket(zmq.PUSH)
    stranger.connect(f"ipc://{node.sockets}/quotes")
    for body in (
        b"\xc1 no msgpack",
        encode(QuoteBatch(1, 1, [Quote(77, 1.0, 1.0, 2.0, 1.0)])),
        encode(QuoteBatch(1, 1, [Quote(-1, 1.0, 1.0, 2.0, 1.0)])),
        encode(QuoteBatch(1, 1, [])),
        encode(QuoteBatch(1, 1, [Quote(77, 1.0, 1.0, 2.0, 1.0), Quote(78, 1.0, 1.0, 2.0, 1.0)])),
        encode(Withdrawn(1, (77, -5), Reason(ReasonCode.DISCONNECTED, words="no such thing"))),
    ):
        stranger.send(body)
    node.wait_for(lambda: "cannot be read" in node.log and "is not watched by this node" in node.log)
    opened.binance.send(opened.binance.quote(BASE, ASK))
    node.watch(opened.session, lambda: len(opened.events) >= 2)
    assert node.pids("spread") == [spread]
    stranger.close(linger=0)
    context.term()
