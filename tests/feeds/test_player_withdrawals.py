"""What takes instruments out of a replay, as in a live feed: disconnects, refusals, lost books, and lists."""

import json
from pathlib import Path

import pytest
from made_tapes import KRAKEN_URL, OKX_URL, SPOT_URL, Playing, binance, instruments, kraken, line, okx, write_tape

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words
from arbsniper_tui.tapes.tape import DISCONNECTED, LISTING, SETTINGS

S = 1_000_000_000
SPOT = instruments(("binance", "BTC/USDT"), ("kraken", "BTC/USDT"), ("okx", "BTC/USDT"), ("okx", "ETH/USDT"))
OKX_REFUSES = json.dumps(
    {"event": "error", "code": "60018", "msg": "channel:bbo-tbt,instId:BTC-USDT doesn't exist", "connId": "1"}
)
OKX_CLOSES = json.dumps({"event": "notice", "code": "64008", "msg": "The connection will soon be closed"})


def withdrawals(playing: Playing) -> list[tuple[int, Withdrawal]]:
    return [(ts_ns, came) for ts_ns, came in playing.played if isinstance(came, Withdrawal)]


def test_the_end_of_a_connection_withdraws_what_rested_on_it_and_nothing_else(tmp_path: Path) -> None:
    one = write_tape(tmp_path / "a", line(1, OKX_URL, okx(100)), line(3, OKX_URL, "code 1006", kind=DISCONNECTED))
    other = write_tape(tmp_path / "b", line(2, KRAKEN_URL, kraken(100)), line(4, KRAKEN_URL, kraken(101)))
    playing = Playing([one, other], SPOT)
    assert withdrawals(playing) == [(3 * S, Withdrawal((2,), Reason(ReasonCode.DISCONNECTED, words="code 1006")))]
    assert playing.bids == [(1, 2, 100), (2, 1, 100), (4, 1, 101)]
    assert (playing.player.frames, playing.player.dropped, playing.complaints) == (3, {}, [])


def test_a_connection_without_a_quote_has_nothing_to_withdraw(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", line(1, OKX_URL, "refused", kind=DISCONNECTED), line(2, OKX_URL, okx(1)))
    assert withdrawals(Playing([tape], SPOT)) == []


def coinbase(kind: str, **more: object) -> str:
    return json.dumps({"type": kind, "product_id": "BTC-USD", "time": "2024-01-01T00:00:00.000000Z", **more})


COINBASE_URL = "wss://ws-feed.exchange.coinbase.com"
SNAPSHOT = coinbase("snapshot", bids=[["100", "1"]], asks=[["101", "1"]])
UPDATE = coinbase("l2update", changes=[["buy", "100.5", "1"]])


def test_what_follows_a_disconnect_has_a_parser_of_its_own(tmp_path: Path) -> None:
    tape = write_tape(
        tmp_path / "a",
        line(1, COINBASE_URL, SNAPSHOT),
        line(2, COINBASE_URL, "reset", kind=DISCONNECTED),
        line(3, COINBASE_URL, UPDATE),
        line(4, COINBASE_URL, SNAPSHOT),
    )
    playing = Playing([tape], instruments(("coinbase", "BTC/USD")))
    assert playing.bids == [(1, 0, 100), (4, 0, 100)], "the book before the disconnect is gone"


def test_a_lost_book_withdraws_its_instrument_and_is_no_unreadable_frame(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", line(1, COINBASE_URL, UPDATE), line(2, COINBASE_URL, SNAPSHOT))
    playing = Playing([tape], instruments(("coinbase", "BTC/USD")))
    ((ts_ns, withdrawal),) = withdrawals(playing)
    assert (ts_ns, withdrawal.instrument_ids) == (S, (0,))
    assert reason_words(withdrawal.reason).startswith("book lost: ")
    assert playing.bids == [(2, 0, 100)]
    assert playing.player.dropped == {} and len(playing.complaints) == 1


def test_a_refused_symbol_is_withdrawn_until_its_connection_ends_and_is_no_unreadable_frame(tmp_path: Path) -> None:
    frames = ((1, okx(100)), (2, OKX_REFUSES), (3, okx(101)), (4, okx(50, "ETH-USDT")))
    own = {"venue": "okx", "market": "spot"}
    tape = write_tape(
        tmp_path / "a",
        *(line(t, OKX_URL, frame, **own) for t, frame in frames),
        line(5, OKX_URL, "reset", kind=DISCONNECTED, **own),
        line(6, OKX_URL, okx(102), **own),
    )
    playing = Playing([tape], SPOT)
    (_, refused), (_, disconnected) = withdrawals(playing)
    assert refused.instrument_ids == (2,) and reason_words(refused.reason).startswith("rejected: 60018")
    assert disconnected == Withdrawal((3,), Reason(ReasonCode.DISCONNECTED, words="reset"))
    assert playing.bids == [(1, 2, 100), (4, 3, 50), (6, 2, 102)]
    assert playing.player.dropped == {}
    assert playing.player.unserved == {}, "the next connection asks anew"
    assert "60018" in playing.complaints[0]


def test_a_symbol_that_another_recorder_was_refused_may_come_back(tmp_path: Path) -> None:
    tape = write_tape(
        tmp_path / "a", line(1, OKX_URL, okx(100)), line(2, OKX_URL, OKX_REFUSES), line(3, OKX_URL, okx(101))
    )
    playing = Playing([tape], SPOT)
    assert [ts_ns for ts_ns, _ in withdrawals(playing)] == [2 * S]
    assert playing.bids == [(1, 2, 100), (3, 2, 101)]


def test_a_refusal_of_a_symbol_that_nobody_watches_is_told_and_changes_nothing(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", line(1, OKX_URL, OKX_REFUSES.replace("BTC", "SOL")), line(2, OKX_URL, okx(1)))
    playing = Playing([tape], SPOT)
    assert (withdrawals(playing), playing.bids, len(playing.complaints)) == ([], [(2, 2, 1)], 1)


def test_a_venue_that_closes_the_connection_ends_it(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", line(1, OKX_URL, okx(100)), line(2, OKX_URL, OKX_CLOSES))
    ((_, withdrawal),) = withdrawals(Playing([tape], SPOT))
    assert withdrawal.instrument_ids == (2,) and reason_words(withdrawal.reason).startswith("disconnected: OKX")


def okx_list(**states: str) -> str:
    listed = [{"instId": f"{base}-USDT", "state": state} for base, state in states.items()]
    return json.dumps({"code": "0", "data": listed})


def recorded(t: float, raw: str, market: str = "spot") -> dict[str, object]:
    return line(t, "https://www.okx.com/list", raw, kind=LISTING, venue="okx", market=market)


def test_the_venues_list_takes_out_what_it_does_not_trade_until_the_next_one(tmp_path: Path) -> None:
    tape = write_tape(
        tmp_path / "a",
        recorded(1, okx_list(BTC="suspend")),
        line(2, OKX_URL, okx(100)),
        line(2, OKX_URL, okx(50, "ETH-USDT")),
        recorded(3, okx_list(BTC="live", ETH="live")),
        line(4, OKX_URL, okx(101)),
    )
    playing = Playing([tape], SPOT)
    assert [came for _, came in withdrawals(playing)] == [
        Withdrawal((2,), Reason(ReasonCode.NOT_TRADING, words="suspend")),
        Withdrawal((3,), Reason(ReasonCode.NOT_LISTED)),
    ]
    assert playing.bids == [(4, 2, 101)]
    assert playing.player.unserved == {}


@pytest.mark.parametrize("listed", ["PEPE", "1000PEPE"])
def test_a_coin_that_may_be_sold_by_the_thousand_is_listed_under_either_name(tmp_path: Path, listed: str) -> None:
    pepe = Instrument(9, "okx", "PEPE/USDT", "PEPE-USDT", "USDT", 0.1)
    tape = write_tape(
        tmp_path / "a", recorded(1, okx_list(**{listed: "live"})), line(2, OKX_URL, okx(100, f"{listed}-USDT"))
    )
    playing = Playing([tape], (pepe,))
    assert (withdrawals(playing), playing.player.unserved) == ([], {})
    assert playing.bids == [(2, 9, 100 if listed == "PEPE" else 0.1)]


def test_another_recorders_list_takes_nothing_out(tmp_path: Path) -> None:
    tape = write_tape(
        tmp_path / "a",
        line(1, "https://x", okx_list(SOL="live"), kind=LISTING, venue="okx"),
        line(2, OKX_URL, okx(100)),
    )
    playing = Playing([tape], SPOT)
    assert (withdrawals(playing), playing.bids) == ([], [(2, 2, 100)])


def test_settings_are_no_frame(tmp_path: Path) -> None:
    tape = write_tape(tmp_path / "a", line(1, "", "{}", kind=SETTINGS, venue="okx"), line(2, OKX_URL, okx(100)))
    playing = Playing([tape], SPOT)
    assert (playing.bids, playing.player.frames, playing.complaints) == ([(2, 2, 100)], 1, [])


@pytest.mark.parametrize("venue", ["binance", "coinbase", "kraken", "okx"])
def test_symbols_that_nobody_watches_are_told_once_and_listed(tmp_path: Path, venue: str) -> None:
    frames = {
        "binance": (SPOT_URL, binance(1).replace("BTC", "SOL")),
        "coinbase": (COINBASE_URL, SNAPSHOT.replace("BTC-USD", "SOL-USDT")),
        "kraken": (KRAKEN_URL, kraken(1).replace("BTC", "SOL")),
        "okx": (OKX_URL, okx(1, "SOL-USDT")),
    }
    url, frame = frames[venue]
    tape = write_tape(tmp_path / "a", *(line(t, url, frame) for t in (1, 2, 3)))
    playing = Playing([tape], SPOT)
    assert list(playing.player.unwatched) == [f"SOL/USDT of {venue}"]
    assert playing.complaints == [f"{tape}: nobody watches SOL/USDT of {venue}: add --symbol SOL/USDT"]


def test_control_characters_of_a_tape_go_nowhere(tmp_path: Path) -> None:
    forged = "\x1b[2J\r\nline 99"
    tape = write_tape(
        tmp_path / "a",
        line(1, OKX_URL, okx(100)),
        line(2, OKX_URL, okx(100, f"{forged}-USDT")),
        line(3, OKX_URL, forged * 1000, kind=DISCONNECTED),
    )
    playing = Playing([tape], SPOT)
    ((_, withdrawal),) = withdrawals(playing)
    said = [reason_words(withdrawal.reason), *playing.complaints, *playing.player.unwatched]
    assert all(each.isprintable() and len(each) < 400 for each in said), said


def test_complaints_of_one_kind_are_few(tmp_path: Path) -> None:
    lines = [line(n, OKX_URL, f'{{"what":{n}}}') for n in range(1, 200)]
    playing = Playing([write_tape(tmp_path / "a", *lines)], SPOT)
    assert len(playing.complaints) == 5
    assert playing.player.dropped == {"unreadable": 199}
