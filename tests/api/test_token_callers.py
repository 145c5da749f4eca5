"""Tokens that do not count: each kind of forgery is refused, and none gives more than it was made for."""

import asyncio
import base64
import hmac
import json
import string
import time
from typing import Any

import jwt
import pytest
from app_stage import AUDIENCE, SECRET, access, bearer, token
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from arbsniper_tui.api.access import TokenKey
from arbsniper_tui.api.problems import Declined
from arbsniper_tui.api.role import Role
from arbsniper_tui.api.token_callers import TokenCallers
from arbsniper_tui.api.token_file import Issued, TokenFile
from arbsniper_tui.api.tokens import CLAIMS, LEEWAY_S, make_key, make_token
from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.runtime.state_folder import StateFolder

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PRIVATE_PEM = PRIVATE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC_PEM = (
    PRIVATE.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
EDDSA = TokenKey("EdDSA", PUBLIC_PEM)


DAY_S = 86_400
"""Tokens are made when this module is read, which may be long before its tests run."""


def now_s() -> int:
    return int(time.time())


def claims(**changed: object) -> dict[str, Any]:
    whole = {"sub": "a", "role": "admin", "aud": AUDIENCE, "nbf": now_s(), "exp": now_s() + DAY_S, "jti": "t1"}
    return {name: value for name, value in (whole | changed).items() if value is not None}


def signed(**changed: object) -> str:
    return jwt.encode(claims(**changed), SECRET.text, algorithm="HS256")


def part(content: object) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raised_in(made: str) -> str:
    head, payload, signature = made.split(".")
    content = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return f"{head}.{part(content | {'role': 'admin'})}.{signature}"


def signed_by(algorithm: str, secret: str = SECRET.text) -> str:
    """By HMAC with anything as the secret; the library itself refuses to sign with a public key."""
    text = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims())}"
    return f"{text}.{part(hmac.digest(secret.encode(), text.encode(), algorithm.replace('HS', 'sha')))}"


def refusal_of(shown: str, key: TokenKey = SECRET, *, scheme: str = "Bearer ") -> Declined:
    """Also where no token is needed: what is shown and does not count is never passed over."""
    for needs_token in (True, False):
        callers = TokenCallers(access(token_key=key, needs_token=needs_token), None)
        with pytest.raises(Declined) as refused:
            callers.caller_of(f"{scheme}{shown}")
    assert refused.value.status_code == 401
    assert refused.value.headers == {"WWW-Authenticate": "Bearer"}
    return refused.value


@pytest.mark.parametrize("role", Role)
def test_a_token_gives_its_role_and_so_does_one_signed_by_the_private_key(role: Role) -> None:
    for key, signing_key in ((SECRET, SECRET.text), (EDDSA, PRIVATE_PEM)):
        made = make_token(key, signing_key, AUDIENCE, "t1", Issued(role, now_s(), now_s() + 600))
        for needs_token in (True, False):
            caller = TokenCallers(access(token_key=key, needs_token=needs_token), None).caller_of(f"Bearer {made}")
            assert (caller.role, caller.name) == (role, "token t1")


def test_what_is_told_to_the_process_shows_no_secret_when_it_is_printed() -> None:
    assert "HS256" in repr(access()) and SECRET.text not in repr(access())


def test_without_a_token_everyone_reads_unless_one_is_needed() -> None:
    assert TokenCallers(access(needs_token=False), None).caller_of(None).role is Role.VIEWER
    with pytest.raises(Declined, match="found no token, expected Authorization: Bearer"):
        TokenCallers(access(), None).caller_of(None)


LONG_NUMBER = b'{"alg":"HS256","n":' + b"9" * 9000 + b"}"
FORGED = {
    "without a signature": f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims())}.",
    "without a signature, in capitals": f"{part({'alg': 'NONE', 'typ': 'JWT'})}.{part(claims())}.",
    "of a wrong secret": jwt.encode(claims(), "another-secret-that-is-long-enough-012", algorithm="HS256"),
    "of another algorithm": signed_by("HS384"),
    "of a private key": jwt.encode(claims(), PRIVATE, algorithm="EdDSA"),
    "expired": signed(exp=now_s() - LEEWAY_S - 60),
    "not valid yet": signed(nbf=now_s() + DAY_S),
    "of another node": signed(aud="node-2"),
    "for many": signed(aud=["node-1", "node-2"]),
    "of a role that there is not": signed(role="root"),
    "of no role": signed(role=["viewer", "admin"]),
    "with its role raised": raised_in(token(Role.VIEWER, now_s())),
    "with its signature cut": token(Role.ADMIN, now_s()).rpartition(".")[0] + ".",
    "of deep brackets": f"{part(b'[' * 8000)}.{part(claims())}.x",
    "of a long number": f"{part(LONG_NUMBER)}.{part(claims())}.x",
    "that names its own key": f"{part({'alg': 'HS256', 'jwk': {'kty': 'oct', 'k': ''}})}.{part(claims())}.x",
    "of no letters": "\x00\xff..\xf0",
    "empty": "",
    "a key that nobody made": "arbkey_t1_x",
}
FORGED |= {f"without {name}": signed(**{name: None}) for name in CLAIMS}


@pytest.mark.parametrize("shown", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(shown: str) -> None:
    words = str(refusal_of(shown).detail)
    assert "refused" in words or "expected" in words
    assert SECRET.text not in words and "Traceback" not in words


def test_with_a_public_key_nothing_signed_by_hmac_counts() -> None:
    for shown in (signed_by("HS256", PUBLIC_PEM), token(Role.ADMIN, now_s()), FORGED["without a signature"]):
        refusal_of(shown, EDDSA)


@pytest.mark.parametrize("scheme", ["", "Basic ", "Bearer", "bearer  "])
def test_what_is_no_bearer_token_is_refused(scheme: str) -> None:
    refusal_of(token(Role.ADMIN, now_s()), scheme=scheme)


# The same in each run: made in 2001, for a century.
VIEWER_TOKEN = make_token(SECRET, SECRET.text, AUDIENCE, "t1", Issued(Role.VIEWER, 10**9, 4 * 10**9))
SPELLED = st.sampled_from(string.ascii_letters + string.digits + "-_.=")


@given(st.integers(0, len(VIEWER_TOKEN) - 1), st.text(SPELLED, max_size=4), st.integers(0, 4))
def test_a_damaged_token_never_gives_more_than_it_had(at: int, put: str, cut: int) -> None:
    shown = VIEWER_TOKEN[:at] + put + VIEWER_TOKEN[at + cut :]
    try:
        caller = TokenCallers(access(), None).caller_of(f"Bearer {shown}")
    except Declined as refused:
        assert refused.status_code == 401
    else:
        assert caller.role is Role.VIEWER


@given(st.text(max_size=60), st.sampled_from(["", "Bearer ", "Bearer arbkey_", "Bearer a.b."]))
def test_no_header_but_a_token_lets_anyone_in(text: str, begin: str) -> None:
    with pytest.raises(Declined) as refused:
        TokenCallers(access(), None).caller_of(begin + text)
    assert refused.value.status_code == 401


def test_a_key_that_does_not_belong_to_the_public_key_signs_nothing() -> None:
    issued = Issued(Role.VIEWER, now_s(), now_s() + 600)
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for signing_key in (other.decode(), "no key", PUBLIC_PEM):
        with pytest.raises(UsageError, match="no token can be signed with this key"):
            make_token(EDDSA, signing_key, AUDIENCE, "t1", issued)


@pytest.fixture
def file() -> TokenFile:
    return TokenFile(StateFolder(f"tokens-{time.monotonic_ns()}"))


def test_a_revoked_token_counts_no_more_and_others_do(file: TokenFile) -> None:
    for token_id in ("t1", "t2"):
        file.add(token_id, Issued(Role.ADMIN, now_s(), now_s() + 600), now_s())
    file.revoke("t1")
    callers = TokenCallers(access(), file)
    assert callers.caller_of(bearer(token(Role.ADMIN, now_s(), token_id="t2"))["Authorization"]).role is Role.ADMIN
    with pytest.raises(Declined, match="it was revoked"):
        callers.caller_of(bearer(token(Role.ADMIN, now_s()))["Authorization"])


@pytest.mark.parametrize("ahead_s", [3, 3600])
def test_a_revoked_token_counts_no_more_though_one_was_made_by_a_clock_that_is_ahead(
    file: TokenFile, ahead_s: int
) -> None:
    made_s = now_s()
    file.add("t1", Issued(Role.ADMIN, made_s, made_s + ahead_s - 1), made_s)
    file.revoke("t1")
    file.add("t2", Issued(Role.VIEWER, made_s, made_s + 600), made_s + ahead_s)
    with pytest.raises(Declined, match="it was revoked"):
        TokenCallers(access(), file).caller_of(bearer(token(Role.ADMIN, made_s))["Authorization"])


def test_what_has_ended_is_forgotten_a_day_later(file: TokenFile) -> None:
    file.add("t1", Issued(Role.ADMIN, 1000, 2000), 1000)
    file.revoke("t1")
    file.add("t2", Issued(Role.VIEWER, 1000, 10**9), 2000 + 86400)
    assert "t1" in file.read().revoked
    file.add("t3", Issued(Role.VIEWER, 1000, 10**9), 2000 + 86401)
    assert file.read().issued.keys() == {"t2", "t3"} and not file.read().revoked


async def test_a_running_process_hears_of_keys_and_revocations(
    file: TokenFile, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    callers = TokenCallers(access(), file)
    key, key_hash = make_key("k1")

    def role() -> Role | None:
        try:
            return callers.caller_of(f"Bearer {key}").role
        except Declined:
            return None

    following = asyncio.create_task(callers.keep_reading())
    try:
        assert role() is None
        file.add("k1", Issued(Role.OPERATOR, now_s(), None, key_hash), now_s())
        await eventually(lambda: role() is Role.OPERATOR)
        good = file.path.read_text()
        file.path.write_text("{")
        await eventually(lambda: "stay in force" in caplog.text)
        assert role() is Role.OPERATOR
        file.path.unlink()
        await eventually(lambda: "is gone" in caplog.text)
        assert role() is Role.OPERATOR
        file.path.write_text(good)
        file.revoke("k1")
        await eventually(lambda: role() is None)
    finally:
        following.cancel()
    assert key not in caplog.text


def test_a_key_is_kept_as_its_hash_and_ends_when_it_says(file: TokenFile) -> None:
    key, key_hash = make_key("k1")
    file.add("k1", Issued(Role.OPERATOR, 1000, 2000, key_hash), 1000)
    assert key not in file.path.read_text() and key.rpartition("_")[2] not in file.path.read_text()
    clock_s = 1999.0
    callers = TokenCallers(access(), file, lambda: clock_s)
    assert callers.caller_of(f"Bearer {key}").role is Role.OPERATOR
    for wrong in (key[:-1], key + "A", key.replace("k1", "k2")):
        with pytest.raises(Declined, match="none like it was made here"):
            callers.caller_of(f"Bearer {wrong}")
    clock_s = 2001.0
    with pytest.raises(Declined, match="it has expired"):
        callers.caller_of(f"Bearer {key}")
