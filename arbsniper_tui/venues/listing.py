"""What a venue's own list says of an instrument, and whether that keeps the instrument out."""

from msgspec import Struct

from arbsniper_tui.model.clean_text import NAME_LIMIT, clean_text
from arbsniper_tui.model.reason import Reason, ReasonCode


class Listing(Struct, frozen=True):
    """What a venue's own list says of one instrument. None: the list does not say."""

    contract_size: float | None = 1.0
    """Base coins in one unit of size; of an inverse contract, quote currency in one unit. None: no size can be told."""
    is_inverse: bool = False
    is_trading: bool = True
    words: str = ""
    """The venue's own word for the state of an instrument that does not trade."""
    tick: float | None = None
    """The smallest step of a price."""
    lot: float | None = None
    """The smallest step of a size, in the venue's unit."""
    min_size: float | None = None
    """The smallest order, in the venue's unit of size."""
    min_worth: float | None = None
    """The smallest order, in quote currency."""
    listed_ms: int | None = None
    """Since when it is listed, ms since 1970."""
    is_leveraged: bool = False
    """A leveraged token, by the venue's own mark."""
    funding_interval_h: float | None = None
    coin_name: str = ""
    """The coin's full name, where the list tells it."""
    contract: str = ""
    """The address of the coin's contract, where the list tells it."""

    @property
    def fault(self) -> Reason | None:
        """Why the instrument takes no part although it is listed; None where it does."""
        if not self.is_trading:
            return Reason(ReasonCode.NOT_TRADING, words=clean_text(self.words, NAME_LIMIT))
        return None if self.contract_size is not None else Reason(ReasonCode.NO_CONTRACT_SIZE)


def why_unlisted(listing: Listing | None) -> Reason | None:
    """Why an entry of a venue's list, None for a missing one, keeps its instrument out; None where it does not."""
    return Reason(ReasonCode.NOT_LISTED) if listing is None else listing.fault
