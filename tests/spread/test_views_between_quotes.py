"""A view is made in slices: quotes are decided on between them, and what changes meanwhile is told by the next one."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from decision_stage import DecisionStage

from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.desk.viewer_desk import ViewerDesk
from arbsniper_tui.engine.routes import SPOT_SPOT, RouteKey
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.engine.slices import Sliced, at_once
from arbsniper_tui.model.health import RedisHealth, RedisState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.view import NodeIntro
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.spread import spread_worker
from arbsniper_tui.spread.spread_worker import SpreadWorker
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import Facts, QuoteBatch, View, encode
from arbsniper_tui.wire.publisher import CommandServer, Publisher
from arbsniper_tui.wire.push import PushSocket

COINS = 400
MANY = tuple(
    Instrument(2 * coin + at, venue, f"C{coin}/USDT", f"C{coin}", "USDT", 0.1)
    for coin in range(COINS)
    for at, venue in enumerate(("binance", "okx"))
)


def views_of(stage: DecisionStage) -> Sliced[View]:
    return stage.views.changes(lambda: stage.now_ns, stage.now_ns)


def prices(view: View) -> dict[int, float]:
    return {row.instrument_id: row.bid for row in view.quotes}


def test_a_quote_that_comes_between_two_slices_is_told_by_the_next_view(stage: DecisionStage) -> None:
    stage.detector.add(MANY[6:])
    at_once(views_of(stage))
    for each in MANY[6:]:
        stage.quote(each.id, 99.0, 100.0)
    view = views_of(stage)
    next(view)
    for each in MANY[6:]:
        stage.quote(each.id, 98.0, 100.0)
    first, second = prices(at_once(view)), prices(at_once(views_of(stage)))
    assert set(first) == {each.id for each in MANY[6:]} and 99.0 in first.values()
    assert second == dict.fromkeys(first, 98.0)


def test_what_goes_between_two_slices_has_no_row(stage: DecisionStage) -> None:
    stage.detector.add(MANY[6:])
    at_once(views_of(stage))
    for each in MANY[6:]:
        stage.quote(each.id, 99.0, 100.0)
    view, gone = views_of(stage), {each.id for each in MANY[6::2]}
    slices = sum(1 for _ in views_of(stage))
    assert slices > COINS / 40, "a view of so many rows has many slices"
    for _ in range(slices // 2):
        next(view)
    stage.detector.remove(gone, stage.now_ns)
    shown = at_once(view)
    assert set(shown.removed) == gone
    assert not gone & set(prices(shown))
    assert not gone & {leg for row in shown.routes for leg in (row.buy_id, row.sell_id)}


class WatchfulDesk(ViewerDesk):
    """One viewer. An opportunity comes when its first view is begun, and the worker stops after this view."""

    worker: SpreadWorker

    def __init__(self, bus: PushSocket, publisher: Publisher, commands: CommandServer, *, is_replay: bool) -> None:
        super().__init__(publisher, commands, is_replay=is_replay)
        self._bus = bus
        self.views: list[View] = []

    def count_viewers(self) -> int:
        return int(self._bus.send(encode(Facts(1, ()))))  # once the worker listens

    def named_routes(self) -> Sequence[RouteKey]:
        for quote in (Quote(0, 99.9, 1.0, 100.0, 1.0), Quote(1, 101.0, 1.0, 101.1, 1.0)):
            assert self._bus.send(encode(QuoteBatch(now_ns(), now_ns(), [quote])))
        return ()

    def show(self, view: View) -> None:
        self.views.append(view)
        self.worker.must_stop = True


def view_of_a_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> View:
    """The one view that the desk of a worker is shown."""
    bus = PushSocket(Endpoints(folder).quotes)
    desks: list[WatchfulDesk] = []

    def make_desk(publisher: Publisher, commands: CommandServer, *, is_replay: bool, views_before: int) -> WatchfulDesk:
        desks.append(WatchfulDesk(bus, publisher, commands, is_replay=is_replay))
        return desks[-1]

    monkeypatch.setattr(spread_worker, "ViewerDesk", make_desk)
    monkeypatch.setattr(spread_worker, "parent_is_gone", lambda: False)
    intro = NodeIntro("node", "0.0.0", "live", 1, MANY, (SPOT_SPOT,), 0, 5000.0, 0.0)
    worker = SpreadWorker(SpreadPlan("spread", str(folder), intro, Rules(), 10.0, RedisHealth(RedisState.OFF)))
    [desk] = desks
    desk.worker = worker
    worker.run()
    bus.close()
    [view] = desk.views
    return view


def test_a_signal_does_not_wait_for_a_view_that_is_being_made(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    view = view_of_a_run(short_folder, monkeypatch)
    while "this process did not run" in caplog.text:
        # On a busy machine. What came meanwhile is not judged before a later quote.
        caplog.clear()
        view = view_of_a_run(short_folder, monkeypatch)
    assert (view.status.signals, view.status.open_opportunities) == (1, 1)
