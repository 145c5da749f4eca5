"""Where tapes end in time, found piece by piece."""

import gzip
import json
from pathlib import Path

from made_tapes import SPOT_URL, binance, line, write_tape

from arbsniper_tui.tapes.span import TapeSpan


def end_of(*paths: Path | str) -> int:
    span = TapeSpan([Path(path) for path in paths])
    for _ in range(10_000):
        if span.end_ns is not None:
            break
        span.step()
    assert span.end_ns is not None
    span.step()  # nothing is left to do
    return span.end_ns


def test_the_latest_line_of_all_tapes_is_the_end(tmp_path: Path) -> None:
    one = write_tape(tmp_path / "a", *(line(t, SPOT_URL, binance(1)) for t in (1.0, 7.5)))
    other = write_tape(tmp_path / "b", *(line(t, SPOT_URL, binance(1)) for t in (2.0, 3.0)))
    assert end_of(one, other) == end_of(other, one) == 7_500_000_000


def test_a_long_tape_takes_several_steps(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    lines = [json.dumps(line(float(t), SPOT_URL, binance(1))) for t in range(1, 20_001)]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    span = TapeSpan([path])
    span.step()
    assert span.end_ns is None
    assert end_of(path) == 20_000 * 10**9


def test_what_has_no_time_or_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    frame = line(4.0, SPOT_URL, binance(1))
    tape = write_tape(tmp_path / "a", frame, line(9.0, SPOT_URL, "x", dir="out"), line(None, SPOT_URL, ""), "nonsense")
    assert end_of(tape) == 4_000_000_000
    assert end_of(write_tape(tmp_path / "b", "nonsense"), tmp_path / "nowhere") == 0
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(json.dumps(frame).encode())[:-10])
    assert end_of(cut, tape) == 4_000_000_000
