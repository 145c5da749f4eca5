"""A node and its front end in one process, from the log's first line to the exit code."""

import logging
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace

from arbsniper_tui.model.errors import ArbsniperError, RedisNotStarted, UsageError
from arbsniper_tui.model.words import counted
from arbsniper_tui.node.launch import Launch
from arbsniper_tui.node.node import Node
from arbsniper_tui.runtime.exit_codes import FAULT, USAGE, fail
from arbsniper_tui.runtime.log import LAST_LINES_S, LogStream
from arbsniper_tui.runtime.log_file import LogOptions, open_log

FrontEnd = Callable[[Node], int]
"""Starts the node, stays with it to its end, stops it, and returns the exit code."""

_log = logging.getLogger(__name__)


def run_node(launch: Launch, front_end: FrontEnd, log_options: LogOptions, warnings: Iterable[str]) -> int:
    """Run a node with this front end; `warnings` go to its log. Returns the exit code; what cannot be done is said on
    standard error."""
    try:
        log, descriptor = open_log(log_options, is_replay=launch.mode == "replay")
    except UsageError as error:
        return fail(error, USAGE)
    try:
        for warning in warnings:
            _log.warning("%s", warning)
        node = Node(replace(launch, log_level=log_options.level.upper(), log_descriptor=descriptor))
        code = front_end(node)
        log.drain(LAST_LINES_S)
        _tell_recorded(node, launch.record_folder)
        return code
    except (UsageError, RedisNotStarted) as error:
        return fail(error, USAGE)
    except ArbsniperError as error:
        return fail(error, FAULT)
    finally:
        log.drain(LAST_LINES_S)


def _tell_recorded(node: Node, folder: str) -> None:
    """Say what was recorded; standard error may have a reader that does not read."""
    if node.recorded is not None:
        frames, size = node.recorded
        stream = LogStream(sys.stderr.fileno())
        stream.write(f"recorded {counted(frames, 'frame')}, {size / 1e6:.2f} MB to {folder}\n")
        stream.drain(LAST_LINES_S)
