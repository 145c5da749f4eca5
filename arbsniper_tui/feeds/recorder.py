"""Writes every frame a feed worker receives to tapes, one a connection, off the hot path.

A tape that cannot be written ends the recording, visibly; the feed goes on.
"""

import itertools
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from arbsniper_tui.feeds.outlet import OnChange, OnDisconnect, OnFrame, OnListing
from arbsniper_tui.feeds.recording_tally import RecordingTally
from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.health import RecordingHealth
from arbsniper_tui.tapes.tape import DISCONNECTED, FACT_STREAM, FACTS, INSTRUMENTS, LISTING, SETTINGS, TapeWriter

_log = logging.getLogger("arbsniper_tui.feeds.recorder")

_Line = tuple[FeedSpec, float, str, bytes, str]
"""Connection, receive time in s since 1970, URL, frame, and kind."""
LIMIT_BYTES = 64 << 20
_GIVES_UP_AFTER_S = 20.0
_LINE_BYTES = 200
"""About what a noted frame takes beside its own bytes."""


def recorder_of(folder: str, settings: str, tally: int) -> "Recorder | None":
    """What a worker's plan asks for: nothing where `folder` is empty; `tally` is the descriptor of a RecordingTally, or
    -1 for none."""
    if not folder:
        return None
    return Recorder(Path(folder), settings, RecordingTally(tally) if tally >= 0 else None)


def make_folder(folder: Path) -> None:
    """Make the folder for tapes where it is missing. Raises UsageError where none can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"record {folder}: expected a folder to write to: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise UsageError(f"record {folder}: expected a folder to write to: it is read-only")


class Recorder:
    """Frames are noted as they come. A thread of its own writes them twice a second, so that recording costs the feed
    little, a disk that hangs costs it nothing, and a kill costs the tapes less than a second."""

    def __init__(
        self,
        folder: Path,
        settings: str = "",
        tally: RecordingTally | None = None,
        *,
        write_every_s: float = 0.5,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        """`settings` is the JSON at the head of each tape; `tally` is told how much was written. Above `limit_bytes` of
        noted frames the recording ends: the disk is too slow for it."""
        make_folder(folder)
        self._folder = folder
        self.settings = settings
        """At the head of each tape that is begun from now on."""
        self._tally = tally
        self._write_every_s = write_every_s
        self._limit_bytes = limit_bytes
        self._started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        self._noted: deque[_Line] = deque()
        # Each count has one thread that raises it.
        self._noted_bytes = 0
        self._taken_bytes = 0
        self._frames = 0
        self._failure = ""
        self._writers: dict[str, TapeWriter] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def frames_of(self, spec: FeedSpec) -> OnFrame:
        """What a feed calls with each frame."""
        return self._notes(spec, FACT_STREAM if spec.facts_only else "")

    def listings_of(self, spec: FeedSpec) -> OnListing:
        """What a feed calls with the venue's list, without which contract sizes could not be replayed."""
        return self._notes(spec, LISTING)

    def changes_of(self, spec: FeedSpec) -> OnChange:
        """What a market calls when patterns bring instruments or take them away."""
        note = self._notes(spec, INSTRUMENTS)
        return lambda change: note(spec.ws_url, msgspec.json.encode(change))

    def facts_of(self, spec: FeedSpec) -> OnFrame:
        """What is called with each answer by REST that tells slow facts."""
        return self._notes(spec, FACTS)

    def disconnects_of(self, spec: FeedSpec) -> OnDisconnect:
        """What a feed calls when a connection of it ends, so that a replay withdraws what rested on it."""
        note = self._notes(spec, DISCONNECTED)
        return lambda url, reason: note(url, reason.encode())

    def health(self) -> RecordingHealth:
        """As of now."""
        return RecordingHealth(str(self._folder), self._frames, self._written_bytes, self._failure)

    @property
    def _written_bytes(self) -> int:
        return sum(writer.written_bytes for writer in list(self._writers.values()))

    def close(self, within_s: float = 0.6) -> None:
        """Write the rest, and close the tapes. What takes longer than `within_s` is said, since a supervisor soon kills
        what does not end; a worker that nobody kills gives up later."""
        self._stopping.set()
        self._thread.join(within_s)
        if self._thread.is_alive():
            _log.error("record %s: the disk is slow: %d frames wait to be written", self._folder, len(self._noted))
            self._thread.join(_GIVES_UP_AFTER_S)

    def _notes(self, spec: FeedSpec, kind: str) -> Callable[[str, bytes], None]:
        def note(url: str, frame: bytes) -> None:
            if self._failure:
                return
            self._noted.append((spec, time.time(), url, frame, kind))
            self._noted_bytes += len(frame) + _LINE_BYTES
            if self._noted_bytes - self._taken_bytes > self._limit_bytes:
                self._fail(f"the disk is too slow: {self._limit_bytes >> 20} MiB of frames wait to be written")

        return note

    def _run(self) -> None:
        self._attempt(self._write_all)
        # Only this thread takes lines away, so none can vanish between the test and the pop.
        self._noted.clear()
        for writer in self._writers.values():
            self._attempt(writer.close)
        self._count_up()

    def _write_all(self) -> None:
        while not self._failure and not self._stopping.wait(0.0 if self._noted else self._write_every_s):
            self._write()
        while not self._failure and self._noted:
            self._write()

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as error:
            self._fail(str(error.strerror or error))
        except Exception:  # noqa: BLE001 - the thread's boundary: shown as a recording that failed
            _log.exception("the recorder ends with an error of its own")
            self._fail("a fault of the recorder: see the log")

    def _write(self) -> None:
        """Write what was noted and flush it, so that it survives a kill of this process."""
        due_s = time.monotonic() + self._write_every_s
        touched: set[TapeWriter] = set()
        frames = 0
        while self._noted and not self._failure and time.monotonic() < due_s:
            spec, ts_s, url, frame, kind = self._noted.popleft()
            self._taken_bytes += len(frame) + _LINE_BYTES
            writer = self._writer(spec, ts_s)
            writer.write(ts_s, url, frame, market=str(spec.market), kind=kind)
            touched.add(writer)
            frames += not kind
        for writer in touched:
            writer.flush()
        self._frames += frames
        self._count_up()

    def _count_up(self) -> None:
        if self._tally is not None:
            self._tally.put(self._frames, self._written_bytes)

    def _fail(self, reason: str) -> None:
        if not self._failure:
            self._failure = reason
            _log.error("record %s: nothing is recorded any more: %s", self._folder, reason)

    def _writer(self, spec: FeedSpec, ts_s: float) -> TapeWriter:
        """The tape of a connection: a new file, since the end of an older one may be missing. The settings at its head
        have the time of its first line."""
        if spec.name not in self._writers:
            for number in itertools.count(1):
                part = f"-{number}" if number > 1 else ""
                path = self._folder / f"{spec.name.replace(' ', '-')}.{self._started}{part}.jsonl.gz"
                with suppress(FileExistsError):
                    self._writers[spec.name] = TapeWriter(path, spec.venue)
                    break
            if self.settings:
                self._writers[spec.name].write(ts_s, "", self.settings.encode(), kind=SETTINGS)
        return self._writers[spec.name]
