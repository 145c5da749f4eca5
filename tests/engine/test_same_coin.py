"""Which of the prices of one name may be of one coin."""

from hypothesis import given
from hypothesis import strategies as st

from arbsniper_tui.engine.same_coin import BAND, Priced, held_apart
from arbsniper_tui.model.reason import reason_words

PRICES = st.lists(st.sampled_from([0.04, 0.9, 1.0, 1.2, 1.45, 2.0, 25.0, 26.0, 1000.0]), max_size=9)


def priced(*prices: float, width: float = 1.001) -> list[Priced]:
    return [Priced((f"venue{at}", "X/USDT"), price, price * width) for at, price in enumerate(prices)]


def held(*prices: float) -> set[int]:
    return set(held_apart(priced(*prices)))


def words(*prices: float) -> dict[int, str]:
    return {place: reason_words(reason) for place, reason in held_apart(priced(*prices)).items()}


def test_one_price_without_a_peer_passes() -> None:
    assert held() == held(25.0) == set()


def test_two_that_disagree_are_both_held_and_each_is_told_beside_the_other() -> None:
    assert words(1.0, 25.0) == {0: "identity: 0.04 x its peer", 1: "identity: 25 x its peer"}


def test_among_three_or_more_the_outlier_is_held() -> None:
    assert words(1.0, 25.0, 1.01, 0.99) == {1: "identity: 25 x its 3 peers"}


def test_powers_of_ten_are_named_as_such() -> None:
    assert words(1.0, 1013.0, 1.01)[1] == "identity: 1000 x the price of its 2 peers"
    assert words(1.0, 0.00102, 1.01)[1] == "identity: 1/1000 of the price of its 2 peers"
    assert words(1.0, 1300.0, 1.01)[1] == "identity: 1300 x its 2 peers"


def test_where_no_majority_agrees_all_are_held() -> None:
    assert held(1.0, 1.0, 25.0, 25.0) == {0, 1, 2, 3}
    assert held(1.0, 25.0, 625.0) == {0, 1, 2}
    assert held(1.0, 1.0, 25.0, 25.0, 25.0) == {0, 1}


def test_prices_within_the_band_agree_and_beyond_it_they_do_not() -> None:
    assert held(1.0, BAND * 0.999) == set()
    assert held(1.0, BAND * 1.002) == {0, 1}


def test_a_book_that_two_venues_show_counts_once() -> None:
    prices = priced(1.0, 1.0, 25.0)
    relayed = [prices[0], Priced(prices[0].book, 1.0, 1.001), prices[2]]
    assert set(held_apart(relayed)) == {0, 1, 2}, "two sources that disagree"


def test_a_wide_book_says_nothing_and_lets_nothing_pass_that_is_far_from_the_others() -> None:
    junk = Priced(("junk", "X/USDT"), 0.01, 100.0)
    assert held_apart([*priced(1.0, 1.01), junk]) == {}
    assert set(held_apart([*priced(1.0, 1.01, 25.0), junk])) == {2}
    assert set(held_apart([*priced(1.0, 25.0), junk])) == {0, 1, 2}


def test_a_price_that_the_user_has_called_the_same_agrees_with_its_peers_as_far_as_it_was_then() -> None:
    def told(price: float) -> list[Priced]:
        return [*priced(1.0, 1.01), Priced(("odd", "X/USDT"), price, price * 1.001, allowed=4.0)]

    assert held_apart(told(4.0)) == held_apart(told(1.0)) == held_apart(told(5.5)) == {}
    assert set(held_apart(told(7.0))) == {2}, "the price has drifted on"
    assert set(held_apart(told(0.5))) == {2}


def test_extreme_prices_are_judged_without_an_error() -> None:
    assert held(5e-324, 25.0) == {0, 1}
    assert held(1e308, 1e-308, 1e-308) == {0}


@given(PRICES.flatmap(lambda prices: st.tuples(st.just(prices), st.permutations(range(len(prices))))))
def test_the_order_of_prices_does_not_matter(drawn: tuple[list[float], list[int]]) -> None:
    prices, order = drawn
    told = priced(*prices)
    shuffled = held_apart([told[at] for at in order])
    assert {order[place]: reason for place, reason in shuffled.items()} == held_apart(told)


@given(PRICES, st.integers(-6, 6))
def test_the_unit_of_prices_does_not_matter(prices: list[float], exponent: int) -> None:
    scaled = [price * 10.0**exponent for price in prices]
    assert set(held_apart(priced(*scaled))) == set(held_apart(priced(*prices)))
