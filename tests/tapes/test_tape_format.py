"""Reading and writing tapes: plain and gzip, text and binary, whole and broken."""

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arbsniper_tui.model.errors import BadFrame, TapeError, UsageError
from arbsniper_tui.tapes.tape import TapeLine, TapeWriter, read_tape

steady = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])

LINES = b'{"t":1.5,"url":"wss://a","raw":"one"}\n{"t":2.5,"url":"wss://a","raw":"two","seq":9}\n'


@pytest.fixture(params=["plain", "gzip"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "some.tape"
        path.write_bytes(gzip.compress(content) if request.param == "gzip" else content)
        return path

    return write


def frames(path: Path) -> list[bytes]:
    return [line.frame() for _, line in read_tape(path) if isinstance(line, TapeLine)]


def test_plain_and_gzip_are_told_apart_by_their_content(write: Callable[[bytes], Path]) -> None:
    path = write(LINES)
    assert frames(path) == [b"one", b"two"]
    assert [(number, line.t) for number, line in read_tape(path) if isinstance(line, TapeLine)] == [(1, 1.5), (2, 2.5)]


def test_a_last_line_without_its_end_counts(write: Callable[[bytes], Path]) -> None:
    assert frames(write(LINES.rstrip(b"\n"))) == [b"one", b"two"]


def test_an_empty_tape_has_no_lines(write: Callable[[bytes], Path]) -> None:
    assert list(read_tape(write(b""))) == []


def test_lines_that_cannot_be_read_come_with_their_number_and_the_rest_goes_on(write: Callable[[bytes], Path]) -> None:
    broken = [b"not json", b"[]", b'{"t":"late"}', b'{"t":1,"raw":7}', b"\xff\xfe", b'{"raw":"\xff"}', b'{"t":1e999}']
    deep = b'{"t":1,"more":' + b"[" * 100_000
    read = list(read_tape(write(b"\n".join([*broken, deep, b"", b"  ", LINES]))))
    numbers = {number: type(line) for number, line in read}
    assert numbers == {**dict.fromkeys(range(1, 9), BadFrame), 11: TapeLine, 12: TapeLine}
    assert "expected a JSON object with t, url and raw or b64" in str(read[0][1])


@steady
@given(st.lists(st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"")), max_size=5))
def test_whatever_stands_on_a_line_is_a_line_or_its_error(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.tape"
    path.write_bytes(b"".join(b"{" + line + b"}\n" for line in lines))
    read = list(read_tape(path))
    assert [number for number, _ in read] == list(range(1, len(lines) + 1))


def test_a_binary_frame_is_base64(write: Callable[[bytes], Path]) -> None:
    raw = bytes(range(256))
    line = json.dumps({"t": 1, "url": None, "b64": base64.b64encode(raw).decode()}).encode()
    assert frames(write(line)) == [raw]


@pytest.mark.parametrize(
    "line", [b'{"t":1}', b'{"t":1,"b64":"no base64!"}', b'{"t":1,"b64":"abc"}', b'{"b64":"\xc3\xa9"}']
)
def test_a_line_without_a_frame_that_can_be_had_is_a_bad_frame(write: Callable[[bytes], Path], line: bytes) -> None:
    ((_, read),) = read_tape(write(line))
    assert isinstance(read, TapeLine)
    with pytest.raises(BadFrame, match="b64"):
        read.frame()


@pytest.mark.parametrize("cut", [10, 30, -9, -1])
def test_a_gzip_that_ends_too_early_is_told_after_what_could_be_read(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(LINES)[:cut])
    with pytest.raises(TapeError, match=rf"{path}: cannot be read past line \d"):
        list(read_tape(path))


@pytest.mark.parametrize("at", [12, 20, 40, -6, -2])
def test_a_gzip_with_bytes_changed_is_told(tmp_path: Path, at: int) -> None:
    path = tmp_path / "spoilt.gz"
    content = bytearray(gzip.compress(LINES))
    content[at] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(TapeError, match="cannot be read past line"):
        list(read_tape(path))


@pytest.mark.parametrize("name", ["absent.tape", "."])
def test_what_cannot_be_opened_is_the_users_error_and_names_the_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(TapeError, match=str(tmp_path)) as refused:
        list(read_tape(tmp_path / name))
    assert isinstance(refused.value, UsageError)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path / "okx.tape.gz", "okx")
    writer.write(1723161253.937, "wss://ws.okx.com/ws", '{"ü":"\\n"}'.encode(), market="spot+perp")
    writer.write(1723161254.0, "wss://ws.okx.com/ws", b"\xff\x00", market="spot")
    writer.write(1723161255.5, "https://www.okx.com/list", b"[]", kind="listing")
    writer.write(1723161256.0, "wss://ws.okx.com/ws", b"ping", sent=True)
    writer.close()
    read = [line for _, line in read_tape(writer.path)]
    assert all(isinstance(line, TapeLine) and line.venue == "okx" for line in read)
    told = [(line.t, line.frame(), line.market, line.kind, line.dir) for line in read if isinstance(line, TapeLine)]
    assert told == [
        (1723161253.937, '{"ü":"\\n"}'.encode(), "spot+perp", "", ""),
        (1723161254.0, b"\xff\x00", "spot", "", ""),
        (1723161255.5, b"[]", "", "listing", ""),
        (1723161256.0, b"ping", "", "", "out"),
    ]


def test_a_writer_goes_on_where_a_tape_ended(tmp_path: Path) -> None:
    for frame in (b"one", b"two"):
        writer = TapeWriter(tmp_path / "kraken.tape.gz", "kraken")
        writer.write(1.0, "", frame)
        writer.close()
    assert frames(tmp_path / "kraken.tape.gz") == [b"one", b"two"]


def test_what_was_flushed_can_be_read_while_the_tape_is_open(tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path / "kraken.tape.gz", "kraken")
    try:
        writer.write(1.0, "", b"one")
        writer.flush()
        lines = read_tape(writer.path)
        _, line = next(lines)
        assert isinstance(line, TapeLine)
        assert line.frame() == b"one"
        with pytest.raises(TapeError, match="past line 1"):
            next(lines)
    finally:
        writer.close()
