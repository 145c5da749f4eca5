"""The last numbers given to events and signals, where the death of the spread worker does not reach them."""

import mmap
import os
from pathlib import Path
from struct import Struct

_TWO = Struct("=qq")


class Numbers:
    """Two counts in a file of the node's folder, mapped: the kernel keeps what a killed process wrote there."""

    def __init__(self, folder: Path) -> None:
        """Goes on from where the node's last spread worker came to."""
        descriptor = os.open(folder / "numbers", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, _TWO.size)
            self._memory = mmap.mmap(descriptor, _TWO.size)
        finally:
            os.close(descriptor)
        self.event: int
        self.signal: int
        self.event, self.signal = _TWO.unpack_from(self._memory)

    def give(self, event: int, signal: int) -> None:
        """Note numbers before anyone is told: one may be missing after a death, none is given twice."""
        self.event, self.signal = event, signal
        _TWO.pack_into(self._memory, 0, event, signal)
