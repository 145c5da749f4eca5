"""What a simulated venue can be told to do wrong, and how a request on its port spells that."""

from enum import StrEnum
from urllib.parse import parse_qs

from msgspec import Struct

from arbsniper_tui.model.errors import UsageError

FAULT_PATH = "/sim/fault"
"""Reserved for tests: `GET /sim/fault` answers with the fault in force, `?kind=stall` sets one, `?kind=none`
clears it, `&symbol=BTCUSDT` (repeatable, as the venue spells it) says which instruments it is about."""


class FaultKind(StrEnum):
    """The ways in which a venue fails."""

    REFUSE = "refuse"
    """REST and WebSocket requests are answered 503, and the open connections end."""
    DROP = "drop"
    """Every open connection breaks off, once; the fault is over at once."""
    STALL = "stall"
    """Connections stay, and pings are answered; nothing else is."""
    FREEZE = "freeze"
    """The data of `symbols` stops, of every instrument where none is named, first states included; all else goes on,
    acknowledgements and heartbeats too."""
    QUIET = "quiet"
    """Nothing moves at `symbols`, at every instrument where none is named; who subscribes or asks is told their
    state."""
    GARBAGE = "garbage"
    """Bad JSON, wrong shapes, and NaN, negative and crossed prices come between the good frames."""
    SLOW = "slow"
    """TCP connections are accepted, and their requests are not answered until the fault is over."""
    REJECT = "reject"
    """`symbols` are refused as if the venue did not list them."""
    HALT = "halt"
    """`symbols` are listed as not trading, in the venue's own word; their quotes go on."""
    MAINTENANCE = "maintenance"
    """The list is empty, an error, or says that nothing trades, whichever the venue does; connections stay, pings are
    answered, and nothing else is."""


class Fault(Struct, frozen=True):
    """One fault in force."""

    kind: FaultKind
    symbols: tuple[str, ...] = ()
    """As the venue spells them in frames."""

    @property
    def is_stalling(self) -> bool:
        """Whether nothing but the answers to pings is sent."""
        return self.kind in (FaultKind.STALL, FaultKind.MAINTENANCE)

    def silences(self, venue_symbol: str) -> bool:
        """Whether changes of an instrument are not sent."""
        if self.kind in (FaultKind.FREEZE, FaultKind.QUIET):
            return not self.symbols or venue_symbol in self.symbols
        return self.is_stalling


def read_fault(query: str) -> Fault | None:
    """The fault that a query string asks for; None clears. Raises UsageError for a kind that does not exist."""
    fields = parse_qs(query)
    kind = fields.get("kind", ["none"])[0]
    if kind == "none":
        return None
    if kind not in {known.value for known in FaultKind}:
        raise UsageError(f"fault {kind!r}: expected one of {', '.join(FaultKind)} or none")
    return Fault(FaultKind(kind), tuple(fields.get("symbol", ())))
