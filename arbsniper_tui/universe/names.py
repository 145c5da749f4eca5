"""Under which name a venue lists what was asked for."""

from collections.abc import Mapping

from msgspec.structs import replace

from arbsniper_tui.model.instrument import Instrument, instrument_key, parse_symbol
from arbsniper_tui.venues.base import VenueAdapter
from arbsniper_tui.venues.listing import Listing


def listed_as(adapter: VenueAdapter, instrument: Instrument, listings: Mapping[str, Listing]) -> Instrument:
    """The instrument as the venue lists it: under its plain name, else as so many coins at once, such as 1000PEPE, else
    under the one name that differs in small and capital letters alone. Unchanged where none of these is listed."""
    for name, multiplier in adapter.spellings(parse_symbol(instrument.symbol)):
        if name in listings:
            multiplier *= instrument.by_verdict
            if (name, multiplier) == (instrument.venue_symbol, instrument.multiplier):
                return instrument
            return replace(instrument, venue_symbol=name, multiplier=multiplier)
    wanted = instrument.venue_symbol.casefold()
    alike = [name for name in listings if name.casefold() == wanted]
    if len(alike) != 1:
        return instrument
    symbol = adapter.unified(alike[0], instrument.market)
    if not symbol:
        return instrument
    new_id = instrument_key(instrument.venue, symbol)
    return replace(instrument, id=new_id, symbol=symbol, venue_symbol=alike[0], multiplier=instrument.by_verdict)


def told_multiple(instrument: Instrument, multipliers: Mapping[str, int]) -> Instrument:
    """The instrument with the multiplier that the user told, `venue symbol` -> coins sold as one."""
    by_verdict = multipliers.get(f"{instrument.venue} {instrument.symbol}", 1)
    if by_verdict == instrument.by_verdict:
        return instrument
    multiplier = instrument.multiplier // instrument.by_verdict * by_verdict
    return replace(instrument, multiplier=multiplier, by_verdict=by_verdict)
