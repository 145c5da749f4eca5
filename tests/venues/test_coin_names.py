"""What venues' lists call the coins: names and contract addresses as evidence of which coin it is."""

import pytest

from arbsniper_tui.venues import VENUES

GATE = b'[{"id":"ETH_USDT","base":"ETH","base_name":"Ethereum","trade_status":"tradable"}]'
MEXC = b'{"symbols":[{"symbol":"ETHUSDT","status":"1","fullName":"Ethereum","contractAddress":"0x1f98"}]}'
COINDCX = b'[{"pair":"B-ETH_USDT","ecode":"B","status":"active","target_currency_name":"Ethereum"}]'


@pytest.mark.parametrize(
    ("venue", "body", "contract"), [("gate", GATE, ""), ("mexc", MEXC, "0x1f98"), ("coindcx", COINDCX, "")]
)
def test_a_list_tells_the_name_of_each_coin(venue: str, body: bytes, contract: str) -> None:
    (listed,) = VENUES[venue].parse_listings(body).values()
    assert (listed.coin_name, listed.contract) == ("Ethereum", contract)


@pytest.mark.parametrize("nothing", [b"null", b'""'])
@pytest.mark.parametrize(("venue", "body"), [("gate", GATE), ("mexc", MEXC), ("coindcx", COINDCX)])
def test_a_list_that_leaves_a_name_empty_is_read_all_the_same(venue: str, body: bytes, nothing: bytes) -> None:
    (listed,) = VENUES[venue].parse_listings(body.replace(b'"Ethereum"', nothing)).values()
    assert listed.coin_name == ""
