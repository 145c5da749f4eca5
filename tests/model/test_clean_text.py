"""Text from outside is one visible line of bounded length, whatever was in it."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbsniper_tui.model.clean_text import LIMIT, clean_text, is_symbol_name
from arbsniper_tui.model.errors import BadFrame, BookLost, RestError, TapeError, VenueClosing, VenueRejected

HOSTILE = "\x1b[2J\x1b]0;owned\x07ok\r\n2026-11-20 INFO forged line\x9b1m\u202eevil\u2028\u200b\ufeff\x7f\ud800"


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ("HTTP 503 Service Unavailable", "HTTP 503 Service Unavailable"),
        ("Überlastet: 币安人生 – später", "Überlastet: 币安人生 – später"),
        ("\x1b[2J", r"\x1b[2J"),
        ("one\ntwo\r\n\tthree", r"one\ntwo\r\n\tthree"),
        ("\x9b31m", r"\x9b31m"),
        ("a\x7fb", r"a\x7fb"),
        ("\u202eDSU", r"\u202eDSU"),
        ("a\u2066b\u2069", r"a\u2066b\u2069"),
        ("line\u2028paragraph\u2029", r"line\u2028paragraph\u2029"),
        ("zero\u200bwidth\u200d\ufeff", r"zero\u200bwidth\u200d\ufeff"),
        ("soft\xadhyphen", r"soft\xadhyphen"),
        ("blank\u3164\u115f\uffa0", r"blank\u3164\u115f\uffa0"),
        ("tag\U000e0041 selector\ufe0f", r"tag\U000e0041 selector\ufe0f"),
        ("half\ud800", r"half\ud800"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_escape(found: str, shown: str) -> None:
    assert clean_text(found) == shown


def test_text_is_cut_at_the_limit_and_says_so() -> None:
    assert clean_text("x" * LIMIT) == "x" * LIMIT
    assert clean_text("x" * (LIMIT + 1)) == "x" * (LIMIT - 3) + "..."
    assert clean_text("\x00" * 50, 20) == r"\x00\x00\x00\x00\..."


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=400))
def test_any_text_becomes_one_visible_line_and_stays_as_it_is(text: str) -> None:
    shown = clean_text(text)
    assert len(shown) <= LIMIT
    assert shown.isprintable()
    assert not {unicodedata.category(character)[0] for character in shown} & {"C"}
    assert clean_text(shown) == shown
    shown.encode()


@pytest.mark.parametrize(
    "error",
    [
        BadFrame(HOSTILE),
        VenueClosing(HOSTILE),
        VenueRejected(HOSTILE, HOSTILE),
        BookLost(HOSTILE, HOSTILE),
        RestError(HOSTILE),
        TapeError(HOSTILE),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_that_quote_the_outside_are_fit_to_show(error: Exception) -> None:
    assert str(error).isprintable()
    assert r"\x1b[2J" in str(error)
    for part in vars(error).values():
        assert part.isprintable()


def test_the_words_of_an_error_are_bounded_whatever_a_venue_sends() -> None:
    rejected = VenueRejected("X" * 10_000, "y" * 10_000)
    assert len(rejected.venue_symbol) < 100
    assert len(rejected.reason) <= LIMIT
    assert len(str(rejected)) < 2 * LIMIT
    assert len(str(BadFrame("z" * 10_000))) <= 1000


@pytest.mark.parametrize(
    "name", ["BTCUSDT", "BTC-USDT-SWAP", "BTC/USD", "币安人生USDT", "ETH2.S/ETH", "BTC_USDC-PERPETUAL", "1INCH-USD"]
)
def test_symbol_names_are_letters_digits_and_what_joins_them(name: str) -> None:
    assert is_symbol_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "BTC USDT",
        "BTC\nUSDT",
        "\x1b[31mBTC",
        "BTC\u202e",
        "BTC\u200b",
        "BTC\u3164",
        "B" * 200,
        "a\u0301",
        "BTC'",
    ],
)
def test_other_names_are_no_symbols(name: str) -> None:
    assert not is_symbol_name(name)


def test_escapes_are_those_that_a_programmer_reads() -> None:
    assert re.fullmatch(r"(\\x[0-9a-f]{2}|\\[nrt])+", clean_text("".join(map(chr, range(32)))))
