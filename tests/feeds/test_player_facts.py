"""What a recorded venue says beside quotes: a replay passes facts on, and takes out what the venue halts."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from made_tapes import OKX_URL, Playing, instruments, line, okx, write_tape

from arbsniper_tui.model.fact import InstrumentStatus, Mark
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Aside, Parser, Reply

S = 1_000_000_000
SAID: dict[bytes, Aside] = {
    b"mark": Mark(0, 100.5),
    b"halt": InstrumentStatus(0, is_trading=False, words="maintenance"),
    b"open": InstrumentStatus(0, is_trading=True),
    b"ping": Reply("pong"),
}


@pytest.fixture(autouse=True)
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """OKX says one word for each aside."""
    feed = type(VENUES["okx"].parser(VENUES["okx"].markets[0].market, {}.get, {})).feed

    def feed_or_note(parser: Parser, frame: bytes) -> Sequence[Quote]:
        if frame in SAID:
            parser.asides.append(SAID[frame])
            return ()
        return feed(parser, frame)

    monkeypatch.setattr("arbsniper_tui.venues.okx._BboParser.feed", feed_or_note)


def played(tmp_path: Path, *frames: str) -> list[tuple[int, object]]:
    tape = write_tape(tmp_path / "a", *(line(t, OKX_URL, frame) for t, frame in enumerate(frames, 1)))
    playing = Playing([tape], instruments(("okx", "BTC/USDT")))
    assert playing.complaints == []
    return [(ts_ns // S, came if not isinstance(came, list) else came[0].bid) for ts_ns, came in playing.played]


def test_facts_pass_with_the_time_of_the_tape(tmp_path: Path) -> None:
    assert played(tmp_path, okx(100), "mark", "ping") == [(1, 100.0), (2, Mark(0, 100.5))]


def test_a_halt_takes_the_instrument_out_until_it_ends(tmp_path: Path) -> None:
    assert played(tmp_path, okx(100), "halt", okx(101), "open", okx(102)) == [
        (1, 100.0),
        (2, Withdrawal((0,), Reason(ReasonCode.NOT_TRADING, words="maintenance"))),
        (5, 102.0),
    ]
