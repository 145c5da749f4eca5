"""`alerts test`: what a user reads of a target that takes, refuses, or does not exist."""

import pytest
from http_target import http_target

from arbsniper_tui.runtime.node_folder import live_folders

TARGETS = """
[alerts.targets.hook]
webhook = "http://127.0.0.1:{port}/abcd-path"
secret = "a-secret-word"
[alerts.targets.post]
url = "json://127.0.0.1:{port}/abcd-path"
"""


def sent(place, port: int, name: str):
    config = place.folder / "f.toml"
    config.write_text(TARGETS.format(port=port))
    return place.run("alerts", "test", name, "--config", str(config))


@pytest.mark.parametrize("name", ["hook", "post"])
def test_a_target_that_takes_it(place, name):
    with http_target(200) as target:
        run = sent(place, target.port, name)
        assert (run.returncode, run.stderr) == (0, b"")
        assert run.stdout.startswith(f"{name} took it within ".encode())
        assert b"a test of alerts" in target.received[0].body


@pytest.mark.parametrize("name", ["hook", "post"])
def test_a_target_that_refuses_it(place, name):
    with http_target(500) as target:
        run = sent(place, target.port, name)
    assert run.returncode == 1
    assert run.stderr.startswith(f"{name}: ".encode()) and b"500" in run.stderr
    assert b"abcd-path" not in run.stderr and b"a-secret-word" not in run.stderr and not run.stdout


def test_a_name_that_is_no_target(place):
    run = sent(place, 1, "hok")
    assert run.returncode == 2
    assert run.stderr == b'found "hok", expected one of bell, desktop, hook, post; did you mean hook?\n'


@pytest.mark.xdist_group("nodes of this user")
def test_without_a_node_there_is_no_terminal_to_tell(place):
    if live_folders():
        pytest.skip("another node of this user runs on this machine")
    run = sent(place, 1, "bell")
    assert run.returncode == 1
    assert run.stderr.startswith(b"bell: no node runs here")
