"""A venue's REST list of instruments in a file: where a tape's contract sizes come from when it does not hold them."""

from pathlib import Path

from arbsniper_tui.model.errors import BadFrame, TapeError
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing


def read_listings(venue: str, file: Path) -> dict[str, Listing]:
    """The list by the venue's own symbols. Raises TapeError."""
    try:
        return VENUES[venue].parse_listings(file.read_bytes())
    except OSError as error:
        raise TapeError(f"--instruments {file}: {error.strerror or error}") from error
    except BadFrame as error:
        raise TapeError(f"--instruments {file}: {error}") from error
