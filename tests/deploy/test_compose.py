"""The services beside each other: by Docker's own tool where it is installed, and by what the node's settings say."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from arbsniper_tui.config.load import load_settings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def compose_command() -> list[str] | None:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and not subprocess.run([*command, "version"], capture_output=True).returncode:
            return command
    return None


def test_docker_compose_accepts_the_file(tmp_path: Path) -> None:
    if (command := compose_command()) is None:
        pytest.skip("no docker compose here")
    shutil.copy(DEPLOY / "compose.yaml", tmp_path)
    done = subprocess.run([*command, "-f", "compose.yaml", "config"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    tag = service["image"].rpartition(":")[2]
    assert "build" in service or tag not in ("", "latest"), "another version with each pull"


def test_services_start_in_an_order_and_each_when_the_one_before_is_healthy() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}, name
            # The node's health check is its image's.
            assert "healthcheck" in SERVICES[needed] or needed == "node", name
    assert SERVICES["node"]["depends_on"].keys() == {"redis"}
    assert SERVICES["nginx"]["depends_on"].keys() == {"node"}


def test_nothing_but_tls_can_be_reached_from_elsewhere() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == ["443:8443", "80:8080"]


def test_redis_writes_nothing_to_a_disk() -> None:
    command = SERVICES["redis"]["command"]
    assert command[command.index("--save") + 1] == ""
    assert command[command.index("--appendonly") + 1] == "no"
    assert SERVICES["redis"]["tmpfs"] == ["/data"]


def test_every_file_that_is_mounted_is_there_and_every_secret_is_named() -> None:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            there = (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
            assert there, f"{name}: {source}"
        assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys(), name


def test_the_nodes_settings_are_valid_and_fit_the_services(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a" * 64)
    text = (DEPLOY / "arbsniper.toml").read_text()
    config = tmp_path / "arbsniper.toml"
    config.write_text(text.replace("/run/secrets/token_secret", str(tmp_path / "secret")))
    settings = load_settings(config, {}, {}).settings
    assert settings.redis.url == "redis://redis:6379/0"
    assert settings.api.auth and settings.api.behind_proxy and settings.api.enabled
    assert f"server node:{settings.api.listen.rpartition(':')[2]} " in (DEPLOY / "nginx.conf").read_text()
