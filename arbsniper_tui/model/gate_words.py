"""What each gate holds, in a sentence for people. The gates themselves are in `engine.gates`, in their order."""

from arbsniper_tui.model.reason import BELOW_THRESHOLD, NOT_TRADED, ReasonCode

GATE_SENTENCES = {
    "muted": "You have not muted the route.",
    "traded": "Both venues list the instrument, trade it, and have room for it.",
    "book": "Both venues show a sound book: a bid and an ask above zero that do not cross.",
    "rate": "Where prices are converted, the rate is known and fresh.",
    "identity": "Both venues mean the same coin: its price fits its peers', or you have said so.",
    "fresh": "Neither quote is too old.",
    "alive": "Neither price stands still while those of its peers moved away.",
    "independent": "Neither venue shows the other's book as its own.",
    "believable": "Neither price is far from those of its peers.",
    "cap": "The gross spread is not so large that a price must be wrong.",
    "threshold": "The spread, gross or net, is above the threshold.",
    "size": "The size that both venues show is one that both accept.",
    "total": "The whole size brings enough after fees.",
    "unusual": "The spread is far above what is usual for the route.",
    "life": "The spread has stood for long enough.",
    "cooldown": "The last signal of the route is long enough ago.",
    "judged": "A quote has come since the route could stand.",
}
"""By the name of the gate. The last is no gate: what nothing speaks against signals with the next quote."""

_GATES_OF_CODES = {
    ReasonCode.MUTED: "muted",
    **dict.fromkeys(NOT_TRADED, "traded"),
    ReasonCode.NO_RATE: "rate",
    ReasonCode.RATE_STALE: "rate",
    ReasonCode.IDENTITY: "identity",
    ReasonCode.OTHER_COIN: "identity",
    ReasonCode.MULTIPLIER_WAITS: "identity",
    ReasonCode.STALE: "fresh",
    ReasonCode.FROZEN: "alive",
    ReasonCode.SAME_BOOK: "independent",
    ReasonCode.ABSURD: "believable",
    ReasonCode.SPREAD_TOO_LARGE: "cap",
    **dict.fromkeys(BELOW_THRESHOLD, "threshold"),
    ReasonCode.TOO_SMALL: "size",
    ReasonCode.TOTAL_BELOW: "total",
    ReasonCode.USUAL: "unusual",
    ReasonCode.USUAL_UNKNOWN: "unusual",
    ReasonCode.TOO_YOUNG: "life",
    ReasonCode.COOLDOWN: "cooldown",
    ReasonCode.UNJUDGED: "judged",
}


def gate_of(code: ReasonCode) -> str:
    """The name of the gate that gives this reason of a route; any other reason is one of its books'."""
    return _GATES_OF_CODES.get(code, "book")
