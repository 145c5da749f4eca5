"""Writes every frame a feed worker receives to tapes, one a connection, off the hot path."""

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.net.outlet import OnDisconnect, OnFrame, OnListing
from arbsniper_tui.net.spec import FeedSpec
from arbsniper_tui.tapes.tape import DISCONNECTED, LISTING, SETTINGS, TapeWriter
from arbsniper_tui.workers.recording_tally import RecordingTally

_Line = tuple[TapeWriter, str, float, str, bytes, str]


def make_folder(folder: Path) -> None:
    """Make the folder for tapes where it is missing. Raises UsageError where none can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"record {folder}: expected a folder to write to: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise UsageError(f"record {folder}: expected a folder to write to: it is read-only")


class Recorder:
    """Frames are noted as they come and compressed in a thread, so that recording costs the feed little."""

    def __init__(self, folder: Path, settings: str = "", tally: RecordingTally | None = None) -> None:
        """`settings` is the JSON at the head of each tape; `tally` is told how much was written."""
        make_folder(folder)
        self._folder = folder
        self._settings = settings
        self._tally = tally
        self._frames = 0
        self._started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        self._writers: dict[str, TapeWriter] = {}
        self._noted: list[_Line] = []

    def frames_of(self, spec: FeedSpec) -> OnFrame:
        """What a feed calls with each frame."""
        writer = self._writer(spec)
        market = str(spec.market)

        def note(url: str, frame: bytes) -> None:
            self._noted.append((writer, market, time.time(), url, frame, ""))

        return note

    def listings_of(self, spec: FeedSpec) -> OnListing:
        """What a feed calls with the venue's list, without which contract sizes could not be replayed."""
        writer = self._writer(spec)
        market = str(spec.market)

        def note(url: str, body: bytes) -> None:
            self._noted.append((writer, market, time.time(), url, body, LISTING))

        return note

    def disconnects_of(self, spec: FeedSpec) -> OnDisconnect:
        """What a feed calls when a connection of it ends, so that a replay withdraws what rested on it."""
        writer = self._writer(spec)
        market = str(spec.market)

        def note(url: str, reason: str) -> None:
            self._noted.append((writer, market, time.time(), url, reason.encode(), DISCONNECTED))

        return note

    async def flush(self) -> None:
        """Write what was noted."""
        noted, self._noted = self._noted, []
        await asyncio.to_thread(self._write, noted)

    def close(self) -> None:
        """Write the rest, and close the tapes."""
        self._write(self._noted)
        for writer in self._writers.values():
            writer.close()
        self._count_up()

    def _write(self, noted: list[_Line]) -> None:
        for writer, market, ts_s, url, frame, kind in noted:
            writer.write(ts_s, url, frame, market=market, kind=kind)
            self._frames += not kind
        for writer in {line[0] for line in noted}:
            writer.flush()
        self._count_up()

    def _count_up(self) -> None:
        if self._tally is not None:
            self._tally.put(self._frames, sum(writer.path.stat().st_size for writer in self._writers.values()))

    def _writer(self, spec: FeedSpec) -> TapeWriter:
        if spec.name not in self._writers:
            name = f"{spec.name.replace(' ', '-')}.{self._started}.jsonl.gz"
            writer = self._writers[spec.name] = TapeWriter(self._folder / name, spec.venue)
            if self._settings:
                writer.write(time.time(), "", self._settings.encode(), kind=SETTINGS)
        return self._writers[spec.name]
