"""The API worker, and the same by hand."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import zmq

from arbsniper_tui.api.access import read_access
from arbsniper_tui.api.plan import ApiPlan, address_of, open_listener
from arbsniper_tui.api.serve import serve, serve_redis
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.model.redis_url import read_redis_url
from arbsniper_tui.runtime.log import LogStream, start_log
from arbsniper_tui.runtime.process import LIFELINE
from arbsniper_tui.runtime.shared_cpu import stay_off
from arbsniper_tui.wire.endpoints import Endpoints, find_endpoints
from arbsniper_tui.wire.messages import Hello, Welcome, WorkerReport
from arbsniper_tui.wire.viewing import CommandClient

_REPORT_EVERY_S = 1.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_Serving = Callable[[socket.socket, asyncio.Event], Coroutine[Any, Any, None]]
"""Answers on a socket until it is told to stop."""


def work(plan: ApiPlan) -> None:
    """Until the parent says stop, or is gone."""
    stay_off(plan.deciding_cpu)
    asyncio.run(_serve_plan(plan))


def serve_by_hand(endpoint: str, settings: Settings, redis_url: str | None) -> None:
    """Answer for the node at `endpoint`, or for all nodes that write to this Redis, as `[api]` has it, until a signal
    stops it. Raises NodeUnreachable, FolderError, StateError or UsageError."""
    serving = _of_node(endpoint, settings) if redis_url is None else _of_redis(endpoint, settings, redis_url)
    listener = open_listener(settings.api.listen)
    start_log("info", LogStream(sys.stderr.fileno()))
    asyncio.run(_until_stopped(listener, serving))


def _of_node(endpoint: str, settings: Settings) -> _Serving:
    endpoints = find_endpoints(endpoint)
    access = read_access(settings, is_live=_mode_of(endpoints) == "live")
    return lambda listener, stop: serve(endpoints, listener, access, stop)


def _of_redis(endpoint: str, settings: Settings, redis_url: str) -> _Serving:
    place = read_redis_url(redis_url)
    if endpoint or place is None:
        found = f"{endpoint} and --redis-url" if endpoint else "no URL of Redis"
        raise UsageError(f"found {found}: expected a node, or --redis-url with the Redis of many")
    access = read_access(settings, is_live=True)
    return lambda listener, stop: serve_redis(place, listener, access, stop)


def _mode_of(endpoints: Endpoints) -> str:
    """Live, or one that leaves nothing in the state folder. Raises NodeUnreachable."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    client = CommandClient(context, endpoints)
    try:
        welcome = client.ask(Hello())
        assert isinstance(welcome, Welcome), "a Hello is answered with a Welcome"
        return welcome.intro.mode
    finally:
        client.close()
        context.term()


async def _serve_plan(plan: ApiPlan) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(LIFELINE, stop.set)  # it becomes readable only when the parent closes it
    endpoints, listener = Endpoints(Path(plan.folder)), socket.socket(fileno=plan.listener)
    words = f"at {plan.access.scheme}://{address_of(listener)}"
    await serve(endpoints, listener, plan.access, stop, report=_report(plan.worker, endpoints, words))


async def _until_stopped(listener: socket.socket, serving: _Serving) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    with listener:
        await serving(listener, stop)


async def _report(worker: str, endpoints: Endpoints, words: str) -> None:
    """Tell the node each second how this process is."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    reports = CommandClient(context, endpoints)
    try:
        while True:
            reports.answer()
            reports.send(WorkerReport(worker, os.getpid(), words))
            await asyncio.sleep(_REPORT_EVERY_S)
    finally:
        reports.close()
        context.term()
