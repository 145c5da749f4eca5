"""A whole node, and on its bus a feed that takes up an instrument and drops it again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq
from node_process import RunningNode
from raw_venues import RawBinance, RawKraken
from test_node_old_states import ASK, BASE, SETTINGS

from arbsniper_tui.model.instrument import Instrument, instrument_key
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.session.session import Session
from arbsniper_tui.wire.messages import FromFeed, InstrumentsChanged, QuoteBatch, encode

BINANCE, KRAKEN, OKX = (instrument_key(venue, "BTC/USDT") for venue in ("binance", "kraken", "okx"))
ADDED = Instrument(OKX, "okx", "BTC/USDT", "BTC-USDT", "USDT", 0.1)


@pytest.fixture
def binance() -> Iterator[RawBinance]:
    with RawBinance() as venue:
        yield venue


@pytest.fixture
def node(binance: RawBinance, start_node: Callable[..., RunningNode], tmp_path: Path) -> Iterator[RunningNode]:
    with RawKraken() as kraken:
        config = tmp_path / "arbsniper.toml"
        config.write_text(SETTINGS.format(max_age_ms=60_000, binance=binance.table, kraken=kraken.table))
        node = start_node("--config", str(config), demo=False)
        binance.wait_for_subscription()
        yield node


@pytest.fixture
def say(node: RunningNode) -> Iterator[Callable[[FromFeed], None]]:
    context = zmq.Context()
    bus = context.socket(zmq.PUSH)
    bus.connect(f"ipc://{node.sockets}/quotes")
    yield lambda message: bus.send(encode(message))
    bus.close(linger=0)
    context.term()


def watched(session: Session) -> set[int]:
    intro = session.snapshot.intro
    return {each.id for each in intro.instruments} if intro is not None else set()


def test_an_instrument_that_comes_opens_routes_and_closes_them_when_it_goes(
    node: RunningNode, binance: RawBinance, say: Callable[[FromFeed], None]
) -> None:
    session = node.session()
    node.watch(session, lambda: watched(session) == {BINANCE, KRAKEN})
    say(InstrumentsChanged(now_ns(), (ADDED,)))
    node.watch(session, lambda: watched(session) == {BINANCE, KRAKEN, OKX})
    assert session.snapshot.intro is not None and session.snapshot.intro.routes == 6
    binance.send(binance.quote(BASE, ASK))
    node.watch(session, lambda: BINANCE in session.snapshot.quotes and session.snapshot.quotes[BINANCE].quotes > 0)
    at_ns = now_ns()
    say(QuoteBatch(at_ns, at_ns, [Quote(OKX, ASK * 1.02, 1.0, ASK * 1.03, 1.0)]))
    node.watch(session, lambda: any(each.event == "open" for each in session.snapshot.events))
    session.name_routes([(OKX, KRAKEN)])
    node.watch(session, lambda: (OKX, KRAKEN) in session.snapshot.named_routes)
    late = node.session()
    node.watch(late, lambda: watched(late) == {BINANCE, KRAKEN, OKX})
    say(InstrumentsChanged(now_ns(), removed=(OKX,)))
    for viewer in (session, late):
        node.watch(viewer, lambda viewer=viewer: watched(viewer) == {BINANCE, KRAKEN})  # type: ignore[misc]  # bound now
        node.watch(viewer, lambda viewer=viewer: OKX not in viewer.snapshot.quotes)  # type: ignore[misc]  # bound now
    node.watch(session, lambda: any(each.event == "close" for each in session.snapshot.events))
    (closed,) = [each.signal for each in session.snapshot.events if each.event == "close"]
    assert closed is not None and closed.reason == "okx: no longer watched"
    node.watch(session, lambda: session.snapshot.named_routes == {})
    session.close()
    late.close()
