"""The first states of quiet instruments, asked for by REST where a venue's stream says nothing until a change."""

from collections.abc import Sequence

from arbsniper_tui.model.quote import Quote
from arbsniper_tui.net.rest import fetch
from arbsniper_tui.venues.base import Find, VenueAdapter


async def fetch_seeds(adapter: VenueAdapter, url: str, find: Find) -> Sequence[Quote]:
    """One GET for all instruments that `find` gives. Raises RestError and BadFrame.

    The answer may be as old as the call, and quotes of the stream may overtake it: the caller must compare.
    """
    return adapter.parse_seeds(await fetch(url), find)
