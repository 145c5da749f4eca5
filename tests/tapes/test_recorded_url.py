"""Which part of a URL stands on a tape: a gateway's path may hold a key."""

import pytest

from arbsniper_tui.tapes.recorded_url import recorded_url
from arbsniper_tui.venues import VENUES, venue_of_url


@pytest.mark.parametrize(
    ("venue", "url", "recorded"),
    [
        (
            "binance",
            "http://user:hunter2@gateway.example:8080/key-hunter3/api/v3/exchangeInfo?showPermissionSets=false",
            "http://gateway.example:8080/api/v3/exchangeInfo",
        ),
        ("kraken", "wss://gateway.example/hunter2/v2", "wss://gateway.example/v2"),
        ("coinbase", "https://gateway.example/hunter2/products", "https://gateway.example/products"),
        ("coinbase", "wss://ws-feed.exchange.coinbase.com/", "wss://ws-feed.exchange.coinbase.com/"),
        ("okx", "wss://ws.okx.com:8443/hunter2", "wss://ws.okx.com:8443"),
        ("binance", "", ""),
    ],
)
def test_the_path_is_the_venues_own_and_no_more(venue: str, url: str, recorded: str) -> None:
    assert recorded_url(url, venue) == recorded


@pytest.mark.parametrize("venue", VENUES)
def test_the_venues_own_urls_stand_whole_and_tell_the_venue(venue: str) -> None:
    for market in VENUES[venue].markets:
        url = market.ws_url + market.ws_path
        assert recorded_url(url, venue) == url.partition("?")[0]
        assert venue_of_url(recorded_url(url, venue))[0] == venue
