"""Which node alerts, whom, and who is told the secrets of its targets."""

from pathlib import Path

import msgspec
import pytest

from arbsniper_tui.alerts.plan import AlertPlan, Target
from arbsniper_tui.config.alert_settings import AlertRule, AlertSettings, AlertTargetSettings
from arbsniper_tui.config.settings import Settings, VenueSettings
from arbsniper_tui.node.launch import Launch, feed_worker
from arbsniper_tui.node.viewer_workers import alert_worker
from arbsniper_tui.wire.endpoints import Endpoints

FOLDER = Endpoints(Path("/nowhere"))
ALERTS = AlertSettings(
    rules={"both": AlertRule(to=("bell", "hook")), "hooked": AlertRule(to=("hook",)), "here": AlertRule()},
    targets={
        "hook": AlertTargetSettings(webhook="http://h", secret="secret-word"),
        "unused": AlertTargetSettings(url="tgram://x", secret_file="/not/read"),
    },
)


def plan_of(mode: str, alerts: AlertSettings = ALERTS) -> AlertPlan | None:
    spec = alert_worker(Launch(Settings(alerts=alerts), mode=mode), FOLDER, 7)
    assert spec is None or (isinstance(spec.plan, AlertPlan) and not spec.is_needed)
    return spec and msgspec.json.decode(msgspec.json.encode(spec.plan), type=AlertPlan)


def test_a_live_node_alerts_those_whom_its_rules_name() -> None:
    plan = plan_of("live")
    assert plan is not None
    assert plan.rules == ALERTS.rules
    assert plan.targets == (Target("hook", webhook="http://h", secret="secret-word"),)


def test_a_demo_alerts_terminals_alone() -> None:
    plan = plan_of("demo")
    assert plan is not None
    assert {name: rule.to for name, rule in plan.rules.items()} == {"both": ("bell",), "here": ("bell", "desktop")}
    assert plan.targets == ()


@pytest.mark.parametrize(("mode", "alerts"), [("replay", ALERTS), ("live", AlertSettings())])
def test_a_replay_and_a_node_without_rules_alert_nobody(mode: str, alerts: AlertSettings) -> None:
    assert plan_of(mode, alerts) is None


def test_other_workers_are_not_told_the_secrets() -> None:
    settings = Settings(symbols=("*/USDT",), venues={"okx": VenueSettings()}, alerts=ALERTS)
    spec = feed_worker(Launch(settings), FOLDER, (), {}, -1, {})
    assert b"secret-word" not in msgspec.json.encode(spec.plan)
