"""`token`: tokens and keys of the API made, listed and revoked: in the state folder of the settings' node, and in Redis
where one is named.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

from arbsniper_tui.api.access import TokenKey, audience_of, node_name, token_key_of
from arbsniper_tui.api.redis_client import RedisKeys
from arbsniper_tui.api.revoked_ids import read_revoked, revoke_in_redis
from arbsniper_tui.api.role import Role
from arbsniper_tui.api.token_file import Issued, TokenFile
from arbsniper_tui.api.tokens import end_s, make_key, make_token, new_id
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.model.errors import RedisUnreachable, StateError, UsageError
from arbsniper_tui.model.redis_url import RedisUrl
from arbsniper_tui.runtime.state_folder import StateFolder

T = TypeVar("T")

USUAL_DAYS = 30


def create_token(settings: Settings, role: Role, days: int | None, signing_key: Path | None) -> tuple[str, str]:
    """A token, and what is to be said of it. `signing_key` is a file with the private key of `[api] public_key_file`.
    Raises UsageError where the two do not fit, StateError and FolderError."""
    folder = _folder(settings)
    key = token_key_of(settings, folder)
    signed_with = _signed_with(key, signing_key)
    token_id, audience, made_s = new_id(), audience_of(settings), int(time.time())
    issued = Issued(role, made_s, end_s(made_s, days or USUAL_DAYS))
    token = make_token(key, signed_with, audience, token_id, issued)
    TokenFile(folder).add(token_id, issued, made_s)
    return token, f"token {token_id}: {_words(issued)}, for the audience {audience}"


def create_key(settings: Settings, role: Role, days: int | None) -> tuple[str, str]:
    """A static key, and what is to be said of it. Raises StateError and FolderError."""
    key_id, made_s = new_id(), int(time.time())
    key, key_hash = make_key(key_id)
    issued = Issued(role, made_s, end_s(made_s, days) if days else None, key_hash)
    file = TokenFile(_folder(settings))
    file.add(key_id, issued, made_s)
    return key, f"key {key_id}: {_words(issued)}, for nodes named {node_name(settings)}; its hash is in {file.path}"


def listed(settings: Settings, redis: RedisUrl | None) -> Iterator[str]:
    """A line for each token and key that was made and has not ended, and for each other id that is revoked, here or in
    this Redis. Raises StateError, FolderError and RedisUnreachable."""
    book = TokenFile(_folder(settings)).read()
    all_revoked = book.revoked | (_with_redis(redis, read_revoked) if redis else {}).keys()
    now_s = time.time()
    for token_id, issued in sorted(book.issued.items(), key=lambda one: one[1].made_s):
        if issued.ends_s is None or issued.ends_s > now_s:
            kind = "key" if issued.key_hash else "token"
            revoked = ", revoked" if token_id in all_revoked else ""
            yield f"{token_id}  {kind:<5}  {_words(issued)}, made {_day(issued.made_s)}{revoked}"
    for token_id in sorted(all_revoked - book.issued.keys()):
        yield f"{token_id}  made elsewhere, revoked"


def revoke(settings: Settings, token_id: str, redis: RedisUrl | None) -> str:
    """Let an id count no more, here and wherever this Redis is read; returns what was done. Raises UsageError for what
    cannot be an id, StateError, FolderError and RedisUnreachable."""
    issued = TokenFile(_folder(settings)).revoke(token_id)
    where = f" for nodes named {node_name(settings)}"
    if redis is not None:
        ends_s = issued.ends_s if issued else None
        try:
            _with_redis(redis, lambda keys: revoke_in_redis(keys, token_id, ends_s, time.time()))
        except (RedisUnreachable, StateError) as error:
            done = f"{token_id} was revoked{where} alone"
            raise type(error)(
                f"{error}: {done}, elsewhere it still counts: revoke it again when Redis answers"
            ) from error
        where += f" and at {redis.shown}"
    if issued is None:
        return f"{token_id}: revoked{where}; no token of this id was made here, `token list` shows those that were"
    return f"{token_id}: revoked{where}; it was {_words(issued)}"


def _with_redis(redis: RedisUrl, do: Callable[[RedisKeys], Awaitable[T]]) -> T:
    """Raises what `do` raises."""

    async def done() -> T:
        keys = RedisKeys(redis)
        try:
            return await do(keys)
        finally:
            await keys.close()

    return asyncio.run(done())


def _folder(settings: Settings) -> StateFolder:
    return StateFolder(node_name(settings))


def _signed_with(key: TokenKey, file: Path | None) -> str:
    if key.algorithm == "HS256":
        if file is not None:
            raise UsageError("--signing-key: expected [api] public_key_file beside it; tokens are signed with a secret")
        return key.text
    if file is None:
        raise UsageError("--signing-key: found none, expected the private key of [api] public_key_file, as PEM")
    try:
        return file.read_text()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"--signing-key {file}: cannot be read ({why}), expected a private key as PEM") from None


def _words(issued: Issued) -> str:
    until = "without an end" if issued.ends_s is None else f"until {_day(issued.ends_s)}"
    return f"{issued.role} {until}"


def _day(time_s: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(time_s))
