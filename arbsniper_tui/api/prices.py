"""From a snapshot to prices. Pure, but for what it refuses."""

from collections.abc import Iterable
from http import HTTPStatus

from msgspec.structs import replace

from arbsniper_tui.api.answers import Best, Leg, Price, Why
from arbsniper_tui.api.problems import Declined
from arbsniper_tui.model.errors import SymbolError
from arbsniper_tui.model.instrument import Instrument, parse_symbol
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.session import derived
from arbsniper_tui.session.snapshot import Snapshot

NO_QUOTE = Reason(ReasonCode.NO_DATA)


def read_symbol(text: str) -> str:
    """A symbol as paths and queries have it: BTC/USDT, BTC-USDT, BTC/USDT:USDT or BTC-USDT-USDT. Raises Declined
    (400)."""
    text = text.removeprefix("/")
    if "/" not in text:
        text = text.replace("-", "/", 1).replace("-", ":", 1)
    try:
        return str(parse_symbol(text))
    except SymbolError as error:
        raise Declined(HTTPStatus.BAD_REQUEST, str(error)) from None


def instruments_of(watched: Iterable[Instrument], symbol: str | None, venue: str | None) -> list[Instrument]:
    """Those of this symbol, by its own name or that which it counts as, and of this venue; in order. Raises Declined
    (404) where the node watches none."""
    found = [
        each
        for each in watched
        if (symbol is None or symbol in (each.symbol, each.group)) and (venue is None or venue.lower() == each.venue)
    ]
    if not found and (symbol is not None or venue is not None):
        asked = " of ".join(each or repr(each) for each in (symbol, venue) if each is not None)
        raise Declined(HTTPStatus.NOT_FOUND, f"{asked}: this node does not watch it; /v1/prices lists what it watches")
    return sorted(found, key=lambda each: (each.group, each.venue, each.symbol))


def leg_of(instrument: Instrument) -> Leg:
    return Leg(instrument.venue, instrument.market, instrument.symbol)


def why_of(reason: Reason | None) -> Why | None:
    return None if reason is None else Why(reason.code, reason_words(reason), reason.venue)


def price_of(instrument: Instrument, snapshot: Snapshot) -> Price:
    """The newest quote of an instrument."""
    quote = snapshot.quotes.get(instrument.id)
    price = Price(
        venue=instrument.venue,
        market=instrument.market,
        symbol=instrument.symbol,
        counts_as=instrument.group,
        why_not=why_of(quote.reason if quote is not None else NO_QUOTE),
    )
    if quote is None or quote.ts_recv_ms <= 0.0:
        return price
    counted = derived.counted(instrument, quote, snapshot.quotes)
    return replace(
        price,
        bid=quote.bid,
        bid_size=quote.bid_size or None,
        ask=quote.ask,
        ask_size=quote.ask_size or None,
        counted_bid=counted.bid if counted is not None else None,
        counted_ask=counted.ask if counted is not None else None,
        received_at=quote.ts_recv_ms,
        venue_at=quote.ts_venue_ms,
    )


def best_of(symbol: str, instruments: Iterable[Instrument], snapshot: Snapshot) -> Best:
    """The best bid and ask of these, which are of one symbol."""
    by_id = {each.id: each for each in instruments if not each.only_rate}
    bid_id, ask_id = derived.best_of(by_id.values(), snapshot.quotes)
    bid, ask = (price_of(by_id[each], snapshot) if each in by_id else None for each in (bid_id, ask_id))
    return Best(symbol, bid, ask)
