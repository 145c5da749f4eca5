"""A change of settings in a node that runs: which worker gets which plan."""

import dataclasses
import logging
import socket
from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from arbsniper_tui.alerts.plan import AlertPlan
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.feeds.plan import FeedPlan
from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.setting_change import SettingChange
from arbsniper_tui.node.launch import FEED, SPREAD, Launch, feed_worker
from arbsniper_tui.node.next_plan import change_since, next_instruments, next_spread_plan, rule_of
from arbsniper_tui.node.supervisor import Supervisor, WorkerSpec
from arbsniper_tui.node.viewer_workers import ALERTS, alert_worker
from arbsniper_tui.wire.endpoints import Endpoints

_KEYS_NAMED = 6


class SettingsChange:
    """Makes every plan before it hands over the first, so that what cannot be done leaves all as it is."""

    def __init__(
        self,
        launch: Launch,
        endpoints: Endpoints,
        supervisor: Supervisor,
        instruments: tuple[Instrument, ...],
        multipliers: dict[str, int],
        sockets: Mapping[str, socket.socket],
        recording_tally: int,
        alert_memory: int,
        on_venues: Callable[[frozenset[str]], None],
    ) -> None:
        """`instruments` are those of the start; `on_venues` is told of which venues quotes are asked for."""
        self._launch = launch
        self._endpoints = endpoints
        self._supervisor = supervisor
        self._at_start = self._instruments = instruments
        self._ever = {each.id for each in instruments}
        self._multipliers = multipliers
        self._sockets = dict(sockets)
        self._recording_tally = recording_tally
        self._alert_memory = alert_memory
        self._on_venues = on_venues

    def apply(self, settings: Settings, changes: tuple[SettingChange, ...], told: frozenset[str]) -> tuple[str, ...]:
        """As RunningSettings asks for it."""
        instruments, notes = next_instruments(self._instruments, settings, self._multipliers)
        venues = venues_of(settings, instruments)
        if self._launch.mode == "demo" and (unknown := venues - self._sockets.keys()):
            raise UsageError(
                f"--demo: found {', '.join(sorted(unknown))}, expected venues that are simulated since the start: "
                f"{', '.join(sorted(self._sockets))}; start the demo again"
            )
        launch = dataclasses.replace(self._launch, settings=settings)
        ever = self._ever | {each.id for each in instruments}
        feed = feed_worker(
            launch, self._endpoints, instruments, self._sockets, self._recording_tally, self._multipliers
        )
        assert isinstance(feed.plan, FeedPlan), "no replay changes its settings"
        feed_plan = msgspec.structs.replace(feed.plan, changed=change_since(self._at_start, ever, instruments))
        alerting = alert_worker(launch, self._endpoints, self._alert_memory)
        applied = [each.key for each in changes if not each.needs_restart]
        rules = {rule_of(key) for key in (*applied, *told)} - {""}
        running = self._supervisor.plan_of(SPREAD)
        assert isinstance(running, SpreadPlan), "the node has started"
        spread_plan = next_spread_plan(running, settings, instruments, rules, _note(applied, told))
        self._launch, self._instruments, self._ever = launch, instruments, ever
        if feed_plan != self._supervisor.plan_of(FEED):
            self._supervisor.change_plan(FEED, feed_plan)
        if changes or told:
            self._supervisor.change_plan(SPREAD, spread_plan)
        self._change_alerts(alerting)
        if "log.level" in applied:
            logging.getLogger().setLevel(settings.log.level.upper())
            self._supervisor.set_log_level(logging.getLogger().level)
        self._on_venues(venues)
        return notes

    def _change_alerts(self, wanted: WorkerSpec | None) -> None:
        """The worker that alerts, once it runs, stays though it may have no rule to go by."""
        running = self._supervisor.plan_of(ALERTS)
        if running is None and wanted is not None:
            assert isinstance(wanted.plan, AlertPlan)
            # What happened before there were rules is not told.
            self._supervisor.start(
                dataclasses.replace(wanted, plan=msgspec.structs.replace(wanted.plan, from_now=True))
            )
        elif isinstance(running, AlertPlan):
            plan = wanted.plan if wanted is not None else msgspec.structs.replace(running, rules={}, targets=())
            assert isinstance(plan, AlertPlan)
            if (plan := msgspec.structs.replace(plan, from_now=running.from_now)) != running:
                self._supervisor.change_plan(ALERTS, plan)


def venues_of(settings: Settings, instruments: Iterable[Instrument]) -> frozenset[str]:
    """The venues that quotes are asked of."""
    asked = (venue for venue in settings.venues if settings.patterns_of(venue))
    return frozenset((*asked, *(each.venue for each in instruments)))


def _note(applied: Collection[str], told: Collection[str]) -> str:
    """What viewers are told; empty where nothing has changed."""
    keys = list(dict.fromkeys((*applied, *filter(rule_of, told))))
    more = f" and {len(keys) - _KEYS_NAMED} more" if len(keys) > _KEYS_NAMED else ""
    return f"changed: {', '.join(keys[:_KEYS_NAMED])}{more}" if keys else ""
