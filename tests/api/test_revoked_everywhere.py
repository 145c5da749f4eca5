"""A token that two API processes take, each as on a machine of its own, revoked once by the real command."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from app_stage import bearer
from command_place import Place
from redis_server import RedisServer
from shared_api import SharedApi
from waiting import wait_until

from arbsniper_tui.sinks.redis_keys import REVOKED_KEY

SECRET = "planted-secret-0123456789-0123456789"
KEYS = f'auth = true\naudience = "desks"\nsecret = "{SECRET}"\n'
PASSWORD = "planted-password"


class Guarded:
    """Two API processes, and a place from where tokens are made and revoked."""

    def __init__(self, server: RedisServer, place: Place) -> None:
        self.server, self.place = server, place
        self.apis: list[SharedApi] = []

    @property
    def url(self) -> str:
        return self.server.url.replace("//", f"//api:{PASSWORD}@")

    def start_redis(self) -> None:
        """Empty, with the one user that has a password."""
        self.server.start()
        client = self.server.client()
        client.execute_command("ACL", "SETUSER", "api", "on", f">{PASSWORD}", "~*", "&*", "+@all")
        client.close()

    def token(self, *arguments: str) -> str:
        """What the verb prints on standard output."""
        done = self.place.run("token", *arguments)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def made(self) -> tuple[str, str]:
        """A token that both take, and its id."""
        known = {line.split()[0] for line in self.token("list").splitlines()}
        token = self.token("create", "--role", "viewer", "--days", "1")
        (token_id,) = {line.split()[0] for line in self.token("list").splitlines()} - known
        self.wait_for(token, 200)
        return token, token_id

    def statuses(self, token: str) -> set[int]:
        return {each.client.get("/v1/prices", headers=bearer(token)).status_code for each in self.apis}

    def wait_for(self, token: str, status: int) -> None:
        wait_until(lambda: self.statuses(token) == {status}, lambda: (self.statuses(token), self.apis[0].log[-2000:]))


@pytest.fixture
def guarded(redis_binary: object, tmp_path: Path, place: Place) -> Iterator[Guarded]:
    guarded = Guarded(RedisServer(tmp_path / "redis"), place)
    (place.folder / "arbsniper.toml").write_text(f'[node]\nname = "laptop"\n[api]\n{KEYS}')
    try:
        guarded.start_redis()
        for number in range(2):
            guarded.apis.append(SharedApi(tmp_path / f"api-{number}", guarded.url, KEYS))
        yield guarded
    finally:
        for each in guarded.apis:
            each.kill()
        guarded.server.stop()


def test_a_token_that_is_revoked_once_counts_nowhere(guarded: Guarded) -> None:
    (revoked, revoked_id), (kept, kept_id) = guarded.made(), guarded.made()
    assert "at 127.0.0.1" in guarded.token("revoke", revoked_id, "--redis-url", guarded.url)
    guarded.wait_for(revoked, 401)
    guarded.wait_for(kept, 200)
    lines = {line.split()[0]: line for line in guarded.token("list", "--redis-url", guarded.url).splitlines()}
    assert lines[revoked_id].endswith(", revoked") and not lines[kept_id].endswith("revoked")
    assert_nothing_is_told(guarded, revoked, kept)


def test_an_id_that_was_made_elsewhere_is_revoked_too(guarded: Guarded) -> None:
    token, token_id = guarded.made()
    (guarded.place.folder / "arbsniper.toml").write_text('[node]\nname = "another-laptop"\n')
    assert "no token of this id was made here" in guarded.token("revoke", token_id, "--redis-url", guarded.url)
    guarded.wait_for(token, 401)
    assert "made elsewhere, revoked" in guarded.token("list", "--redis-url", guarded.url)


def test_while_redis_is_away_no_token_counts_and_then_those_that_were_not_revoked(guarded: Guarded) -> None:
    (revoked, revoked_id), (kept, _) = guarded.made(), guarded.made()
    guarded.token("revoke", revoked_id, "--redis-url", guarded.url)
    guarded.wait_for(revoked, 401)
    guarded.server.stop()
    guarded.wait_for(kept, 503)
    assert guarded.statuses(revoked) == {401}, "what is known to be revoked stays so"
    failed = guarded.place.run("token", "revoke", "0123abcd", "--redis-url", guarded.url)
    assert (failed.returncode, failed.stdout) == (1, b"")
    assert (
        b"elsewhere it still counts: revoke it again when Redis answers" in failed.stderr
        and b"Traceback" not in failed.stderr
    )
    assert PASSWORD.encode() not in failed.stderr
    guarded.start_redis()
    guarded.wait_for(kept, 200)
    guarded.wait_for(revoked, 401)
    # The processes have told it to the empty Redis, and one that starts now hears it from there.
    wait_until(lambda: revoked_id in guarded.token("list", "--redis-url", guarded.url))
    guarded.apis.append(SharedApi(guarded.place.folder / "later", guarded.url, KEYS))
    guarded.wait_for(kept, 200)
    guarded.wait_for(revoked, 401)
    assert_nothing_is_told(guarded, revoked, kept)


def test_a_key_of_another_kind_is_no_crash_and_lets_nobody_in(guarded: Guarded) -> None:
    token, _ = guarded.made()
    client = guarded.server.client()
    client.set(REVOKED_KEY, b"\xff\x00")
    guarded.wait_for(token, 503)
    client.delete(REVOKED_KEY)
    client.zadd(REVOKED_KEY, {b"\xff\r\n": "+inf", b"x" * 9999: "-inf"})
    client.close()
    guarded.wait_for(token, 200)
    assert all(each.process.poll() is None for each in guarded.apis)


@pytest.mark.parametrize("url", ["redis:/127.0.0.1", "http://127.0.0.1", "redis+sentinel://127.0.0.1"])
def test_what_is_no_url_of_redis_is_wrong_usage(place: Place, url: str) -> None:
    found = place.run("token", "revoke", "0123abcd", "--redis-url", url)
    assert found.returncode == 2 and b"--redis-url" in found.stderr
    assert not list(place.folder.glob(".local/state/**/tokens.json"))


def assert_nothing_is_told(guarded: Guarded, *secrets: str) -> None:
    """No secret is in Redis or in a log."""
    client = guarded.server.client()
    kept = b"".join(bytes(client.dump(key)) for key in client.scan_iter())
    client.close()
    for each in (SECRET, PASSWORD, *secrets):
        assert each.encode() not in kept
        assert not [api for api in guarded.apis if each in api.log]
