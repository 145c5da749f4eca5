"""Numbers as people type them: plain decimal digits, and nothing that Python alone would take for a number."""

import pytest

from arbsniper_tui.model.number import read_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0.0), ("10", 10.0), ("0.5", 0.5), (".5", 0.5), ("5.", 5.0), ("+1", 1.0), ("-2", -2.0), ("3e-1", 0.3)],
)
def test_a_number_in_plain_digits_is_read(text: str, number: float) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(
    "text", ["", " 1", "1_0", "٣", "１", "0x10", "nan", "inf", "-inf", "1,5", "1e", ".", "e5", "1 0"]
)
def test_anything_else_is_no_number(text: str) -> None:
    assert read_number(text) is None
