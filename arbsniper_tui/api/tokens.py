"""Tokens (JWT) and keys: made once and printed, and told from forged ones by what they show."""

import secrets
from hashlib import sha256
from hmac import compare_digest

import jwt
import msgspec
from msgspec import Struct

from arbsniper_tui.api.access import TokenKey
from arbsniper_tui.api.role import Role
from arbsniper_tui.api.token_file import Issued, TokenBook
from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.model.errors import BadToken, UsageError

KEY_PREFIX = "arbkey_"
CLAIMS = ("sub", "role", "aud", "nbf", "exp", "jti")
"""Those that a token has to have."""
LEEWAY_S = 5
"""How far the clocks of who makes a token and who checks it may lie apart."""
_DAY_S = 86400
_UNREADABLE = (jwt.PyJWTError, msgspec.ValidationError, ValueError, TypeError, OverflowError, RecursionError)
"""What the library raises for bytes from strangers: its decoder of JSON lets some errors through."""


class Bearer(Struct, frozen=True):
    """Who shows a token or a key."""

    id: str
    name: str
    role: Role


class _Claims(Struct, frozen=True):
    sub: str
    role: Role
    jti: str


def new_id() -> str:
    return secrets.token_hex(8)


def make_token(key: TokenKey, signing_key: str, audience: str, token_id: str, issued: Issued) -> str:
    """A JWT; `signing_key` is the secret, or the private key as PEM. Raises UsageError for a key that is none, or not
    that of the public key."""
    claims = {
        "sub": f"token {token_id}",
        "role": issued.role,
        "aud": audience,
        "iat": issued.made_s,
        "nbf": issued.made_s,
        "exp": issued.ends_s,
        "jti": token_id,
    }
    try:
        token = jwt.encode(claims, signing_key, algorithm=key.algorithm)
        jwt.decode(token, key.text, algorithms=[key.algorithm], audience=audience, options={"verify_nbf": False})
    except (*_UNREADABLE, AttributeError) as error:  # the library asks a public key to sign
        raise UsageError(f"no token can be signed with this key: {clean_text(str(error))}") from None
    return token


def read_token(token: str, key: TokenKey, audience: str, book: TokenBook) -> Bearer:
    """Who shows this token. Raises BadToken."""
    try:
        payload = jwt.decode(
            token,
            key.text,
            algorithms=[key.algorithm],
            audience=audience,
            leeway=LEEWAY_S,
            options={"require": list(CLAIMS), "strict_aud": True},
        )
        claims = msgspec.convert(payload, _Claims)
    except _UNREADABLE as error:
        raise BadToken(f"the token is refused: {error}") from None
    if claims.jti in book.revoked:
        raise BadToken("the token is refused: it was revoked")
    return Bearer(claims.jti, clean_text(claims.sub), claims.role)


def make_key(key_id: str) -> tuple[str, str]:
    """A static key, and its hash, which is all that is kept of it."""
    key = f"{KEY_PREFIX}{key_id}_{secrets.token_urlsafe(32)}"
    return key, _hash_of(key)


def read_key(key: str, book: TokenBook, now_s: float) -> Bearer:
    """Who shows this key. Raises BadToken."""
    key_id = key.removeprefix(KEY_PREFIX).partition("_")[0]
    issued = book.issued.get(key_id)
    if issued is None or not compare_digest(_hash_of(key), issued.key_hash):
        raise BadToken("the key is refused: none like it was made here")
    if key_id in book.revoked:
        raise BadToken("the key is refused: it was revoked")
    if issued.ends_s is not None and issued.ends_s < now_s:
        raise BadToken("the key is refused: it has expired")
    return Bearer(key_id, f"key {key_id}", issued.role)


def _hash_of(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def end_s(made_s: int, days: int) -> int:
    return made_s + days * _DAY_S
