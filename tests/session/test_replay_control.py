"""A replay that viewers pause and play at other speeds: how far it is, and the same signals whatever they do."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from node_process import DEADLINE_S, RunningNode

from arbsniper_tui.model.view import ReplayStatus
from arbsniper_tui.session.session import Session
from arbsniper_tui.tapes.tape import DISCONNECTED, TapeWriter

START_S = 1_700_000_000.0
LENGTH_S = 600
BINANCE_URL, OKX_URL = "wss://stream.binance.com:9443/ws", "wss://ws.okx.com:8443/ws/v5/public"
StartNode = Callable[..., RunningNode]


def binance(serial: int, bid: float) -> str:
    return f'{{"u":{serial},"s":"BTCUSDT","b":"{bid:.2f}","B":"1.0","a":"{bid + 0.01:.2f}","A":"1.0"}}'


def okx(serial: int, bid: float) -> str:
    top = {"asks": [[f"{bid + 0.01:.2f}", "2"]], "bids": [[f"{bid:.2f}", "2"]], "ts": "1700000000000", "seqId": serial}
    return json.dumps({"arg": {"channel": "bbo-tbt", "instId": "BTC-USDT"}, "data": [top]})


@pytest.fixture
def tapes(tmp_path: Path) -> list[str]:
    """Ten minutes; OKX is one percent above Binance for two seconds out of ten, and disconnects within the last."""
    writers = {venue: TapeWriter(tmp_path / venue, venue) for venue in ("binance", "okx")}
    for second in range(1, LENGTH_S):
        writers["binance"].write(START_S + second, BINANCE_URL, binance(second, 60000.0).encode(), market="spot")
        bid = 60600.0 if second % 10 in (3, 4) else 60000.0
        writers["okx"].write(START_S + second + 0.5, OKX_URL, okx(second, bid).encode(), market="spot")
    at_s = START_S + LENGTH_S
    writers["okx"].write(at_s, OKX_URL, okx(LENGTH_S, 60600.0).encode(), market="spot")
    writers["okx"].write(at_s + 1, OKX_URL, b"code 1006", kind=DISCONNECTED, market="spot")
    for writer in writers.values():
        writer.close()
    return [str(tmp_path / venue) for venue in writers]


def status_of(session: Session) -> ReplayStatus:
    assert session.snapshot.replay is not None
    return session.snapshot.replay


def watch(node: RunningNode, session: Session, condition: Callable[[ReplayStatus], object]) -> ReplayStatus:
    """Until the replay is as the condition says."""
    node.watch(session, lambda: session.snapshot.replay is not None and condition(status_of(session)))
    return status_of(session)


def test_pauses_and_speeds_change_nothing_but_the_time_it_takes(start_node: StartNode, tapes: list[str]) -> None:
    plain = start_node("replay", *tapes, "--speed", "max", demo=False)
    assert plain.process.wait(DEADLINE_S) == 0
    # What the process has written is read by a thread of this one.
    plain.wait_for(lambda: len(plain.lines) == LENGTH_S // 10 + 1, lambda: len(plain.lines))

    node = start_node("replay", *tapes, "--speed", "1", demo=False)
    with closing(node.session()) as session:
        began = watch(node, session, lambda status: status.share is not None)
        assert (began.speed, began.is_paused, began.is_over) == (1.0, False, False)
        assert began.ends_ns == round((START_S + LENGTH_S + 1) * 1e9)
        assert began.share is not None and began.share < 0.1

        session.set_playback(100.0, False)
        watch(node, session, lambda status: status.speed == 100.0 and status.frames > 40)
        session.set_playback(100.0, True)
        paused = watch(node, session, lambda status: status.is_paused)
        uptime_s = session.snapshot.status.uptime_s
        node.watch(session, lambda: session.snapshot.status.uptime_s > uptime_s + 0.5)
        assert status_of(session).frames == paused.frames, "100 a second would have come"
        session.set_playback(3.0, False)
        watch(node, session, lambda status: not status.is_paused and status.speed == 3.0)
        session.set_playback(None, False)
        node.watch(session, lambda: any(event.event == "end" for event in session.snapshot.events))
    assert node.process.wait(DEADLINE_S) == 0
    node.wait_for(lambda: node.lines == plain.lines, lambda: len(node.lines))


def test_a_disconnect_on_the_tape_closes_what_rested_on_it(start_node: StartNode, tapes: list[str]) -> None:
    node = start_node("replay", *tapes, "--speed", "1", demo=False)
    with closing(node.session()) as session:
        watch(node, session, lambda status: True)
        session.set_playback(None, False)
        node.watch(session, lambda: any(event.event == "end" for event in session.snapshot.events))
        ups = {event.timestamp for event in session.snapshot.events if event.event == "venue_up"}
        assert ups == {round((START_S + 1) * 1000)}, "by the tapes' clock"
        closes = [e.signal for e in session.snapshot.events if e.signal is not None and e.signal.state == "close"]
    assert closes[-1].reason == "okx: disconnected: code 1006"
    assert closes[-1].timestamp == round((START_S + LENGTH_S + 1) * 1000)
    assert closes[-2].reason == "below threshold"


def test_a_live_node_cannot_be_paused(start_node: StartNode) -> None:
    node = start_node()
    with closing(node.session()) as session:
        node.watch(session, lambda: session.snapshot.status is not None)
        session.set_playback(2.0, True)
        before = sum(row.quotes for row in session.snapshot.quotes.values())
        node.watch(session, lambda: sum(row.quotes for row in session.snapshot.quotes.values()) > before + 100)
        assert session.snapshot.replay is None
