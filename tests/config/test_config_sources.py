"""Which file is read, how the environment spells keys and values, and how options come in."""

from pathlib import Path

import pytest

from arbsniper_tui.config import sources
from arbsniper_tui.config.sources import find_file, from_environment, from_file, from_options, toml_value
from arbsniper_tui.model.errors import ConfigError


@pytest.fixture
def users_file(tmp_path, monkeypatch):
    here, users = tmp_path / "here", tmp_path / "users"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(sources, "user_config_path", lambda name: users / name)
    path = users / "arbsniper-tui" / "arbsniper.toml"
    path.parent.mkdir(parents=True)
    path.write_text("")
    return path


def test_a_named_file_is_read_before_the_one_here_and_that_before_the_users(users_file):
    assert find_file(None) == users_file
    Path("arbsniper.toml").write_text("")
    assert find_file(None) == Path("arbsniper.toml")
    assert find_file(users_file) == users_file


def test_no_file_at_all_is_no_error(users_file):
    users_file.unlink()
    assert find_file(None) is None


def test_a_folder_of_that_name_is_no_file(users_file):
    Path("arbsniper.toml").mkdir()
    assert find_file(None) == users_file


def test_a_named_file_that_does_not_exist_is_an_error_with_the_nearest_name(users_file):
    Path("sniper.toml").write_text("")
    with pytest.raises(ConfigError, match=r"--config snipr\.toml: found no such file.*did you mean sniper\.toml\?"):
        find_file(Path("snipr.toml"))
    with pytest.raises(ConfigError, match="--config nowhere/x.toml: found no such file"):
        find_file(Path("nowhere/x.toml"))


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("symbols = ['A/B']\n[signals]\nthreshold_pct = abc\n", "line 3, column 17: found `threshold_pct = abc`"),
        ("x = ", "line 1, column 5"),
        ("a = 1\na = 2", "line 2"),
        ("a = [1,\n2", "line 2, column 2: found `2`"),
        ("", None),
    ],
)
def test_what_is_no_toml_is_named_by_file_line_and_column(tmp_path, toml, message):
    path = tmp_path / "broken.toml"
    path.write_text(toml)
    if message is None:
        assert from_file(path) == []
        return
    with pytest.raises(ConfigError) as caught:
        from_file(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_byte_order_mark_is_no_error(tmp_path):
    path = tmp_path / "marked.toml"
    path.write_bytes(b"\xef\xbb\xbfsymbols = ['BTC/USDT']")
    assert [given.key for given in from_file(path)] == ["symbols"]


def test_bytes_that_are_no_text_and_files_that_cannot_be_read_are_config_errors(tmp_path):
    path = tmp_path / "binary.toml"
    path.write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match=r"binary\.toml: found bytes that are not UTF-8 at position 5"):
        from_file(path)
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        from_file(tmp_path)


def test_a_number_too_long_to_read_is_a_config_error(tmp_path):
    path = tmp_path / "long.toml"
    path.write_text("a = " + "9" * 5000)
    with pytest.raises(ConfigError, match="found no TOML"):
        from_file(path)


def test_empty_sections_are_nothing_and_an_empty_venue_is_a_value(tmp_path):
    path = tmp_path / "f.toml"
    path.write_text("[signals]\n[venues]\n[venues.okx]\n[quotes]\nusd = 'USDT'")
    assert [(given.path, given.value) for given in from_file(path)] == [
        (("venues", "okx"), {}),
        (("quotes", "USD"), "USDT"),
    ]


def test_environment_variables_are_read_whatever_their_case():
    given = from_environment({"arbsniper_Redis__url": "redis://h", "HOME": "/", "ARBSNIPER": "cmd", "ARBSNIPER_": "x"})
    assert [(value.path, value.value, value.origin) for value in given] == [
        (("redis", "url"), "redis://h", "environment arbsniper_Redis__url")
    ]


def test_an_inline_table_in_the_environment_is_taken_apart_and_a_narrower_variable_comes_after_it():
    environ = {"ARBSNIPER_REDIS__MODE": "off", "ARBSNIPER_REDIS": '{ url = "redis://h", mode = "auto" }'}
    given = from_environment(environ)
    assert {value.path for value in given} == {("redis", "url"), ("redis", "mode")}
    assert [value.value for value in given if value.key == "redis.mode"] == ["auto", "off"]


def test_of_two_spellings_of_one_variable_the_one_in_capitals_wins():
    for environ in (
        {"ARBSNIPER_REDIS__MODE": "off", "arbsniper_redis__mode": "url"},
        {"arbsniper_redis__mode": "url", "ARBSNIPER_REDIS__MODE": "off"},
    ):
        assert from_environment(environ)[-1].value == "off"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.3", "0.3"),
        ("1_2", "1_2"),
        ("true", True),
        ('"quoted"', "quoted"),
        ('["a", "b"]', ["a", "b"]),
        ("BTC/USDT,ETH/USDT", "BTC/USDT,ETH/USDT"),
        ("redis://h:1/0", "redis://h:1/0"),
        ("", ""),
        ("1\nother = 2", "1\nother = 2"),
    ],
)
def test_a_variables_text_is_a_toml_literal_or_itself_and_numbers_stay_text(text, value):
    assert toml_value(text) == value


def test_options_are_named_as_they_are_typed():
    given = from_options(
        {"symbols": ["A/B", "C/D"], "signals.threshold_pct": 0.3, "ui.refresh_hz": 5, "redis.url": None}
    )
    assert [(value.path, value.origin, value.place) for value in given] == [
        (("symbols",), "option --symbol", "--symbol A/B --symbol C/D"),
        (("signals", "threshold_pct"), "option --threshold", "--threshold 0.3"),
        (("ui", "refresh_hz"), "option --refresh-hz", "--refresh-hz 5"),
    ]


def test_a_password_in_an_option_is_not_repeated():
    (given,) = from_options({"redis.url": "redis://user:secret@h"})
    assert given.place == "--redis-url"
