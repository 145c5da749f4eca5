"""What a worker and its supervisor tell each other in shared memory: signs of life, new plans, the log's level."""

import mmap
import os
from struct import Struct

from arbsniper_tui.runtime.anonymous_file import create_anonymous_file

_WORD = Struct("=Q")
_COUNT_AT, _GIVEN_AT, _TAKEN_AT, _LEVEL_AT = 0, 8, 16, 24
_SIZE = 32


def _word(place: int) -> property:
    def read(self: "Heartbeat") -> int:
        found: int = _WORD.unpack_from(self.memory, place)[0]
        return found

    def write(self: "Heartbeat", value: int) -> None:
        _WORD.pack_into(self.memory, place, value)

    return property(read, write)


class Heartbeat:
    """A count that a worker raises each time its loop comes round, and what it sees then."""

    count = _word(_COUNT_AT)
    """What the worker, or the one before it, has counted to."""
    given = _word(_GIVEN_AT)
    """The number of the plan that lies there for the worker; written by the supervisor."""
    taken = _word(_TAKEN_AT)
    """The number of the plan that the worker works by; written by the worker."""
    log_level = _word(_LEVEL_AT)
    """As `logging` counts levels; 0: that of the worker's start. Written by the supervisor."""

    def __init__(self, descriptor: int) -> None:
        """`descriptor` is one that `create` made, here or in the parent."""
        self.descriptor = descriptor
        self.memory = mmap.mmap(descriptor, _SIZE)
        self._count = self.count

    @classmethod
    def create(cls) -> "Heartbeat":
        """A new one; the caller closes it."""
        return cls(create_anonymous_file(_SIZE))

    def beat(self) -> None:
        self._count += 1
        _WORD.pack_into(self.memory, _COUNT_AT, self._count)

    def close(self) -> None:
        self.memory.close()
        os.close(self.descriptor)
