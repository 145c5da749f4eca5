"""The image: what it runs is a command that runs, and what it needs is written where it may write."""

import re
from pathlib import Path

import msgspec
import pytest
from command_place import Place

from arbsniper_tui.runtime.node_folder import live_folders

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
PROGRAM = "/opt/arbsniper/bin/arbsniper-tui"
CONFIG = "/etc/arbsniper-tui/arbsniper.toml"


def instruction(name: str) -> list[str]:
    """The command of the last such instruction of the image, which needs no shell."""
    return msgspec.json.decode(re.findall(rf"^{name}\b.*?(\[.*\])$", DOCKERFILE, re.MULTILINE)[-1], type=list[str])


def test_every_command_of_the_image_does_without_a_shell() -> None:
    for line in re.findall(r"^(?:RUN|CMD|ENTRYPOINT|HEALTHCHECK)\b.*$", DOCKERFILE, re.MULTILINE):
        assert re.search(r"\[.*\]$", line), line


def test_it_does_not_run_as_root_and_its_user_is_a_number() -> None:
    (user,) = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert "0" not in user


def test_the_image_is_made_of_files_that_are_there_and_not_left_out() -> None:
    ignored = (DEPLOY.parent / ".dockerignore").read_text().splitlines()
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE):
        for name in line.split():
            assert (DEPLOY.parent / name).exists() and f"!{name}" in ignored, name


def test_what_it_installs_are_extras_of_the_program() -> None:
    project = (DEPLOY.parent / "pyproject.toml").read_text()
    (extras,) = re.findall(r'"\.\[(.*?)\]"', DOCKERFILE)
    for extra in extras.split(","):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra


@pytest.mark.xdist_group("nodes of this user")
def test_its_command_starts_a_node_that_its_health_check_finds_ready(place: Place) -> None:
    assert instruction("ENTRYPOINT") == [PROGRAM] == instruction("HEALTHCHECK")[:1]
    config = place.folder / "arbsniper.toml"
    config.write_text("[signals]\nthreshold_pct = 0.02\n")
    command = [str(config) if word == CONFIG else word for word in instruction("CMD")]
    assert str(config) in command
    health_check = instruction("HEALTHCHECK")[1:]
    assert live_folders() or place.run(*health_check).returncode != 0, "no node runs yet"
    node = place.start_node(*command, "--demo", "--venue", "binance", "--venue", "kraken")
    place.wait_for(lambda: place.run(*health_check).returncode == 0, "readiness")
    assert node.end() == 0


@pytest.mark.parametrize("name", ["VOLUME", "TMPDIR"])
def test_what_is_written_has_a_place_of_its_own(name: str) -> None:
    assert re.search(rf"\b{name}\b", DOCKERFILE)
    assert "XDG_STATE_HOME=/var/lib/arbsniper" in DOCKERFILE and 'VOLUME ["/var/lib/arbsniper"]' in DOCKERFILE
