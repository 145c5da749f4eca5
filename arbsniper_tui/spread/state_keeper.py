"""Writes what viewers decided to the user's state folder, from a thread: the deciding loop waits for no disk."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from arbsniper_tui.model.errors import ArbsniperError

_log = logging.getLogger(__name__)

_CLOSE_WITHIN_S = 0.3


class StateKeeper:
    """Keeps nothing until it is asked to."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[tuple[Callable[[], None], str] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.troubles: deque[str] = deque()
        """Why something was not kept. Whoever tells them removes them."""

    def put(self, write: Callable[[], None], what: str) -> None:
        """Have something written, soon, after all that was put before. `what` names it where that fails."""
        self._waiting.put((write, what))
        if self._thread is None:
            # A disk that hangs must not keep the process from ending.
            self._thread = threading.Thread(target=self._write_all, name="state", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what waits, if the disk takes it soon."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(_CLOSE_WITHIN_S)

    def _write_all(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            write, what = waiting
            try:
                write()
            except ArbsniperError as error:
                trouble = f"{what} holds for this run only: {error}"
                _log.warning("%s", trouble)
                self.troubles.append(trouble)
