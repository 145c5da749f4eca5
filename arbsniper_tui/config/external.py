"""Exchanges whose ticks another program sends: which keys their tables take, and what is wrong with them as a whole."""

from collections.abc import Iterable, Iterator, Mapping, Set

from arbsniper_tui.config.given import Given, KeyPath
from arbsniper_tui.config.kinds import unknown_venue
from arbsniper_tui.config.settings import Settings, VenueSettings
from arbsniper_tui.config.venue_names import NAMED_VENUES
from arbsniper_tui.model.instrument import parse_symbol
from arbsniper_tui.venues import is_external

_KEYS = ("external", "symbols", "taker_fee_pct")


def takes_key(own: VenueSettings, name: str) -> bool:
    """Whether a key says anything of this venue."""
    return name in _KEYS if own.external else name != "external"


def external_names(values: Iterable[Given]) -> set[str]:
    """The venue ids that some source calls external."""
    keys = (given for given in values if given.path[:1] == ("venues",) and given.path[2:] == ("external",))
    return {given.path[1] for given in keys if str(given.value).strip().lower() == "true"}


def refuse_unknown(given: Given, venues: Iterable[str], external: Set[str]) -> None:
    """Raises ConfigError where a value is about a venue that this program does not have, and that is not external."""
    for venue in venues:
        if is_external(venue) and venue not in external:
            raise unknown_venue(given, venue)


def venue_problems(settings: Settings, values: Mapping[KeyPath, Given]) -> Iterator[str]:
    """What is wrong with the tables of venues whose every key is right by itself."""
    for venue, own in settings.venues.items():
        turned_on = values.get(("venues", venue))
        if turned_on is None:
            continue  # of the default set
        if own.external:
            yield from _external_problems(settings, venue, values)
        elif is_external(venue):
            yield str(unknown_venue(turned_on, venue))


def _external_problems(settings: Settings, venue: str, values: Mapping[KeyPath, Given]) -> Iterator[str]:
    place = f"{values['venues', venue, 'external'].place}: venues.{venue}"
    if not is_external(venue) or venue in NAMED_VENUES:
        yield (
            f"{place}.external: {venue} is a venue with a feed of its own, expected another name for ticks from "
            f"outside, as in [venues.my-{venue}]"
        )
        return
    for path, given in values.items():
        if path[:2] == ("venues", venue) and len(path) > 2 and path[2] not in _KEYS:
            yield (
                f"{given.place}: {'.'.join(path)}: nothing connects to an external exchange, expected one of "
                f"{', '.join(_KEYS)}"
            )
    fee = settings.venues[venue].taker_fee_pct
    markets = dict.fromkeys(parse_symbol(text).market for text in settings.symbols_of(venue))
    if fee is None or (isinstance(fee, dict) and not set(markets) <= set(fee)):
        yield (
            f"{place}.taker_fee_pct: expected your fee in percent, as in taker_fee_pct = 0.1: nobody else knows what "
            "an external exchange takes"
        )
