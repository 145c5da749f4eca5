"""What all worker processes share: their plan, their lifeline to the parent, logging, and how they end."""

import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import TypeVar

import msgspec

from arbsniper_tui.model.errors import ArbsniperError

Plan = TypeVar("Plan")

LIFELINE = 0
"""Standard input: a pipe whose other end the parent holds for as long as it lives."""
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def run_worker(plan_type: type[Plan], work: Callable[[Plan], None]) -> None:
    """Read the plan, work, and exit: 0 when told to stop, 1 after an error, which is logged."""
    # An interrupt from the terminal goes to the whole group; stopping is the parent's to order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(
        level=sys.argv[1].upper() if len(sys.argv) > 1 else "INFO", format=LOG_FORMAT, stream=sys.stderr
    )
    log = logging.getLogger(plan_type.__name__)
    try:
        plan = msgspec.json.decode(sys.stdin.buffer.readline(), type=plan_type)
        work(plan)
    except ArbsniperError as error:
        log.error("%s", error)
        sys.exit(1)
    except Exception:  # noqa: BLE001 - the process boundary: written down, and the supervisor sees the exit
        log.exception("the worker ends with an error of its own")
        sys.exit(1)


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
