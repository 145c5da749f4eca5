"""What a view says goes into the snapshot of a viewer. No socket, no clock."""

from msgspec.structs import replace

from arbsniper_tui.session.snapshot import Changes, Snapshot
from arbsniper_tui.wire.messages import View


def take_view(snapshot: Snapshot, view: View, changes: Changes) -> None:
    """Bring a snapshot up to a view, and note in `changes` what differs."""
    changes.status |= (view.status, view.invariants) != (snapshot.status, snapshot.invariants)
    snapshot.status, snapshot.invariants = view.status, view.invariants
    snapshot.last_event = view.last_event
    _change_instruments(snapshot, view, changes)
    for row in view.quotes:
        snapshot.quotes[row.instrument_id] = row
        changes.quotes.add(row.instrument_id)
    for facts in view.facts:
        snapshot.facts[facts.instrument_id] = facts
    if view.routes != snapshot.routes:
        snapshot.routes = view.routes
        changes.routes = True
    if view.held is not None and view.held != snapshot.held:
        snapshot.held = view.held
        changes.held = True
    named = {(row.buy_id, row.sell_id): row for row in view.named_routes}
    changes.routes |= named != snapshot.named_routes
    snapshot.named_routes = named
    snapshot.breakdowns = {(each.buy_id, each.sell_id): each for each in view.breakdowns}
    snapshot.why |= {each.symbol: each for each in view.why}
    survival = {} if view.is_full else snapshot.survival
    snapshot.survival = survival | {(each.buy_id, each.sell_id): each for each in view.survival}
    if view.route_counts is not None:
        snapshot.route_counts = view.route_counts
    if view.is_full:
        snapshot.feeds.clear()
    for feed in view.feeds:
        snapshot.feeds[feed.feed] = feed
    for worker in view.workers:
        snapshot.workers[worker.name] = worker
    changes.feeds |= bool(view.feeds or view.workers)
    if view.redis is not None and view.redis != snapshot.redis:
        snapshot.redis = view.redis
        changes.redis = True
    if view.recording != snapshot.recording:
        snapshot.recording = view.recording
        changes.feeds = True
    changes.replay |= view.replay != snapshot.replay
    snapshot.replay = view.replay
    if view.stages:
        snapshot.stages = view.stages
        changes.stages = True


def _change_instruments(snapshot: Snapshot, view: View, changes: Changes) -> None:
    if view.is_full and snapshot.intro is not None:
        watched = {each.id for each in snapshot.intro.instruments}
        for gone in snapshot.quotes.keys() - watched:
            del snapshot.quotes[gone]
        snapshot.facts = {i: row for i, row in snapshot.facts.items() if i in watched}
    if snapshot.intro is None or not (view.added or view.removed):
        return
    changes.intro = True
    for instrument_id in view.removed:
        snapshot.quotes.pop(instrument_id, None)
        snapshot.facts.pop(instrument_id, None)
    kept = tuple(each for each in snapshot.intro.instruments if each.id not in view.removed)
    snapshot.intro = replace(snapshot.intro, instruments=kept + view.added, routes=view.routes_watched)
