"""`[api]`: where it may listen, its option, and what is said where its libraries are missing."""

import tomllib
from pathlib import Path

import pytest

from arbsniper_tui.config import extras
from arbsniper_tui.config.api_needs import require_api, secret_of
from arbsniper_tui.config.load import Loaded, load_settings
from arbsniper_tui.config.recorded import recorded_settings
from arbsniper_tui.config.show import settings_lines, settings_rows
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.universe.settings_check import objections

SECRET = "planted-secret-0123456789-0123456789"
ROOT = Path(__file__).resolve().parents[2]


def load(folder: Path, text: str = "", **options: object) -> Loaded:
    file = folder / "arbsniper.toml"
    file.write_text(text)
    return load_settings(file, {}, {key.replace("__", "."): value for key, value in options.items()})


def test_it_is_off_until_it_is_asked_for(tmp_path: Path) -> None:
    assert not load(tmp_path).settings.api.enabled
    loaded = load(tmp_path, api__enabled=True)
    assert loaded.settings.api.enabled
    assert loaded.origins["api.enabled"] == "option --api"


@pytest.mark.parametrize(
    ("written", "held"),
    [("localhost:99", "127.0.0.1:99"), ("[::1]:8787", "[::1]:8787"), ("127.0.0.2:0", "127.0.0.2:0")],
)
def test_it_listens_on_this_machine(tmp_path: Path, written: str, held: str) -> None:
    assert load(tmp_path, f'[api]\nlisten = "{written}"').settings.api.listen == held


@pytest.mark.parametrize(
    "written",
    ["example.org:80", "127.0.0.1", "127.0.0.1:70000", ":80", "127.0.0.999:80", "127.0.0.1:000001234567", "::1:80"],
)
def test_what_is_no_address_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigError, match=r"api\.listen.*expected ADDRESS:PORT, as in 127\.0\.0\.1:8787"):
        load(tmp_path, f'[api]\nlisten = "{written}"')


def refusals(loaded: Loaded) -> list[str]:
    return [str(each) for each in objections(loaded) if each.refuses and ": api." in f": {each.where}"]


@pytest.mark.parametrize("listen", ["0.0.0.0:8787", "[::]:8787", "192.168.1.2:0", "[::ffff:127.0.0.1]:80"])
def test_where_other_machines_can_call_it_needs_tokens_and_tls(tmp_path: Path, listen: str) -> None:
    table = f'[api]\nenabled = true\nlisten = "{listen}"\n'
    no_auth, no_tls = refusals(load(tmp_path, table))
    assert f"api.listen: found {listen}, which other machines may reach; expected auth = true" in no_auth
    assert "expected certificate_file and private_key_file beside it, or behind_proxy = true" in no_tls
    assert refusals(load(tmp_path, table + "auth = true")) == [no_tls]
    assert refusals(load(tmp_path, table + "behind_proxy = true")) == [no_auth]
    assert refusals(load(tmp_path, table + "auth = true\nbehind_proxy = true")) == []
    assert refusals(load(tmp_path, table.replace("enabled = true", "enabled = false"))) == []


def test_a_proxy_before_it_without_tokens_is_worth_a_warning(tmp_path: Path) -> None:
    loaded = load(tmp_path, "[api]\nenabled = true\nbehind_proxy = true")
    (found,) = [each for each in objections(loaded) if "api.behind_proxy" in each.where]
    assert not found.refuses and "everyone who reaches the proxy may read" in str(found)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('secret_file = "{folder}/none"', "cannot be read (No such file or directory), expected a file with a secret"),
        ('secret_file = "{folder}/short"', "found 5 bytes, expected at least 32 bytes, as `openssl rand -hex 32`"),
        ('secret_file = "{folder}"', "cannot be read (Is a directory)"),
        ('public_key_file = "{folder}/short"', "found something else, expected a public Ed25519 key as PEM"),
        ('secret_file = "{folder}/long"\nsecret = "{secret}"', "found it beside api.secret, expected one"),
        ('certificate_file = "{folder}/short"', "found one of two files, expected private_key_file beside it"),
        ('certificate_file = "{folder}/none"\nprivate_key_file = "{folder}/none"', "No such file or directory"),
        ('certificate_file = "{folder}/short"\nprivate_key_file = "{folder}/short"', "expected a certificate and its"),
    ],
)
def test_files_that_cannot_be_used_are_named(tmp_path: Path, table: str, words: str) -> None:
    (tmp_path / "short").write_text("short")
    (tmp_path / "long").write_text(SECRET)
    loaded = load(tmp_path, "[api]\nenabled = true\n" + table.format(folder=tmp_path, secret=SECRET))
    (found,) = refusals(loaded)
    assert words in found and SECRET not in found
    with pytest.raises(ConfigError, match=r"api\."):
        require_api(loaded.settings.api)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('hosts = ["node:80"]', "a list of host names without a port"),
        ('hosts = ["*"]', "a list of host names without a port"),
        ('origins = ["*"]', "a list of origins"),
        ('origins = ["https://example.org/"]', "a list of origins"),
        ("requests_per_s = 0", "requests a second, above 0"),
        ('secret = "short"', "a text of at least 32 bytes"),
    ],
)
def test_what_says_too_much_or_too_little_is_refused(tmp_path: Path, written: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=f"api.*expected {expected}"):
        load(tmp_path, f"[api]\n{written}")


def test_a_secret_is_shown_nowhere(tmp_path: Path) -> None:
    loaded = load(tmp_path, f'[api]\nsecret = "{SECRET}"')
    assert secret_of(loaded.settings.api) == SECRET
    told = [*settings_lines(loaded), *map(str, settings_rows(loaded)), recorded_settings(loaded.settings)]
    assert not [line for line in told if SECRET in line]
    assert [line for line in told if "api.secret" in line and "***" in line]
    for text in (f'[api]\nsecret = ["{SECRET}"]', f'[api]\nsecrets = "{SECRET}"', f"[api]\nsecret = {SECRET}"):
        with pytest.raises(ConfigError) as refused:
            load(tmp_path, text)
        assert SECRET not in str(refused.value)


def test_missing_libraries_are_named_with_the_command_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert not [each for each in objections(load(tmp_path)) if each.where.startswith("api")]
    (found,) = (each for each in objections(load(tmp_path, api__enabled=True)) if "api" in each.where)
    assert found.refuses
    assert str(found).startswith(
        "--api: api.enabled: the API needs litestar, prometheus_client, pyjwt, uvicorn, not installed here: "
    )
    assert str(found).endswith(" ".join(["-m pip install", *(f"'{each}'" for each in extras.API_LIBRARIES)]))


def test_the_command_names_the_versions_that_the_extra_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert tuple(project["optional-dependencies"]["api"]) == extras.API_LIBRARIES
