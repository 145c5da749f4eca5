"""Signs of life of a worker, in memory that it shares with its supervisor."""

import mmap
import os
from struct import Struct

from arbsniper_tui.runtime.anonymous_file import create_anonymous_file

_COUNT = Struct("=Q")


class Heartbeat:
    """A count that a worker raises each time its loop comes round."""

    def __init__(self, descriptor: int) -> None:
        """`descriptor` is one that `create` made, here or in the parent."""
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _COUNT.size)
        self._count = self.count

    @classmethod
    def create(cls) -> "Heartbeat":
        """A new one; the caller closes it."""
        return cls(create_anonymous_file(_COUNT.size))

    @property
    def count(self) -> int:
        """What the worker, or the one before it, has counted to."""
        found: int = _COUNT.unpack_from(self._memory)[0]
        return found

    def beat(self) -> None:
        self._count += 1
        _COUNT.pack_into(self._memory, 0, self._count)

    def close(self) -> None:
        self._memory.close()
        os.close(self.descriptor)
