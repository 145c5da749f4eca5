"""The library apprise against a real server, and in threads that may never come back."""

import asyncio
import json
import threading
from contextlib import suppress

import pytest
from alert_stage import make_alert
from http_target import http_target

from arbsniper_tui.alerts.alert import message_of
from arbsniper_tui.alerts.service import MOST_THREADS, service
from arbsniper_tui.model.errors import NotDelivered

MESSAGE = message_of(make_alert())


async def test_apprise_brings_title_and_text() -> None:
    with http_target(200) as server:
        await service(f"json://127.0.0.1:{server.port}/path")(MESSAGE, "1")
        (received,) = server.received
    body = json.loads(received.body)
    assert (body["title"], body["message"]) == ("big: title 1", "text 1")


async def test_a_server_that_refuses_is_named_without_the_address() -> None:
    with http_target(500) as server, pytest.raises(NotDelivered, match="error") as raised:
        await service(f"json://127.0.0.1:{server.port}/abcd-token")(MESSAGE, "1")
    assert "abcd-token" not in str(raised.value)


async def test_a_url_that_apprise_does_not_know_is_said_to_be_so() -> None:
    with pytest.raises(NotDelivered, match="does not understand"):
        await service("tgram://x")(MESSAGE, "1")


async def test_calls_that_hang_are_given_up_and_are_no_more_than_a_few(eventually) -> None:  # type: ignore[no-untyped-def]  # a fixture
    goes_on, calls = threading.Event(), []

    def hang(title: str, text: str) -> str:
        calls.append(title)
        goes_on.wait()
        return ""

    deliver = service("x://y", within_s=0.01, notify=hang)
    try:
        for _ in range(MOST_THREADS):
            with pytest.raises(NotDelivered, match="not sent within 0.01 s"):
                await deliver(MESSAGE, "1")
        with pytest.raises(NotDelivered, match="4 earlier messages are still being sent"):
            await deliver(MESSAGE, "1")
        await eventually(lambda: len(calls) == MOST_THREADS)
    finally:
        goes_on.set()
    # Once they have come back, there is room for others.
    while len(calls) <= MOST_THREADS:
        with suppress(NotDelivered):
            await deliver(MESSAGE, "1")
        await asyncio.sleep(0)


async def test_a_fault_of_the_library_is_a_failure_to_deliver() -> None:
    def fail(title: str, text: str) -> str:
        raise ValueError("no such chat: abcd-token")

    with pytest.raises(NotDelivered, match=r"ValueError: no such chat: \*\*\*"):
        await service("tgram://abcd-token/1", notify=fail)(MESSAGE, "1")
