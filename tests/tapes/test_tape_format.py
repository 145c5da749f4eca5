"""Reading and writing tapes: plain and gzip, text and binary, whole and broken."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arbsniper_tui.model.errors import BadFrame, TapeCut, TapeError, UsageError
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


def whole(path: Path) -> list[bytes]:
    """The frames before the end of a tape that is cut or spoilt; its last line says so."""
    *lines, (_, end) = read_tape(path)
    assert isinstance(end, TapeCut)
    return [line.frame() for _, line in lines if isinstance(line, TapeLine)]


@pytest.mark.parametrize(("cut", "expected"), [(10, []), (30, []), (-9, [b"one"]), (-1, [b"one", b"two"])])
def test_a_gzip_that_ends_too_early_ends_the_tape_after_what_could_be_read(
    tmp_path: Path, cut: int, expected: list[bytes]
) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(LINES)[:cut])
    assert whole(path) == expected
    number, end = list(read_tape(path))[-1]
    assert str(end).startswith("the tape is cut off here, as a killed recorder leaves it")
    assert number == len(expected) + 1


def test_a_cut_tape_says_how_much_of_its_last_line_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    packer = zlib.compressobj(wbits=31)
    path.write_bytes(packer.compress(LINES + b'{"t":3.5,"raw":"thr') + packer.flush(zlib.Z_SYNC_FLUSH))
    assert whole(path) == [b"one", b"two"]
    number, end = list(read_tape(path))[-1]
    assert (number, str(end).endswith("behind it, and 19 bytes of an unfinished line")) == (3, True)


@pytest.mark.parametrize("at", [12, 20, 40, -6, -2])
def test_a_gzip_with_bytes_changed_ends_the_tape_where_it_cannot_be_read_on(tmp_path: Path, at: int) -> None:
    path = tmp_path / "spoilt.gz"
    content = bytearray(gzip.compress(LINES))
    content[at] ^= 0xFF
    path.write_bytes(content)
    *_, (_, end) = read_tape(path)
    assert isinstance(end, TapeCut)
    assert "cannot be read on from here (Error -3" in str(end)


def test_what_stands_before_a_spoilt_place_is_read_and_the_loss_is_told_in_bytes(tmp_path: Path) -> None:
    path = tmp_path / "spoilt.gz"
    packer = zlib.compressobj(wbits=31)
    sound = packer.compress(LINES) + packer.flush(zlib.Z_SYNC_FLUSH)
    path.write_bytes(sound + b"\xff" * 100_000)
    assert whole(path) == [b"one", b"two"]
    *_, (number, end) = read_tape(path)
    assert number == 3 and "lost are its last 100000 bytes" in str(end)


def test_members_follow_one_another_also_behind_zeros_and_across_lines(tmp_path: Path) -> None:
    path = tmp_path / "members.gz"
    parts = [LINES[:20], LINES[20:], b"", LINES * 3000]
    path.write_bytes(b"".join(gzip.compress(part) + b"\0" * 5 for part in parts))
    assert frames(path) == [b"one", b"two"] * 3001


def test_what_is_no_gzip_behind_the_last_member_is_told_and_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "trailing.gz"
    path.write_bytes(gzip.compress(LINES) + b"garbage")
    assert whole(path) == [b"one", b"two"]
    *_, (_, end) = read_tape(path)
    assert "lost are its last 7 bytes" in str(end) or "lost are its last 6 bytes" in str(end)


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


def test_a_writer_never_goes_on_behind_the_end_of_a_tape_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "kraken.tape.gz"
    path.write_bytes(b"cut")
    with pytest.raises(FileExistsError):
        TapeWriter(path, "kraken")
    assert path.read_bytes() == b"cut"


def test_what_was_flushed_can_be_read_while_the_tape_is_open(tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path / "kraken.tape.gz", "kraken")
    try:
        for frame in (b"one", b"two"):
            writer.write(1.0, "", frame)
            writer.flush()
            assert writer.written_bytes == writer.path.stat().st_size
        assert whole(writer.path) == [b"one", b"two"]
    finally:
        writer.close()
    assert frames(writer.path) == [b"one", b"two"]
