"""The order of events: by run and number, whether they come on the channel or from the stream. No I/O, no clock."""

from collections.abc import Iterator
from enum import Flag
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

RunKey = tuple[str, str]
"""Node and run. Both are empty for a node that does not name them: all its events count as one run."""

REMEMBERED = 20_000
"""Events whose bytes are known, so that a repeat can be told from another event of the same number."""


class Origin(Flag):
    """Where an event was read."""

    CHANNEL = 1
    STREAM = 2


class Head(Struct, frozen=True):
    """What every event has, whatever its kind."""

    event: str
    seq: Annotated[int, Meta(ge=1)]
    timestamp: int
    node: str = ""
    run: str = ""


class Heard(Struct, frozen=True):
    """An event as it came."""

    head: Head
    payload: bytes
    origin: Origin
    is_conflicting: bool = False
    """Whether its number was given to other bytes before."""
    is_late: bool = False
    """Whether an event of a higher number had come on the channel before it."""

    @property
    def run(self) -> RunKey:
        return self.head.node, self.head.run


def heard_event(payload: bytes, origin: Origin) -> Heard:
    """An event from its bytes, which are JSON throughout. Raises what is in UNREADABLE."""
    return Heard(msgspec.convert(msgspec.json.decode(payload), Head), payload, origin)


class Gap(Struct, frozen=True):
    """Numbers that never came."""

    run: RunKey
    first: int
    last: int
    is_beginning: bool
    """Whether they are the first numbers of a run."""
    is_excused: bool
    """Whether the reader was away and the stream does not hold them any more, so that nobody can tell."""

    @property
    def in_words(self) -> str:
        return f"event {self.first}" if self.first == self.last else f"events {self.first} to {self.last}"


class _Run:
    __slots__ = ("channel_high", "is_excused", "next", "since_ns", "waiting")

    def __init__(self) -> None:
        self.next = 1
        self.waiting: dict[int, Heard] = {}
        """What came ahead of a missing number."""
        self.since_ns = 0
        """Since when the next number is awaited."""
        self.channel_high = 0
        self.is_excused = False


class Numbering:
    """Returns the events of each run in the order of their numbers, each once."""

    def __init__(self, patience_ns: int) -> None:
        """`patience_ns`: how long later events wait for one that is missing."""
        self._patience_ns = patience_ns
        self._runs: dict[RunKey, _Run] = {}
        self._known: dict[tuple[RunKey, int], tuple[int, Origin]] = {}
        self._nodes: set[str] = set()
        """Nodes whose every event since then was to be heard."""
        self.repeats = 0
        """Events that came again from where they had come before, with the same bytes."""

    @property
    def is_waiting(self) -> bool:
        """Whether a number is missing."""
        return any(run.waiting for run in self._runs.values())

    def learn(self, heard: Heard) -> None:
        """Note an event that was there before the reader came: it is not returned, and a gap before it is none."""
        run = self._runs.setdefault(heard.run, _Run())
        run.next = max(run.next, heard.head.seq + 1)
        self._nodes.add(heard.head.node)
        self._note(heard)

    def take(self, heard: Heard, now_ns: int) -> list[Heard]:
        """The events that are next in order now. None for a repeat and for one that waits. An event whose number was
        given to other bytes before comes back at once, marked."""
        run = self._runs.setdefault(heard.run, _Run())
        seq = heard.head.seq
        is_late = heard.origin is Origin.CHANNEL and seq < run.channel_high
        if heard.origin is Origin.CHANNEL:
            run.channel_high = max(run.channel_high, seq)
        known = self._known.get((heard.run, seq))
        if known is not None or seq < run.next:
            return self._again(heard, known)
        self._note(heard)
        if not run.waiting:
            run.since_ns = now_ns
        run.waiting[seq] = Heard(heard.head, heard.payload, heard.origin, is_late=is_late)
        return list(self._released(run, now_ns))

    def give_up(self, now_ns: int) -> list[tuple[Gap, list[Heard]]]:
        """The gaps that were awaited for too long, each with the events that waited behind it."""
        found = []
        for key, run in self._runs.items():
            while run.waiting and now_ns - run.since_ns >= self._patience_ns:
                is_beginning = run.next == 1
                is_excused = run.is_excused or (is_beginning and key[0] not in self._nodes)
                last = min(run.waiting) - 1
                gap = Gap(key, run.next, last, is_beginning, is_excused)
                run.next = last + 1
                found.append((gap, list(self._released(run, now_ns))))
        return found

    def forgive(self) -> None:
        """The reader was away, and the stream does not say what it missed: the next gap of each run is excused."""
        self._nodes.clear()
        for run in self._runs.values():
            run.is_excused = True

    def _released(self, run: _Run, now_ns: int) -> Iterator[Heard]:
        while (heard := run.waiting.pop(run.next, None)) is not None:
            run.next += 1
            run.since_ns = now_ns
            run.is_excused = False
            self._nodes.add(heard.head.node)
            yield heard

    def _again(self, heard: Heard, known: tuple[int, Origin] | None) -> list[Heard]:
        if known is None:
            self.repeats += 1  # too long ago for its bytes to be compared
            return []
        digest, origins = known
        if digest != hash(heard.payload):
            return [Heard(heard.head, heard.payload, heard.origin, is_conflicting=True)]
        if heard.origin in origins:
            self.repeats += 1
        self._known[heard.run, heard.head.seq] = digest, origins | heard.origin
        return []

    def _note(self, heard: Heard) -> None:
        self._known[heard.run, heard.head.seq] = hash(heard.payload), heard.origin
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
