"""What the alerts worker leaves to the one after it, in a file that the launching process holds open."""

import os
import struct

_LAST = struct.Struct("<Q")
ALERT_MEMORY_SIZE = _LAST.size
"""Size of the file, in bytes."""


class AlertMemory:
    """The number of the last event that was judged, 0 before the first."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        (self.judged,) = _LAST.unpack(os.pread(descriptor, ALERT_MEMORY_SIZE, 0))

    def note(self, seq: int) -> None:
        """All events up to this one are judged."""
        if seq != self.judged:
            self.judged = seq
            os.pwrite(self._descriptor, _LAST.pack(seq), 0)
