"""Best bids and asks by REST in the shape that Binance gave them, which other venues took over."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.base import Find
from arbsniper_tui.venues.decoding import VenueInt, decoder


class _Row(Struct, rename="camel", gc=False):
    symbol: str
    bid_price: float | None
    bid_qty: float | None
    ask_price: float | None
    ask_qty: float | None
    time: VenueInt | None = None


def rest_tops(page: str) -> Callable[[bytes, Find], Sequence[Quote]]:
    """What a venue's `parse_seeds` does with `[{"symbol":"AEUSDT","bidPrice":"0.11","bidQty":"115","askPrice":"0.12",
    "askQty":"215"}]`. A side of null is empty."""
    rows = decoder(list[_Row], page, strict=False)

    def parse(body: bytes, find: Find) -> Sequence[Quote]:
        # The answer holds all symbols: a request that names one unlisted symbol fails for all.
        return [
            Quote(
                instrument.id,
                row.bid_price or 0.0,
                row.bid_qty or 0.0,
                row.ask_price or 0.0,
                row.ask_qty or 0.0,
                row.time,
            )
            for row in rows(body)
            if (instrument := find(row.symbol)) is not None
        ]

    return parse
