"""Each rule of the contract, told once as it is and once broken, on a clock made by hand."""

from typing import Any

import pytest
from said_events import START_MS, event, signal, told, written

from arbsniper_tui.tools.consume.breach import Breach
from arbsniper_tui.tools.consume.checker import Checker, Patience
from arbsniper_tui.tools.consume.numbering import Gap, Heard, Origin, heard_event

PATIENCE = Patience(gap_ns=5, heartbeat_ns=10_000_000_000, restart_ns=3_000_000_000, event_ns=10, death_ns=100)
SECOND_NS = 1_000_000_000


class Checked:
    """A checker, and every breach that it found."""

    def __init__(self) -> None:
        self.checker = Checker(PATIENCE)
        self.breaches: list[Breach] = []

    def event(self, message: dict[str, Any], now_ns: int = 0) -> None:
        self.breaches += self.checker.take_event(heard(message), now_ns)

    def signal(self, message: dict[str, Any], now_ns: int = 0) -> None:
        self.breaches += self.checker.take_signal(written(message), now_ns)

    def tick(self, now_ns: int) -> None:
        self.breaches += self.checker.tick(now_ns)

    @property
    def words(self) -> str:
        return "\n".join(map(str, self.breaches))


@pytest.fixture
def checked() -> Checked:
    return Checked()


def heard(message: dict[str, Any], origin: Origin = Origin.CHANNEL) -> Heard:
    return heard_event(written(message), origin)


def test_a_life_from_opening_to_close_is_sound(checked: Checked) -> None:
    for number, state in ((1, "open"), (2, "update"), (2, "close")):
        carried = signal(number, 1, state)
        if state != "close":
            checked.signal(carried)
        checked.event(told(number if state != "close" else 3, carried))
    checked.tick(PATIENCE.event_ns)
    assert checked.words == ""
    assert checked.checker.summary() == "checked 3 events and 2 signals of 1 run, 0 still open"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"spread_pct": 0.7502}, "spread_pct 0.7500 from 45100.0 to 45438.25, found 0.7502"),
        ({"profit_estimate": 338.2}, "profit_estimate 338.25"),
        ({"net_spread_pct": 0.7501}, "net_spread_pct of at most spread_pct 0.75"),
        ({"net_profit": 340.0, "net_spread_pct": 0.7539}, "net_profit of at most profit_estimate"),
        ({"net_profit": 200.0}, "net_spread_pct 0.4435 from net_profit"),
        ({"size": 0.0}, "size above 0, found 0.0"),
        ({"buy_price": 0.0}, "buy_price above 0"),
        ({"buy_age_ms": -1}, "buy_age_ms of 0 or more, found -1"),
        ({"detected_at": START_MS + 2}, f"timestamp at or after detected_at {START_MS + 2}"),
        ({"action": "BUY_OKX_SELL_BINANCE"}, "action BUY_BINANCE_SELL_OKX"),
        ({"net_total": -3.0}, "net_total of the sign of net_profit"),
        ({"move": "node-m1"}, "move and rank together, found one of them"),
        ({"quote_rate": 0.999}, "buy_raw_price, sell_raw_price and quote_rate together, found not all of them"),
        (
            {"buy_raw_price": 45100.0, "sell_raw_price": 45438.25, "quote_rate": 0.999},
            "sell_raw_price 45392.81175 from 45438.25 at quote_rate 0.999, found 45438.25",
        ),
        (
            {"buy_raw_price": 45000.0, "sell_raw_price": 45438.25, "quote_rate": 0.999},
            "buy_raw_price 45054.9 from 45100.0 at quote_rate 0.999, found 45000.0",
        ),
    ],
)
def test_fields_that_contradict_each_other(checked: Checked, changed: dict[str, Any], expected: str) -> None:
    wrong = signal(1, 1, **changed)
    checked.signal(wrong)
    assert expected in checked.words
    from_event = Checked()
    from_event.event(told(1, wrong))
    assert expected in from_event.words


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"size": None}, "missing required field `size`"),
        ({"size": "0.31"}, "Expected `float`, got `str` - at `$.size`"),
        ({"state": "opened"}, "Invalid enum value 'opened' - at `$.state`"),
        ({"type": "NEWS"}, "Invalid enum value 'NEWS'"),
    ],
)
def test_what_is_no_signal_by_the_schema(checked: Checked, changed: dict[str, Any], expected: str) -> None:
    checked.signal(signal(1, 1, **changed))
    assert expected in checked.words
    assert "docs/schema/signal.json" in checked.words


@pytest.mark.parametrize("payload", [b"", b"hello", b"[]", b"\xff", b"[" * 100_000, b'{"a":"\x1b[2J"}'])
def test_hostile_bytes_are_a_breach_in_words_fit_to_show(payload: bytes) -> None:
    checker = Checker(PATIENCE)
    [breach] = checker.take_signal(payload, 0)
    assert "arbitrage:signals: expected a signal" in str(breach)
    assert str(breach).replace("\n  in ", "").isprintable()
    assert len(str(breach)) < 5000


def test_a_close_on_the_channel_of_signals(checked: Checked) -> None:
    checked.signal(signal(1, 1, "close"))
    assert "a close is an event only, found a close" in checked.words


def test_fields_of_a_later_version_and_kinds_of_events_are_passed_over(checked: Checked) -> None:
    later = signal(1, 1, net_total=3.5)
    checked.signal(later)
    checked.event(told(1, later, mood="calm"))
    checked.event(event(2, "kind_of_a_later_version", id="node-1-1", signal={"other": 1}))
    assert checked.words == ""


def test_an_event_without_its_signal_or_with_one_of_another_state(checked: Checked) -> None:
    checked.event(event(1, "open"))
    assert "expected the signal of this event, found none" in checked.words
    checked.event(event(2, "update", signal=signal(1, 1)))
    assert "expected a signal of state update, found open" in checked.words


@pytest.mark.parametrize(
    ("lives", "expected"),
    [
        (
            [(1, 1, "open"), (2, 1, "open")],
            "an id of its own for each opportunity, found node-1-1, which is open already",
        ),
        ([(1, 1, "open"), (1, 1, "close"), (2, 1, "open")], "found node-1-1, which is closed already"),
        ([(1, 1, "open"), (1, 1, "close"), (1, 1, "close")], "one close for each opening, and nothing after it"),
        ([(1, 1, "open"), (1, 1, "close"), (2, 1, "update")], "one close for each opening, and nothing after it"),
        ([(1, 1, "update")], "an opening before an update, found an update of node-1-1, which is not open"),
        ([(1, 1, "open"), (3, 2, "open")], "signal number 1 or 2, found 3"),
        ([(1, 1, "open"), (2, 1, "close")], "signal number 1, found 2"),
    ],
)
def test_lives_that_are_not_as_promised(checked: Checked, lives: list[tuple[int, int, str]], expected: str) -> None:
    for seq, (number, opportunity, state) in enumerate(lives, start=1):
        assert checked.words == ""
        checked.event(told(seq, signal(number, opportunity, state)))
    assert expected in checked.words


def test_a_close_of_what_was_opened_while_the_check_ran_and_is_not_open(checked: Checked) -> None:
    checked.event(event(1, "venue_up", timestamp=START_MS))
    checked.event(told(2, signal(1, 1, "close", timestamp=START_MS + 50, duration_ms=49)))
    assert "an opening before a close, found a close of node-1-1, which is not open" in checked.words


def test_what_was_opened_before_the_first_event_that_was_heard_may_close(checked: Checked) -> None:
    checked.event(event(7, "venue_up", timestamp=START_MS))
    checked.event(told(8, signal(5, 1, "update")))
    checked.event(told(9, signal(5, 1, "close", duration_ms=3)))
    checked.event(told(10, signal(5, 2, "close", timestamp=START_MS + 50, duration_ms=50)))
    assert checked.words == ""
    checked.event(told(11, signal(5, 2, "close")))
    assert "one close for each opening" in checked.words


def test_an_id_stays_on_its_route_and_its_best_spread_is_the_best(checked: Checked) -> None:
    checked.event(told(1, signal(1, 1)))
    checked.event(told(2, signal(2, 1, "update", sell_symbol="BTC/USD")))
    assert "sell_symbol BTC/USDT, as this id had it before, found BTC/USD" in checked.words
    checked.event(told(3, signal(2, 1, "close", best_spread_pct=0.5)))
    assert "best_spread_pct of 0.75 or more, as announced, found 0.5" in checked.words


def test_prices_of_a_converted_leg_are_told_with_their_rate(checked: Checked) -> None:
    bought = {"buy_raw_price": 45054.9, "sell_raw_price": 45438.25, "quote_rate": 0.999, "net_total": 3.5}
    checked.event(told(1, signal(1, 1, **bought)))
    sold = {"buy_raw_price": 45100.0, "sell_raw_price": 45483.68825, "quote_rate": 1.001}
    checked.event(told(2, signal(2, 2, **sold)))
    checked.event(told(3, signal(2, 2, "close", **sold | {"quote_rate": 1.002})))
    assert checked.words == "", "a close tells the last price at the rate of now"


def test_the_routes_of_a_move_come_the_best_first(checked: Checked) -> None:
    better, worse = {"spread_pct": 0.75}, {"sell_price": 45419.0, "spread_pct": 0.7073, "profit_estimate": 319.0}
    checked.event(told(1, signal(1, 1, move="m1", rank=4)))
    checked.event(told(2, signal(2, 2, move="m2", rank=1, **better)))
    checked.event(told(3, signal(3, 3, move="m2", rank=2, **worse)))
    assert checked.words == "", "a check may begin within a move"
    checked.event(told(4, signal(4, 4, move="m2", rank=4, **worse)))
    assert "rank 3 in move m2, found 4" in checked.words
    checked.event(told(5, signal(5, 5, move="m3", rank=2)))
    assert "rank 1 in move m3, found 2" in checked.words
    fees = {"net_profit": 300.0, "net_spread_pct": 0.6652}
    checked.event(told(6, signal(6, 6, move="m4", rank=1, **worse)))
    checked.event(told(7, signal(7, 7, move="m4", rank=2, **better, **fees)))
    assert "as rank 1, found 0.75, net 0.6652" in checked.words


def test_behind_a_gap_signals_are_numbered_anew(checked: Checked) -> None:
    checked.event(told(1, signal(1, 1, move="m1", rank=1)))
    checked.breaches += checked.checker.take_gap(Gap(("a", "1"), 2, 3, is_beginning=False, is_excused=True))
    checked.event(told(4, signal(4, 4, move="m2", rank=2)))
    assert checked.words == ""


def test_a_close_says_how_long_and_why(checked: Checked) -> None:
    checked.event(told(1, signal(1, 1)))
    checked.event(told(2, signal(1, 1, "close", reason=None)))
    assert "duration_ms, best_spread_pct and reason in a close, found not all of them" in checked.words


def test_the_next_run_of_a_node_may_close_what_the_one_before_left_open(checked: Checked) -> None:
    checked.event(told(1, signal(1, 1)))
    checked.event(told(1, signal(1, 1, "close"), run="2"))
    opened_long_ago = signal(40, 9, "close", duration_ms=9000)
    checked.event(told(2, opened_long_ago, run="2"))
    checked.event(told(3, signal(1, 2, id="node-1-run2-1"), run="2"))
    assert checked.words == ""
    checked.event(told(1, signal(1, 2, "close", duration_ms=0, timestamp=START_MS + 9), node="b"))
    checked.event(told(2, signal(1, 2, "close", duration_ms=0, timestamp=START_MS + 10), node="b"))
    assert "one close for each opening" in checked.words, "another node has ids of its own"


def test_what_is_opened_again_after_a_workers_death_has_no_number_of_its_own(checked: Checked) -> None:
    checked.event(told(1, signal(1, 1)))
    checked.event(told(2, signal(1, 1, "close")))
    checked.event(told(3, signal(1, 2, resumed_from="node-1-1")))
    checked.event(told(4, signal(2, 2, "update")))
    assert checked.words == ""
    checked.event(told(5, signal(2, 3, resumed_from="node-1-2")))
    assert "a close of node-1-2 before it is opened again, found none" in checked.words


def test_a_survival_comes_once_and_behind_the_close(checked: Checked) -> None:
    survival = {"kind": "survival", "id": "node-1-1", "survival_pct": [0.7, None, None, None]}
    checked.event(told(1, signal(1, 1)))
    checked.event(told(2, signal(1, 1, "close")))
    checked.event(event(3, **survival))
    checked.event(event(4, **survival | {"id": "node-1-long-ago"}))
    assert checked.words == ""
    checked.event(event(5, **survival))
    assert "one event survival of node-1-1, found another" in checked.words
    checked.event(told(6, signal(2, 2)))
    checked.event(event(7, **survival | {"id": "node-1-2"}))
    assert "a close of node-1-2 before its survival, found none" in checked.words


def test_every_signal_has_its_event(checked: Checked) -> None:
    checked.event(event(1))
    checked.signal(signal(1, 1), now_ns=1)
    checked.event(event(2), now_ns=9)
    checked.tick(10)
    assert checked.words == ""
    checked.tick(11)
    assert "signal 1 of node-1-1: expected an event that carries it, found none" in checked.words


def test_a_signal_whose_run_died_before_its_event_is_reported(checked: Checked) -> None:
    checked.event(event(1), now_ns=100)
    checked.signal(signal(1, 1), now_ns=101)
    checked.tick(111)
    assert checked.words == ""
    [report] = checked.checker.reports
    assert "no event carries it, and a run that may have sent it is silent" in report


def test_signal_and_event_say_the_same_whichever_comes_first(checked: Checked) -> None:
    checked.signal(signal(1, 1))
    checked.event(told(1, signal(1, 1, size=0.3)))
    assert "event 1: expected the same fields on the channel and in the event, found others" in checked.words
    later = Checked()
    later.event(told(1, signal(1, 1)))
    later.signal(signal(1, 1, size=0.3))
    assert "signal 1 of node-1-1: expected the same fields on the channel and in the event" in later.words


def test_a_repeated_signal_is_counted(checked: Checked) -> None:
    for _ in range(3):
        checked.signal(signal(1, 1))
    checked.event(told(1, signal(1, 1)))
    checked.signal(signal(1, 1))
    checked.tick(PATIENCE.event_ns)
    assert checked.words == ""
    assert checked.checker.repeated_signals == 3


def test_conflicting_and_late_events(checked: Checked) -> None:
    message = written(event(1))
    head = heard(event(1)).head
    checked.breaches += checked.checker.take_event(Heard(head, message, Origin.CHANNEL, is_conflicting=True), 0)
    assert "node a, run 1, event 1: expected the same bytes whenever this number comes" in checked.words
    checked.breaches += checked.checker.take_event(Heard(head, message, Origin.CHANNEL, is_late=True), 0)
    assert "expected events in the order of their numbers" in checked.words


def test_a_gap_names_what_was_expected_and_what_came(checked: Checked) -> None:
    checked.breaches += checked.checker.take_gap(Gap(("a", "1"), 13, 14, is_beginning=False, is_excused=False))
    assert "node a, run 1: expected event 13 after 12, found 15; events 13 to 14 came neither" in checked.words
    assert checked.checker.take_gap(Gap(("a", "1"), 13, 14, is_beginning=False, is_excused=True)) == []
    checked.breaches = checked.checker.take_gap(Gap(("a", "2"), 1, 1, is_beginning=True, is_excused=False))
    assert "expected event 1, with which a run begins, found 2" in checked.words


def test_the_stream_lacks_an_event_that_the_channel_brought(checked: Checked) -> None:
    checked.checker.learn(heard(event(1), Origin.STREAM), 0)
    checked.checker.take_stored(heard(event(3), Origin.STREAM), 0)
    checked.tick(PATIENCE.gap_ns - 1)
    assert checked.words == ""
    checked.tick(PATIENCE.gap_ns)
    assert "arbitrage:stream, node a, run 1: expected every event of the run, found 3 without event 2" in checked.words


def test_a_heartbeat_that_stays_away_while_other_events_come(checked: Checked) -> None:
    checked.event(event(1, timestamp=START_MS), now_ns=0)
    for second in range(1, 11):
        checked.event(event(second + 1, "venue_up", timestamp=START_MS + second * 1000), now_ns=second * SECOND_NS)
    checked.tick(20 * SECOND_NS)
    assert checked.words == ""
    checked.event(event(12, "venue_up", timestamp=START_MS + 11_000), now_ns=21 * SECOND_NS)
    checked.tick(24 * SECOND_NS)
    assert "event 12: expected a heartbeat each second, found none for 11.0 s" in checked.words


@pytest.mark.parametrize(
    ("heard_s", "sent_s"), [(11, 1), (1, 3600)], ids=["while Redis held events back", "when a clock was set"]
)
def test_a_heartbeat_is_late_by_both_clocks_or_not_at_all(checked: Checked, heard_s: int, sent_s: int) -> None:
    checked.event(event(1, timestamp=START_MS), now_ns=0)
    checked.event(event(2, timestamp=START_MS + sent_s * 1000), now_ns=heard_s * SECOND_NS)
    checked.tick((heard_s + 4) * SECOND_NS)
    assert checked.words == ""


@pytest.mark.parametrize("notice", ["worker_down", "worker_up"])
def test_no_heartbeat_is_late_while_a_worker_is_started_again(checked: Checked, notice: str) -> None:
    checked.event(event(1, timestamp=START_MS), now_ns=0)
    checked.event(event(2, timestamp=START_MS + 15_000), now_ns=15 * SECOND_NS)
    checked.event(event(3, notice, timestamp=START_MS + 15_100), now_ns=15 * SECOND_NS)
    checked.tick(20 * SECOND_NS)
    assert checked.words == ""


def test_a_replay_has_no_heartbeats(checked: Checked) -> None:
    for seq in range(1, 5):
        checked.event(event(seq, "venue_up", timestamp=START_MS + seq * 60_000), now_ns=seq * 60 * SECOND_NS)
    checked.tick(600 * SECOND_NS)
    assert checked.words == ""


def test_what_a_dead_run_left_open_is_reported_once(checked: Checked) -> None:
    checked.event(told(1, signal(1, 1)), now_ns=0)
    checked.event(told(2, signal(2, 2)), now_ns=1)
    checked.tick(100)
    checked.tick(101)
    checked.tick(500)
    assert checked.checker.reports == ["node a, run 1: silent, and left 2 open: node-1-1, node-1-2"]
    assert checked.words == ""


def test_what_came_before_the_check_is_learned_and_not_judged(checked: Checked) -> None:
    for seq, carried in ((4, signal(1, 1)), (5, signal(1, 9, "close", size=-1.0)), (9, signal(2, 1, "update"))):
        checked.checker.learn(heard(told(seq, carried), Origin.STREAM), 0)
    checked.event(told(10, signal(2, 1, "close")))
    assert checked.words == ""


def test_after_redis_was_away_what_was_due_is_due_again(checked: Checked) -> None:
    checked.event(event(1, timestamp=START_MS), now_ns=0)
    checked.signal(signal(1, 1), now_ns=0)
    checked.checker.forgive(20 * SECOND_NS, is_stream_lost=False)
    checked.tick(20 * SECOND_NS)
    checked.event(event(2, timestamp=START_MS + 20_000), now_ns=20 * SECOND_NS)
    checked.event(event(3, timestamp=START_MS + 20_001), now_ns=20 * SECOND_NS + 9)
    checked.tick(20 * SECOND_NS + 9)
    assert checked.words == ""
    checked.tick(20 * SECOND_NS + 10)
    assert "an event that carries it" in checked.words


def test_after_redis_came_back_empty_nothing_of_before_is_due(checked: Checked) -> None:
    checked.checker.learn(heard(event(1), Origin.STREAM), 0)
    checked.signal(signal(1, 1), now_ns=0)
    checked.checker.forgive(0, is_stream_lost=True)
    checked.checker.take_stored(heard(event(9), Origin.STREAM), 0)
    checked.tick(50)
    assert checked.words == ""
