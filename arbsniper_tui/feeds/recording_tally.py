"""How much a recording has written, kept where it can still be read when the worker that wrote it has ended."""

import os
import struct

_FIELDS = struct.Struct("<QQ")
TALLY_SIZE = _FIELDS.size
"""Bytes of the file that holds one."""


class RecordingTally:
    """Frames and bytes in a file that is held open by who launched the node; a worker that is started again adds."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._before = self.read()

    def put(self, frames: int, size: int) -> None:
        """What this worker has written until now; `size` in bytes on disk."""
        os.pwrite(self._descriptor, _FIELDS.pack(self._before[0] + frames, self._before[1] + size), 0)

    def read(self) -> tuple[int, int]:
        """Frames and bytes of all workers together."""
        frames, size = _FIELDS.unpack(os.pread(self._descriptor, TALLY_SIZE, 0))
        return frames, size
