"""The first states of quiet instruments, asked for by REST where a venue's stream says nothing until a change."""

from collections.abc import Mapping, Sequence

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.net.rest import fetch
from arbsniper_tui.venues.base import VenueAdapter


async def fetch_seeds(adapter: VenueAdapter, url: str, instruments: Mapping[str, Instrument]) -> Sequence[Quote]:
    """One GET for all instruments, which are by the venue's own symbol. Raises RestError and BadFrame.

    The answer may be as old as the call, and may be overtaken by the stream: what it is worth is the caller's to judge.
    """
    return adapter.parse_seeds(await fetch(url), instruments)
