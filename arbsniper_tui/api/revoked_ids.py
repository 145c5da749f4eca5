"""The ids of tokens and keys that count no more, in Redis, for all processes that answer from it. It holds ids alone:
no token, no hash, no secret.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

from arbsniper_tui.api.problems import Declined
from arbsniper_tui.api.redis_client import RedisKeys
from arbsniper_tui.api.token_file import KEPT_AFTER_END_S, LONGEST_DAYS, is_token_id
from arbsniper_tui.model.errors import RedisUnreachable, StateError
from arbsniper_tui.runtime.limited_log import LimitedLog
from arbsniper_tui.sinks.redis_keys import REVOKED_KEY

_log = logging.getLogger(__name__)
_troubles = LimitedLog(_log)

MOST_REVOKED = 4000
LOOK_EVERY_S = 0.5
STALE_AFTER_S = 3.0
"""What was read before that is not relied upon by a process that answers from Redis alone: meanwhile an id may have
been revoked."""
_DAY_S = 86400


class RevokedIds:
    """What one process knows of them: all that it has ever read and that has not ended, so that a Redis which comes
    back empty, or as an older copy, lets no one in. What is missing there it puts back."""

    def __init__(
        self,
        keys: RedisKeys,
        stale_after_s: float = STALE_AFTER_S,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`stale_after_s` is infinite for a process that goes on while Redis is away."""
        self._keys, self._stale_after_s = keys, stale_after_s
        self._clock, self._monotonic = clock, monotonic
        self._until_s: dict[str, float] = {}
        """By id, until when it is kept, since 1970."""
        self._read_s = -math.inf
        """When Redis was asked last of those times that it answered."""

    def holds(self, token_id: str) -> bool:
        """Whether this id counts no more. Raises Declined (503) while nobody knows."""
        if token_id in self._until_s:
            return True
        if self._monotonic() - self._read_s > self._stale_after_s:
            why = "Redis does not say which tokens were revoked: try again in a second"
            raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, why, {"Retry-After": "1"})
        return False

    async def keep_reading(self) -> None:
        """Follow Redis, for ever."""
        while True:
            try:
                await self.read()
            except (RedisUnreachable, StateError) as error:
                goes_on = math.isinf(self._stale_after_s)
                so = "what is revoked there meanwhile counts here" if goes_on else "no token counts meanwhile"
                _troubles.warn("read", f"{error}: the revoked ids cannot be read, and {so}")
            await asyncio.sleep(LOOK_EVERY_S)

    async def read(self) -> None:
        """Take in what Redis holds. Raises RedisUnreachable, and StateError for what is too much."""
        asked_s = self._monotonic()
        now_s = self._clock()
        most_s = _longest_s(now_s)
        stored = await read_revoked(self._keys)
        found = {each: min(until_s, most_s) for each, until_s in stored.items()}
        kept = {each: until_s for each, until_s in self._until_s.items() if until_s > max(now_s, found.get(each, 0.0))}
        if len(found | kept) > MOST_REVOKED:
            raise _too_many()
        self._until_s, self._read_s = found | kept, asked_s
        # By what stands there: `found` is less after the clock stepped back.
        lost = {each: until_s for each, until_s in kept.items() if until_s > stored.get(each, 0.0)}
        if not lost:
            return
        try:
            await _write(self._keys, lost, now_s)
            _log.warning("redis has lost %d revoked ids of tokens: they were put back", len(lost))
        except RedisUnreachable as error:
            # They count no more here all the same.
            _troubles.warn("write", f"{error}: {len(lost)} revoked ids of tokens are missing there")


async def read_revoked(keys: RedisKeys) -> dict[str, float]:
    """Until when each id is kept, since 1970. Raises RedisUnreachable, and StateError for more than there may be."""
    reply = await keys.ask("ZRANGE", REVOKED_KEY, 0, MOST_REVOKED, "WITHSCORES")
    if len(reply) > 2 * MOST_REVOKED:
        raise _too_many()
    texts = (each.decode(errors="replace") for each in reply[::2])
    found = {each: float(until_s) for each, until_s in zip(texts, reply[1::2], strict=True)}
    return {each: until_s for each, until_s in found.items() if is_token_id(each)}


async def revoke_in_redis(keys: RedisKeys, token_id: str, ends_s: int | None, now_s: float) -> None:
    """Let an id count no more wherever this Redis is read; `ends_s` is when its token ends, None for unknown or never.
    Raises RedisUnreachable, and StateError where there is no room."""
    await keys.ask("ZREMRANGEBYSCORE", REVOKED_KEY, "-inf", round(now_s))
    if len((await read_revoked(keys)).keys() | {token_id}) > MOST_REVOKED:
        raise _too_many()
    until_s = _longest_s(now_s) if ends_s is None else ends_s + KEPT_AFTER_END_S
    await _write(keys, {token_id: until_s}, now_s)


async def _write(keys: RedisKeys, until_s: Mapping[str, float], now_s: float) -> None:
    pairs: list[str | int] = []
    for token_id, until in until_s.items():
        pairs += math.ceil(until), token_id
    await keys.ask("ZADD", REVOKED_KEY, *pairs)
    await keys.ask("EXPIREAT", REVOKED_KEY, _longest_s(now_s))


def _longest_s(now_s: float) -> int:
    """Until when an id is kept at most that is written now, since 1970."""
    return math.ceil(now_s) + (LONGEST_DAYS + 1) * _DAY_S


def _too_many() -> StateError:
    return StateError(
        f"{REVOKED_KEY}: holds more than {MOST_REVOKED} ids, expected at most so many: make tokens for fewer days; "
        "another secret ends all that were made"
    )
