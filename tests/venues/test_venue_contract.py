"""What holds for every venue alike."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from inspect import isabstract, isclass
from pathlib import Path

import pytest
from conversation import Conversation
from frame_fuzzer import SHORT, Wire, check_renamed, closed, fuzz, opened, places
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from venue_frames import FRAMES, MARKETS, Connection, frames, instruments, list_body, listing

import arbsniper_tui.venues
from arbsniper_tui.model.errors import BadFrame, BookLost, FrameError, VenueRejected
from arbsniper_tui.model.instrument import Market, Symbol, parse_symbol
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.sim.registry import SIMULATED
from arbsniper_tui.venues import OPEN_VENUES, VENUES, venue_of_url
from arbsniper_tui.venues.base import VenueAdapter

LISTS_ONLY_WHAT_TRADES = {("coindcx", Market.PERP)}
"""Those whose list leaves out what does not trade."""

every_market = pytest.mark.parametrize(("venue", "market"), MARKETS)
every_simulated_market = pytest.mark.parametrize(
    ("venue", "market"), [each for each in MARKETS if each[0] in SIMULATED]
)
every_venue = pytest.mark.parametrize("venue", VENUES)
fuzzed = settings(max_examples=120, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])

JULY_27_MS, JULY_28_MS = 1785110400000, 1785196800000
"""2026, UTC: the day of the frames."""

SYMBOLS = {
    Market.SPOT: ("BTC/USDT", "BTC/USDC", "ETH/BTC", "DOGE/USDT", "USDC/USDT", "1INCH/USDT", "BTC/EUR"),
    Market.PERP: ("BTC/USDT:USDT", "ETH/USDC:USDC", "PEPE/USDT:USDT"),
}


def test_each_file_with_an_adapter_is_one_venue_of_its_name_and_each_venue_one_file() -> None:
    folder = Path(arbsniper_tui.venues.__file__).parent
    modules = [import_module(f"arbsniper_tui.venues.{file.stem}") for file in folder.glob("[a-z]*.py")]
    written = {
        (module.__name__.rpartition(".")[2], getattr(each, "venue", ""))
        for module in modules
        for each in vars(module).values()
        if isclass(each)
        and issubclass(each, VenueAdapter)
        and each.__module__ == module.__name__
        and not isabstract(each)
    }
    # Of exchanges from outside one file is the adapter of all, and each gets its name from the settings.
    assert written - {("external", "")} == {(venue, venue) for venue in VENUES}
    assert {venue: adapter.venue for venue, adapter in VENUES.items()} == {venue: venue for venue in VENUES}


def test_every_venue_has_frames_and_tests_and_a_simulation_where_it_runs() -> None:
    assert set(SIMULATED) == set(OPEN_VENUES)
    assert {path.name for path in FRAMES.iterdir()} == set(VENUES)
    assert {path.stem.removeprefix("test_") for path in FRAMES.parent.glob("test_*.py")} >= set(VENUES)


def test_every_market_has_frames_to_be_tried_with() -> None:
    for venue, market in MARKETS:
        assert frames(venue, market)
        assert frames(venue, market, "other")


@every_market
def test_declares_what_a_connection_needs(venue: str, market: Market) -> None:
    declared = VENUES[venue].market(market)
    assert declared is not None
    assert declared.ws_url.startswith("wss://")
    assert declared.rest_url.startswith("https://")
    assert declared.ws_path.startswith("/")
    assert declared.list_path.startswith("/")
    assert not declared.ws_url.endswith("/")
    assert 0 <= declared.taker_fee_pct < 2
    assert declared.connection_limit > 0
    assert declared.max_silence_s > 0
    if declared.keep_alive is not None:
        assert declared.keep_alive.every_s > 0
        assert "$" not in declared.keep_alive.frame(1, 1785121200000)
    assert venue_of_url(declared.ws_url + declared.ws_path) == (
        venue,
        tuple(
            other.market
            for other in VENUES[venue].markets
            if set(other.hosts) & set(declared.hosts) and other.ws_path == declared.ws_path
        ),
    )


def test_a_host_that_nobody_declares_is_nobodys() -> None:
    assert venue_of_url("wss://example.org/ws") == ("", ())
    assert venue_of_url("") == ("", ())
    assert venue_of_url("no url") == ("", ())


@every_market
def test_every_frame_with_quotes_is_read_and_can_be_believed(venue: str, market: Market) -> None:
    connection = Connection(venue, market=market)
    for frame in frames(venue, market):
        quotes = connection.feed(frame)
        assert quotes, frame
        for quote in quotes:
            assert defect(quote) is None
            assert quote.bid < quote.ask
    for instrument in connection.by_rule.all:
        assert parse_symbol(instrument.symbol).market is market
        names = [each.name for each in VENUES[venue].spellings(parse_symbol(instrument.symbol))]
        assert instrument.venue_symbol in names


@every_market
def test_frames_without_quotes_pass_in_silence(venue: str, market: Market) -> None:
    connection = Connection(venue, market=market)
    for frame in frames(venue, market, "other"):
        assert list(connection.feed(frame)) == [], frame


@every_market
def test_what_was_not_asked_for_is_no_quote(venue: str, market: Market) -> None:
    connection = Connection(venue, "NOSUCH/USDT" + (":USDT" if market is Market.PERP else ""), market=market)
    for frame in frames(venue, market):
        assert list(connection.feed(frame)) == []


@every_market
def test_a_venues_own_time_is_told_where_it_sends_one_and_never_made_up(venue: str, market: Market) -> None:
    declared = VENUES[venue].market(market)
    assert declared is not None
    connection = Connection(venue, market=market)
    times = [quote.ts_venue_ms for frame in frames(venue, market) for quote in connection.feed(frame)]
    told = [time for time in times if time is not None]
    assert bool(told) == declared.has_venue_time, f"has_venue_time={declared.has_venue_time}, times told: {told}"
    elsewhere = [time for time in told if not JULY_27_MS <= time < JULY_28_MS]
    assert not elsewhere, "expected ms since 1970 on 27 July 2026 UTC, as the frames of every venue are"


@every_market
@pytest.mark.parametrize("market_of_symbol", list(Market))
def test_symbols_survive_the_way_to_the_venue_and_back(venue: str, market: Market, market_of_symbol: Market) -> None:
    if market is market_of_symbol:
        for symbol in SYMBOLS[market]:
            spelled = VENUES[venue].venue_symbol(parse_symbol(symbol))
            assert spelled
            assert VENUES[venue].unified(spelled, market) == symbol


@every_venue
@fuzzed
@given(text=st.text(max_size=12))
def test_any_spelling_is_a_unified_symbol_or_nothing(venue: str, text: str) -> None:
    for market in Market:
        unified = VENUES[venue].unified(text, market)
        assert unified == "" or all(unified.partition("/"))


@every_market
def test_subscribes_to_each_instrument_by_its_own_spelling(venue: str, market: Market) -> None:
    wanted = instruments(venue, *SYMBOLS[market])
    asked = "".join(VENUES[venue].subscribe(wanted))
    for instrument in wanted:
        assert json.dumps(instrument.venue_symbol)[1:-1].lower() in asked.lower()


@every_market
def test_unsubscribing_names_what_subscribing_names_in_other_words(venue: str, market: Market) -> None:
    wanted = instruments(venue, *SYMBOLS[market])
    declared = VENUES[venue].market(market)
    assert declared is not None
    asked, taken_back = VENUES[venue].subscribe(wanted), VENUES[venue].unsubscribe(wanted)
    if not declared.subscription.unsubscribe:
        assert taken_back == []
        return
    assert len(asked) == len(taken_back)
    assert not set(asked) & set(taken_back)
    for instrument in wanted:
        assert json.dumps(instrument.venue_symbol)[1:-1].lower() in "".join(taken_back).lower()


def test_nothing_to_subscribe_is_no_frame() -> None:
    for adapter in VENUES.values():
        assert adapter.subscribe([]) == adapter.unsubscribe([]) == []


@every_market
def test_the_list_says_what_trades(venue: str, market: Market) -> None:
    listed = listing(venue, market)
    assert any(one.is_trading for one in listed.values())
    assert all(one.is_trading for one in listed.values()) == ((venue, market) in LISTS_ONLY_WHAT_TRADES)


BAD = [
    b"",
    b" ",
    b"{",
    b"null",
    b"17",
    b'"text"',
    b"[]",
    b"[1,2,3]",
    b"{}",
    b"<html>502 Bad Gateway</html>",
    b"\x00\x01\x02",
    b"\xff\xfe\xfd",
    b'{"unheard":"of"}',
    b'{"s":"\xff","type":"\xff","channel":"\xff","event":"\xff"}',
    b'{"data":' + b"[" * 100_000,
    b'{"unknown":' + b'{"a":' * 100_000,
]


@every_market
@pytest.mark.parametrize("frame", BAD, ids=lambda frame: repr(frame[:20]))
def test_a_bad_frame_is_refused_in_words_that_show_it(venue: str, market: Market, frame: bytes) -> None:
    # A book that is kept here cannot survive a frame that may have been an update of it.
    with pytest.raises((BadFrame, BookLost), match="expected .*, found ") as refused:
        Connection(venue, market=market).feed(frame)
    assert len(str(refused.value)) < 500


@every_venue
@pytest.mark.parametrize("body", BAD, ids=lambda body: repr(body[:20]))
def test_a_list_that_cannot_be_read_is_refused(venue: str, body: bytes) -> None:
    with pytest.raises(BadFrame, match="expected .*, found "):
        VENUES[venue].parse_listings(body)


def renamed(node: object, name: str, other: str) -> object:
    """The same JSON with `other` wherever the text `name` stands, as a value or as a key."""
    if isinstance(node, dict):
        return {renamed(key, name, other): renamed(value, name, other) for key, value in node.items()}
    if isinstance(node, list):
        return [renamed(each, name, other) for each in node]
    return other if node == name else node


HOSTILE_NAMES = ("BTC\n2026-11-20 INFO forged", "\x1b[2JBTC", "BTC\u202eUSD", "BTC\u200b", "B" * 200, "B TC", "")


@every_market
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_that_no_symbol_can_have_is_none(venue: str, market: Market, name: str) -> None:
    declared = VENUES[venue].market(market)
    assert declared is not None
    spelled = declared.spelling.spell(Symbol(name, "USDT", "USDT" if market is Market.PERP else ""))
    assert VENUES[venue].unified(spelled, market) == ""


@every_market
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_that_no_symbol_can_have_is_passed_over_in_the_list(venue: str, market: Market, name: str) -> None:
    body = json.loads(list_body(venue, market))
    changed = [with_other for each in listing(venue, market) if (with_other := renamed(body, each, name)) != body]
    assert changed, "expected a name of the list in the spelling of the frames, found none"
    listed = VENUES[venue].parse_listings(json.dumps(changed[0]).encode())
    assert name not in listed
    assert len(listed) == len(listing(venue, market)) - 1
    assert all(each.isprintable() for each in listed)


@every_market
def test_damaged_frames_and_lists_raise_nothing_but_frame_errors_and_leave_nothing_behind(
    venue: str, market: Market
) -> None:
    markets = len(VENUES[venue].markets)
    counts = fuzz(Wire(venue, market), SHORT // markets, seed="steady")
    assert counts["Quote"] and counts["BadFrame"] + counts["BookLost"], counts


@every_market
def test_nothing_is_kept_of_instruments_that_nobody_watches(venue: str, market: Market) -> None:
    check_renamed(Wire(venue, market), 300, seed="steady")


@every_market
def test_a_frame_whose_bid_or_ask_is_taken_out_gives_no_quote_that_can_be_believed(venue: str, market: Market) -> None:
    for frame in frames(venue, market):
        quotes = first_quotes(venue, market, frame)
        for price in {price for quote in quotes for price in (quote.bid, quote.ask)}:
            for emptied in without_price(frame, price):
                believed = [each for each in first_quotes(venue, market, emptied) if defect(each) is None]
                # What is left may be of other instruments, or of other states of this one.
                assert not {price} & {side for each in believed for side in (each.bid, each.ask)}, emptied
                assert len(believed) < len(quotes), emptied


def first_quotes(venue: str, market: Market, frame: bytes) -> list[Quote]:
    """The quotes of a frame that is the first of its connection."""
    try:
        return list(Connection(venue, market=market).feed(frame))
    except FrameError:
        return []


def without_price(frame: bytes, price: float) -> Iterator[bytes]:
    """The frame with zero, nothing or null wherever this price stands in it; where it stands in levels, without any."""
    for other in ("0", "", 0, None):
        parts = opened(frame)
        if parts is None:
            return
        head, root = parts
        for node, key in list(places(root)):
            value = node[key]
            if isinstance(value, list) and value and isinstance(value[0], list) and is_price(value[0][:1], price):
                node[key] = []
            elif isinstance(value, dict) and any(digits(each) == digits(price) for each in value):
                node[key] = {}
            elif isinstance(node, dict) and is_price([value], price):
                node[key] = other
        yield head + closed(root, is_ascii=True)


def is_price(value: list[object], price: float) -> bool:
    return bool(value) and digits(value[0]) == digits(price)


def digits(number: object) -> str:
    """The digits of a number, without the point and the zeros at both ends: venues may write it in any unit."""
    text = f"{number:.15g}" if isinstance(number, float) else str(number)
    return text.replace(".", "").strip("0") if text.replace(".", "").isdecimal() else ""


@every_simulated_market
def test_every_change_of_the_top_gives_the_quote_of_that_top(venue: str, market: Market) -> None:
    conversation = Conversation(venue, market)
    watched = {each.venue_symbol: each for each in conversation.asked}
    parser = VENUES[venue].parser(market, watched.get, conversation.listings())
    for frame in (*conversation.begin(), *conversation.subscribe()):
        parser.feed(frame)
    for instrument, top, told in conversation.changes(200):
        quotes = [quote for frame in told for quote in parser.feed(frame)]
        shown = [(float(instrument.price_text(ticks))) for ticks in (top.bid_ticks, top.ask_ticks)]
        assert [[quotes[-1].bid, quotes[-1].ask], quotes[-1].instrument_id] == [shown, instrument.id], told


@every_simulated_market
def test_neither_a_refusal_nor_the_end_of_a_subscription_gives_a_quote(venue: str, market: Market) -> None:
    conversation = Conversation(venue, market)
    watched = {each.venue_symbol: each for each in conversation.asked}
    parser = VENUES[venue].parser(market, watched.get, conversation.listings())
    for frame in (*conversation.begin(), *conversation.subscribe(refused=list(watched)), *conversation.unsubscribe()):
        with suppress(VenueRejected):
            assert not parser.feed(frame), frame


@every_market
@pytest.mark.parametrize("body", BAD, ids=lambda body: repr(body[:20]))
def test_other_answers_by_rest_that_cannot_be_read_are_refused(venue: str, market: Market, body: bytes) -> None:
    adapter, declared = VENUES[venue], VENUES[venue].market(market)
    assert declared is not None
    reads: list[Callable[[], object]] = []
    if declared.seed_path:
        reads.append(lambda: adapter.parse_seeds(body, lambda name: None))
    if declared.facts is not None and declared.facts.path:
        reads.append(lambda: adapter.parse_facts(body, lambda name: None, {}))
    if declared.endpoint_path:
        reads.append(lambda: adapter.parse_endpoint(body))
    for read in reads:
        # An empty list holds nothing to be refused.
        with pytest.raises(BadFrame, match="expected .*, found ") if body != b"[]" else suppress(BadFrame):
            read()
