"""The command without the time of its start: one interpreter that has imported it, and forks for each run."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from waiting import DEADLINE_S

ANSWER_BYTES = 4


class PreparedCommand:
    """Runs the command from start to end, each time in a process of its own: real streams, exit code and workers."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
            )
        # A command does all of its work: a benchmark runs several nodes.
        self._channel.settimeout(3 * DEADLINE_S)

    def run(
        self, arguments: tuple[str, ...], *, stdin: bytes, env: dict[str, str], cwd: Path
    ) -> subprocess.CompletedProcess[bytes]:
        """As `subprocess.run` of the command with these arguments."""
        with contextlib.ExitStack() as stack:
            streams = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
            streams[0].write(stdin)
            streams[0].seek(0)
            request = json.dumps({"arguments": arguments, "env": env, "cwd": str(cwd)}).encode() + b"\n"
            socket.send_fds(self._channel, [request], [stream.fileno() for stream in streams])
            pid = self._answer()
            try:
                code = self._answer()
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                self._answer()
                raise
            for stream in streams[1:]:
                stream.seek(0)
            return subprocess.CompletedProcess(arguments, code, streams[1].read(), streams[2].read())

    def _answer(self) -> int:
        return int.from_bytes(self._channel.recv(ANSWER_BYTES), signed=True)

    def close(self) -> None:
        self._channel.close()
        self._server.wait(DEADLINE_S)


def serve(channel: socket.socket) -> bool:
    """Fork for each request and answer with the child's process id, then its exit code. Returns True in the child,
    which has become what the request says, and False when the other end was closed."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, 1 << 16, 3)
        if not message:
            return False
        while not message.endswith(b"\n"):
            message += channel.recv(1 << 16)
        child = os.fork()
        if child == 0:
            _become(json.loads(message), descriptors)
            channel.close()
            return True
        for descriptor in descriptors:
            os.close(descriptor)
        channel.send(child.to_bytes(ANSWER_BYTES))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        channel.send(code.to_bytes(ANSWER_BYTES, signed=True))


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["arbsniper-tui", *request["arguments"]]


if __name__ == "__main__":
    from arbsniper_tui.cli.main import run

    if serve(socket.socket(fileno=int(sys.argv[1]))):
        run()
