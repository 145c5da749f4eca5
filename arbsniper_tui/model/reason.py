"""Why a quote or a route takes no part, or an opportunity ended: a code with what was measured and the bound.

A reason is made where the fact is known and carried as a value. Words for people are made here and nowhere else.
"""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.model.threshold import measured_words, threshold_words
from arbsniper_tui.model.verdict import power_of_ten, ratio_words


class ReasonCode(StrEnum):
    """The kinds of reasons. The values cross process boundaries; `reason_words` makes the words."""

    NO_DATA = "no_data"
    NO_RATE = "no_rate"
    """The leg is converted at a live rate, and the rate's instrument takes no part."""
    NO_BID = "no_bid"
    NO_ASK = "no_ask"
    INVALID_BID = "invalid_bid"
    INVALID_ASK = "invalid_ask"
    INVALID_SIZE = "invalid_size"
    CROSSED = "crossed"
    """The bid is above the ask."""
    OLDER = "older"
    NUMBERS_RESTARTED = "numbers_restarted"
    """The venue counts its states from a lower number again."""
    UNREADABLE = "unreadable"
    NOT_LISTED = "not_listed"
    NOT_TRADING = "not_trading"
    """The venue lists the instrument and has halted it; `words` is its own word for that, where it has one."""
    NO_CONTRACT_SIZE = "no_contract_size"
    NO_ROOM = "no_room"
    """The venue takes `measured` connections with `bound` instruments each."""
    LISTED_AGAIN = "listed_again"
    REJECTED = "rejected"
    """The venue refuses the symbol; `words` is what it said."""
    BOOK_LOST = "book_lost"
    DISCONNECTED = "disconnected"
    NO_PONG = "no_pong"
    """`measured` s since the last ping that was answered."""
    FEED_SILENT = "feed_silent"
    FEED_DOWN = "feed_down"
    REMOVED = "removed"
    """The node does not watch the instrument any more."""
    STALE = "stale"
    """`measured` is the age in s; None where the age stands beside it."""
    RATE_STALE = "rate_stale"
    """The same, where the rate is the oldest part of the price."""
    FROZEN = "frozen"
    """The price stood still for `measured` s, while those of `peers` others moved by `peers_median` bps: more than
    `bound`."""
    ABSURD = "absurd"
    """The price `measured` is more than `bound` percent from `peers_median`."""
    IDENTITY = "identity"
    """The price is `measured` times that of its peers, so it may be another coin; `words` is "was" where that was so at
    first sight and is not any more."""
    OTHER_COIN = "other_coin"
    """The user says so."""
    MULTIPLIER_WAITS = "multiplier_waits"
    """The user says that `measured` coins are sold as one, and the feeds do not know it yet."""
    SPREAD_TOO_LARGE = "spread_too_large"
    """The gross spread `measured` is above `max_spread_pct`, the `bound`."""
    GROSS_BELOW = "gross_below"
    """The gross spread `measured` is not above the threshold, the `bound`."""
    NET_BELOW = "net_below"
    SAME_BOOK = "same_book"
    """One venue shows the other's book as its own."""
    MUTED = "muted"
    TOO_SMALL = "too_small"
    """A venue takes no order this small: `measured` and `bound` are in the unit in `words`."""
    TOTAL_BELOW = "total_below"
    """The whole size brings `measured` after fees, None where no rate leads to the currency in `words`."""
    USUAL = "usual"
    """The spread lies `measured` deviations above what is usual for the route."""
    USUAL_UNKNOWN = "usual_unknown"
    TOO_YOUNG = "too_young"
    """The spread has stood for `measured` ms."""
    UNJUDGED = "unjudged"
    """Nothing is wrong with the route, but it is judged with the next quote of a leg only."""
    COOLDOWN = "cooldown"
    STOPPED = "stopped"
    TAPES_ENDED = "tapes_ended"
    RESTARTED = "restarted"
    """The process that had announced the opportunity died."""


BELOW_THRESHOLD = frozenset((ReasonCode.GROSS_BELOW, ReasonCode.NET_BELOW))
SOUND = BELOW_THRESHOLD | {
    ReasonCode.MUTED,
    ReasonCode.TOO_SMALL,
    ReasonCode.TOTAL_BELOW,
    ReasonCode.USUAL,
    ReasonCode.USUAL_UNKNOWN,
    ReasonCode.TOO_YOUNG,
    ReasonCode.COOLDOWN,
    ReasonCode.UNJUDGED,
}
"""Both quotes of the route can be used: it signals once its spread is larger, or after a pause."""


NOT_TRADED = frozenset(
    (
        ReasonCode.NOT_LISTED,
        ReasonCode.NOT_TRADING,
        ReasonCode.NO_CONTRACT_SIZE,
        ReasonCode.NO_ROOM,
        ReasonCode.REJECTED,
        ReasonCode.REMOVED,
    )
)
"""The instrument cannot be had on the venue, whatever its book."""


class Reason(Struct, frozen=True, array_like=True, gc=False):
    """One reason, with what was measured and the bound where it has them."""

    code: ReasonCode
    venue: str = ""
    """The venue of the leg at fault; empty where the reason stands beside its own instrument, or is of the route."""
    measured: float | None = None
    bound: float | None = None
    words: str = ""
    """What the venue or the connection said, made fit to show."""
    peers_median: float | None = None
    peers: int = 0

    def at(self, venue: str) -> "Reason":
        """The same reason, of a route whose leg on `venue` it concerns."""
        return replace(self, venue=venue)


_FIXED = {
    ReasonCode.NO_DATA: "no data yet",
    ReasonCode.NO_RATE: "no rate",
    ReasonCode.NO_BID: "no bid",
    ReasonCode.NO_ASK: "no ask",
    ReasonCode.INVALID_BID: "invalid bid",
    ReasonCode.INVALID_ASK: "invalid ask",
    ReasonCode.INVALID_SIZE: "invalid size",
    ReasonCode.CROSSED: "crossed",
    ReasonCode.OLDER: "older than the quote held",
    ReasonCode.NUMBERS_RESTARTED: "the venue's numbers began again",
    ReasonCode.UNREADABLE: "unreadable frame",
    ReasonCode.NOT_LISTED: "not listed",
    ReasonCode.NO_CONTRACT_SIZE: "no contract size in the venue's list",
    ReasonCode.LISTED_AGAIN: "served again, no quote yet",
    ReasonCode.FEED_SILENT: "feed worker does not answer",
    ReasonCode.FEED_DOWN: "feed worker is down",
    ReasonCode.REMOVED: "no longer watched",
    ReasonCode.OTHER_COIN: "another coin, by your word",
    ReasonCode.SAME_BOOK: "both venues show one book",
    ReasonCode.MUTED: "muted by you",
    ReasonCode.USUAL_UNKNOWN: "what is usual is not known yet",
    ReasonCode.UNJUDGED: "waits for its next quote",
    ReasonCode.COOLDOWN: "cooldown",
    ReasonCode.STOPPED: "stopped",
    ReasonCode.TAPES_ENDED: "the tapes ended",
    ReasonCode.RESTARTED: "restart",
}
_QUOTING = {
    ReasonCode.NOT_TRADING: "not trading",
    ReasonCode.REJECTED: "rejected",
    ReasonCode.BOOK_LOST: "book lost",
    ReasonCode.DISCONNECTED: "disconnected",
}


_SHORT = dict.fromkeys(BELOW_THRESHOLD, "below") | {
    ReasonCode.ABSURD: "absurd",
    ReasonCode.IDENTITY: "identity",
    ReasonCode.OTHER_COIN: "another coin",
    ReasonCode.MULTIPLIER_WAITS: "next start",
    ReasonCode.TOO_SMALL: "too small",
    ReasonCode.TOTAL_BELOW: "net total too small",
    ReasonCode.USUAL: "usual",
    ReasonCode.TOO_YOUNG: "too young",
}


def reason_words(reason: Reason | None) -> str:
    """The reason in one line, as in `okx: stale, 7 s`; empty for None."""
    if reason is None:
        return ""
    words = _words(reason)
    return f"{reason.venue}: {words}" if reason.venue else words


def short_words(reason: Reason) -> str:
    """The least that tells the reason, where venue and bound stand elsewhere on the screen."""
    if reason.code is ReasonCode.FROZEN:
        return f"frozen {reason.measured:.1f} s"
    return _SHORT.get(reason.code) or reason.words or _words(reason)


def close_words(reason: Reason) -> str:
    """The reason as the `reason` of a signal's close, which names neither ages nor spreads."""
    if reason.code in BELOW_THRESHOLD:
        return "below threshold"
    if reason.code in (ReasonCode.STALE, ReasonCode.RATE_STALE):
        return "stale"
    if reason.code is ReasonCode.FROZEN:
        return "frozen"
    if not reason.venue and reason.code in _SHORT:
        return _SHORT[reason.code]
    return reason_words(reason)


def _words(reason: Reason) -> str:
    code, measured, bound = reason.code, reason.measured, reason.bound
    if (fixed := _FIXED.get(code)) is not None:
        return fixed
    if (before := _QUOTING.get(code)) is not None:
        return f"{before}: {reason.words}" if reason.words else before
    if code is ReasonCode.TOTAL_BELOW and bound is not None:
        found = "unknown: no rate" if measured is None else f"{measured:.2f}"
        return f"net total {found} is below {bound:g} {reason.words}"
    if measured is None:
        return "rate stale" if code is ReasonCode.RATE_STALE else "stale"
    if code is ReasonCode.STALE:
        return f"stale, {measured:.0f} s"
    if code is ReasonCode.RATE_STALE:
        return f"rate stale, {measured:.0f} s"
    if code is ReasonCode.FROZEN:
        return f"frozen {measured:.1f} s, peers moved {reason.peers_median:.0f} bps"
    if code is ReasonCode.NO_PONG:
        return f"no answer to a ping for {measured:.0f} s"
    if code is ReasonCode.NO_ROOM:
        return f"no room: the venue takes {measured:.0f} connections with {bound:.0f} instruments each"
    if code is ReasonCode.IDENTITY:
        return _identity_words(measured, reason.peers, was=bool(reason.words))
    if code is ReasonCode.MULTIPLIER_WAITS:
        return f"{measured:.0f} coins sold as one, from the next start"
    assert bound is not None, f"a reason of the kind {code} has its bound"
    if code is ReasonCode.ABSURD:
        middle = f"{reason.peers_median:.6g}, the median of {reason.peers} peers"
        return f"absurd: {measured:.6g}, more than {bound:g}% from {middle}"
    if code is ReasonCode.TOO_SMALL:
        return f"{measured:.6g} {reason.words} is less than the {bound:.6g} that it takes"
    if code is ReasonCode.USUAL:
        return f"{measured:.1f} deviations above what is usual, not {bound:g}"
    if code is ReasonCode.TOO_YOUNG:
        return f"has stood for {measured:.0f} ms, not {bound:g}"
    if code is ReasonCode.SPREAD_TOO_LARGE:
        return f"gross {measured:.6g}% is above max_spread_pct {bound:g}%"
    basis = "net" if code is ReasonCode.NET_BELOW else "gross"
    return f"{basis} {measured_words(measured, bound)} is not above {threshold_words(bound)}"


def _identity_words(ratio: float, peers: int, *, was: bool) -> str:
    """As in `identity: 25 x its 3 peers`. A power of ten is told as one of prices: that is how coins are sold by the
    thousand."""
    whose = "its peer" if peers == 1 else f"its {peers} peers"
    if power_of_ten(ratio) is not None:
        whose = f"the price of {whose}"
    words = f"{ratio_words(ratio)} {whose}"
    return f"identity: was {words} at first sight, and waits for your word" if was else f"identity: {words}"
