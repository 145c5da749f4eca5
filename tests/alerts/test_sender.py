"""One target's queue: tried again until it is taken, bounded, and given up in the end."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from alert_stage import make_alert
from http_target import http_target

from arbsniper_tui.alerts.alert import Message, message_of
from arbsniper_tui.alerts.sender import GIVE_UP_AFTER_S, MOST_WAITING, Sender
from arbsniper_tui.alerts.webhook import webhook
from arbsniper_tui.model.errors import NotDelivered

Eventually = Callable[..., Awaitable[object]]


async def test_a_message_is_sent_again_under_the_same_id_until_it_is_taken(eventually: Eventually) -> None:
    with http_target(500, 503, 200) as server:
        sender = Sender("hook", webhook(f"http://127.0.0.1:{server.port}/", "secret"), first_delay_s=0.001)
        task = asyncio.create_task(sender.run())
        sender.put(message_of(make_alert()))
        await eventually(lambda: sender.sent == 1)
        task.cancel()
        bodies = [each.body for each in server.received]
    assert len(bodies) == 3 and len(set(bodies)) == 1
    assert sender.words == "hook 1 sent"


class Scripted:
    """Takes messages, refuses them, or keeps them waiting, as it is told."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.tries = 0
        self.refuses = ""
        self.waits_for: asyncio.Event | None = None

    async def __call__(self, message: Message, message_id: str) -> None:
        self.tries += 1
        if self.waits_for is not None:
            await self.waits_for.wait()
        if self.refuses:
            raise NotDelivered(self.refuses)
        self.taken.append(message.title)


async def test_a_target_that_hangs_holds_up_a_bounded_number_and_the_newest_stay(eventually: Eventually) -> None:
    target = Scripted()
    target.waits_for = asyncio.Event()
    sender = Sender("phone", target)
    task = asyncio.create_task(sender.run())
    sender.put(message_of(make_alert(0)))
    await eventually(lambda: target.tries == 1)
    for number in range(1, MOST_WAITING + 51):
        sender.put(message_of(make_alert(number)))
    assert sender.words == f"phone 0 sent, {MOST_WAITING} waiting, 51 lost"
    target.waits_for.set()
    await eventually(lambda: sender.sent == MOST_WAITING)
    task.cancel()
    numbers = [int(title.split()[-1]) for title in target.taken]
    assert numbers == [0, *range(52, MOST_WAITING + 51)]


async def test_what_is_refused_for_too_long_is_counted_as_lost_and_the_next_goes(eventually: Eventually) -> None:
    target, now_s = Scripted(), [0.0]
    target.refuses = "HTTP 401"
    sender = Sender("hook", target, first_delay_s=0.001, clock=lambda: now_s[0])
    task = asyncio.create_task(sender.run())
    sender.put(message_of(make_alert(1)))
    await eventually(lambda: target.tries >= 3)
    assert sender.words == "hook 0 sent, 1 waiting: HTTP 401"
    now_s[0] = GIVE_UP_AFTER_S + 1
    await eventually(lambda: sender.lost == 1)
    target.refuses = ""
    sender.put(message_of(make_alert(2)))
    await eventually(lambda: sender.sent == 1)
    task.cancel()
    assert target.taken == ["big: title 2"] and sender.words == "hook 1 sent, 1 lost"


async def test_the_log_says_once_that_a_target_fails_and_once_that_it_takes_again(
    eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    target = Scripted()
    target.refuses = "HTTP 500"
    sender = Sender("hook", target, first_delay_s=0.001)
    task = asyncio.create_task(sender.run())
    sender.put(message_of(make_alert(1)))
    await eventually(lambda: target.tries >= 3)
    target.refuses = ""
    await eventually(lambda: sender.sent == 1)
    task.cancel()
    assert [record.getMessage() for record in caplog.records if "alerts to" in record.getMessage()] == [
        "alerts to hook are not taken, and are sent again later: HTTP 500",
        "alerts to hook are taken again",
    ]
