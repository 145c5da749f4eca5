"""Tokens as a user makes them, shown to a node that runs: roles, revocations, TLS, and no secret anywhere."""

import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import jwt
import pytest
from api_stage import ApiStage
from app_stage import bearer
from certificate import make_certificate
from command_place import Place
from node_process import RunningNode
from raw_venues import RawBinance, RawKraken
from redis_server import RedisServer
from waiting import DEADLINE_S, wait_until
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from arbsniper_tui.api.stream.messages import CloseCode
from arbsniper_tui.runtime.state_folder import host_name

PLANTED = "planted-secret-0123456789-0123456789"


class GuardedStage(ApiStage):
    """A node that asks for tokens, and the verb that makes them, with the same state folder."""

    def __init__(self, place: Place, more: str, *stage: object, **client: object) -> None:
        self._place = place
        super().__init__(*stage, more=f"auth = true\n{more}", **client)  # type: ignore[arg-type]  # as there
        place.env["XDG_STATE_HOME"] = str(self.node.folder / "state")

    def token(self, *arguments: str) -> str:
        """What the verb prints on standard output."""
        done = self._place.run("token", *arguments, "--config", str(self.config))
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def status(self, shown: str) -> int:
        return self.client.get("/v1/prices", headers=bearer(shown)).status_code


@pytest.fixture
def guarded(
    start_node: Callable[..., RunningNode], tmp_path: Path, place: Place
) -> Iterator[Callable[..., GuardedStage]]:
    """Starts a node with these further keys of `[api]`."""
    stages: list[GuardedStage] = []
    with RawBinance() as binance, RawKraken() as kraken:

        def start(more: str = "", **client: object) -> GuardedStage:
            stages.append(GuardedStage(place, more, start_node, tmp_path, binance, kraken, **client))
            return stages[-1]

        yield start
        for stage in stages:
            stage.close()


def test_a_token_is_made_counts_and_is_revoked_while_the_node_runs(guarded: Callable[..., GuardedStage]) -> None:
    stage = guarded()
    stage.node.wait_for(lambda: stage.client.get("/v1/prices").status_code == 401)
    assert stage.client.get("/docs").status_code == 200
    token, key = (
        stage.token("create", "--role", "viewer", "--days", "1"),
        stage.token("create", "--role", "admin", "--key"),
    )
    for shown in (token, key):
        stage.node.wait_for(lambda shown=shown: stage.status(shown) == 200)
    listed = sorted(stage.token("list").splitlines(), key=lambda line: "admin" in line)
    assert "token  viewer until " in listed[0] and "key    admin without an end" in listed[1]
    assert not [line for line in listed if token in line or key in line]
    state = stage.node.folder / "state" / "arbsniper-tui" / host_name()
    for name in ("tokens.json", "token-secret"):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600
        assert token not in (state / name).read_text() and key not in (state / name).read_text()
    for shown, line in zip((token, key), listed, strict=True):
        assert "revoked" in stage.token("revoke", line.split()[0])
        stage.node.wait_for(lambda shown=shown: stage.status(shown) == 401)
    assert all(line.endswith(", revoked") for line in stage.token("list").splitlines())
    assert len(stage.node.pids("api")) == 1, "it was told while it ran"
    assert token not in stage.node.log and key not in stage.node.log


def test_a_token_outlives_the_process_that_answers(guarded: Callable[..., GuardedStage]) -> None:
    stage = guarded()
    kept, revoked = (stage.token("create", "--role", "operator") for _ in range(2))
    stage.token("revoke", next(line.split()[0] for line in reversed(stage.token("list").splitlines())))
    os.kill(killed := stage.node.pid("api"), signal.SIGKILL)
    stage.node.wait_for(lambda: stage.node.pids("api")[-1] != killed)

    def statuses() -> list[int]:
        try:
            return sorted(stage.status(shown) for shown in (kept, revoked))
        except httpx.TransportError:
            return []

    stage.node.wait_for(lambda: statuses() == [200, 401])


def test_what_is_revoked_in_redis_counts_no_more_where_tokens_are_shared(
    guarded: Callable[..., GuardedStage], server: RedisServer, place: Place
) -> None:
    stage = guarded('audience = "desks"\n', redis=f'mode = "url"\nurl = "{server.url}"')
    kept, revoked = (stage.token("create", "--role", "admin") for _ in range(2))
    token_id = jwt.decode(revoked, options={"verify_signature": False})["jti"]
    for shown in (kept, revoked):
        stage.node.wait_for(lambda shown=shown: stage.status(shown) == 200)
    url = stage.address.replace("http", "ws", 1) + "/v1/stream"
    with connect(url, additional_headers=bearer(revoked), open_timeout=DEADLINE_S, proxy=None) as stream:
        stream.send('{"op": "subscribe", "to": {"channel": "prices"}}')
        place.env["XDG_STATE_HOME"] = str(place.folder / "another-machine")
        assert f"127.0.0.1:{server.port}" in stage.token("revoke", token_id), "the settings say where it counts"
        stage.node.wait_for(lambda: stage.status(revoked) == 401)
        with pytest.raises(ConnectionClosedError) as closed:
            while True:
                stream.recv(DEADLINE_S)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == CloseCode.NOT_AUTHENTICATED
    server.stop()
    stage.node.wait_for(lambda: "the revoked ids cannot be read" in stage.node.log)
    assert (stage.status(kept), stage.status(revoked)) == (200, 401)


def test_no_secret_is_told_by_anything(guarded: Callable[..., GuardedStage], place: Place) -> None:
    stage = guarded(f'secret = "{PLANTED}"\n')
    token = stage.token("create", "--role", "admin", "--days", "1")
    stage.node.wait_for(lambda: stage.status(token) == 200)
    answers = [
        stage.client.get(path, headers=bearer(shown)).text
        for path in ("/v1/settings", "/v1/openapi.json", "/v1/feeds", "/nowhere", "/v1/prices")
        for shown in (token, token[:-4], PLANTED)
    ]
    os.kill(stage.node.pid("api"), signal.SIGABRT)
    stage.node.wait_for(lambda: len(stage.node.pids("api")) == 2)
    shown = place.run("config", "show", "--config", str(stage.config)).stdout.decode()
    assert "api.secret" in shown
    commands = [
        Path(f"/proc/{pid}/cmdline").read_text() for pid in stage.node.everyone() if Path(f"/proc/{pid}").exists()
    ]
    texts = [*answers, stage.node.log, shown, *commands]
    assert not [text for text in texts if PLANTED in text]
    assert not [text for text in (stage.node.log, *commands) if token in text]


def test_it_answers_over_tls_alone_where_it_has_a_certificate(
    guarded: Callable[..., GuardedStage], tmp_path: Path
) -> None:
    certificate, private_key, trust = make_certificate(tmp_path)
    files = f'certificate_file = "{certificate}"\nprivate_key_file = "{private_key}"\n'
    stage = guarded(files, certificate=trust)
    assert stage.client.base_url.scheme == "https"
    token = stage.token("create", "--role", "viewer")
    wait_until(lambda: stage.status(token) == 200)
    own = {"Origin": str(stage.client.base_url).rstrip("/")} | bearer(token)
    assert stage.get("/v1/prices", **own).json()["prices"]
    plain = str(stage.client.base_url).replace("https:", "http:")
    with pytest.raises(httpx.TransportError), httpx.Client(trust_env=False, timeout=DEADLINE_S) as client:
        client.get(plain)
