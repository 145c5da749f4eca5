"""A demo node without a terminal, whose supervisor waits as the first argument says (JSON). It writes to the Redis of
the URL that is the second; without one, to none."""

import sys

import msgspec

from arbsniper_tui.config.load import load_settings
from arbsniper_tui.config.settings import RedisSettings
from arbsniper_tui.headless.run import run_headless
from arbsniper_tui.node.launch import Launch
from arbsniper_tui.node.node import Node
from arbsniper_tui.node.supervisor import Timings
from arbsniper_tui.runtime.log import LogStream, start_log
from arbsniper_tui.sim.plan import DEMO_SETTINGS

if __name__ == "__main__":
    log = start_log("info", LogStream(sys.stderr.fileno()))
    settings = load_settings(DEMO_SETTINGS, {}, {"signals.threshold_pct": "0.02"}).settings
    redis = RedisSettings(url=sys.argv[2], mode="url") if len(sys.argv) > 2 else RedisSettings(mode="off")
    settings = msgspec.structs.replace(settings, redis=redis)
    timings = msgspec.json.decode(sys.argv[1], type=Timings)
    code = run_headless(Node(Launch(settings, mode="demo"), timings))
    log.drain()
    sys.exit(code)
