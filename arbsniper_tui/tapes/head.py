"""What the head of a tape tells before it is played: venue, markets, and the settings it was recorded under."""

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.tapes.source import TapeSource, unknown_venue, venue_and_markets
from arbsniper_tui.tapes.tape import SETTINGS, TapeLine, read_tape


class TapeHead(Struct, frozen=True):
    """One tape of a replay, up to its first frame."""

    source: TapeSource
    venue: str = ""
    markets: tuple[Market, ...] = ()
    settings: str = ""
    """JSON; empty where the tape carries none."""
    has_frames: bool = False


def read_head(source: TapeSource) -> TapeHead:
    """Read a tape up to its first frame. Raises TapeError for a tape that cannot be opened, and for one whose frames
    are of a venue that cannot be told."""
    settings = ""
    for _, line in read_tape(Path(source.path)):
        if not isinstance(line, TapeLine):
            continue
        if line.kind == SETTINGS:
            settings = settings or line.raw or ""
        elif line.is_frame:
            venue, markets = venue_and_markets(source, line)
            if not venue:
                raise unknown_venue(source, line.url)
            return TapeHead(source, venue, markets, settings, has_frames=True)
    return TapeHead(source, settings=settings)


def read_heads(sources: Iterable[TapeSource]) -> list[TapeHead]:
    """The head of each tape, in their order. Raises TapeError, as `read_head` does."""
    return [read_head(source) for source in sources]
