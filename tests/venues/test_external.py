"""Ticks from outside as bytes: what is a quote, what a last trade, and what cannot be read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tick_sender import tick

from arbsniper_tui.model.errors import BadFrame
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.quote import Quote, defect
from arbsniper_tui.model.reason import ReasonCode
from arbsniper_tui.venues import VENUES, adapter_of, is_external, venue_of_url
from arbsniper_tui.venues.external import MOST_TICKS, is_external_name, quote_of, read_tick, ticks_of

BTC = Instrument(7, "acme", "BTC/USDT", "BTC/USDT", "USDT", 0.1)
SOUND = b'{"exchange":"acme","symbol":"BTC/USDT","bid":1.5,"ask":2,"bid_size":3,"ask_size":4,"timestamp":1705670123456}'


def test_a_tick_is_a_quote_with_the_time_that_it_says() -> None:
    assert quote_of(read_tick(SOUND), BTC) == Quote(7, 1.5, 3.0, 2.0, 4.0, 1705670123456)
    parser = adapter_of("acme").parser(Market.SPOT, {"BTC/USDT": BTC}.get, {})
    assert list(parser.feed(SOUND)) == [Quote(7, 1.5, 3.0, 2.0, 4.0, 1705670123456)]
    assert list(parser.feed(SOUND.replace(b"BTC/USDT", b"ETH/USDT"))) == []


def test_what_a_tick_leaves_out_is_an_empty_side_and_an_unknown_time() -> None:
    found = quote_of(read_tick(b'{"exchange":"acme","symbol":"BTC/USDT","bid":1,"bid_size":1,"ask":null}'), BTC)
    assert found == Quote(7, 1.0, 1.0, 0.0, 0.0, None)
    reason = defect(found)
    assert reason is not None and reason.code is ReasonCode.NO_ASK


def test_a_bare_price_is_a_last_trade_and_never_a_quote() -> None:
    bare = b'{"exchange":"acme","symbol":"BTC/USDT","price":65000.5}'
    assert read_tick(bare).is_trade
    assert list(adapter_of("acme").parser(Market.SPOT, {"BTC/USDT": BTC}.get, {}).feed(bare)) == []
    assert not read_tick(SOUND[:-1] + b',"price":65000.5}').is_trade


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"junk",
        b"\xff\xfe\x00",
        SOUND.replace(b"acme", b"\xc3\x28"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        SOUND[:-1] + b',"more":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        SOUND.replace(b"1.5", b"NaN"),
        SOUND.replace(b"1.5", b"Infinity"),
        SOUND.replace(b"1.5", b"1e999"),
        SOUND.replace(b"1.5", b"9" * 5000),
        SOUND.replace(b"1.5", b'"1.5"'),
        SOUND.replace(b"1.5", b"true"),
        SOUND.replace(b"1.5", b"[1.5]"),
        SOUND.replace(b'"acme"', b"5"),
        SOUND.replace(b'"acme"', b"null"),
        SOUND.replace(b'"symbol":"BTC/USDT",', b""),
        SOUND.replace(b"1705670123456", b"1705670123"),
        SOUND.replace(b"1705670123456", b"1705670123456000000"),
        SOUND.replace(b"1705670123456", b"-1"),
        SOUND.replace(b"1705670123456", b'"2024-01-19"'),
        b'{"exchange":"acme","symbol":"BTC/USDT"}',
        b'{"exchange":"acme","symbol":"BTC/USDT","price":0}',
        b'{"exchange":"acme","symbol":"BTC/USDT","price":-1}',
    ],
    ids=lambda body: str(body[:40]),
)
def test_what_is_no_tick_is_refused_with_words_that_can_be_shown(body: bytes) -> None:
    with pytest.raises(BadFrame) as refused:
        for each in ticks_of(body):
            read_tick(each)
    assert str(refused.value).isprintable() and len(str(refused.value)) <= 1000


@given(st.binary(max_size=300) | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_no_bytes_make_anything_but_a_tick_or_a_refusal(message: bytes | str) -> None:
    try:
        for each in ticks_of(message if isinstance(message, bytes) else message.encode()):
            quote_of(read_tick(each), BTC)
    except BadFrame:
        return


def test_of_a_list_each_tick_is_read_by_itself() -> None:
    ticks = ticks_of(b' [%s, {"exchange":5}, 7, %s]' % (SOUND, SOUND))
    assert len(ticks) == 4
    assert read_tick(ticks[0]) == read_tick(ticks[3]) == read_tick(SOUND)
    for unreadable in ticks[1:3]:
        with pytest.raises(BadFrame):
            read_tick(unreadable)
    assert ticks_of(b"[]") == []


def test_a_list_is_bounded() -> None:
    assert len(ticks_of(json.dumps([tick("acme", 1.0)] * MOST_TICKS).encode())) == MOST_TICKS
    with pytest.raises(BadFrame, match=f"at most {MOST_TICKS} ticks in one message, not {MOST_TICKS + 1}"):
        ticks_of(b"[" + b"0," * MOST_TICKS + b"0]")


def test_an_external_exchange_spells_symbols_in_unified_form() -> None:
    acme = adapter_of("acme")
    assert acme is adapter_of("acme")
    assert (acme.venue, [each.market for each in acme.markets]) == ("acme", list(Market))
    for symbol, market in (("BTC/USDT", Market.SPOT), ("BTC/USD:BTC", Market.PERP)):
        assert acme.unified(symbol, market) == symbol
    assert acme.unified("BTCUSDT", Market.SPOT) == acme.unified("btc/usdt", Market.SPOT) == ""
    with pytest.raises(BadFrame):
        acme.parse_listings(b"{}")


def test_a_venue_of_this_program_is_never_external() -> None:
    assert not any(map(is_external, VENUES))
    assert all(adapter_of(venue) is adapter for venue, adapter in VENUES.items())
    assert venue_of_url("ticks://acme") == ("acme", (Market.SPOT, Market.PERP))
    assert venue_of_url("ticks://okx") == venue_of_url("ticks://A b") == venue_of_url("ticks://") == ("", ())


def test_names_of_external_exchanges_fit_keys_and_screens() -> None:
    assert all(map(is_external_name, ("acme", "my-okx", "dex_2", "a" * 16)))
    assert not any(
        map(is_external_name, ("", "Acme", "2acme", "a b", "a--b", "a__b", "a:b", "a.b", "\u0430cme", "a" * 17))
    )
