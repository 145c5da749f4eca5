from arbsniper_tui.ui.columns import Column, fitted, header, row
from arbsniper_tui.ui.paint import ends, joined, width_of, words

COLUMNS = (
    Column("name", "", 8),
    Column("price", "price", 10, "right", "USDT"),
    Column("size", "size", 8, "right", drop=1),
    Column("note", "", 4, grows=True),
)


def test_the_column_with_the_largest_drop_goes_first_and_the_growing_one_takes_the_rest() -> None:
    assert [each.id for each in fitted(COLUMNS, 40)] == ["name", "price", "size", "note"]
    narrow = fitted(COLUMNS, 30)
    assert [each.id for each in narrow] == ["name", "price", "note"]
    assert sum(each.width for each in narrow) + 2 == 30


def test_headings_end_where_their_numbers_end() -> None:
    columns = fitted(COLUMNS, 40)
    head = words(header(columns, 40, "BTC"))
    shown = words(row(columns, [("okx", "text"), ("67,012.3", "text"), ("0.31", "text"), ("", "text")]))
    assert len(head) == 40
    assert head.index("USDT") + 4 == shown.index("67,012.3") + 8


def test_the_sorted_column_is_marked_and_the_title_comes_first() -> None:
    head = words(header(fitted(COLUMNS, 40), 40, "BTC", "x", sorted_by="price"))
    assert head.startswith("BTC x ")
    assert "USDT▾" in head


def test_a_heading_without_room_beside_the_title_is_left_out() -> None:
    head = words(header(fitted(COLUMNS, 40), 40, "BTC", "by x, order held", sorted_by="price"))
    assert head.startswith("BTC by x, order held ")
    assert "USDT" not in head
    assert "size" in head


def test_a_note_at_the_end_stands_there_only_on_a_bare_rule() -> None:
    columns = (*COLUMNS[:3], Column("note", "why not", 7, grows=True))
    assert words(header(fitted(columns, 60), 60, "BTC", at_end="60 of 84")).endswith("why not ───────────── 60 of 84 ")
    assert words(header(fitted(columns, 46), 46, "BTC", at_end="60 of 84")) == words(
        header(fitted(columns, 46), 46, "BTC")
    )


def test_what_does_not_fit_ends_in_an_ellipsis() -> None:
    shown = words(row(fitted(COLUMNS, 40), [("coinbase-prime", "text"), ("1", "text"), ("2", "text"), ("", "text")]))
    assert shown.startswith("coinbas…")


def test_blank_text_takes_its_neighbours_role() -> None:
    assert joined([("a", "text"), ("  ", "quiet"), ("b", "text")]) == (("a  b", "text"),)


def test_control_characters_of_a_venues_message_never_reach_the_terminal() -> None:
    assert words(joined([("bad\x1b[2Jframe\n", "text")])) == "bad [2Jframe "


def test_the_right_part_gives_way_where_both_do_not_fit() -> None:
    left, right = (("left side", "text"),), (("right", "quiet"),)
    assert width_of(ends(left, right, 20)) == 20
    assert ends(left, right, 12) == left
