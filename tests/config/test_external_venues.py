"""Settings of exchanges whose ticks another program sends."""

from pathlib import Path

import pytest

from arbsniper_tui.config.load import Loaded, load_settings
from arbsniper_tui.config.recorded import TapeSettings, recorded_settings
from arbsniper_tui.config.show import settings_lines
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.universe.instruments import instruments_of
from arbsniper_tui.universe.settings_check import objections

ACME = "[venues.acme]\nexternal = true\ntaker_fee_pct = 0.2\n"


def load(folder: Path, toml: str, environ: dict[str, str] | None = None, **options: object) -> Loaded:
    path = folder / "f.toml"
    path.write_text(toml)
    return load_settings(path, environ or {}, options)


def refusals(folder: Path, toml: str, environ: dict[str, str] | None = None, **options: object) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(folder, toml, environ, **options)
    return str(refused.value).replace(f"{folder}/", "").splitlines()


def said(folder: Path, toml: str, *, refuses: bool) -> list[str]:
    found = objections(load(folder, toml))
    return [str(each).replace(f"{folder}/", "") for each in found if each.refuses is refuses]


def test_its_instruments_are_like_those_of_any_venue(tmp_path: Path) -> None:
    toml = f"symbols = ['BTC/USDT', 'BTC/USDT:USDT']\n{ACME}[venues.okx]\n"
    found = {(each.venue, each.symbol): each for each in instruments_of(load(tmp_path, toml).settings)}
    assert len(found) == 4
    spot = found["acme", "BTC/USDT"]
    assert (spot.taker_fee_pct, spot.venue_symbol, spot.relays, spot.counted_quote) == (0.2, "BTC/USDT", "", "USDT")


def test_its_fee_may_differ_by_market(tmp_path: Path) -> None:
    toml = ACME.replace("0.2", "{ spot = 0.2, perp = 0.05 }") + "symbols = ['BTC/USDT', 'BTC/USDT:USDT']"
    assert [each.taker_fee_pct for each in instruments_of(load(tmp_path, toml).settings)] == [0.2, 0.05]


@pytest.mark.parametrize("name", ["binance", "OKX", "bitmex"])
def test_a_name_of_a_feed_of_this_program_is_refused(tmp_path: Path, name: str) -> None:
    (said,) = refusals(tmp_path, f"[venues.{name}]\nexternal = true\ntaker_fee_pct = 0.1")
    venue = name.lower()
    assert said == (
        f"f.toml: venues.{venue}.external: {venue} is a venue with a feed of its own, expected another name for ticks "
        f"from outside, as in [venues.my-{venue}]"
    )


@pytest.mark.parametrize("fee", ["", "taker_fee_pct = { perp = 0.1 }"])
def test_a_fee_that_nobody_knows_is_asked_for(tmp_path: Path, fee: str) -> None:
    (said,) = refusals(tmp_path, f"[venues.acme]\nexternal = true\n{fee}")
    assert said.startswith("f.toml: venues.acme.taker_fee_pct: expected your fee in percent, as in taker_fee_pct = 0.1")


def test_what_is_about_connecting_is_refused(tmp_path: Path) -> None:
    (said,) = refusals(tmp_path, ACME + "ws_url = 'wss://acme.example'")
    expected = "nothing connects to an external exchange, expected one of external, symbols, taker_fee_pct"
    assert said == f"f.toml: venues.acme.ws_url: {expected}"


@pytest.mark.parametrize(
    "table", ["[venues.acme]", "[venues.acme]\nexternal = false", "[venues.'no name']\nexternal=true"]
)
def test_an_unknown_name_is_still_refused(tmp_path: Path, table: str) -> None:
    assert "found unknown venue" in refusals(tmp_path, table)[0]


def test_an_option_and_the_environment_name_it_too(tmp_path: Path) -> None:
    assert list(load(tmp_path, f"{ACME}[venues.okx]", venues=["acme"]).settings.venues) == ["acme"]
    (said,) = refusals(tmp_path, "", venues=["acme"])
    assert said.startswith('--venue acme: venues: found unknown venue "acme"')
    environ = {"ARBSNIPER_VENUES__ACME__EXTERNAL": "true", "ARBSNIPER_VENUES__ACME__TAKER_FEE_PCT": "0.3"}
    settings = load(tmp_path, "", environ).settings
    assert settings.venues["acme"].external and settings.venues["acme"].taker_fee_pct == 0.3


def test_a_rate_needs_a_venue_of_this_program(tmp_path: Path) -> None:
    (said,) = refusals(tmp_path, f"[quotes]\nUSD = {{ convert = 'acme:USDT/USD' }}\n{ACME}")
    assert 'found unknown venue "acme"' in said


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("ipc://ticks.sock", "ipc://ticks.sock"),
        ("ipc:///run/ticks/arb/", "ipc:///run/ticks/arb"),
        ("tcp://127.0.0.1:5555", "tcp://127.0.0.1:5555"),
        ("tcp://localhost:05555", "tcp://127.0.0.1:5555"),
    ],
)
def test_an_address_is_a_socket_of_this_machine(tmp_path: Path, address: str, kept: str) -> None:
    assert load(tmp_path, f"[feeds]\nexternal = '{address}'").settings.feeds.external == kept


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ticks.sock",
        "ipc://",
        "ipc:///",
        "ipc://redis.sock",
        "ipc://quotes",
        "ipc://a/b.sock",
        "ipc://../b.sock",
        "ipc://@abstract",
        "ipc://*",
        "ipc://longname.sock",
        "tcp://*:5555",
        "tcp://0.0.0.0:5555",
        "tcp://192.168.1.2:5555",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:99999999999999999999",
        "tcp://127.0.0.1:\u0661",
        "udp://127.0.0.1:5555",
    ],
)
def test_another_address_is_refused(tmp_path: Path, address: str) -> None:
    (said,) = refusals(tmp_path, f"[feeds]\nexternal = '{address}'")
    assert said.startswith("f.toml: feeds.external: found") and "tcp://127.0.0.1:PORT" in said


def test_a_folder_that_others_may_look_into_refuses_the_run(tmp_path: Path) -> None:
    toml = f"[feeds]\nexternal = 'ipc://{tmp_path}/t'\n{ACME}[venues.okx]"
    tmp_path.chmod(0o755)
    (refusal,) = said(tmp_path, toml, refuses=True)
    assert "with mode 0700, found user" in refusal and "mode 0755" in refusal
    tmp_path.chmod(0o700)
    assert said(tmp_path, toml, refuses=True) == said(tmp_path, toml, refuses=False) == []
    (refusal,) = said(tmp_path, toml.replace("/t'", "/none/t'"), refuses=True)
    assert "No such file or directory" in refusal
    (refusal,) = said(tmp_path, toml.replace("/t'", f"/{'t' * 100}'"), refuses=True)
    assert "at most 103 bytes" in refusal


def test_tcp_is_worth_a_warning(tmp_path: Path) -> None:
    (warning,) = said(tmp_path, f"[feeds]\nexternal = 'tcp://127.0.0.1:5555'\n{ACME}[venues.okx]", refuses=False)
    assert warning.startswith("f.toml: feeds.external: tcp://127.0.0.1:5555 can be reached by every user")


def test_an_address_without_an_exchange_is_worth_a_warning(tmp_path: Path) -> None:
    (warning,) = said(tmp_path, "[feeds]\nexternal = 'tcp://127.0.0.1:5555'", refuses=False)
    assert "found no exchange that sends there" in warning


def test_patterns_cannot_stand_for_what_no_list_names(tmp_path: Path) -> None:
    (refusal,) = said(tmp_path, f"{ACME}symbols = ['*/USDT']\n[venues.okx]", refuses=True)
    assert refusal.startswith('f.toml: venues.acme.symbols: found "*/USDT", expected symbols by name')
    assert said(tmp_path, f"symbols = ['*/USDT', 'BTC/USDT']\n{ACME}[venues.okx]", refuses=True) == []


def test_show_has_the_keys_that_it_takes_and_can_be_read_again(tmp_path: Path) -> None:
    loaded = load(tmp_path, f"{ACME}[venues.okx]")
    lines = settings_lines(loaded)
    names = [line.removeprefix("# ").split(" = ")[0] for line in lines]
    assert [name for name in names if name.startswith("venues.acme.")] == [
        "venues.acme.taker_fee_pct", "venues.acme.symbols", "venues.acme.external",
    ]  # fmt: skip
    assert "venues.okx.external" not in names
    assert load(tmp_path, "\n".join(lines)).settings == loaded.settings


def test_a_tape_carries_it(tmp_path: Path) -> None:
    recorded = recorded_settings(load(tmp_path, f"{ACME}[venues.okx]").settings)
    again = load_settings(None, {}, {}, [TapeSettings("a.jsonl", recorded)]).settings
    assert again.venues["acme"].external
    assert {each.venue for each in instruments_of(again)} == {"acme", "okx"}


def test_an_alert_may_be_about_it_and_about_no_unknown_name(tmp_path: Path) -> None:
    rule = "[alerts.rules.mine]\nvenue_down_s = 30\nvenues = ['acme']\n"
    assert load(tmp_path, ACME + rule).settings.alerts.rules["mine"].venues == ("acme",)
    assert 'found unknown venue "acme"' in refusals(tmp_path, rule)[0]
