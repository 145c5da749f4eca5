"""Connections that sit there: none of them keeps others from being answered."""

import socket
from contextlib import ExitStack
from typing import Any

from api_stage import ApiStage

from arbsniper_tui.api.crowd import MOST_CONNECTIONS, SILENT_S, Crowd


class FakeConnection:
    """A connection of the server: `cycle` changes with each request."""

    def __init__(self, open_ones: set[Any]) -> None:
        self.cycle: object = None
        self.transport = self
        self._open_ones = open_ones
        open_ones.add(self)

    def abort(self) -> None:
        self._open_ones.discard(self)


def test_a_connection_that_begins_no_request_is_closed_in_time() -> None:
    now_s = 100.0
    crowd = Crowd(lambda: now_s)
    open_ones: set[Any] = set()
    silent, asking = FakeConnection(open_ones), FakeConnection(open_ones)
    crowd.watch(open_ones)
    for _ in range(round(SILENT_S) + 1):
        asking.cycle = object()
        crowd.sweep()
        assert open_ones == {silent, asking}
        now_s += 1.0
    asking.cycle = object()
    crowd.sweep()
    assert open_ones == {asking}


def test_of_too_many_the_most_silent_are_closed() -> None:
    now_s = 0.0
    crowd = Crowd(lambda: now_s)
    open_ones: set[Any] = set()
    crowd.watch(open_ones)
    first = [FakeConnection(open_ones) for _ in range(MOST_CONNECTIONS)]
    crowd.sweep()
    assert len(open_ones) == MOST_CONNECTIONS and not crowd.is_too_large
    now_s = 1.0
    second = [FakeConnection(open_ones) for _ in range(10)]
    assert crowd.is_too_large
    crowd.sweep()
    assert len(open_ones) == MOST_CONNECTIONS and open_ones > set(second)
    assert sum(each not in open_ones for each in first) == 10


def test_a_crowd_of_idle_connections_keeps_nobody_from_being_answered(quoting: ApiStage) -> None:
    url = quoting.client.base_url
    with ExitStack() as stack:
        for _ in range(MOST_CONNECTIONS + 100):
            here = url.host, url.port or 0
            stack.enter_context(socket.create_connection(here, source_address=("127.0.0.2", 0)))
        quoting.get("/v1/prices")


def test_clients_that_never_read_keep_nobody_from_being_answered(quoting: ApiStage) -> None:
    url = quoting.client.base_url
    request = b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(socket.create_connection((url.host, url.port or 0)))
            connection.sendall(100 * request)
        for _ in range(20):
            quoting.get("/v1/prices")
    assert len(quoting.node.pids("api")) == 1
