"""One alert that says it is a test, to one target, and what came of it."""

import asyncio
import logging
import time
from uuid import uuid4

import zmq

from arbsniper_tui.alerts.alert import Alert, message_of
from arbsniper_tui.alerts.dispatch import delivery_to
from arbsniper_tui.alerts.plan import target_of
from arbsniper_tui.config.alert_needs import unmet_need
from arbsniper_tui.config.alert_settings import TERMINAL_WAYS, AlertSettings
from arbsniper_tui.config.given import advice, nearest
from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.wire.endpoints import find_endpoints
from arbsniper_tui.wire.messages import TellTerminals
from arbsniper_tui.wire.viewing import CommandClient


def send_test_alert(alerts: AlertSettings, name: str) -> str:
    """Send it, whatever rules and quiet hours say; returns what happened. Raises UsageError for a name that is no
    target and for what a target lacks, NotDelivered for one that does not take it, and NodeUnreachable where no node
    runs whose terminals could be told."""
    alert = Alert(
        rule="test",
        kind="test",
        subject=name,
        title="a test of alerts",
        text=f"sent by `arbsniper-tui alerts test {name}`",
        timestamp=time.time_ns() // 1_000_000,
    )
    message = message_of(alert)
    if name in TERMINAL_WAYS:
        return _ask_node(message.line, name)
    declared = alerts.targets.get(name)
    if declared is None:
        names = (*TERMINAL_WAYS, *alerts.targets)
        raise UsageError(f'found "{name}", expected one of {", ".join(names)}{advice(nearest(name, names))}')
    if why := unmet_need(declared):
        raise UsageError(f"alerts.targets.{name}: {why}")
    logging.getLogger().addHandler(logging.NullHandler())  # what libraries log may hold the address with its token
    deliver = delivery_to(target_of(name, declared))
    began_s = time.monotonic()
    asyncio.run(deliver(message, uuid4().hex))
    return f"{name} took it within {time.monotonic() - began_s:.1f} s"


def _ask_node(line: str, way: str) -> str:
    endpoints = find_endpoints()
    with zmq.Context() as context:
        client = CommandClient(context, endpoints)
        try:
            client.ask(TellTerminals(line, (way,)))
        finally:
            client.close()
    return f"every terminal UI of the node at {endpoints.folder} was told to"
