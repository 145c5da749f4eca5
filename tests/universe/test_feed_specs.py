"""From instruments to connections: how many, where to, and with what."""

from arbsniper_tui.config.settings import Conversion, Settings, VenueSettings
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.universe.instruments import feed_specs, instruments_of

ON = VenueSettings()


def specs(settings: Settings) -> dict[str, FeedSpec]:
    return {spec.name: spec for spec in feed_specs(instruments_of(settings), settings)}


def test_each_market_of_a_venue_has_its_own_connection() -> None:
    settings = Settings(("BTC/USDT", "BTC/USDT:USDT"), venues={"okx": ON, "binance": ON, "coinbase": ON})
    found = specs(settings)
    assert set(found) == {"okx spot", "okx perp", "binance spot", "binance perp", "coinbase spot"}
    for name, spec in found.items():
        assert name == f"{spec.venue} {spec.market}"
        assert {(i.venue, i.market) for i in spec.instruments} == {(spec.venue, spec.market)}


def test_every_instrument_is_on_exactly_one_connection() -> None:
    settings = Settings(
        ("BTC/USDT", "ETH/USDT", "BTC/USDT:USDT"),
        quotes={"USD": Conversion("kraken:USDT/USD")},
        venues={"okx": ON, "coinbase": ON},
    )
    served = [i.id for spec in specs(settings).values() for i in spec.instruments]
    assert sorted(served) == sorted(i.id for i in instruments_of(settings))


def test_a_rate_of_a_venue_that_is_not_on_has_its_connection_too() -> None:
    settings = Settings(("BTC/USDT",), quotes={"USD": Conversion("kraken:USDT/USD")}, venues={"coinbase": ON})
    kraken = specs(settings)["kraken spot"]
    assert [i.symbol for i in kraken.instruments] == ["USDT/USD"]
    assert kraken.ws_url == "wss://ws.kraken.com/v2"


def test_the_adapters_addresses_are_used_with_their_paths() -> None:
    found = specs(Settings(("BTC/USDT", "BTC/USDT:USDT"), venues={"binance": ON, "okx": ON}))
    assert found["binance spot"].ws_url == "wss://stream.binance.com:9443/ws"
    assert found["binance perp"].ws_url == "wss://fstream.binance.com/public/ws"
    assert found["binance perp"].list_url == "https://fapi.binance.com/fapi/v1/exchangeInfo"
    assert found["okx perp"].list_url == "https://www.okx.com/api/v5/public/instruments?instType=SWAP"
    assert found["binance spot"].seed_url == "https://api.binance.com/api/v3/ticker/bookTicker"
    assert found["binance perp"].seed_url == "https://fapi.binance.com/fapi/v1/ticker/bookTicker"
    assert found["okx spot"].seed_url == found["okx perp"].seed_url == ""


def test_another_address_keeps_the_adapters_path() -> None:
    elsewhere = VenueSettings(ws_url="ws://127.0.0.1:7001/", rest_url="http://127.0.0.1:7002")
    found = specs(Settings(("BTC/USDT", "BTC/USDT:USDT"), venues={"okx": elsewhere, "binance": elsewhere}))
    assert found["okx spot"].ws_url == found["okx perp"].ws_url == "ws://127.0.0.1:7001/ws/v5/public"
    assert found["okx spot"].list_url == "http://127.0.0.1:7002/api/v5/public/instruments?instType=SPOT"
    assert found["binance spot"].ws_url == "ws://127.0.0.1:7001/ws"
    assert found["binance perp"].ws_url == "ws://127.0.0.1:7001/public/ws"
    assert found["binance perp"].list_url == "http://127.0.0.1:7002/fapi/v1/exchangeInfo"
    assert found["binance perp"].seed_url == "http://127.0.0.1:7002/fapi/v1/ticker/bookTicker"


def test_another_address_of_one_market_leaves_the_other_where_it_is() -> None:
    perp_elsewhere = VenueSettings(ws_url={Market.PERP: "ws://127.0.0.1:7001"})
    found = specs(Settings(("BTC/USDT", "BTC/USDT:USDT"), venues={"okx": perp_elsewhere, "binance": ON}))
    assert found["okx perp"].ws_url == "ws://127.0.0.1:7001/ws/v5/public"
    assert found["okx spot"].ws_url == "wss://ws.okx.com:8443/ws/v5/public"


def test_what_a_connection_carries_and_the_venue_takes_is_said() -> None:
    found = specs(Settings(("BTC/USDT",), venues={"binance": ON, "coinbase": ON}))
    assert (found["binance spot"].per_connection, found["binance spot"].connections) == (1024, None)


def test_other_hosts_are_those_of_the_venue_alone() -> None:
    usual = specs(Settings(("BTC/USDT",), venues={"binance": ON}))["binance spot"]
    assert all(url.endswith("/ws") for url in usual.other_ws_urls)
    elsewhere = VenueSettings(ws_url="ws://127.0.0.1:7001/")
    assert specs(Settings(("BTC/USDT",), venues={"binance": elsewhere}))["binance spot"].other_ws_urls == ()
