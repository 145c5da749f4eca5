"""A node that records on a raw venue: what a kill of its feed worker costs the tapes."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from node_process import RunningNode
from raw_venues import RawKraken

from arbsniper_tui.model.instrument import instrument_key
from arbsniper_tui.tapes.tape import TapeLine, read_tape

FIRST = instrument_key("kraken", "BTC/USDT")
SETTINGS = """
symbols = ["BTC/USDT"]
[redis]
mode = "off"
[venues.kraken]
{kraken}
"""


def test_what_a_node_says_is_recorded_is_on_tape_after_a_kill(
    start_node: Callable[..., RunningNode], tmp_path: Path
) -> None:
    folder = tmp_path / "tapes"
    with RawKraken() as kraken:
        config = tmp_path / "arbsniper.toml"
        config.write_text(SETTINGS.format(kraken=kraken.table))
        node = start_node("record", str(folder), "--config", str(config), demo=False)
        session = node.session()
        quotes = session.snapshot.quotes
        kraken.wait_for_subscription()
        kraken.send(kraken.quote(99.0, 100.0))
        node.wait_for(lambda: sum(tape.stat().st_size for tape in folder.iterdir()) > 0)
        # Right behind a write, so that the next one is as far away as it can be.
        last = kraken.quote(98.0, 100.0)
        kraken.send(last)
        node.watch(session, lambda: FIRST in quotes and quotes[FIRST].bid == 98.0)
        node.watch(session, lambda: (told := session.snapshot.recording) is not None and told.frames >= 2)
        os.kill(node.pid("feed"), signal.SIGKILL)
        node.wait_for(lambda: len(node.pids("feed")) == 2)
        session.close()
    tape = min(folder.iterdir(), key=lambda each: each.stat().st_mtime_ns)
    frames = [line.frame() for _, line in read_tape(tape) if isinstance(line, TapeLine)]
    assert last.encode() in frames
