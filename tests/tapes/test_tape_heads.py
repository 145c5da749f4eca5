"""What the head of a tape tells before it is played: its venue and markets, and the settings it carries."""

from pathlib import Path

import pytest
from made_tapes import KRAKEN_URL, OKX_URL, SPOT_URL, kraken, line, write_tape

from arbsniper_tui.model.errors import TapeError
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.tapes.head import read_head, read_heads
from arbsniper_tui.tapes.source import TapeSource
from arbsniper_tui.tapes.tape import DISCONNECTED, LISTING, SETTINGS

FRAME = line(3, KRAKEN_URL, kraken(100))


def test_the_first_frame_tells_the_venue_and_what_is_no_frame_does_not(tmp_path: Path) -> None:
    tape = write_tape(
        tmp_path / "a",
        "bad",
        line(1, "", '{"symbols":[]}', kind=SETTINGS, venue="okx"),
        line(1, None, "{}", kind=LISTING),
        line(2, SPOT_URL, "x", dir="out"),
        line(2, OKX_URL, "refused", kind=DISCONNECTED),
        FRAME,
    )
    head = read_head(TapeSource(tape))
    assert (head.venue, head.markets, head.has_frames) == ("kraken", (Market.SPOT,), True)
    assert head.settings == '{"symbols":[]}'


def test_settings_behind_the_first_frame_are_not_the_tapes(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", FRAME, line(4, "", "{}", kind=SETTINGS))
    assert read_head(TapeSource(tape)).settings == ""


def test_a_tape_without_frames_says_so(tmp_path: Path) -> None:
    nothing = write_tape(tmp_path / "a", "bad")
    settings_alone = write_tape(tmp_path / "b", line(1, "", "{}", kind=SETTINGS, venue="okx"))
    heads = read_heads([TapeSource(nothing), TapeSource(settings_alone)])
    assert [head.has_frames for head in heads] == [False, False]


def test_a_tape_whose_venue_cannot_be_told_asks_for_it(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", line(1, "wss://example.org", "{}"))
    with pytest.raises(TapeError, match=r"cannot be told from url 'wss://example.org'; write VENUE=.* binance, "):
        read_head(TapeSource(tape))
    assert read_head(TapeSource(tape, "okx")).venue == "okx"


def test_a_tape_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="nowhere.gz"):
        read_head(TapeSource(str(tmp_path / "nowhere.gz")))
