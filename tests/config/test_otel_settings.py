"""`[otel]`: what an endpoint may be, and what is said where the libraries are missing."""

import tomllib
from pathlib import Path

import pytest

from arbsniper_tui.config import extras
from arbsniper_tui.config.load import Loaded, load_settings
from arbsniper_tui.model.errors import ConfigError
from arbsniper_tui.universe.settings_check import objections

ROOT = Path(__file__).resolve().parents[2]
ENDPOINT = "http://127.0.0.1:4318/v1/traces"


def load(folder: Path, endpoint: str = "", more: str = "") -> Loaded:
    file = folder / "arbsniper.toml"
    file.write_text(f'[otel]\nendpoint = "{endpoint}"\n{more}\n' if endpoint else "")
    return load_settings(file, {}, {})


def test_it_is_off_until_an_endpoint_is_named(tmp_path: Path) -> None:
    assert load(tmp_path).settings.otel.endpoint == ""
    otel = load(tmp_path, ENDPOINT, "sample = 0.25").settings.otel
    assert (otel.endpoint, otel.sample) == (ENDPOINT, 0.25)


@pytest.mark.parametrize("written", ["127.0.0.1:4318", "http://127.0.0.1:4318", "grpc://h:4317/v1/traces", "http://"])
def test_an_endpoint_is_a_url_with_its_path(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigError, match=r"otel\.endpoint.*expected a URL such as http://127\.0\.0\.1:4318/v1/traces"):
        load(tmp_path, written)


def test_a_password_in_it_is_refused_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, "https://me:secret-word@collector.example/v1/traces")
    assert "secret-word" not in str(refused.value) and "without a password" in str(refused.value)


@pytest.mark.parametrize("sample", ["0", "1.5", "-1"])
def test_the_sample_is_a_part(tmp_path: Path, sample: str) -> None:
    with pytest.raises(ConfigError, match=r"otel\.sample"):
        load(tmp_path, ENDPOINT, f"sample = {sample}")


def test_missing_libraries_are_named_with_the_command_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(extras, "find_spec", find)
    assert not [each for each in objections(load(tmp_path)) if "otel" in each.where]
    (found,) = (each for each in objections(load(tmp_path, ENDPOINT)) if "otel" in each.where)
    assert found.refuses
    assert "otel.endpoint: traces need opentelemetry-exporter-otlp-proto-http, opentelemetry-sdk, not" in str(found)


def test_the_command_names_the_versions_that_the_extra_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert tuple(project["optional-dependencies"]["otel"]) == extras.OTEL_LIBRARIES
