"""What all worker processes share: their plan, their lifeline to the parent, logging, signs of life, how they end."""

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import Struct

from arbsniper_tui.model.errors import ArbsniperError
from arbsniper_tui.runtime.heartbeat import Heartbeat
from arbsniper_tui.runtime.log import LAST_LINES_S, LogSetup, LogStream, as_standard_error, pump_log, start_log
from arbsniper_tui.runtime.output import LIMIT_BYTES

Plan = TypeVar("Plan")

LIFELINE = 0
"""Standard input: a pipe whose other end the parent holds for as long as it lives."""
BEAT_EVERY_S = 0.25


class WorkerSetup(Struct, frozen=True):
    """How a worker runs, whatever it does: its first argument, as JSON."""

    plan: int
    """The descriptor of the file that holds its plan, as JSON."""
    worker: str = ""
    """Its name."""
    log: LogSetup = LogSetup()
    log_waits: bool = False
    """Whether it waits for the reader of its log, in place of dropping lines."""
    heartbeat: int | None = None
    """The descriptor of its heartbeat; None where the supervisor does not watch it."""


_heartbeat: Heartbeat | None = None
"""This process's, once it runs as a worker."""
_read_plan: Callable[[], Any] | None = None
_take_plan: Callable[[Any], None] | None = None


def beat() -> None:
    """Say that this process's loop comes round, write log lines that wait for their reader, and take a new plan where
    one lies there.

    A worker calls it several times a second, from the loop that does its work: the supervisor replaces one that is
    silent for 10 s.
    """
    if _heartbeat is not None:
        _heartbeat.beat()
        if (level := _heartbeat.log_level) and level != logging.getLogger().level:
            logging.getLogger().setLevel(level)
        if _take_plan is not None and _read_plan is not None and (given := _heartbeat.given) != _heartbeat.taken:
            _take_plan(_read_plan())
            _heartbeat.taken = given
    pump_log()


def on_new_plan(take: Callable[[Plan], None]) -> None:
    """Have `beat` call this with each plan that the supervisor hands over while the worker runs."""
    global _take_plan
    _take_plan = take


def run_worker(plan_type: type[Plan], work: Callable[[Plan], None]) -> NoReturn:
    """Read the plan, work, and exit: 0 when told to stop, 1 after an error, which is logged."""
    # An interrupt from the terminal, and its end, go to the whole group; stopping is the parent's to order.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    setup = msgspec.json.decode(sys.argv[1], type=WorkerSetup)
    limit_bytes = None if setup.log_waits else LIMIT_BYTES
    stream = LogStream(
        sys.stderr.fileno(), setup.log, worker=setup.worker, limit_bytes=limit_bytes, waits=setup.log_waits
    )
    start_log(setup.log.level, stream)
    sys.stderr = as_standard_error(stream)
    if setup.heartbeat is not None:
        global _heartbeat
        _heartbeat = Heartbeat(setup.heartbeat)
    code = _work(setup.plan, plan_type, work)
    stream.drain(LAST_LINES_S)
    if threading.active_count() > 1:
        # A thread that still runs while the interpreter is torn down corrupts memory on Python 3.12 and 3.13.
        os._exit(code)
    sys.exit(code)


def _work(descriptor: int, plan_type: type[Plan], work: Callable[[Plan], None]) -> int:
    log = logging.getLogger(plan_type.__name__)

    def read() -> Plan:
        with open(descriptor, "rb", closefd=False) as file:
            return msgspec.json.decode(file.read(), type=plan_type)

    global _read_plan
    _read_plan = read
    try:
        work(read())
    except ArbsniperError as error:
        log.error("%s", error)
        return 1
    except Exception:  # noqa: BLE001 - the process boundary: written down, and the supervisor sees the exit
        log.exception("the worker ends with an error of its own")
        return 1
    return 0


def parent_is_gone() -> bool:
    """Whether the lifeline has ended; never waits. Call `os.set_blocking(LIFELINE, False)` before."""
    try:
        return os.read(LIFELINE, 64) == b""
    except BlockingIOError:
        return False


def settle_memory() -> None:
    """Put everything made so far out of the collector's sight, and collect only when asked: its pauses of several ms
    would fall between a quote and its signal."""
    gc.collect()
    gc.freeze()
    gc.disable()
