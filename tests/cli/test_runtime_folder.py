"""The folder of a node's sockets, by the real command: refused when planted, moved when too long, missed when gone."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from node_process import OF_FOUR

# One after the other, however many runners there are: each sees all nodes of this user.
pytestmark = pytest.mark.xdist_group("nodes of this user")
USER = os.getuid()
RUN_USER = Path(f"/run/user/{USER}")
needs_tmpdir = pytest.mark.skipif(RUN_USER.exists(), reason="this machine has a runtime folder that goes before TMPDIR")


def root_of(place) -> Path:
    return place.folder / f"arbsniper-tui-{USER}"


@needs_tmpdir
@pytest.mark.parametrize(("verb", "planted"), [(("--demo", "--no-ui"), "link"), (("attach", "7"), "mode")])
def test_a_folder_that_someone_else_made_is_refused_with_code_2(place, verb, planted):
    root = root_of(place)
    if planted == "link":
        (place.folder / "theirs").mkdir()
        root.symlink_to(place.folder / "theirs")
    else:
        root.mkdir()
        root.chmod(0o777)
    found = {"link": "a symbolic link", "mode": f"one of user {USER}, mode 0777"}
    if verb[0] == "attach":
        terminal = place.terminal(*verb, columns=300)
        code, said = terminal.exit_code(), terminal.read()
    else:
        done = place.run(*verb)
        code, said = done.returncode, done.stderr.decode()
    assert code == 2
    assert f"{root}: expected a folder of user {USER} with mode 0700, found {found[planted]}" in said
    assert "set TMPDIR" in said and "Traceback" not in said
    assert not list(root.iterdir())
    if planted == "link":
        root.unlink()


@needs_tmpdir
def test_a_planted_process_file_ends_no_foreign_process(place):
    with subprocess.Popen(["sleep", "3600"]) as bystander:
        folder = root_of(place) / "node-99999999"
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        (folder / "redis.pid").write_text(f"{bystander.pid} 1")
        node = place.start_node("--demo", "--no-ui", "--symbol", "BTC/USDT", *OF_FOUR)
        assert bystander.poll() is None
        assert (folder / "redis.pid").exists(), "a folder that others may write to is left alone"
        assert node.end() == 0
        assert bystander.poll() is None
        bystander.kill()
    shutil.rmtree(folder)


@needs_tmpdir
def test_a_long_tmpdir_is_passed_over_for_a_short_one(place):
    long = place.folder / ("t" * 100)
    long.mkdir()
    place.env["TMPDIR"] = str(long)
    node = place.start("--demo", "--no-ui", "--threshold", "0.02", *OF_FOUR)
    folder = Path(f"/tmp/arbsniper-tui-{USER}/node-{node.process.pid}")
    place.wait_for(lambda: node.process.poll() is not None or node.lines, "a signal")
    assert "Traceback" not in node.err
    assert (folder / "commands").exists()
    terminal = place.terminal("attach", str(node.process.pid))
    terminal.sees("venues up")
    terminal.type("q")
    assert terminal.exit_code() == 0
    assert node.end() == 0
    assert not folder.exists()


def test_a_node_whose_folder_was_deleted_says_so_once_and_goes_on(place):
    node = place.start_node("--demo", "--no-ui", "--threshold", "0.02", *OF_FOUR)
    (folder,) = place.node_folders()
    place.wait_for(lambda: node.lines, "a signal")
    shutil.rmtree(folder)
    place.wait_for(lambda: f"{folder} was deleted while the node runs" in node.err, "the node's own word")
    told = len(node.lines)
    place.wait_for(lambda: len(node.lines) > told + 3, "more signals")
    assert node.err.count("was deleted while") == 1
    assert node.end() == 0
    assert "Traceback" not in node.err
