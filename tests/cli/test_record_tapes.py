"""`record`: tapes of what a node received, which `replay` and `decode` read."""

import gzip
import json
import shutil
import zlib
from contextlib import closing
from operator import itemgetter

import pytest
from node_process import OF_FOUR

from arbsniper_tui.session.session import Session
from arbsniper_tui.venues import OPEN_VENUES, VENUES
from arbsniper_tui.wire.endpoints import Endpoints

REFUSED = b"60018"
"""What OKX answers for the pairs in dollars, which it does not list."""


class Recorded:
    """What a demo wrote and signalled until it was stopped by SIGTERM."""

    def __init__(self, place) -> None:
        node = place.start_node(
            "record", "tapes", "--demo", "--no-ui", "--threshold", "0.02", command=place.patient_command
        )
        folder = place.folder / "tapes"
        place.wait_for(lambda: len(node.lines) >= 3, "signals")
        with closing(Session(Endpoints(place.sockets()[0]))) as session:
            place.wait_for(lambda: (session.pull(), _all_bring_quotes(session))[1], "three quotes of each feed")
        place.wait_for(lambda: all(lines_until_now(tape) > 3 for tape in folder.iterdir()), "lines on each tape")
        self.exit_code = node.end()
        self.last_words = node.err.splitlines()[-1]
        self.signals = node.lines
        self.tapes = sorted(folder.iterdir())


def _all_bring_quotes(session: Session) -> bool:
    feeds = session.snapshot.feeds.values()
    return bool(feeds) and all(feed.quotes >= 3 for feed in feeds)


@pytest.fixture(scope="module")
def recorded(shared_place):
    return Recorded(shared_place)


def lines_until_now(tape) -> int:
    """So many can be read while it is written."""
    return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(tape.read_bytes()).count(b"\n")


def lines(tape) -> list[dict]:
    with gzip.open(tape) as stream:
        return [json.loads(line) for line in stream]


def test_every_connection_has_a_tape_of_whole_lines(place, recorded):
    assert recorded.exit_code == 0
    names = {tape.name.partition(".")[0] for tape in recorded.tapes}
    markets = [(f"{venue}-{each.market}", each) for venue in OPEN_VENUES for each in VENUES[venue].markets]
    assert names == {name for name, _ in markets} | {f"{name}-facts" for name, each in markets if each.facts}
    for tape in recorded.tapes:
        recorded = lines(tape)
        assert len(recorded) > 3, tape
        assert {"t", "url", "raw"} <= set(recorded[0])
        times = [line["t"] for line in recorded]
        assert times == sorted(times)
        assert {line["venue"] for line in recorded} == {tape.name.partition("-")[0]}


def test_its_last_words_are_how_much_it_recorded(recorded):
    frames = sum(not line.get("kind") for tape in recorded.tapes for line in lines(tape))
    size = sum(tape.stat().st_size for tape in recorded.tapes)
    assert recorded.last_words == f"recorded {frames:,} frames, {size / 1e6:.2f} MB to tapes"


def test_in_a_terminal_it_says_how_much_it_recorded_when_it_is_left(place):
    terminal = place.terminal("record", "tapes", "--demo", *OF_FOUR)
    terminal.sees("4/4 venues up")
    place.wait_for(
        lambda: (terminal.read(), all(t.stat().st_size > 1000 for t in (place.folder / "tapes").iterdir()))[1], "tapes"
    )
    terminal.type("q")
    assert terminal.exit_code() == 0
    frames = sum(not line.get("kind") for tape in (place.folder / "tapes").iterdir() for line in lines(tape))
    terminal.sees(f"recorded {frames:,} frames, ", " MB to tapes")


def test_a_replay_of_the_tapes_finds_opportunities_and_ends(place, recorded):
    done = place.run("replay", *map(str, recorded.tapes), "--no-ui", "--speed", "max")
    assert done.returncode == 0, done.stderr
    replayed = [json.loads(line) for line in done.stdout.splitlines()]
    assert replayed
    # What the node itself signalled is among what its tapes give, at the same prices. Not all of it: a price that was
    # asked for by REST is on no tape.
    same = itemgetter("action", "symbol", "buy_price", "sell_price", "size")
    assert set(map(same, recorded.signals)) & set(map(same, replayed))
    assert all(REFUSED in line for line in done.stderr.splitlines() if b"WARNING" in line)


@pytest.mark.parametrize("venue", OPEN_VENUES)
def test_decode_reads_the_tapes_of_each_venue(place, recorded, venue):
    for tape in recorded.tapes:
        if tape.name.startswith(f"{venue}-") and "-facts." not in tape.name:
            done = place.run("decode", venue, str(tape))
            assert done.returncode == 0
            *told, counts = done.stderr.splitlines() or [b""]
            assert all(REFUSED in line for line in told), done.stderr
            assert b"unreadable" not in counts
            quotes = [json.loads(line) for line in done.stdout.splitlines()]
            assert quotes and all(quote["bid"] < quote["ask"] for quote in quotes)


def test_contract_sizes_are_told_by_the_list_on_the_tape(place, recorded):
    (tape,) = (tape for tape in recorded.tapes if tape.name.startswith("okx-perp."))
    assert [line["kind"] for line in lines(tape) if line.get("kind")][:2] == ["settings", "listing"]
    frames = (json.loads(line["raw"]) for line in lines(tape) if not line.get("kind"))
    first = next(f for f in frames if f.get("arg", {}).get("instId") == "BTC-USDT-SWAP" and "data" in f)
    done = place.run("decode", "okx", str(tape), "--symbol", "BTC/USDT:USDT")
    quote = json.loads(done.stdout.splitlines()[0])
    assert quote["bid"] == float(first["data"][0]["bids"][0][0])
    contracts = float(first["data"][0]["bids"][0][1])
    assert quote["bid_size"] == pytest.approx(contracts * 0.01), "a contract is a hundredth of a coin"


def test_a_folder_that_cannot_be_made_is_refused_before_anything_starts(place):
    (place.folder / "file").write_text("")
    for folder in ("file", "file/below"):
        done = place.run("record", folder, "--demo", "--no-ui")
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.decode().startswith(f"record {folder}: expected a folder")


def test_a_second_recording_leaves_the_tapes_of_the_first(place, recorded):
    folder = place.folder / "tapes"
    shutil.copytree(recorded.tapes[0].parent, folder)
    before = {tape: tape.read_bytes() for tape in folder.iterdir()}
    node = place.start_node(
        "record",
        "tapes",
        "--demo",
        "--no-ui",
        "--symbol",
        "BTC/USDT",
        "--venue",
        "kraken",
        command=place.patient_command,
    )
    place.wait_for(lambda: "kraken spot: up" in node.err, "a quote")
    assert node.end() == 0
    assert set(folder.iterdir()) > set(before)
    assert all(tape.read_bytes() == content for tape, content in before.items())
