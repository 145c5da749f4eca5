"""Callers told by the tokens and keys that they show, and those that were revoked while this process runs."""

import asyncio
import logging
import time
from collections.abc import Callable

from arbsniper_tui.api.access import Access
from arbsniper_tui.api.caller import Caller, no_token
from arbsniper_tui.api.revoked_ids import RevokedIds
from arbsniper_tui.api.role import Role
from arbsniper_tui.api.token_file import TokenBook, TokenFile
from arbsniper_tui.api.tokens import KEY_PREFIX, read_key, read_token
from arbsniper_tui.model.errors import ArbsniperError, BadToken

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
_SCHEME = "bearer"
_EXPECTED = "expected Authorization: Bearer and a token, as `arbsniper-tui token create` prints it"
_ANYONE = Caller("anyone", Role.VIEWER)


class TokenCallers:
    """Those who show what counts by the settings and by the file of tokens, which `keep_reading` follows."""

    def __init__(
        self,
        access: Access,
        file: TokenFile | None,
        clock: Callable[[], float] = time.time,
        *,
        revoked: RevokedIds | None = None,
    ) -> None:
        """Reads the file; without one no key counts. What is `revoked` in Redis counts no more either. Raises
        StateError and FolderError."""
        self._access = access
        self._file = file
        self._clock = clock
        self._revoked = revoked
        self._version = file.version() if file else ()
        self._book = file.read() if file else TokenBook()

    def caller_of(self, credentials: str | None) -> Caller:
        """As Callers has it: a token that does not count is refused, also where none is needed."""
        if credentials is None:
            if self._access.needs_token:
                raise no_token(f"found no token, {_EXPECTED}")
            return _ANYONE
        scheme, _, shown = credentials.partition(" ")
        if scheme.lower() != _SCHEME or self._access.token_key is None:
            raise no_token(f"found something else, {_EXPECTED}")
        try:
            if shown.startswith(KEY_PREFIX):
                bearer = read_key(shown, self._book, self._clock())
            else:
                bearer = read_token(shown, self._access.token_key, self._access.audience, self._book)
        except BadToken as error:
            raise no_token(str(error)) from None
        if self._revoked is not None and self._revoked.holds(bearer.id):
            raise no_token("the token or key is refused: it was revoked")
        return Caller(bearer.name, bearer.role)

    async def keep_reading(self) -> None:
        """Follow the file, for ever. While it cannot be read, what it held before is in force."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self._file is None:
                continue
            # The disk may be slow: requests do not wait for it.
            version = await asyncio.to_thread(self._file.version)
            if version == self._version:
                continue
            self._version = version
            if not version:
                # Without it what was revoked would count again.
                _log.error(
                    "%s is gone; the tokens and revocations that were read before stay in force", self._file.path
                )
                continue
            try:
                self._book = await asyncio.to_thread(self._file.read)
            except ArbsniperError as error:
                _log.error("%s; the tokens and revocations that were read before stay in force", error)
