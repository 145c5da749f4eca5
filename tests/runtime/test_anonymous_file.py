"""Memory that outlives the process that wrote it."""

import mmap
import os
import subprocess
import sys

import pytest

from arbsniper_tui.runtime.anonymous_file import create_anonymous_file

WRITE_AND_DIE = """
import mmap, os, signal, sys
memory = mmap.mmap(int(sys.argv[1]), 16)
memory[:5] = b"alive"
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("in_memory", [True, False])
def test_what_a_killed_process_wrote_is_still_there(in_memory: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    descriptor = create_anonymous_file(16)
    try:
        command = [sys.executable, "-c", WRITE_AND_DIE, str(descriptor)]
        assert subprocess.run(command, pass_fds=(descriptor,), check=False).returncode < 0
        with mmap.mmap(descriptor, 16) as memory:
            assert memory[:] == b"alive".ljust(16, b"\0")
    finally:
        os.close(descriptor)
