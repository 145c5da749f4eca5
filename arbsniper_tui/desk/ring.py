"""The newest events of a node as they were written, in memory that outlives the process: the next one reads them."""

import mmap
from collections import deque
from collections.abc import Iterator
from struct import Struct as Layout

_HEADER = Layout("=qqq")
"""Where the oldest event stands, how many there are, and how many were ever put."""
_LENGTH = Layout("=i")
_NOTHING_FOLLOWS = -1
"""In place of a length: the next event stands at the start."""


class EventRing:
    """Events one behind the other between two offsets; the newest replace the oldest.

    The header is written last, so that a process which is killed half way through leaves what stood there before.
    """

    def __init__(self, memory: mmap.mmap, header: int, start: int, end: int) -> None:
        self._memory = memory
        self._header, self._start, self._end = header, start, end
        self.count: int
        """Events that were ever put."""
        tail, held, self.count = _HEADER.unpack_from(memory, header)
        self._places: deque[int] = deque()
        self._head = start
        for place, length in self._walk(tail, held):
            self._places.append(place)
            self._head = place + _LENGTH.size + length

    def put(self, written: bytes) -> None:
        """Keep an event; it may be half as long as the ring."""
        places, needed = self._places, _LENGTH.size + len(written)
        head, dropped = self._head, len(places)
        if head + needed > self._end:
            while places and places[0] >= head:
                places.popleft()
            if head + _LENGTH.size <= self._end:
                self._note(dropped)
                dropped = len(places)
                _LENGTH.pack_into(self._memory, head, _NOTHING_FOLLOWS)
            head = self._start
        while places and head <= places[0] < head + needed:
            places.popleft()
        self._note(dropped)
        _LENGTH.pack_into(self._memory, head, len(written))
        start = head + _LENGTH.size
        self._memory[start : start + len(written)] = written
        places.append(head)
        self._head = head + needed
        self.count += 1
        _HEADER.pack_into(self._memory, self._header, places[0], len(places), self.count)

    def newest(self, most: int) -> list[bytes]:
        """The newest events, oldest first."""
        found = []
        for place in list(self._places)[max(0, len(self._places) - most) :]:
            (length,) = _LENGTH.unpack_from(self._memory, place)
            found.append(self._memory[place + _LENGTH.size : place + _LENGTH.size + length])
        return found

    def __len__(self) -> int:
        return len(self._places)

    def _note(self, held_before: int) -> None:
        """Give up the events that are to be overwritten, before they are."""
        places = self._places
        if len(places) != held_before:
            _HEADER.pack_into(self._memory, self._header, places[0] if places else self._start, len(places), self.count)

    def _walk(self, tail: int, held: int) -> Iterator[tuple[int, int]]:
        """Place and length of each event; it ends early where the file makes no sense."""
        place = tail
        for _ in range(held):
            if place + _LENGTH.size > self._end or _LENGTH.unpack_from(self._memory, place)[0] == _NOTHING_FOLLOWS:
                place = self._start
            if not self._start <= place <= self._end - _LENGTH.size:
                return
            (length,) = _LENGTH.unpack_from(self._memory, place)
            if not 0 <= length <= self._end - place - _LENGTH.size:
                return
            yield place, length
            place += _LENGTH.size + length
