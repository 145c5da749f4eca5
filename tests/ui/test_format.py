import math

import pytest

from arbsniper_tui.model.health import RedisHealth, RedisState
from arbsniper_tui.ui import format as fmt


@pytest.mark.parametrize(
    ("age_ms", "text"),
    [
        (-40, "<0.1s"),
        (99, "<0.1s"),
        (100, "0.1s"),
        (999, "0.9s"),
        (1000, "1s"),
        (59_900, "59s"),
        (61_000, "1m"),
        (7.3e6, "2h"),
    ],
)
def test_an_age_is_coarser_the_older_it_is(age_ms: float, text: str) -> None:
    assert fmt.age(age_ms) == text


def test_an_age_never_needs_more_than_five_characters() -> None:
    assert all(len(fmt.age(10.0**power * factor)) <= 5 for power in range(11) for factor in (1, 5.99, 9.99))


@pytest.mark.parametrize(("pct", "text"), [(0.5, "0.50%"), (0.125, "0.125%"), (0.0, "0.00%"), (12.0, "12.00%")])
def test_a_threshold_has_at_least_two_decimals(pct: float, text: str) -> None:
    assert fmt.threshold(pct) == text


@pytest.mark.parametrize(
    ("price", "at_least", "decimals"),
    [(67_012.3, 0, 1), (67_012.0, 1, 1), (0.00001234, 0, 8), (1 / 3, 0, 8), (math.nan, 2, 2)],
)
def test_decimals_show_a_price_unrounded_up_to_eight(price: float, at_least: int, decimals: int) -> None:
    assert fmt.decimals_of(price, at_least) == decimals


def test_a_size_that_does_not_fit_is_told_in_millions() -> None:
    assert fmt.amount(123_456_789.0, 0, 8) == "123.5M"
    assert fmt.amount(12.3456, 4, 8) == "12.3456"


@pytest.mark.parametrize(
    ("value", "text"),
    [(999_949.0, "999.9k"), (999_999.99, "1.0M"), (999_999_999.0, "1.0G"), (999.96e12, "1000.0T"), (1000.0, "1.0k")],
)
def test_a_size_that_rounds_up_to_a_thousand_has_the_next_letter(value: float, text: str) -> None:
    assert fmt.amount(value, 4, 7) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_999, "1.0 MB"),
        (999_999_999, "1.0 GB"),
        (5e9, "5.0 GB"),
        (3.2e12, "3.2 TB"),
    ],
)
def test_a_volume_is_told_in_the_unit_it_rounds_to(size_bytes: float, text: str) -> None:
    assert fmt.volume(size_bytes) == text


def test_milliseconds_that_round_to_a_hundred_have_no_decimal() -> None:
    assert [fmt.millis(each) for each in (99.94, 99.96, 2300.0, None)] == ["99.9ms", "100ms", "2300ms", "-"]


def test_negative_milliseconds_are_as_exact_as_positive_ones() -> None:
    assert [fmt.millis(each) for each in (-0.04, -3.21, -99.96, -2300.0)] == ["0.0ms", "-3.2ms", "-100ms", "-2300ms"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (23.104, "+23.10"),
        (-134.0, "-134.00"),
        (0.0, "+0.00"),
        (-0.0042, "-0.0042"),
        (0.000117, "+0.00012"),
        (-1e-12, "+0.00"),
        (999_999.99, "+999,999.99"),
        (999_999.999, "+1.0M"),
        (1_234_567.8, "+1.2M"),
    ],
)
def test_money_has_two_decimals_or_two_digits(value: float, text: str) -> None:
    assert fmt.money(value) == text


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (9_999.99, "USDT", "+9,999.99 USDT"),
        (9_999.996, "USDT", "+10,000.0 USDT"),
        (12_345.67, "USDT", "+12,345.7 USDT"),
        (-12_345.67, "FDUSD", "-12,346 FDUSD"),
        (123_456.7, "USDT", "+123,457 USDT"),
        (999_999.4, "USDT", "+999,999 USDT"),
        (999_999.6, "USDT", "+1.0M USDT"),
        (-3e9, "USDT", "-3.0G USDT"),
        (0.0000042, "USDT", "+0.000004 USDT"),
        (0.00000042, "BTC", "+0.0000004 BTC"),
        (0.0000042, "BTC", "+0.0000042 BTC"),
        (-1e-12, "USDT", "+0.00 USDT"),
    ],
)
def test_money_and_its_currency_fit_their_column(value: float, currency: str, text: str) -> None:
    assert fmt.money_in(currency, value, 14) == text
    assert len(text) <= 14


def test_money_is_never_wider_than_its_column() -> None:
    values = [
        sign * digits * 10.0**power for sign in (1, -1) for digits in (1, 4.2, 9.999996) for power in range(-9, 15)
    ]
    for currency in ("BTC", "USDT", "FDUSD"):
        assert all(len(fmt.money_in(currency, each, 14)) <= 14 for each in values)


@pytest.mark.parametrize(
    ("price", "text"), [(63_919.8883, "≈63,919.89"), (0.5312345678, "≈0.531235"), (152.4344, "≈152.434")]
)
def test_a_converted_price_is_rounded_and_marked(price: float, text: str) -> None:
    assert fmt.converted(price, fmt.converted_decimals(price)) == text


@pytest.mark.parametrize(("pct", "width", "text"), [(0.5, 6, "+0.500"), (12.3456, 6, "+12.35"), (2400.0, 6, "+2400")])
def test_a_percentage_has_fewer_decimals_where_there_is_no_room(pct: float, width: int, text: str) -> None:
    assert fmt.pct(pct, width=width) == text


def test_a_value_that_rounds_to_zero_has_no_minus() -> None:
    assert fmt.pct(-0.0001) == "+0.000"
    assert fmt.pct(-0.25) == "-0.250"


@pytest.mark.parametrize(
    ("us", "text"), [(12.4, "12µs"), (1_240, "1.2ms"), (340_000, "340ms"), (2.1e6, "2.1s"), (999.7, "1.0ms")]
)
def test_stage_times_fit_five_characters(us: float, text: str) -> None:
    assert fmt.micros(us) == text


def test_clock_is_local_time_with_milliseconds() -> None:
    assert fmt.clock(1_760_000_000_417) == "08:53:20.417"


@pytest.mark.parametrize(
    ("health", "text"),
    [
        (RedisHealth(RedisState.UP, "url", "127.0.0.1:6390/0"), "redis url :6390 up"),
        (RedisHealth(RedisState.UP, "embedded", "unix:///run/user/1/redis.sock"), "redis embedded up"),
        (RedisHealth(RedisState.AWAY, "url", "127.0.0.1:6379", waiting=12), "redis away, 12 waiting"),
        (RedisHealth(RedisState.REFUSING, "url", "127.0.0.1:6379", waiting=12), "redis refusing, 12 waiting"),
        (
            RedisHealth(RedisState.HUNG, "url", "127.0.0.1:6379", waiting=1000, lost=3),
            "redis hung, 1,000 waiting, 3 lost",
        ),
        (RedisHealth(RedisState.OFF), "redis off"),
    ],
)
def test_redis_in_a_few_words(health: RedisHealth, text: str) -> None:
    assert fmt.redis(health) == text


@pytest.mark.parametrize(("coins", "shown"), [(1, ""), (1000, "x1000"), (10_000, "x10k"), (1_000_000, "x1M")])
def test_coins_that_are_sold_as_one_are_counted(coins: int, shown: str) -> None:
    assert fmt.multiplier(coins) == shown
