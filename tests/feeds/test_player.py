"""Tapes through the parsers: in the order of receipt, from the right venue, and with every complaint placed."""

import json
from pathlib import Path

import pytest
from made_tapes import (
    KRAKEN_URL,
    OKX_URL,
    PERP_URL,
    SPOT_URL,
    Playing,
    binance,
    instruments,
    kraken,
    line,
    okx,
    write_tape,
)

from arbsniper_tui.model.errors import TapeError
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.tapes.source import TapeSource, parse_source, venue_and_markets
from arbsniper_tui.tapes.tape import TapeLine
from arbsniper_tui.venues.listing import Listing

SPOT_AND_KRAKEN = instruments(("binance", "BTC/USDT"), ("kraken", "BTC/USDT"))
BOTH_MARKETS = instruments(("binance", "BTC/USDT"), ("binance", "BTC/USDT:USDT"))


def test_tapes_are_merged_by_the_time_of_receipt(tmp_path: Path) -> None:
    one = write_tape(tmp_path / "a", *(line(t, SPOT_URL, binance(100 + t)) for t in (1.0, 4.0, 5.5)))
    two = write_tape(tmp_path / "b", *(line(t, KRAKEN_URL, kraken(100 + t)) for t in (0.5, 4.5, 9.0)))
    expected = [(0.5, 1, 100.5), (1.0, 0, 101.0), (4.0, 0, 104.0), (4.5, 1, 104.5), (5.5, 0, 105.5), (9.0, 1, 109.0)]
    assert Playing([one, two], SPOT_AND_KRAKEN).bids == expected
    assert Playing([two, one], SPOT_AND_KRAKEN).bids == expected


def test_at_the_same_time_the_tape_named_first_comes_first(tmp_path: Path) -> None:
    one = write_tape(tmp_path / "a", line(1, SPOT_URL, binance(100)), line(1, SPOT_URL, binance(101)))
    two = write_tape(tmp_path / "b", line(1, KRAKEN_URL, kraken(200)), line(1, KRAKEN_URL, kraken(201)))
    assert [bid for _, _, bid in Playing([one, two], SPOT_AND_KRAKEN).bids] == [100, 101, 200, 201]
    assert [bid for _, _, bid in Playing([two, one], SPOT_AND_KRAKEN).bids] == [200, 201, 100, 101]


def test_the_time_is_kept_to_the_microsecond_it_was_written_with(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", line(1723161253.937086, SPOT_URL, binance(100)))
    ((ts_ns, _),) = Playing([tape], SPOT_AND_KRAKEN).played
    assert abs(ts_ns - 1723161253937086000) < 1000


def test_spot_and_perpetual_of_one_venue_are_told_by_their_hosts(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", line(1, SPOT_URL, binance(100)), line(2, PERP_URL, binance(200)))
    assert Playing([tape], BOTH_MARKETS).bids == [(1, 0, 100), (2, 1, 200)]


def test_the_command_line_says_where_a_tape_without_url_was_recorded(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", line(1, None, binance(100)))
    assert Playing([f"binance:spot={tape}"], BOTH_MARKETS).bids == [(1, 0, 100)]
    assert Playing([f"binance:perp={tape}"], BOTH_MARKETS).bids == [(1, 1, 100)]


def test_the_command_line_has_the_last_word_on_the_market_of_a_url(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", line(1, SPOT_URL, binance(100)))
    assert Playing([f"binance:perp={tape}"], BOTH_MARKETS).bids == [(1, 1, 100)]


def test_a_tape_whose_venue_cannot_be_told_asks_for_it(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", line(1, "wss://example.org", binance(100)))
    with pytest.raises(TapeError, match=r"cannot be told from url 'wss://example.org'; write VENUE=.* binance, "):
        Playing([tape], BOTH_MARKETS)


def test_a_recorded_line_names_its_own_venue_and_market(tmp_path: Path) -> None:
    elsewhere = "ws://127.0.0.1:4711/ws"
    tape = write_tape(tmp_path / "a", line(1, elsewhere, binance(100), venue="binance", market="perp"))
    assert Playing([tape], BOTH_MARKETS).bids == [(1, 1, 100)]


@pytest.mark.parametrize("more", [{"venue": "Binance Futures", "market": "USDT-M"}, {"venue": None, "market": None}])
def test_what_another_recorder_means_by_venue_and_market_does_not_mislead(
    tmp_path: Path, more: dict[str, object]
) -> None:
    tape = write_tape(tmp_path / "a", line(1, PERP_URL, binance(100), kind=None, dir=None, **more))
    playing = Playing([tape], BOTH_MARKETS)
    assert (playing.bids, playing.complaints) == ([(1, 1, 100)], [])


@pytest.mark.parametrize(
    ("source", "recorded", "expected"),
    [
        (TapeSource("f"), TapeLine(url=SPOT_URL), ("binance", (Market.SPOT,))),
        (TapeSource("f"), TapeLine(url=OKX_URL), ("okx", (Market.SPOT, Market.PERP))),
        (TapeSource("f"), TapeLine(url=SPOT_URL, venue="okx", market="spot+perp"), ("okx", (Market.SPOT, Market.PERP))),
        (TapeSource("f"), TapeLine(url=SPOT_URL, venue="okx", market="perp"), ("okx", (Market.PERP,))),
        (TapeSource("f", "kraken"), TapeLine(url=SPOT_URL), ("kraken", (Market.SPOT,))),
        (TapeSource("f", "binance"), TapeLine(), ("binance", (Market.SPOT, Market.PERP))),
        (TapeSource("f", "binance", "perp"), TapeLine(url=SPOT_URL), ("binance", (Market.PERP,))),
        (TapeSource("f"), TapeLine(), ("", ())),
    ],
)
def test_the_command_line_comes_before_the_line_and_the_line_before_its_url(
    source: TapeSource, recorded: TapeLine, expected: tuple[str, tuple[Market, ...]]
) -> None:
    assert venue_and_markets(source, recorded) == expected


def test_a_source_is_a_file_or_a_venue_and_a_file(tmp_path: Path) -> None:
    assert parse_source("some.gz") == TapeSource("some.gz")
    assert parse_source("okx=some.gz") == TapeSource("some.gz", "okx")
    assert parse_source("okx:perp=a=b.gz") == TapeSource("a=b.gz", "okx", "perp")
    assert parse_source("OKX:Perp=a.gz") == TapeSource("a.gz", "okx", "perp")
    odd = write_tape(tmp_path / "x=y")
    assert parse_source(odd) == TapeSource(odd)


@pytest.mark.parametrize(
    ("argument", "message"),
    [("nyse=some.gz", "binance, .*coinbase.*found 'nyse'"), ("okx:option=some.gz", "okx:perp=FILE, found 'option'")],
)
def test_a_venue_or_market_that_is_not_known_is_refused(argument: str, message: str) -> None:
    with pytest.raises(TapeError, match=message):
        parse_source(argument)


def test_bad_frames_and_lines_are_told_with_file_and_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    tape = write_tape(
        tmp_path / "a",
        line(1, SPOT_URL, binance(100)),
        "not json",
        line(2, SPOT_URL, '{"what":"is this"}'),
        line(3, SPOT_URL, None),
        "",
        line(None, SPOT_URL, binance(101)),
        line(4, SPOT_URL, binance(102)),
    )
    playing = Playing([tape], SPOT_AND_KRAKEN)
    assert playing.bids == [(1, 0, 100), (4, 0, 102)]
    assert sorted(complaint.split(": ")[0] for complaint in playing.complaints) == [f"{tape}:{n}" for n in (2, 3, 4, 6)]
    (untimed,) = [complaint for complaint in playing.complaints if complaint.startswith(f"{tape}:6")]
    assert "no receive time" in untimed
    assert playing.player.dropped == {"unreadable": 4}


@pytest.mark.parametrize("t", [-1.0, 1.7e12, 1e300])
def test_a_time_that_cannot_be_seconds_since_1970_is_told_and_not_played(tmp_path: Path, t: float) -> None:
    tape = write_tape(tmp_path / "a", line(t, SPOT_URL, binance(100)), line(5, SPOT_URL, binance(101)))
    playing = Playing([tape], SPOT_AND_KRAKEN)
    assert playing.bids == [(5, 0, 101)]
    (complaint,) = playing.complaints
    assert "expected seconds since 1970" in complaint


def test_what_was_sent_is_not_what_came(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", line(1, SPOT_URL, binance(100), dir="out"), line(2, SPOT_URL, "", dir="out"))
    playing = Playing([tape], SPOT_AND_KRAKEN)
    assert (playing.played, playing.complaints, playing.player.frames) == ([], [], 0)


def test_unsound_quotes_withdraw_their_instrument(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", line(1, SPOT_URL, binance(100)), line(2, SPOT_URL, binance(100, 99)))
    playing = Playing([tape], SPOT_AND_KRAKEN)
    assert playing.played[1:] == [(2_000_000_000, Withdrawal((0,), Reason(ReasonCode.CROSSED)))]
    assert playing.player.dropped == {"crossed": 1}


SWAP_LIST = json.dumps(
    {"code": "0", "data": [{"instId": "BTC-USDT-SWAP", "ctVal": "0.01", "ctMult": "1", "ctType": "linear"}]}
)


def swap_size(playing: Playing) -> float:
    ((_, came),) = playing.played
    assert not isinstance(came, Withdrawal)
    return came[0].bid_size


def test_contract_sizes_come_from_a_list_on_the_tape_or_from_a_file(tmp_path: Path) -> None:
    swap = instruments(("okx", "BTC/USDT:USDT"))
    frame = line(2, OKX_URL, okx(100, "BTC-USDT-SWAP"))
    with_list = write_tape(tmp_path / "a", line(1, "https://x", SWAP_LIST, kind="listing", venue="okx"), frame)
    assert swap_size(Playing([with_list], swap)) == pytest.approx(0.1)
    without = write_tape(tmp_path / "b", frame)
    assert swap_size(Playing([without], swap, {"okx": {"BTC-USDT-SWAP": Listing(5.0)}})) == 50.0
    playing = Playing([without], swap)
    assert playing.played == []
    assert "--instruments" in playing.complaints[0]


def test_a_list_whose_venue_cannot_be_told_or_that_cannot_be_read_is_a_bad_line(tmp_path: Path) -> None:
    tape = write_tape(
        tmp_path / "a",
        line(1, None, SWAP_LIST, kind="listing"),
        line(2, None, "<html>", kind="listing", venue="okx"),
        line(3, KRAKEN_URL, kraken(100)),
    )
    playing = Playing([tape], SPOT_AND_KRAKEN)
    assert [complaint.split(": ")[0] for complaint in playing.complaints] == [f"{tape}:1", f"{tape}:2"]
    assert playing.bids == [(3, 1, 100)]
