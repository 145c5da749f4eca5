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
from arbsniper_tui.runtime.log_file import LogOptions, OpenLog, open_log

FrontEnd = Callable[[Node], int]
"""Starts the node, stays with it to its end, stops it, and returns the exit code."""

_log = logging.getLogger(__name__)


def run_node(launch: Launch, front_end: FrontEnd, log_options: LogOptions, warnings: Iterable[str]) -> int:
    """Run a node with this front end; `warnings` go to its log. Returns the exit code; what cannot be done is said on
    standard error."""
    try:
        log = open_log(log_options, is_replay=launch.mode == "replay")
    except UsageError as error:
        return fail(error, USAGE)
    try:
        for warning in warnings:
            _log.warning("%s", warning)
        node = Node(replace(launch, log=log.setup, log_descriptor=log.descriptor))
        code = front_end(node)
        log.stream.drain(LAST_LINES_S)
        _tell_recorded(node, launch.record_folder, log)
        return code
    except (UsageError, RedisNotStarted) as error:
        return fail(error, USAGE)
    except ArbsniperError as error:
        return fail(error, FAULT)
    finally:
        log.stream.drain(LAST_LINES_S)


def _tell_recorded(node: Node, folder: str, log: OpenLog) -> None:
    """Say what was recorded; standard error may have a reader that does not read."""
    if node.recorded is None:
        return
    frames, size = node.recorded
    words = f"recorded {counted(frames, 'frame')}, {size / 1e6:.2f} MB to {folder}"
    if log.descriptor is None and log.stream.is_json:
        _log.info("%s", words)
        return
    stream = LogStream(sys.stderr.fileno())
    stream.write(f"{words}\n")
    stream.drain(LAST_LINES_S)
