"""What several venues use: spellings, templates of requests, books, sizes, and what an unreadable frame still tells."""

import pytest
from msgspec import Struct

from arbsniper_tui.model.errors import BadFrame, BookLost
from arbsniper_tui.model.fact import OrderLimits
from arbsniper_tui.model.instrument import Instrument, Market, Symbol, parse_symbol
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.venues.book import Books, Side
from arbsniper_tui.venues.decoding import decoder, number, percent, percent_of, texts_named, time_ms
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.venues.requests import KeepAlive, Subscription, request_number
from arbsniper_tui.venues.sizes import (
    contract_size,
    in_coins,
    in_coins_inverse,
    order_limits,
    positive,
    positive_number,
    sizes_in_coins,
)
from arbsniper_tui.venues.spelling import Spelling

SWAP = Spelling("-", suffix="-SWAP", has_inverse=True)
NO_JOINT = Spelling(quotes=("FDUSD", "USDT", "USD"))
PREFIXED = Spelling("_", prefix="B-")
RENAMED_QUOTE = Spelling(quotes=("USDT", "PERP"), renamed={"XBT": "BTC"}, renamed_quotes={"PERP": "USDC"})
LOWER = Spelling("_", suffix="_p", is_lower=True)
RENAMED = Spelling(suffix="M", quotes=("USDT", "XBT", "USD"), has_inverse=True, renamed={"XBT": "BTC"})
BY_COIN = Spelling("_", suffix="-PERPETUAL", has_inverse_by_coin=True)


@pytest.mark.parametrize(
    ("spelling", "symbol", "name"),
    [
        (Spelling("-"), "BTC/USDT", "BTC-USDT"),
        (SWAP, "BTC/USDT:USDT", "BTC-USDT-SWAP"),
        (SWAP, "BTC/USD:BTC", "BTC-USD-SWAP"),
        (NO_JOINT, "BTC/FDUSD", "BTCFDUSD"),
        (NO_JOINT, "BTC/USD", "BTCUSD"),
        (PREFIXED, "BTC/USDT", "B-BTC_USDT"),
        (LOWER, "BTC/USDT:USDT", "btc_usdt_p"),
        (RENAMED_QUOTE, "BTC/USDC:USDC", "XBTPERP"),
        (RENAMED_QUOTE, "PERP/USDT:USDT", "PERPUSDT"),
        (BY_COIN, "BTC/USD:BTC", "BTC-PERPETUAL"),
        (BY_COIN, "BTC/USDC:USDC", "BTC_USDC-PERPETUAL"),
        (BY_COIN, "BTC/USD:USD", "BTC_USD-PERPETUAL"),
        (Spelling(quotes=("USDT",), is_lower=True), "BTC/USDT", "btcusdt"),
        (RENAMED, "BTC/USDT:USDT", "XBTUSDTM"),
        (RENAMED, "BTC/USD:BTC", "XBTUSDM"),
        (RENAMED, "ETH/BTC:BTC", "ETHXBTM"),
    ],
)
def test_a_symbol_is_spelled_and_read_back(spelling: Spelling, symbol: str, name: str) -> None:
    unified = parse_symbol(symbol)
    assert spelling.spell(unified) == name
    assert spelling.read(name, unified.market) == symbol


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        (Spelling("-"), "BTC"),
        (Spelling("-"), "-USDT"),
        (Spelling("-"), "BTC-USDT-261225"),
        (SWAP, "BTC-USDT"),
        (SWAP, "-SWAP"),
        (NO_JOINT, "BTCEUR"),
        (NO_JOINT, "USDT"),
        (NO_JOINT, "BTC_261225USDT"),
        (NO_JOINT, "BTC-261225-USDT"),
        (RENAMED_QUOTE, "BTCUSDC"),
        (PREFIXED, "KC-BTC_USDT"),
        (PREFIXED, "B-"),
        (LOWER, "BTC_USDT_p"),
        (LOWER, "btc_usdt_P"),
        (LOWER, "ß_usdt_p"),
        (BY_COIN, "BTC-25JUN21"),
        (BY_COIN, "-PERPETUAL"),
        (BY_COIN, "BTC_-PERPETUAL"),
    ],
)
def test_a_name_that_is_spelled_in_another_way_tells_no_symbol(spelling: Spelling, name: str) -> None:
    assert spelling.read(name, Market.PERP) == ""


def test_an_inverse_perpetual_is_spelled_only_where_there_are_some() -> None:
    assert Spelling("-").spell(Symbol("BTC", "USD", "BTC")) == ""
    assert BY_COIN.spell(Symbol("BTC", "EUR", "BTC")) == ""


def instruments(*names: str) -> list[Instrument]:
    return [Instrument(i, "made-up", "BTC/USDT", name, "USDT", 0.1) for i, name in enumerate(names)]


def test_topics_are_joined_and_cut_to_what_a_frame_may_name() -> None:
    subscription = Subscription(topic='"$lower@$symbol"', subscribe="+[$topics]", unsubscribe="-[$topics]", per_frame=2)
    assert subscription.frames(instruments("A", "B", "C")) == ['+["a@A","b@B"]', '+["c@C"]']
    assert subscription.frames(instruments("A"), undo=True) == ['-["a@A"]']
    assert subscription.frames([]) == []


def test_requests_carry_the_time_where_the_venue_wants_it() -> None:
    subscription = Subscription("$symbol", '{"time":$s,"on":"$topics"}', '{"time":$s,"off":"$topics"}')
    assert subscription.frames(instruments("A"), 1_785_121_200_999) == ['{"time":1785121200,"on":"A"}']
    assert subscription.frames(instruments("A"), 1_785_121_200_999, undo=True) == ['{"time":1785121200,"off":"A"}']
    assert KeepAlive('{"time":$s}', 15.0).frame(1, 1_785_121_200_999) == '{"time":1785121200}'


def test_topics_may_be_joined_by_other_words() -> None:
    assert Subscription("$symbol", "/top:$topics", "", joint="|").frames(instruments("A", "B")) == ["/top:A|B"]


def test_a_keep_alive_has_a_number_and_the_time_where_it_wants_them() -> None:
    assert KeepAlive('{"id":"$count-$ms"}', 1.0).frame(3, 1785121200000) == '{"id":"3-1785121200000"}'
    assert KeepAlive("ping", 1.0).frame(3, 1785121200000) == "ping"


class TestBooks:
    @pytest.fixture
    def books(self) -> Books:
        books = Books()
        books.begin("BTC", [(99.0, 2.0), (100.0, 1.0)], [(102.0, 4.0), (101.0, 3.0)])
        return books

    def test_the_top_follows_snapshot_and_changes(self, books: Books) -> None:
        book = books.find("BTC")
        assert book is not None
        assert book.quote(7) == Quote(7, 100.0, 1.0, 101.0, 3.0)
        book.bids.set(100.0, 0.0)
        book.asks.set(100.5, 9.0)
        book.asks.set(300.0, 0.0)
        assert book.quote(7) == Quote(7, 99.0, 2.0, 100.5, 9.0)

    def test_an_emptied_side_has_price_and_size_0(self, books: Books) -> None:
        book = books.begin("BTC", [], [(101.0, 3.0)])
        assert book.quote(0) == Quote(0, 0.0, 0.0, 101.0, 3.0)
        book.asks.set(101.0, 0.0)
        assert repr(book.quote(0)) == repr(Quote(0, 0.0, 0.0, 0.0, 0.0))

    def test_a_change_without_a_snapshot_loses_its_book_once(self, books: Books) -> None:
        with pytest.raises(BookLost, match="before its snapshot"):
            books.find("ETH")
        assert books.find("ETH") is None and books.is_lost("ETH")
        assert not books.is_lost("BTC")

    @pytest.mark.parametrize("level", [(0.0, 1.0), (-1.0, 1.0), (float("nan"), 1.0), (1.0, -1.0), (1.0, float("inf"))])
    def test_a_snapshot_with_a_level_that_cannot_be_loses_its_book(
        self, books: Books, level: tuple[float, float]
    ) -> None:
        with pytest.raises(BookLost, match="positive prices"):
            books.begin("BTC", [level], [])
        assert books.find("BTC") is None

    def test_a_loss_without_a_name_loses_all_until_their_next_snapshots(self, books: Books) -> None:
        assert books.lose("", "a gap").venue_symbol == ""
        assert books.find("BTC") is None and books.find("ETH") is None
        books.begin("ETH", [(10.0, 1.0)], [(11.0, 1.0)])
        assert books.find("ETH") is not None and books.find("BTC") is None


@pytest.mark.parametrize(
    ("factors", "size"),
    [
        (("0.1", "0.1"), 0.01),
        (("0.01",), 0.01),
        (("100", "1000"), 100_000.0),
        (("0.1", ""), None),
        (("nan",), None),
        (("0",), None),
        (("-1", "-1"), None),
        (("1_0",), None),
    ],
)
def test_the_factors_of_a_contract_size_are_multiplied_in_decimals(factors: tuple[str, ...], size: float) -> None:
    assert contract_size(*factors) == size


def test_both_sizes_of_a_quote_are_turned_into_coins_alike() -> None:
    (bitcoin,) = instruments("BTC")
    assert sizes_in_coins(Listing(0.01), bitcoin, 100.0, 10.96, 101.0, 3.0) == (in_coins(10.96, 0.01), 0.03)
    inverse = sizes_in_coins(Listing(100.0, is_inverse=True), bitcoin, 50_000.0, 5.0, 0.0, 5.0)
    assert inverse == (in_coins_inverse(5.0, 100.0, 50_000.0), 0.0) == (0.01, 0.0)
    for unknown in (None, Listing(None)):
        with pytest.raises(BadFrame, match="contract size.*'BTC'"):
            sizes_in_coins(unknown, bitcoin, 1.0, 1.0, 1.0, 1.0)


class Named(Struct):
    name: str


def test_a_decoder_names_the_page_that_was_expected_and_shows_what_came() -> None:
    decode = decoder(list[Named], "made-up list")
    assert decode(b'[{"name":"a"}]') == [Named("a")]
    for body in (b"", b"{}", b"[{}]", b'[{"name":"\xff"}]', b"[" * 100_000):
        with pytest.raises(BadFrame, match="expected a made-up list frame .*, found "):
            decode(body)


@pytest.mark.parametrize(
    ("frame", "types", "names"),
    [
        (b'{"type":"top","name":7,"size":"x"}', {"top"}, {""}),
        (b'{"name":"BTC-USD"}', {""}, {"BTC-USD"}),
        (b"[1,2]", {""}, {""}),
        (b'{"type" : "top","name":"BTC/USD","bids":[["1', {"top"}, {"BTC/USD"}),
        (b'{"name":"A"}{"name":"B"', set(), {"A", "B"}),
        (b"\xff", set(), set()),
    ],
)
def test_an_unreadable_frame_still_tells_what_it_names(frame: bytes, types: set[str], names: set[str]) -> None:
    assert texts_named(frame, "type", "name") == [types, names]


def test_topics_are_spread_over_frames_that_are_not_too_long() -> None:
    asks = Subscription('"$symbol"', '{"op":"sub","args":[$topics]}', frame_bytes=60, per_frame=3)
    wanted = [Instrument(n, "v", "BTC/USDT", "X" * n, "USDT", 0.0) for n in (1, 1, 1, 1, 20, 20)]
    frames = asks.frames(wanted)
    assert [frame.count('"X') for frame in frames] == [3, 2, 1]
    assert max(map(len, frames)) <= 60
    assert asks.frames(wanted, undo=True) == []


def test_a_side_that_is_trimmed_keeps_its_best_levels() -> None:
    asks = Side(-1, [(103.0, 3.0), (101.0, 1.0), (102.0, 2.0)])
    asks.trim(3)
    asks.trim(2)
    assert asks.size_at == {-101.0: 1.0, -102.0: 2.0}
    assert asks.keys == [-102.0, -101.0]


def test_books_that_are_lost_together_come_back_one_by_one() -> None:
    books = Books(lost_together=True)
    for symbol in ("A", "B"):
        books.begin(symbol, [(1.0, 1.0)], [(2.0, 1.0)])
    lost = books.lose("A", "a gap")
    assert (lost.venue_symbol, lost.reason) == ("", "A: a gap")
    assert books.find("A") is books.find("B") is None
    books.begin("B", [(1.0, 1.0)], [(2.0, 1.0)])
    assert books.find("A") is None
    assert books.find("B") is not None


def test_a_request_may_have_the_number_of_its_instrument() -> None:
    subscription = Subscription(topic='{"id":$number,"symbol":"$symbol"}', subscribe="$topics", per_frame=1)
    instrument = Instrument(0, "v", "BTC/USDT", "BTCUSDT", "USDT", 0.0)
    assert subscription.frames([instrument]) == [f'{{"id":{request_number("BTCUSDT")},"symbol":"BTCUSDT"}}']
    assert request_number("BTCUSDT") != request_number("ETHUSDT")


@pytest.mark.parametrize("text", ["", "-", "soon", "nan", "inf", "1e999", "1_0"])
def test_a_text_that_writes_no_number_is_none(text: str) -> None:
    assert number(text) is percent_of(text) is time_ms(text) is positive(text) is None


def test_texts_are_read_as_the_numbers_that_they_write() -> None:
    assert (number("-0.5"), percent_of("-0.00007"), percent_of("0.0001")) == (-0.5, -0.007, 0.01)
    assert (time_ms("1785121200000"), time_ms("-1"), time_ms("0"), time_ms(str(2**63))) == (1785121200000, *[None] * 3)
    assert (positive("5", "1e-6"), positive("0"), positive("1", "-1")) == (0.000005, None, None)


@pytest.mark.parametrize(
    ("written", "number"),
    [("0.001", 0.001), (1, 1.0), ("", None), ("0", None), (-1.0, None), ("nan", None), ("inf", None), ("1_0", None)],
)
def test_a_step_of_a_list_is_a_positive_number_or_none(written: str | float, number: float | None) -> None:
    assert positive_number(written) == number


def test_a_rate_in_percent_has_no_digits_of_its_own() -> None:
    assert percent(0.00007) == 0.007
    assert percent(-1.423e-4) == -0.01423


@pytest.mark.parametrize(
    ("listing", "multiplier", "limits"),
    [
        (Listing(tick=0.1, lot=0.001, min_size=0.01, min_worth=5.0), 1, (0.1, 0.001, 0.01, 5.0)),
        (Listing(0.01, tick=0.1, lot=1.0, min_size=3.0), 1, (0.1, 0.01, 0.03, 0.0)),
        (Listing(tick=1e-6, lot=10.0, min_size=100.0), 1000, (1e-9, 10_000.0, 100_000.0, 0.0)),
        (Listing(100.0, is_inverse=True, tick=0.5, lot=1.0, min_size=2.0), 1, (0.5, 0.0, 0.0, 200.0)),
        (Listing(), 1, (0.0, 0.0, 0.0, 0.0)),
    ],
    ids=["coins", "contracts", "a thousand coins", "inverse", "nothing said"],
)
def test_order_limits_are_in_coins(listing: Listing, multiplier: int, limits: tuple[float, ...]) -> None:
    instrument = Instrument(7, "okx", "BTC/USDT:USDT", "X", "USDT", 0.1, multiplier=multiplier)
    assert order_limits(listing, instrument) == OrderLimits(7, *limits)


def test_without_a_contract_size_no_order_limits_are_known() -> None:
    assert order_limits(Listing(None), Instrument(7, "okx", "BTC/USDT:USDT", "X", "USDT", 0.1)) is None
