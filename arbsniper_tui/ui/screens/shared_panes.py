"""Hands a view's values to the panes that stand on more than one screen."""

from arbsniper_tui.session import derived
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.view import View
from arbsniper_tui.ui.widgets.latency_pane import LatencyPane
from arbsniper_tui.ui.widgets.price_area import Listed, PriceArea
from arbsniper_tui.ui.widgets.routes_pane import RoutesPane
from arbsniper_tui.ui.widgets.signal_log import SignalLog

NO_NODE = "waiting for the node to say what it watches"


def show_prices(area: PriceArea, view: View) -> None:
    """Draw quotes as they change; once a second also the instruments, and what those without a quote wait for."""
    snapshot, changes = view.snapshot, view.changes
    if not (view.whole or changes.quotes or area.has_waiting or view.half or view.second):
        return
    area.show(
        snapshot.quotes,
        view.now_ms,
        None if view.whole else changes.quotes,
        facts=snapshot.facts,
        listed=_listed(view) if view.whole or view.second else None,
        order=view.look.prices,
        twice_a_second=view.half,
    )


def _listed(view: View) -> Listed:
    snapshot = view.snapshot
    if snapshot.intro is None:
        return Listed((), {}, f"{NO_NODE} ...")
    feeds = list(snapshot.feeds.values())
    shown = tuple(
        each
        for each in snapshot.intro.instruments
        if view.look.takes_instrument(each) and not (each.only_rate or derived.is_absent(each, feeds))
    )
    quoted = {each.instrument_id for each in snapshot.quotes.values() if each.ts_recv_ms > 0.0}
    wanting = {each.id: derived.wanting(each, feeds) for each in shown if each.id not in quoted}
    return Listed(shown, wanting, _no_prices(view.look.filter))


def _no_prices(filtered: str) -> str:
    if filtered:
        return f"no instrument holds the filter: {filtered}\nesc clears it"
    return "this node watches no instrument"


def show_routes(pane: RoutesPane, view: View) -> None:
    """Draw the routes twice a second, because faster numbers cannot be read; at once when one opens or closes."""
    snapshot = view.snapshot
    opened = frozenset((each.buy_id, each.sell_id) for each in snapshot.routes if not each.reason)
    if view.whole or view.half or opened != pane.opened:
        names = derived.instruments_of(snapshot)
        watched = snapshot.intro.routes if snapshot.intro else 0
        pane.show(snapshot.routes, names, view.look, view.at_s, watched=watched, empty=_no_routes(snapshot))


def _no_routes(snapshot: Snapshot) -> str:
    if snapshot.intro is None:
        return f"{NO_NODE} ..."
    if snapshot.intro.routes == 0:
        return "no route: it takes one symbol on two venues, in currencies that count alike"
    return f"waiting for the quotes of two venues ...\n{fmt.count(snapshot.intro.routes)} routes are watched"


def show_log(log: SignalLog, view: View) -> None:
    snapshot = view.snapshot
    events = snapshot.events if view.whole else view.changes.events
    log.show(events, view.look, view.at_s, afresh=view.whole, empty=_no_signals(snapshot))


def _no_signals(snapshot: Snapshot) -> str:
    if snapshot.intro is None or snapshot.status is None:
        return f"{NO_NODE} ..."
    bound = f"{fmt.threshold(snapshot.status.threshold_pct)} {snapshot.status.basis}"
    return f"no signal yet: none of {fmt.count(snapshot.intro.routes)} routes\nwent above {bound}"


def show_latency(pane: LatencyPane, view: View) -> None:
    if view.whole or (view.second and view.snapshot.stages):
        pane.show(view.snapshot.stages, empty="waiting for a first quote ...")
