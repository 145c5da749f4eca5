from arbsniper_tui.ui.widgets.latency_pane import bar_lines, span_of


def test_whatever_is_not_zero_shows() -> None:
    assert bar_lines([0, 1, 1000], 3, 1) == [" ▁█"]


def test_three_lines_carry_twenty_four_heights() -> None:
    assert bar_lines([8, 16, 20, 24], 4, 3) == ["  ▄█", " ███", "████"]


def test_buckets_share_a_cell_where_the_room_is_short() -> None:
    assert bar_lines([1, 1, 2, 2], 2, 1) == ["▄█"]


def test_bars_are_as_long_as_their_column() -> None:
    assert [len(line) for line in bar_lines([1, 2], 9, 2)] == [9, 9]


def test_all_stages_share_the_range_that_any_uses() -> None:
    assert span_of([[0, 1, 0, 0], [0, 0, 3, 0]]) == (1, 3)
    assert span_of([]) == (0, 0)
