"""`token`, and what refuses to start an API that others could use: the real command."""

import json
import stat
from pathlib import Path

import jwt
import pytest
from command_place import Place
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRET = "planted-secret-0123456789-0123456789"
EVERYWHERE = '[api]\nenabled = true\nlisten = "0.0.0.0:0"\n'


def write(place: Place, text: str) -> str:
    config = place.folder / "arbsniper.toml"
    config.write_text(text)
    return str(config)


def test_a_token_is_the_one_thing_on_standard_output_and_says_who_may(place: Place) -> None:
    place.env |= {"ARBSNIPER_API__SECRET": SECRET, "ARBSNIPER_NODE__NAME": "desk-1"}
    done = place.run("token", "create", "--role", "operator", "--days", "2")
    assert done.returncode == 0, done.stderr
    (token,) = done.stdout.decode().splitlines()
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="desk-1")
    assert claims["role"] == "operator" and claims["exp"] - claims["nbf"] == 2 * 86400
    assert f"token {claims['jti']}: operator until ".encode() in done.stderr
    state = place.folder / ".local/state/arbsniper-tui/desk-1"
    assert [path.name for path in state.iterdir()] == ["tokens.json"], "the secret was given"
    assert token not in (state / "tokens.json").read_text() and SECRET not in (state / "tokens.json").read_text()


def test_tokens_of_one_name_are_listed_and_revoked(place: Place) -> None:
    assert place.run("token", "list").stdout == b""
    for arguments in (("--role", "viewer"), ("--role", "admin", "--key", "--days", "7")):
        assert place.run("token", "create", *arguments).returncode == 0
    lines = place.run("token", "list").stdout.decode().splitlines()
    ids = [line.split()[0] for line in lines]
    assert sorted(line.split()[1:3] for line in lines) == [["key", "admin"], ["token", "viewer"]]
    assert b"it was" in place.run("token", "revoke", ids[0]).stdout
    elsewhere = place.run("token", "revoke", "0123abcd")
    assert elsewhere.returncode == 0 and b"no token of this id was made here" in elsewhere.stdout
    lines = place.run("token", "list").stdout.decode().splitlines()
    assert [line.endswith("revoked") for line in lines] == [True, False, True]
    assert place.run("token", "list", "--config", write(place, '[node]\nname = "other"')).stdout == b""


def test_with_a_public_key_the_private_one_signs(place: Place) -> None:
    private = Ed25519PrivateKey.generate()
    key_file, public_file = place.folder / "private.pem", place.folder / "public.pem"
    key_file.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public_file.write_bytes(
        private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    config = write(place, f'[api]\npublic_key_file = "{public_file}"\naudience = "desks"')
    create = ("token", "create", "--role", "viewer", "--config", config)
    done = place.run(*create, "--signing-key", str(key_file))
    assert done.returncode == 0, done.stderr
    token = done.stdout.decode().strip()
    assert jwt.decode(token, private.public_key(), algorithms=["EdDSA"], audience="desks")["role"] == "viewer"
    assert_refused(place, create, "--signing-key: found none, expected the private key of [api] public_key_file")
    assert_refused(place, (*create, "--signing-key", str(public_file)), "no token can be signed with this key")
    assert_refused(place, (*create, "--signing-key", "none.pem"), "cannot be read (No such file or directory)")
    assert_refused(
        place,
        ("token", "create", "--role", "viewer", "--signing-key", str(key_file), "--config", write(place, "")),
        "expected [api] public_key_file beside it",
    )


def assert_refused(place: Place, arguments: tuple[str, ...], words: str) -> None:
    done = place.run(*arguments)
    assert (done.returncode, done.stdout) == (2, b""), done
    assert words in done.stderr.decode() and b"Traceback" not in done.stderr


def test_what_cannot_be_a_token_is_refused(place: Place) -> None:
    for arguments in (("create",), ("create", "--role", "root"), ("create", "--role", "viewer", "--days", "0")):
        done = place.run("token", *arguments)
        assert done.returncode == 2 and done.stdout == b"" and b"--" in done.stderr
    assert_refused(place, ("token", "revoke", "\x1b[2J"), "expected one that `token list` shows")


def test_a_file_of_tokens_that_is_damaged_is_named_and_kept(place: Place) -> None:
    place.run("token", "create", "--role", "viewer")
    (file,) = place.folder.glob(".local/state/arbsniper-tui/*/tokens.json")
    file.write_text('{"revoked": 3}')
    for arguments in (("list",), ("create", "--role", "viewer"), ("revoke", "a")):
        done = place.run("token", *arguments)
        assert (done.returncode, done.stdout) == (1, b"")
        assert str(file).encode() in done.stderr and b"Traceback" not in done.stderr
    assert file.read_text() == '{"revoked": 3}'
    place.env["ARBSNIPER_API__LISTEN"] = "127.0.0.1:0"
    assert_refused(place, ("--no-ui", "--api", "--redis-url", "unix:///none"), str(file))


def test_a_secret_that_was_cut_short_signs_nothing(place: Place) -> None:
    place.run("token", "create", "--role", "viewer")
    (file,) = place.folder.glob(".local/state/arbsniper-tui/*/token-secret")
    for text in ("", "short"):
        file.write_text(text)
        done = place.run("token", "create", "--role", "admin")
        assert (done.returncode, done.stdout) == (1, b"") and str(file).encode() in done.stderr
        assert file.read_text() == text


def test_commands_at_the_same_time_lose_no_token(place: Place) -> None:
    runs = [place.start("token", "create", "--role", "viewer") for _ in range(6)]
    tokens = {run.out for run in runs if run.process.wait() == 0}
    assert len(tokens) == 6
    (state,) = place.folder.glob(".local/state/arbsniper-tui/*")
    assert len(json.loads((state / "tokens.json").read_text())["issued"]) == 6
    secret = (state / "token-secret").read_text()
    for token in tokens:
        jwt.decode(token.strip(), secret, algorithms=["HS256"], audience=state.name)
    assert {stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()} == {0o600}


@pytest.mark.parametrize("verb", [("--no-ui", "--demo"), ("api",)])
def test_an_api_that_others_could_use_does_not_start(place: Place, verb: tuple[str, ...]) -> None:
    assert_refused(place, (*verb, "--config", write(place, EVERYWHERE)), "expected auth = true beside it")
    with_tokens = write(place, f"{EVERYWHERE}auth = true\n")
    assert_refused(place, (*verb, "--config", with_tokens), "or behind_proxy = true where a proxy does TLS")


def test_a_demo_leaves_nothing_of_tokens_behind(place: Place) -> None:
    config = write(place, f'[api]\nenabled = true\nlisten = "127.0.0.1:0"\nauth = true\nsecret = "{SECRET}"\n')
    node = place.start_node("--demo", "--venue", "okx", "--venue", "kraken", "--no-ui", "--config", config)
    place.wait_for(lambda: "answering at" in node.err, node.err)
    assert node.end() == 0
    assert not list(Path(place.folder).glob(".local/state/**/token*"))
    assert SECRET not in node.err
