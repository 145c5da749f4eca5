"""Brings messages to one target, again and again until it takes them; what it cannot bring is counted."""

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Callable
from uuid import uuid4

from arbsniper_tui.alerts.alert import Message
from arbsniper_tui.alerts.delivery import Deliver
from arbsniper_tui.model.errors import NotDelivered
from arbsniper_tui.net.backoff import delays_s

MOST_WAITING = 100
GIVE_UP_AFTER_S = 600.0

_log = logging.getLogger(__name__)


class Sender:
    """A queue and the one task that empties it. Times are seconds of a clock that does not step."""

    def __init__(
        self,
        name: str,
        deliver: Deliver,
        *,
        first_delay_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._deliver = deliver
        self._first_delay_s = first_delay_s
        self._clock = clock
        self._waiting: deque[tuple[Message, str, float]] = deque()
        """Each with its id, and when it came."""
        self._has_come = asyncio.Event()
        self.sent = 0
        self.lost = 0
        """Messages that were too many, or that the target refused for too long."""
        self.failure = ""
        """Why the last attempt failed; empty when it did not."""

    def put(self, message: Message) -> None:
        """Take a message; an old one is given up where there are too many."""
        if len(self._waiting) >= MOST_WAITING:
            del self._waiting[1]  # the first may be on its way
            self.lost += 1
        self._waiting.append((message, uuid4().hex, self._clock()))
        self._has_come.set()

    @property
    def words(self) -> str:
        """How it stands, for a person: `phone 12 sent, 3 waiting: HTTP 500`."""
        parts = [f"{self.name} {self.sent} sent"]
        parts += [f"{len(self._waiting)} waiting"] if self._waiting else []
        parts += [f"{self.lost} lost"] if self.lost else []
        return ", ".join(parts) + (f": {self.failure}" if self.failure else "")

    async def run(self) -> None:
        """Send what comes, for ever."""
        while True:
            self._has_come.clear()
            while self._waiting:
                await self._send_first()
            await self._has_come.wait()

    async def _send_first(self) -> None:
        message, message_id, came_s = self._waiting[0]
        for delay_s in delays_s(random.Random(), self._first_delay_s):
            failure = await self._try(message, message_id)
            if not failure:
                self.sent += 1
                break
            if self._clock() - came_s > GIVE_UP_AFTER_S:
                self.lost += 1
                break
            await asyncio.sleep(delay_s)
        self._waiting.popleft()

    async def _try(self, message: Message, message_id: str) -> str:
        """Why it did not go; empty when it did. A change from one to the other stands in the log."""
        try:
            await self._deliver(message, message_id)
            failure = ""
        except NotDelivered as error:
            failure = str(error)
        if failure and not self.failure:
            _log.warning("alerts to %s are not taken, and are sent again later: %s", self.name, failure)
        elif self.failure and not failure:
            _log.info("alerts to %s are taken again", self.name)
        self.failure = failure
        return failure
