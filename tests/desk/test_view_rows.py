"""What viewers see of quotes and routes, and that a frame tells only what changed."""

from decision_stage import INSTRUMENTS, MS, WALL_OFFSET_NS, DecisionStage, S

from arbsniper_tui.desk.rows import ROUTES_SHOWN, SHARES, Rows
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.engine.slices import at_once
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode, reason_words


def test_before_the_first_quote_every_row_says_so(stage: DecisionStage) -> None:
    rows = stage.views.rows.all_quotes(stage.now_ns)
    assert [(row.instrument_id, row.bid, row.ts_recv_ms, reason_words(row.reason)) for row in rows] == [
        (number, 0.0, 0.0, "no data yet") for number in range(len(INSTRUMENTS))
    ]
    assert at_once(stage.views.rows.changed_quotes(stage.now_ns)) == ()


def test_a_quote_is_shown_as_the_venue_showed_it_with_its_receipt(stage: DecisionStage) -> None:
    stage.detector.on_quote(Quote(1, 99.5, 2.0, 100.5, 3.0, 1_699_999_999_000), stage.now_ns, stage.now_ns)
    [row] = at_once(stage.views.rows.changed_quotes(stage.now_ns))
    assert (row.instrument_id, row.bid, row.bid_size, row.ask, row.ask_size) == (1, 99.5, 2.0, 100.5, 3.0)
    assert row.ts_recv_ms == (stage.now_ns + WALL_OFFSET_NS) / 1e6
    assert (row.ts_venue_ms, row.reason, row.quotes) == (1_699_999_999_000, None, 1)


def test_only_what_moved_is_told_and_once(stage: DecisionStage) -> None:
    stage.quote(0, 99.0, 100.0)
    stage.quote(0, 99.1, 100.1)
    stage.quote(2, 50.0, 51.0)
    changed = at_once(stage.views.rows.changed_quotes(stage.now_ns))
    assert [(row.instrument_id, row.bid, row.quotes) for row in changed] == [(0, 99.1, 2), (2, 50.0, 1)]
    assert at_once(stage.views.rows.changed_quotes(stage.now_ns)) == ()


def test_a_quote_that_grows_stale_is_told_once_and_again_when_it_is_fresh(stage: DecisionStage) -> None:
    rows = stage.views.rows
    stage.quote(0, 99.0, 100.0)
    at_once(rows.changed_quotes(stage.now_ns))
    stage.now_ns += 5 * S
    assert at_once(rows.changed_quotes(stage.now_ns)) == ()
    stage.now_ns += 1
    assert [(row.instrument_id, reason_words(row.reason)) for row in at_once(rows.changed_quotes(stage.now_ns))] == [
        (0, "stale")
    ]
    assert at_once(rows.changed_quotes(stage.now_ns + S)) == ()
    stage.quote(0, 99.0, 100.0)
    assert [row.reason for row in at_once(rows.changed_quotes(stage.now_ns))] == [None]


def test_a_withdrawal_is_told_with_its_reason_and_keeps_the_last_price(stage: DecisionStage) -> None:
    stage.quote(0, 99.0, 100.0)
    at_once(stage.views.rows.changed_quotes(stage.now_ns))
    stage.detector.withdraw(0, Reason(ReasonCode.DISCONNECTED, words="code 1012"), stage.now_ns)
    [row] = at_once(stage.views.rows.changed_quotes(stage.now_ns))
    assert (row.bid, reason_words(row.reason)) == (99.0, "disconnected: code 1012")


def test_routes_stand_with_the_largest_spread_first(stage: DecisionStage) -> None:
    stage.quote(0, 99.9, 100.0)
    stage.quote(1, 100.3, 100.4)
    rows = at_once(stage.views.rows.largest_routes(stage.now_ns))
    assert [(row.buy_id, row.sell_id) for row in rows] == [(0, 1), (1, 0)]
    assert round(rows[0].spread_pct, 6) == 0.3
    assert rows[0].spread_pct > 0 > rows[1].spread_pct
    assert rows[0].net_spread_pct < rows[0].spread_pct
    assert reason_words(rows[0].reason) == "gross 0.30% is not above 0.50%"


def test_an_open_route_shows_its_time_its_size_and_its_count_and_no_reason(stage: DecisionStage) -> None:
    stage.quote(0, 99.9, 100.0, size=0.7)
    stage.quote(1, 101.0, 101.1, size=0.4)
    [row, _] = at_once(stage.views.rows.largest_routes(stage.now_ns + 250 * MS))
    assert (row.reason, row.size, row.open_ms, row.signals) == (None, 0.4, 250.0, 1)


def test_a_route_without_a_price_shows_no_spread_and_stands_last(stage: DecisionStage) -> None:
    rows = at_once(stage.views.rows.largest_routes(stage.now_ns))
    assert [row.spread_pct for row in rows] == [0.0, 0.0]
    assert all("no data yet" in reason_words(row.reason) for row in rows)
    stage.quote(0, 99.9, 100.0)
    stage.quote(1, 101.0, 101.1)
    stage.detector.withdraw(1, Reason(ReasonCode.CROSSED), stage.now_ns)
    for row in at_once(stage.views.rows.largest_routes(stage.now_ns)):
        assert (row.spread_pct, row.net_spread_pct, row.size, reason_words(row.reason)) == (
            0.0,
            0.0,
            0.0,
            "okx: crossed",
        )


def test_of_many_routes_the_largest_are_shown_and_no_more_than_fit() -> None:
    venues = [Instrument(number, f"v{number}", "BTC/USDT", "BTC", "USDT", 0.0) for number in range(10)]
    detector = Detector(venues, ("spot-spot",), Rules(), "node")
    for number in range(10):
        detector.on_quote(Quote(number, 100.0 + number, 1.0, 100.5 + number, 1.0), S, S)
    shown = at_once(Rows(detector).largest_routes(S))
    spreads = [row.spread_pct for row in shown]
    assert len(detector.routes.all) == 90 and len(shown) == ROUTES_SHOWN
    assert spreads == sorted(spreads, reverse=True)
    every = sorted(r.spreads_pct(r.buy.ask, r.sell.bid)[0] for r in detector.routes.all)
    assert spreads[-1] == every[-ROUTES_SHOWN]


def test_a_stream_that_is_frozen_by_its_peers_is_told_without_a_quote_of_its_own_until_it_changes() -> None:
    listed = [Instrument(i, venue, "BTC/USDT", "BTC/USDT", "USDT", 0.1) for i, venue in enumerate("abc")]
    detector = Detector(listed, ["spot-spot"], Rules(), "node")
    rows = Rows(detector)
    now_ns = 1000 * S
    for turn in range(60):
        for i in range(3):
            detector.on_quote(Quote(i, 100.0 + 0.001 * (turn % 2), 1.0, 100.1, 1.0), now_ns, now_ns)
        now_ns += 100 * MS
    for i in (1, 2):
        detector.on_quote(Quote(i, 100.4, 1.0, 100.5, 1.0), now_ns, now_ns)
    now_ns += S
    told = [row for _ in range(SHARES) for row in at_once(rows.changed_quotes(now_ns))]
    assert [reason_words(row.reason) for row in told if row.reason] == ["frozen 1.1 s, peers moved 40 bps"]
    detector.on_quote(Quote(0, 100.3, 1.0, 100.4, 1.0), now_ns, now_ns)
    assert [(row.instrument_id, row.reason) for row in at_once(rows.changed_quotes(now_ns))] == [(0, None)]
