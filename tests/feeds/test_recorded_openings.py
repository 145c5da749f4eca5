"""Two real tapes of one night through player and detector: the openings that were counted apart, each time the same."""

from pathlib import Path

import pytest
from made_tapes import Playing, instruments

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.routes import SPOT_PERP
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.quote import Withdrawal
from arbsniper_tui.model.signal import Signal

CAPTURES = Path(__file__).resolve().parents[2] / ".." / "shared" / "captures"
SOURCE = "hftbacktest.btcusdt_20240808.jsonl.gz"
TAPES = [str(CAPTURES / folder / SOURCE) for folder in ("binance_spot", "binance_usdm")]

pytestmark = pytest.mark.skipif(
    not all(Path(tape).is_file() for tape in TAPES), reason="no recorded frames at ../shared/captures"
)

BOTH = instruments(("binance", "BTC/USDT"), ("binance", "BTC/USDT:USDT"))


@pytest.fixture(scope="module")
def playing() -> Playing:
    return Playing(TAPES, BOTH)


def replay(playing: Playing, threshold_pct: float) -> list[Signal]:
    detector = Detector(BOTH, [SPOT_PERP], Rules(threshold_pct=threshold_pct), "replay")
    signals = []
    for ts_ns, came in playing.played:
        assert not isinstance(came, Withdrawal)
        for quote in came:
            signals += detector.on_quote(quote, ts_ns, ts_ns)
    return signals


@pytest.mark.parametrize(("threshold_pct", "openings"), [(0.05, 48), (0.06, 20), (0.1, 3)])
def test_finds_the_openings_that_were_counted_apart(playing: Playing, threshold_pct: float, openings: int) -> None:
    signals = replay(playing, threshold_pct)
    opened = [signal for signal in signals if signal.state == "open"]
    assert len(opened) == openings
    assert all(signal.spread_pct > threshold_pct for signal in opened)
    closed = [signal.id for signal in signals if signal.state == "close"]
    assert len(closed) == len(set(closed))
    assert openings - len(closed) in (0, 1)


def test_the_same_tapes_give_the_same_signals_field_for_field(playing: Playing) -> None:
    again = Playing(TAPES, BOTH)
    assert again.played == playing.played
    assert (again.complaints, again.player.dropped) == ([], playing.player.dropped)
    assert replay(again, 0.05) == replay(playing, 0.05)
