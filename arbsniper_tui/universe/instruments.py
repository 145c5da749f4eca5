"""From the settings to the node's instruments and connections."""

from collections.abc import Iterator, Sequence

import msgspec

from arbsniper_tui.config.settings import Conversion, Settings
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.instrument import Instrument, Market, Rate, Symbol, instrument_key, parse_symbol
from arbsniper_tui.venues import adapter_of
from arbsniper_tui.venues.base import VenueMarket
from arbsniper_tui.venues.requests import FactSource


def instruments_of(settings: Settings) -> tuple[Instrument, ...]:
    """Everything that the settings ask for, and what `[quotes]` counts as the same, in that order.

    A symbol that a venue has no market for is passed over: `settings_check` says which.
    """
    found: dict[int, Instrument] = {}
    for venue in settings.venues:
        own_list = settings.venues[venue].symbols
        for text in settings.symbols_of(venue):
            asked = parse_symbol(text)
            if serves(venue, asked):
                _add(found, settings, venue, asked)
            for implied in _implied(asked, settings) if own_list is None else ():
                if serves(venue, implied):
                    _add(found, settings, venue, implied, implied=True)
    return with_rates(found, settings)


def feed_specs(instruments: Sequence[Instrument], settings: Settings) -> tuple[FeedSpec, ...]:
    """What feeds are to serve: the instruments of each market of each venue. A market that a pattern asks for may have
    none yet."""
    members: dict[tuple[str, Market], list[Instrument]] = {
        (venue, declared.market): [] for venue in settings.venues for declared in settings.pattern_markets_of(venue)
    }
    for instrument in instruments:
        members.setdefault((instrument.venue, instrument.market), []).append(instrument)
    specs = []
    for (venue, market), served in sorted(members.items()):
        declared = settings.market_of(venue, market)
        assert declared is not None, "instruments_of takes only markets that the venue has"
        specs.append(_spec(declared, venue, tuple(served)))
    return tuple(specs)


def _spec(declared: VenueMarket, venue: str, members: tuple[Instrument, ...]) -> FeedSpec:
    usual = adapter_of(venue).market(declared.market)
    is_elsewhere = usual is None or declared.ws_url != usual.ws_url
    rest_url, ws_url = declared.rest_url.rstrip("/"), declared.ws_url.rstrip("/")
    facts = declared.facts or FactSource()
    return FeedSpec(
        name=f"{venue} {declared.market}",
        venue=venue,
        market=declared.market,
        ws_url=ws_url + declared.ws_path,
        list_url=rest_url + declared.list_path,
        instruments=members,
        seed_url=rest_url + declared.seed_path if declared.seed_path else "",
        other_ws_urls=() if is_elsewhere else tuple(url + declared.ws_path for url in declared.other_ws_urls),
        per_connection=declared.connection_limit,
        connections=declared.connections,
        endpoint_url=rest_url + declared.endpoint_path if declared.endpoint_path else "",
        facts_ws_url=ws_url + (facts.ws_path or declared.ws_path) if facts.subscription else "",
        facts_url=rest_url + facts.path if facts.path else "",
        facts_each_url=rest_url + facts.path_each if facts.path_each else "",
    )


def quotes_in_words(settings: Settings) -> tuple[str, ...]:
    """How each currency of `[quotes]` counts, for the eye."""
    return tuple(
        f"{currency} counts as {settings.counted_quote(currency)} "
        + (f"at the live rate of {_markets(counted)}" if isinstance(counted, Conversion) else "1:1, assumed")
        for currency, counted in settings.quotes.items()
    )


def _markets(counted: Conversion) -> str:
    return ", else ".join(f"{venue}:{symbol}" for venue, symbol in counted.markets)


def serves(venue: str, symbol: Symbol) -> bool:
    """Whether a venue has such a market; whether it lists the symbol is for the venue to say."""
    adapter = adapter_of(venue)
    return adapter.market(symbol.market) is not None and bool(adapter.venue_symbol(symbol))


def _implied(asked: Symbol, settings: Settings) -> Iterator[Symbol]:
    """The same base in every currency that counts as the one asked for."""
    for currency in settings.quotes:
        if settings.counted_quote(currency) == asked.quote:
            if not asked.settle:
                yield Symbol(asked.base, currency)
            else:
                # Perpetuals in dollars are settled in the coin; in a stablecoin, in that.
                yield Symbol(asked.base, currency, asked.base if currency == "USD" else currency)


def _add(found: dict[int, Instrument], settings: Settings, venue: str, symbol: Symbol, *, implied: bool = False) -> int:
    """Add an instrument, unless it is there already. Returns its id; raises ConfigError where another one has it."""
    instrument_id = instrument_key(venue, str(symbol))
    if (known := found.get(instrument_id)) is not None:
        if (known.venue, known.symbol) != (venue, str(symbol)):
            pair = f"{known.venue} {known.symbol} and {venue} {symbol}"
            raise ConfigError(f"{pair} have the same id: expected at most one of the two, leave the other out")
        return instrument_id
    declared = settings.market_of(venue, symbol.market)
    assert declared is not None, "only served symbols are added"
    counted_quote = settings.counted_quote(symbol.quote)
    if counted_quote == symbol.base:
        # USDT/USD, where USD counts as USDT: nothing can be counted in itself.
        counted_quote = symbol.quote
    found[instrument_id] = Instrument(
        id=instrument_id,
        venue=venue,
        symbol=str(symbol),
        venue_symbol=adapter_of(venue).venue_symbol(symbol),
        counted_quote=counted_quote,
        taker_fee_pct=declared.taker_fee_pct,
        implied=implied,
        relays=declared.relays,
    )
    return instrument_id


def with_rates(found: dict[int, Instrument], settings: Settings) -> tuple[Instrument, ...]:
    """Point every instrument in a converted currency to the instrument of its rate, which is added where needed."""
    used = {
        instrument.native_quote for instrument in found.values() if instrument.counted_quote != instrument.native_quote
    }
    converted: dict[str, tuple[Conversion, list[Rate]]] = {}
    for currency, counted in settings.quotes.items():
        if isinstance(counted, Conversion) and currency in used:
            rates = [
                Rate(_add_rate(found, settings, venue, symbol), symbol.quote == currency)
                for venue, symbol in counted.markets
            ]
            converted[currency] = (counted, rates)
    return tuple(
        _rated(each, *converted[each.native_quote])
        if each.counted_quote != each.native_quote and each.native_quote in converted
        else each
        for each in found.values()
    )


def _add_rate(found: dict[int, Instrument], settings: Settings, venue: str, symbol: Symbol) -> int:
    watched = len(found)
    rate_id = _add(found, settings, venue, symbol)
    if len(found) > watched:
        found[rate_id] = msgspec.structs.replace(found[rate_id], only_rate=True)
    return rate_id


def _rated(instrument: Instrument, counted: Conversion, rates: list[Rate]) -> Instrument:
    first, *others = rates
    return msgspec.structs.replace(
        instrument,
        rate_id=first.id,
        rate_inverted=first.is_inverted,
        other_rates=tuple(others),
        rate_max_age_ms=counted.max_age_ms,
    )
