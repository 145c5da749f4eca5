"""Whether settings make a node that can signal: one check for the run, `config check` and `doctor`."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import filterfalse
from pathlib import Path

from msgspec import Struct

from arbsniper_tui.config.alert_needs import unmet_need
from arbsniper_tui.config.api_needs import unmet_needs
from arbsniper_tui.config.extras import missing_for_otel
from arbsniper_tui.config.load import DEFAULT, Loaded
from arbsniper_tui.engine.routes import route_pairs
from arbsniper_tui.model.errors import FolderError, UsageError
from arbsniper_tui.model.instrument import Instrument, parse_symbol
from arbsniper_tui.model.pattern import is_pattern
from arbsniper_tui.runtime.private_socket import refuse_shared_folder
from arbsniper_tui.runtime.shared_cpu import allowed_cpus, shared_cpu
from arbsniper_tui.universe.instruments import instruments_of, serves
from arbsniper_tui.venues import OPEN_VENUES, adapter_of


class Objection(Struct, frozen=True):
    """One thing that is wrong with settings whose every value is right by itself."""

    where: str
    """Source and key, as in `f.toml: symbols`."""
    found: str
    advice: str = ""
    refuses: bool = False
    """The run ends with it; else the rest goes on, and a warning is enough."""

    def __str__(self) -> str:
        return f"{self.where}: {self.found}" + (f"; {self.advice}" if self.advice else "")


def objections(loaded: Loaded, *, needs_route: bool = True, connects: bool = True) -> list[Objection]:
    """Everything that keeps a symbol, a venue or the whole node from signalling; what refuses the run first.

    Without `needs_route` it is no refusal that nothing can signal: frames can be recorded, and the demo looked at.
    Without `connects`, as in a replay, venues that have closed take part.
    """
    if connects and (closed := list(_closed(loaded))):
        return closed
    found = [*_unusable_cpu(loaded), *_unmet_targets(loaded), *_unserved(loaded), *_unserved_of_one_venue(loaded)]
    found += _unnamed_symbols(loaded)
    if connects:
        found += [*_unsafe_ticks(loaded), *_unmet_api(loaded), *_unmet_otel(loaded)]
    instruments = instruments_of(loaded.settings)
    idle = [*_idle_venues(loaded, instruments), *_relaying_venues(loaded, instruments)]
    if connects:
        idle += _doubtful_ticks(loaded)
    routed = {each.id for _, *pair in route_pairs(instruments, loaded.settings.signals.routes) for each in pair}
    if found:
        return found + idle
    if not routed and not loaded.settings.has_patterns:
        return [_no_route(loaded, refuses=needs_route), *idle]
    return [*idle, *_alone(loaded, instruments, routed)]


def _unusable_cpu(loaded: Loaded) -> Iterator[Objection]:
    try:
        shared_cpu(loaded.settings.engine.cpu, allowed_cpus(), os.getpid())
    except UsageError as error:
        yield Objection(_place(loaded, "engine.cpu"), str(error), '"auto" lets the node choose', refuses=True)


def _unmet_targets(loaded: Loaded) -> Iterator[Objection]:
    alerts = loaded.settings.alerts
    for name in dict.fromkeys(name for rule in alerts.rules.values() for name in rule.to if name in alerts.targets):
        if why := unmet_need(alerts.targets[name]):
            yield Objection(f"alerts.targets.{name}", why, refuses=True)


def _unmet_api(loaded: Loaded) -> Iterator[Objection]:
    api = loaded.settings.api
    if not api.enabled:
        return
    for key, why in unmet_needs(api):
        yield Objection(_place(loaded, key), why, refuses=True)
    if api.behind_proxy and not api.auth:
        found = "found no auth beside it, expected auth = true: without it, everyone who reaches the proxy may read"
        yield Objection(_place(loaded, "api.behind_proxy"), found)


def _unmet_otel(loaded: Loaded) -> Iterator[Objection]:
    if loaded.settings.otel.endpoint and (why := missing_for_otel()):
        yield Objection(_place(loaded, "otel.endpoint"), why, refuses=True)


def _closed(loaded: Loaded) -> Iterator[Objection]:
    for venue in loaded.settings.venues:
        if closed := adapter_of(venue).closed:
            yield Objection(
                _place(loaded, f"venues.{venue}"),
                f"{venue} closed on {closed} and cannot be connected to, expected one of {', '.join(OPEN_VENUES)}",
                "the verbs decode and replay still read its recorded tapes",
                refuses=True,
            )


def _unserved(loaded: Loaded) -> Iterator[Objection]:
    settings = loaded.settings
    for text in filterfalse(is_pattern, settings.symbols):
        if not any(serves(venue, parse_symbol(text)) for venue in settings.venues):
            on = ", ".join(f"{venue} has {_markets(venue)}" for venue in settings.venues)
            yield Objection(
                _place(loaded, "symbols"),
                f'found "{text}", expected a market of a venue that is on: {on}',
                "the verb venues lists what others have",
                refuses=True,
            )


def _unserved_of_one_venue(loaded: Loaded) -> Iterator[Objection]:
    for venue, own in loaded.settings.venues.items():
        for text in filterfalse(is_pattern, own.symbols or ()):
            if not serves(venue, parse_symbol(text)):
                forms = ", ".join(f"{each.market} ({each.symbol_example})" for each in adapter_of(venue).markets)
                yield Objection(
                    _place(loaded, f"venues.{venue}.symbols"),
                    f'found "{text}", expected a market that {venue} has: {forms}',
                    refuses=True,
                )


def _unnamed_symbols(loaded: Loaded) -> Iterator[Objection]:
    for venue, own in loaded.settings.venues.items():
        patterns = [text for text in loaded.settings.asked_of(venue) if is_pattern(text)]
        if own.external and patterns and (own.symbols is not None or not loaded.settings.symbols_of(venue)):
            yield Objection(
                _place(loaded, f"venues.{venue}.symbols"),
                f'found "{patterns[0]}", expected symbols by name, as in ["BTC/USDT"]',
                "an external exchange has no list that a pattern could search",
                refuses=True,
            )


def _unsafe_ticks(loaded: Loaded) -> Iterator[Objection]:
    """Others than the user could send ticks where only programs of the user's are to."""
    _, is_path, path = loaded.settings.feeds.external.partition("ipc:///")
    if is_path and _external_venues(loaded):
        try:
            refuse_shared_folder(Path(f"/{path}"))
        except FolderError as error:
            yield Objection(_place(loaded, "feeds.external"), str(error), refuses=True)


def _doubtful_ticks(loaded: Loaded) -> Iterator[Objection]:
    address, place = loaded.settings.feeds.external, _place(loaded, "feeds.external")
    if not _external_venues(loaded):
        if loaded.origins.get("feeds.external", DEFAULT) != DEFAULT:
            expected = "found no exchange that sends there, expected a table as [venues.acme] with external = true"
            yield Objection(place, expected, "nothing listens there")
    elif address.startswith("tcp:"):
        found = f"{address} can be reached by every user of this machine, who can make up prices"
        yield Objection(place, found, "an ipc:// address is for you alone")


def _external_venues(loaded: Loaded) -> list[str]:
    return [venue for venue, own in loaded.settings.venues.items() if own.external]


def _idle_venues(loaded: Loaded, instruments: Iterable[Instrument]) -> Iterator[Objection]:
    busy = {instrument.venue for instrument in instruments}
    for venue in loaded.settings.venues:
        # A venue of the default set was not asked for by name.
        is_idle = venue not in busy and not loaded.settings.patterns_of(venue)
        if is_idle and loaded.origins.get(f"venues.{venue}", DEFAULT) != DEFAULT:
            symbols = ", ".join(loaded.settings.symbols_of(venue))
            yield Objection(
                _place(loaded, f"venues.{venue}"),
                f"found no market for {symbols}, it has {_markets(venue)}",
                "it stays idle",
            )


def _relaying_venues(loaded: Loaded, instruments: Sequence[Instrument]) -> Iterator[Objection]:
    """The venues that show the books of another one that is on, where the user named them:
    neither the default set nor a tape does."""
    markets = {(each.venue, each.market) for each in instruments}
    pairs = {each.venue: each.relays for each in instruments if (each.relays, each.market) in markets}
    for venue, relayed in pairs.items():
        if loaded.origins.get(f"venues.{venue}", DEFAULT).partition(" ")[0] not in (DEFAULT, "tape"):
            yield Objection(
                _place(loaded, f"venues.{venue}"),
                f"its quotes are of books of {relayed}, so that the two are never set against each other",
                "each of them is set against other venues",
            )


def _no_route(loaded: Loaded, *, refuses: bool) -> Objection:
    kinds = ", ".join(loaded.settings.signals.routes)
    venues = ", ".join(loaded.settings.venues)
    return Objection(
        str(loaded.path or "settings"),
        f"no route is possible on {venues}, expected one symbol on two venues with books of their own, in currencies "
        f"that count alike, of a kind in signals.routes ({kinds})",
        "add a venue, a kind of route, or a currency to [quotes]; the verb record takes one venue alone too",
        refuses=refuses,
    )


def _alone(loaded: Loaded, instruments: Sequence[Instrument], routed: set[int]) -> Iterator[Objection]:
    """The symbols that were asked for and are in no route."""
    asked: dict[str, list[Instrument]] = defaultdict(list)
    for instrument in instruments:
        if not instrument.implied and not instrument.only_rate:
            asked[instrument.symbol].append(instrument)
    for symbol, members in asked.items():
        if not any(member.id in routed for member in members):
            venues = " and ".join(member.venue for member in members)
            key = "symbols" if symbol in loaded.settings.symbols else f"venues.{members[0].venue}.symbols"
            found = f"found {symbol} on {venues} alone, expected two venues for a route"
            if len({member.book_venue for member in members}) > 1:
                kinds = ", ".join(loaded.settings.signals.routes)
                found = f"found {symbol} on {venues}, in no kind of route of signals.routes ({kinds})"
            yield Objection(_place(loaded, key), found, "it is only shown")


def _markets(venue: str) -> str:
    return " and ".join(str(declared.market) for declared in adapter_of(venue).markets)


def _place(loaded: Loaded, key: str) -> str:
    """Where a key was set, as messages begin."""
    origin = loaded.origins.get(key, DEFAULT)
    if origin == DEFAULT:
        return key
    kind, _, name = origin.partition(" ")
    return f"{name if kind in ('file', 'option') else origin}: {key}"
