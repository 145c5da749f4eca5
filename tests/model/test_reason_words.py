"""Every reason has its words: on a row, in a short room, and as the close of a signal."""

import msgspec
import pytest

from arbsniper_tui.model.reason import Reason, ReasonCode, close_words, reason_words, short_words

WORDS = {
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
    ReasonCode.NOT_TRADING: "not trading: ?",
    ReasonCode.NO_CONTRACT_SIZE: "no contract size in the venue's list",
    ReasonCode.NO_ROOM: "no room: the venue takes 7 connections with 20 instruments each",
    ReasonCode.LISTED_AGAIN: "served again, no quote yet",
    ReasonCode.REJECTED: "rejected: ?",
    ReasonCode.BOOK_LOST: "book lost: ?",
    ReasonCode.DISCONNECTED: "disconnected: ?",
    ReasonCode.NO_PONG: "no answer to a ping for 7 s",
    ReasonCode.FEED_SILENT: "feed worker does not answer",
    ReasonCode.FEED_DOWN: "feed worker is down",
    ReasonCode.REMOVED: "no longer watched",
    ReasonCode.STALE: "stale, 7 s",
    ReasonCode.RATE_STALE: "rate stale, 7 s",
    ReasonCode.ABSURD: "absurd: 6.9, more than 20% from 100.5, the median of 3 peers",
    ReasonCode.SPREAD_TOO_LARGE: "gross 6.9% is above max_spread_pct 20%",
    ReasonCode.GROSS_BELOW: "gross 6.90% is not above 20.00%",
    ReasonCode.NET_BELOW: "net 6.90% is not above 20.00%",
    ReasonCode.FROZEN: "frozen 6.9 s, peers moved 100 bps",
    ReasonCode.IDENTITY: "identity: 6.9 x its 3 peers",
    ReasonCode.OTHER_COIN: "another coin, by your word",
    ReasonCode.MULTIPLIER_WAITS: "7 coins sold as one, from the next start",
    ReasonCode.SAME_BOOK: "both venues show one book",
    ReasonCode.MUTED: "muted by you",
    ReasonCode.TOO_SMALL: "6.9 ? is less than the 20 that it takes",
    ReasonCode.TOTAL_BELOW: "net total 6.90 is below 20 ?",
    ReasonCode.USUAL: "6.9 deviations above what is usual, not 20",
    ReasonCode.USUAL_UNKNOWN: "what is usual is not known yet",
    ReasonCode.TOO_YOUNG: "has stood for 7 ms, not 20",
    ReasonCode.UNJUDGED: "waits for its next quote",
    ReasonCode.COOLDOWN: "cooldown",
    ReasonCode.STOPPED: "stopped",
    ReasonCode.TAPES_ENDED: "the tapes ended",
    ReasonCode.RESTARTED: "restart",
}


@pytest.mark.parametrize("code", ReasonCode)
def test_every_code_has_its_words(code: ReasonCode) -> None:
    words = "?" if "?" in WORDS[code] else ""
    reason = Reason(code, "", 6.9, 20.0, words, 100.5, 3)
    assert reason_words(reason) == WORDS[code]
    assert reason_words(reason.at("okx")) == f"okx: {WORDS[code]}"
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(reason), type=Reason) == reason


def test_no_reason_has_no_words() -> None:
    assert reason_words(None) == ""


def test_an_age_that_stands_beside_the_reason_is_not_repeated() -> None:
    assert reason_words(Reason(ReasonCode.STALE)) == "stale"


@pytest.mark.parametrize(
    ("reason", "short"),
    [
        (Reason(ReasonCode.GROSS_BELOW, "", 0.1, 0.5), "below"),
        (Reason(ReasonCode.REJECTED, "okx", words="unknown symbol"), "unknown symbol"),
        (Reason(ReasonCode.STALE, "okx", 7.0), "stale, 7 s"),
        (Reason(ReasonCode.ABSURD, "okx", 6.9, 20.0, "", 100.5, 3), "absurd"),
        (Reason(ReasonCode.NO_BID, "okx"), "no bid"),
        (Reason(ReasonCode.TOO_SMALL, "okx", 0.1, 0.5, "BTC"), "too small"),
    ],
)
def test_a_short_room_names_neither_venue_nor_bound(reason: Reason, short: str) -> None:
    assert short_words(reason) == short


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason(ReasonCode.NET_BELOW, "", 0.1, 0.5), "below threshold"),
        (Reason(ReasonCode.STALE, "okx", 7.0), "stale"),
        (Reason(ReasonCode.RATE_STALE, "okx", 7.0), "stale"),
        (Reason(ReasonCode.CROSSED, "okx"), "okx: crossed"),
    ],
)
def test_a_close_says_why_in_the_words_of_the_contract(reason: Reason, words: str) -> None:
    assert close_words(reason) == words
