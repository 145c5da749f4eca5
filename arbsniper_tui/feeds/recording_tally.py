"""How much a recording has written, in a file that can be read after its worker has ended."""

import os
import struct

_FIELDS = struct.Struct("<QQ")
TALLY_SIZE = _FIELDS.size
"""Size of the file, in bytes."""


class RecordingTally:
    """Frames and bytes in a file that the launching process holds open; a restarted worker adds to them."""

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
