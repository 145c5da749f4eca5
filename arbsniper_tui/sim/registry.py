"""The venues that can be simulated, and all that they list."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.sim.binance import Binance
from arbsniper_tui.sim.bitget import Bitget
from arbsniper_tui.sim.bybit import Bybit
from arbsniper_tui.sim.coinbase import Coinbase
from arbsniper_tui.sim.coindcx import Coindcx
from arbsniper_tui.sim.deribit import Deribit
from arbsniper_tui.sim.dialect import Dialect
from arbsniper_tui.sim.gate import Gate
from arbsniper_tui.sim.instruments import SimInstrument
from arbsniper_tui.sim.kraken import Kraken
from arbsniper_tui.sim.kucoin import Kucoin
from arbsniper_tui.sim.mexc import Mexc
from arbsniper_tui.sim.okx import Okx
from arbsniper_tui.sim.phemex import Phemex
from arbsniper_tui.sim.plan import SimPlan

DIALECTS: Mapping[str, type[Dialect]] = MappingProxyType(
    {
        dialect.venue: dialect
        for dialect in (Binance, Bitget, Bybit, Coinbase, Coindcx, Deribit, Gate, Kraken, Kucoin, Mexc, Okx, Phemex)
    }
)
SIMULATED = tuple(DIALECTS)
"""The venue ids whose wire can be spoken."""


def list_instruments(plan: SimPlan) -> tuple[SimInstrument, ...]:
    """What the plan's venues list, in order of `id`. Raises UsageError for a venue without a simulation."""
    found: list[SimInstrument] = []
    for venue in plan.venues or SIMULATED:
        dialect = DIALECTS.get(venue)
        if dialect is None:
            raise UsageError(f"venue {venue!r} has no simulation; expected one of {', '.join(SIMULATED)}")
        for each in dialect.lists(plan.bases):
            found.append(
                msgspec.structs.replace(
                    each, id=len(found), venue=venue, weight=dialect.weight, spread=dialect.usual_spread
                )
            )
    return tuple(found)
