"""What the settings say of instruments beside which there are: fees, and how old a rate may be. It may change."""

from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.model.instrument import Instrument


class Terms(Struct, frozen=True):
    """What is not named keeps what the instrument has."""

    taker_fees_pct: dict[str, float] = {}
    """By venue and market, as in `okx spot`."""
    rate_max_ages_ms: dict[str, float] = {}
    """By quote currency that is converted."""

    def of(self, instrument: Instrument) -> Instrument:
        """The instrument by these terms."""
        fee_pct = self.taker_fees_pct.get(f"{instrument.venue} {instrument.market}", instrument.taker_fee_pct)
        age_ms = self.rate_max_ages_ms.get(instrument.native_quote, instrument.rate_max_age_ms)
        if (fee_pct, age_ms) == (instrument.taker_fee_pct, instrument.rate_max_age_ms):
            return instrument
        return replace(instrument, taker_fee_pct=fee_pct, rate_max_age_ms=age_ms)
