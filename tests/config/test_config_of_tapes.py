"""What several tapes carry, as one source of settings."""

import json

import pytest

from arbsniper_tui.config.load import load_settings
from arbsniper_tui.config.recorded import TapeSettings
from arbsniper_tui.model.errors import ConfigError


def tapes(*carried: dict) -> list[TapeSettings]:
    return [TapeSettings(name, json.dumps(settings)) for name, settings in zip("abc", carried, strict=False)]


def test_a_tape_that_carries_nothing_differs_in_a_currency_that_another_names():
    with pytest.raises(ConfigError) as caught:
        load_settings(None, {}, {}, tapes({}, {"quotes": {"USD": "USDT"}}))
    assert str(caught.value) == (
        'quotes.USD: found nothing on tape a and "USDT" on tape b, expected one value: give it by --config'
    )


def test_lists_that_differ_are_a_difference():
    with pytest.raises(ConfigError, match=r"signals\.routes: found a list on tape a and a list on tape b"):
        load_settings(None, {}, {}, tapes(*({"signals": {"routes": [kind]}} for kind in ("spot-spot", "perp-perp"))))


def test_a_venues_own_symbols_take_in_what_another_tape_asked_of_it():
    loaded = load_settings(
        None,
        {},
        {},
        tapes(
            {"symbols": ["BTC/USDT"], "venues": {"okx": {"symbols": ["ETH/USDT"]}}},
            {"symbols": ["SOL/USDT"], "venues": {"okx": {}, "kraken": {}}},
            {"symbols": ["XRP/USDT"], "venues": {"kraken": {}}},
        ),
    )
    assert loaded.settings.symbols == ("BTC/USDT", "SOL/USDT", "XRP/USDT")
    assert loaded.settings.symbols_of("okx") == ("ETH/USDT", "SOL/USDT")


def test_a_tapes_settings_are_named_as_the_origin():
    loaded = load_settings(None, {}, {}, tapes({"signals": {"threshold_pct": 0.1}}))
    assert (loaded.origins["signals.threshold_pct"], loaded.origins["signals.basis"]) == ("tape a", "default")
