"""A venue's own times tell how late its data come: growth counts, skew does not."""

from arbsniper_tui.feeds.venue_lag import DRIFT_MS, JITTER_MS, WINDOW_NS, VenueLag
from arbsniper_tui.model.quote import Quote

MS = 1_000_000
S = 1000 * MS
START_NS = 5000 * S
VENUE_MS = 1_700_000_000_000
"""The venue's clock at the start: what it has to do with ours nobody knows."""


def at(after_ms: int, late_ms: int = 0, instrument_id: int = 0) -> tuple[list[Quote], int]:
    """A quote that the venue made `late_ms` before it is read."""
    return [Quote(instrument_id, 1.0, 1.0, 1.0, 1.0, VENUE_MS + after_ms - late_ms)], START_NS + after_ms * MS


def begun(late_ms: int = 20) -> VenueLag:
    lag = VenueLag()
    for after_ms in range(5):
        assert lag.receipts_ns(*at(after_ms, late_ms)) == ()
    return lag


def test_skew_of_the_clocks_is_no_age() -> None:
    assert begun(-7_000_000).late_ms == 0
    assert begun(7_000_000).late_ms == 0


def test_unrest_is_no_age() -> None:
    lag = begun(20)
    for after_ms in range(10, 2000, 10):
        assert lag.receipts_ns(*at(after_ms, 20 + after_ms % JITTER_MS)) == ()


def test_what_comes_later_than_at_its_best_is_that_much_older() -> None:
    lag = begun(20)
    quotes, read_ns = at(10_000, 12_020)
    assert lag.receipts_ns(quotes, read_ns) == [read_ns - 12_000 * MS]
    assert lag.late_ms == 12_000


def test_each_quote_of_a_read_has_its_own_age() -> None:
    lag = begun(20)
    late, read_ns = at(10_000, 3020)
    fresh, _ = at(10_000, 20, instrument_id=1)
    without_time = [Quote(2, 1.0, 1.0, 1.0, 1.0)]
    assert lag.receipts_ns([*late, *fresh, *without_time], read_ns) == [read_ns - 3000 * MS, read_ns, read_ns]


def test_a_better_time_is_the_measure_from_then_on() -> None:
    lag = begun(900)
    assert lag.receipts_ns(*at(10, 20)) == ()
    quotes, read_ns = at(20, 900)
    assert lag.receipts_ns(quotes, read_ns) == [read_ns - 880 * MS]


def test_a_slow_drift_is_followed() -> None:
    lag = begun(20)
    window_ms = WINDOW_NS // MS
    quotes, read_ns = at(window_ms + 10, 520)
    assert lag.receipts_ns(quotes, read_ns) == [read_ns - 500 * MS]
    assert lag.receipts_ns(*at(2 * window_ms + 20, 520)) == ()
    assert lag.late_ms == 0


def test_a_lateness_that_lasts_does_not_become_the_usual() -> None:
    lag = begun(20)
    for after_ms in range(60_000, 3 * WINDOW_NS // MS, 10_000):
        quotes, read_ns = at(after_ms, 12_020)
        (counted_ns,) = lag.receipts_ns(quotes, read_ns)
        assert read_ns - counted_ns >= (12_000 - 3 * DRIFT_MS) * MS


def test_a_window_without_a_quote_changes_no_measure() -> None:
    lag = begun(20)
    for windows in (2, 3, 5):
        quotes, read_ns = at(windows * WINDOW_NS // MS, 12_020)
        (counted_ns,) = lag.receipts_ns(quotes, read_ns)
        assert read_ns - counted_ns >= (12_000 - windows * DRIFT_MS) * MS


def test_one_time_in_the_future_makes_nothing_late() -> None:
    lag = begun(20)
    lag.receipts_ns(*at(10, -60_000))
    assert lag.receipts_ns(*at(20, 20)) == ()
    assert lag.late_ms == 0


def test_a_first_time_in_the_future_makes_nothing_late() -> None:
    lag = VenueLag()
    lag.receipts_ns(*at(0, -60_000))
    for after_ms in range(1, 20):
        assert lag.receipts_ns(*at(after_ms, 20)) == ()


def test_a_clock_of_the_venue_that_was_set_forward_is_followed() -> None:
    lag = begun(5000)
    for after_ms in range(10, 15):
        lag.receipts_ns(*at(after_ms, 20))
    quotes, read_ns = at(100, 5020)
    assert lag.receipts_ns(quotes, read_ns) == [read_ns - 5000 * MS]


def test_a_lateness_of_hours_is_a_clock_that_was_set_back() -> None:
    lag = begun(20)
    quotes, read_ns = at(100, 7_200_000)
    assert list(lag.receipts_ns(quotes, read_ns)) in ([], [read_ns])


def test_without_a_time_there_is_no_lag() -> None:
    lag = VenueLag()
    assert lag.receipts_ns([Quote(0, 1.0, 1.0, 1.0, 1.0)], START_NS) == ()
    assert lag.late_ms is None


def set_forth(by_ms: int) -> VenueLag:
    """The venue's clock has been ahead for two seconds."""
    lag = begun(20)
    for after_ms in range(100, 2100, 100):
        assert lag.receipts_ns(*at(after_ms, 20 - by_ms)) == ()
    return lag


def test_a_clock_that_was_set_forth_and_back_leaves_no_lateness() -> None:
    lag = set_forth(6000)
    late = [bool(lag.receipts_ns(*at(after_ms, 20))) for after_ms in range(2100, 4100, 100)]
    assert late == [True] * 10 + [False] * 10
    assert lag.late_ms == 0
    quotes, read_ns = at(5000, 3020)
    assert lag.receipts_ns(quotes, read_ns) == [read_ns - 3000 * MS]


def test_data_that_were_held_up_for_as_long_as_a_clock_was_set_forth_are_late() -> None:
    lag = set_forth(6000)
    for late_ms in range(6020, 20, -100):
        after_ms = 8000
        quotes, read_ns = at(after_ms, late_ms - 6000)
        expected = [read_ns - late_ms * MS + 20 * MS] if late_ms - 20 > JITTER_MS else ()
        assert lag.receipts_ns(quotes, read_ns) == expected
    assert lag.receipts_ns(*at(9500, 20)) != ()
