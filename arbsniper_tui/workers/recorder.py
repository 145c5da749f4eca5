"""Writes every frame a feed worker receives to tapes, one a connection, off the hot path."""

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.net.outlet import OnFrame, OnListing
from arbsniper_tui.net.spec import FeedSpec
from arbsniper_tui.tapes.tape import LISTING, TapeWriter

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

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._folder = folder
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

    async def flush(self) -> None:
        """Write what was noted."""
        noted, self._noted = self._noted, []
        await asyncio.to_thread(self._write, noted)

    def close(self) -> None:
        """Write the rest, and close the tapes."""
        self._write(self._noted)
        for writer in self._writers.values():
            writer.close()

    def _write(self, noted: list[_Line]) -> None:
        for writer, market, ts_s, url, frame, kind in noted:
            writer.write(ts_s, url, frame, market=market, kind=kind)
        for writer in {line[0] for line in noted}:
            writer.flush()

    def _writer(self, spec: FeedSpec) -> TapeWriter:
        if spec.name not in self._writers:
            name = f"{spec.name.replace(' ', '-')}.{self._started}.jsonl.gz"
            self._writers[spec.name] = TapeWriter(self._folder / name, spec.venue)
        return self._writers[spec.name]
