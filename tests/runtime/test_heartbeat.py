"""Signs of life across processes."""

import signal
import subprocess
import sys

from arbsniper_tui.runtime.heartbeat import Heartbeat

BEAT_AND_DIE = """
import os, signal, sys
from arbsniper_tui.runtime.heartbeat import Heartbeat
heartbeat = Heartbeat(int(sys.argv[1]))
for _ in range(3): heartbeat.beat()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_counts_on_from_where_the_one_before_it_was_killed() -> None:
    heartbeat = Heartbeat.create()
    try:
        counts = [heartbeat.count]
        for _ in range(2):
            command = [sys.executable, "-c", BEAT_AND_DIE, str(heartbeat.descriptor)]
            done = subprocess.run(command, pass_fds=(heartbeat.descriptor,), check=False)
            assert done.returncode == -signal.SIGKILL
            counts.append(heartbeat.count)
        assert counts == [0, 3, 6]
    finally:
        heartbeat.close()
