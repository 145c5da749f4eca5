"""A node in a thread of its own, beside a front end: nothing that draws can hold up its workers, nor its end."""

import logging
import threading
from concurrent.futures import Future

from arbsniper_tui.node.node import Node
from arbsniper_tui.wire.endpoints import Endpoints

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.2


class NodeThread:
    """Starts a node, looks after it and stops it, all in one thread.

    On Linux the node's Redis dies with the thread that started it, and a worker that is started again must not inherit
    the low priority of a thread that draws.
    """

    def __init__(self, node: Node) -> None:
        self.fault: str | None = None
        """Why the node cannot go on."""
        self._node = node
        self._stopping = threading.Event()
        self._started: Future[Endpoints] = Future()
        self._thread = threading.Thread(target=self._run, name="node", daemon=True)

    def start(self) -> Endpoints:
        """Start the node. Raises what Node.start raises."""
        self._thread.start()
        return self._started.result()

    def stop(self) -> None:
        """Stop the node, and wait until it has stopped."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._started.set_result(self._node.start())
        except BaseException as error:  # noqa: BLE001 - handed on to the caller of start()
            self._started.set_exception(error)
            return
        try:
            while self.fault is None and not self._stopping.wait(_LOOK_EVERY_S):
                self.fault = self._node.supervise()
        except Exception:  # noqa: BLE001 - the thread's boundary: shown as a node that cannot go on
            _log.exception("the node cannot be looked after")
            self.fault = "a fault of the program: see the log"
        finally:
            self._node.stop()
