"""Memory that outlives the process that wrote it."""

import mmap
import os
import subprocess
import sys

import pytest

from arbsniper_tui.runtime.anonymous_file import anonymous_file_with, create_anonymous_file

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


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_file_with_content_is_read_from_its_start_by_the_process_that_inherits_it(
    in_memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    content = bytes(range(256)) * 4096
    descriptor = anonymous_file_with(content)
    try:
        command = [sys.executable, "-c", "import sys; sys.stdout.buffer.write(open(int(sys.argv[1]), 'rb').read())"]
        done = subprocess.run([*command, str(descriptor)], pass_fds=(descriptor,), capture_output=True, check=True)
        assert done.stdout == content
    finally:
        os.close(descriptor)
