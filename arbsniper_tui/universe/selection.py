"""What patterns stand for: of all that the venues list, what they have in common; and why the rest is left out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set

from msgspec import Struct

from arbsniper_tui.config.settings import Settings
from arbsniper_tui.model.instrument import Instrument, Market, Symbol, instrument_key, parse_symbol
from arbsniper_tui.model.pattern import matches
from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.universe.instruments import with_rates
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing

ListKey = tuple[str, Market]
"""A venue and one of its markets."""


class Candidate(Struct, frozen=True, gc=False):
    """One entry of a venue's list that a pattern stands for."""

    instrument: Instrument
    why_not: str = ""
    """Why it takes no part whatever other venues list; empty where it may."""


class Selection(Struct, frozen=True):
    """What takes part, and what does not."""

    instruments: tuple[Instrument, ...]
    left_out: dict[str, tuple[str, ...]]
    """Reason -> `venue symbol`, sorted."""

    @property
    def in_words(self) -> str:
        """How many take part, and how many are left out for which reason, in one line."""
        counts = Counter({why: len(names) for why, names in self.left_out.items()})
        left_out = "; ".join(f"{count} {why}" for why, count in counts.most_common())
        return f"{len(self.instruments)} instruments" + (f", left out: {left_out}" if left_out else "")


def candidates(settings: Settings, key: ListKey, listings: Mapping[str, Listing]) -> Iterator[Candidate | None]:
    """What the venue's patterns stand for in one list, one step for each of its entries; None for the others."""
    venue, market = key
    adapter, declared = VENUES[venue], settings.market_of(venue, market)
    assert declared is not None, f"{venue} has no {market} market"
    patterns = settings.patterns_of(venue)
    plain = {name for name in listings if adapter.read_name(name, market).multiplier == 1}
    for name, listing in listings.items():
        unified, multiplier = adapter.read_name(name, market)
        symbol = parse_symbol(unified) if unified else None
        if symbol is None or symbol.market is not market or not _is_asked(symbol, patterns, settings, venue):
            yield None
            continue
        counted = settings.counted_quote(symbol.quote)
        instrument = Instrument(
            id=instrument_key(venue, str(symbol)),
            venue=venue,
            symbol=str(symbol),
            venue_symbol=name,
            counted_quote=symbol.quote if counted == symbol.base else counted,
            taker_fee_pct=declared.taker_fee_pct,
            implied=True,
            multiplier=multiplier,
            relays=declared.relays,
        )
        has_plain = _has_plain(symbol, name, venue, plain)
        yield Candidate(instrument, _why_not(symbol, listing, settings, has_plain=has_plain))


def select(
    settings: Settings, found: Mapping[ListKey, Iterable[Candidate]], kept: Set[int], named: Iterable[Instrument]
) -> Selection:
    """What takes part: all of `named`, and every candidate whose coin and quote currency stand on enough venues; one
    that relays another counts as that one. One that is among `kept` stays while it is listed, for a halt that
    passes."""
    by_group: dict[tuple[str, ...], set[str]] = defaultdict(set)
    left_out: dict[str, list[str]] = defaultdict(list)
    sound: list[Instrument] = []
    chosen = {each.id: each for each in named}
    for each in (candidate for part in found.values() for candidate in part):
        instrument = each.instrument
        if each.why_not and instrument.id not in kept:
            left_out[each.why_not].append(f"{instrument.venue} {instrument.symbol}")
        else:
            sound.append(instrument)
            by_group[_group(instrument, settings)].add(instrument.book_venue)
    for instrument in chosen.values():
        by_group[_group(instrument, settings)].add(instrument.book_venue)
    for instrument in sound:
        if instrument.id in chosen:
            continue
        count = len(by_group[_group(instrument, settings)])
        if count >= settings.min_venues:
            chosen[instrument.id] = instrument
        else:
            left_out[f"on {count} venues of {settings.min_venues}"].append(f"{instrument.venue} {instrument.symbol}")
    return Selection(with_rates(chosen, settings), {why: tuple(sorted(names)) for why, names in left_out.items()})


def _group(instrument: Instrument, settings: Settings) -> tuple[str, ...]:
    """What instruments have in common that a route may join."""
    market = "" if "spot-perp" in settings.signals.routes else str(instrument.market)
    return instrument.base, instrument.counted_quote, market


def _is_asked(symbol: Symbol, patterns: Iterable[str], settings: Settings, venue: str) -> bool:
    meant = [symbol]
    counted = settings.counted_quote(symbol.quote)
    if settings.venues[venue].symbols is None and counted not in (symbol.quote, symbol.base):
        meant.append(Symbol(symbol.base, counted, counted if symbol.settle else ""))
    return any(matches(pattern, each) for pattern in patterns for each in meant)


def _has_plain(symbol: Symbol, name: str, venue: str, plain: Set[str]) -> bool:
    spelled = VENUES[venue].venue_symbol(symbol)
    return spelled != name and spelled in plain


def _why_not(symbol: Symbol, listing: Listing, settings: Settings, *, has_plain: bool) -> str:
    if any(matches(pattern, symbol) for pattern in settings.exclude):
        return "excluded"
    if listing.is_leveraged:
        return "leveraged tokens"
    if has_plain:
        return "listed by the thousand, and plain too"
    return reason_words(listing.fault)
