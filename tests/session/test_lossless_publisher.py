"""A replay's publisher waits for its reader, and the reader's own questions are answered meanwhile."""

import threading
from collections.abc import Callable
from pathlib import Path

import zmq

from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import EVENT_TOPIC, HELD_FOR_A_VIEWER
from arbsniper_tui.wire.publisher import Publisher
from arbsniper_tui.wire.viewing import Subscription

MORE_THAN_FITS = 5 * HELD_FOR_A_VIEWER


class Press:
    """Publishes numbers from a thread of its own, as far as the reader lets it."""

    def __init__(self, folder: Path) -> None:
        self.waits = 0
        self.must_stop = False
        self.published = 0
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.reader = Subscription(self._context, Endpoints(folder), EVENT_TOPIC)
        self._publisher = Publisher(self._context, Endpoints(folder), is_lossless=True, while_behind=self._wait)
        self._thread = threading.Thread(target=self._run)

    def _wait(self) -> bool:
        self.waits += 1
        return not self.must_stop

    def _run(self) -> None:
        while self.published < MORE_THAN_FITS and not self.must_stop:
            # So long that sockets hold few of them.
            self._publisher.publish(EVENT_TOPIC, b"%-1000d" % self.published)
            self.published += 1

    def start(self, wait_until: Callable[..., None]) -> None:
        def is_subscribed() -> bool:
            self._publisher.publish(EVENT_TOPIC, b"-1")
            return self.reader.receive() is not None

        wait_until(is_subscribed)
        self._thread.start()

    def close(self) -> None:
        self.must_stop = True
        self._thread.join()
        self._publisher.close()
        self.reader.close()
        self._context.term()


def test_nothing_is_lost_however_long_the_reader_takes(short_folder: Path, wait_until: Callable[..., None]) -> None:
    press = Press(short_folder)
    heard: list[int] = []

    def hear() -> bool:
        while (received := press.reader.receive()) is not None:
            heard.append(int(received[1]))
        return MORE_THAN_FITS - 1 in heard[-1:]

    try:
        press.start(wait_until)
        wait_until(lambda: press.waits >= 3)
        assert press.published < MORE_THAN_FITS
        wait_until(hear)
    finally:
        press.close()
    assert [number for number in heard if number >= 0] == list(range(MORE_THAN_FITS))


def test_a_publisher_that_must_stop_waits_no_more(short_folder: Path, wait_until: Callable[..., None]) -> None:
    press = Press(short_folder)
    try:
        press.start(wait_until)
        wait_until(lambda: press.waits >= 3)
    finally:
        press.close()
    assert press.published < MORE_THAN_FITS
