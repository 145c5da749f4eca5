"""Mail, chats and phones, through the library apprise: in threads of their own, because it waits."""

import asyncio
import threading
from collections.abc import Callable

from arbsniper_tui.alerts.alert import Message
from arbsniper_tui.alerts.delivery import Deliver, scrubbed
from arbsniper_tui.model.errors import NotDelivered

WITHIN_S = 30.0
MOST_THREADS = 4
"""Of one target, such as have not come back."""

Notify = Callable[[str, str], str]
"""Takes title and text, and waits until they are sent; returns why they are not, or an empty text."""


def service(url: str, *, within_s: float = WITHIN_S, notify: Notify | None = None) -> Deliver:
    """Sends to what apprise makes of this URL, or by `notify`."""
    send = notify or _apprise(url)
    running = 0

    async def deliver(message: Message, message_id: str) -> None:
        nonlocal running
        if running >= MOST_THREADS:
            raise NotDelivered(f"{running} earlier messages are still being sent")
        loop = asyncio.get_running_loop()
        sent: asyncio.Future[str] = loop.create_future()

        def tell(why: str) -> None:
            nonlocal running
            running -= 1
            if not sent.done():
                sent.set_result(why)

        def work() -> None:
            try:
                why = send(message.title, message.text)
            except Exception as error:  # noqa: BLE001  # the thread's boundary: told as the reason of the failure
                why = f"{type(error).__name__}: {error}"
            if not loop.is_closed():
                loop.call_soon_threadsafe(tell, why)

        running += 1
        threading.Thread(target=work, name="alert", daemon=True).start()
        try:
            why = await asyncio.wait_for(sent, within_s)
        except TimeoutError:
            raise NotDelivered(f"not sent within {within_s:g} s") from None
        if why:
            raise NotDelivered(scrubbed(why, url))

    return deliver


def _apprise(url: str) -> Notify:
    def notify(title: str, text: str) -> str:
        # Loading it takes 0.2 s, for which no event may wait.
        from apprise import Apprise

        sender = Apprise()
        if not sender.add(url):
            return "apprise does not understand the url: see its list of services"
        result = sender.notify(body=text, title=title)
        return "" if result else "; ".join(entry.message for entry in result.logs()) or "apprise says no more"

    return notify
