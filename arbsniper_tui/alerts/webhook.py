"""A signed POST of JSON. docs/alerts.md tells receivers what it holds and how to verify it."""

import hashlib
import hmac
import time
from collections.abc import Callable

import msgspec
from msgspec import Struct

from arbsniper_tui.alerts.alert import Alert, Message
from arbsniper_tui.alerts.delivery import Deliver, scrubbed
from arbsniper_tui.model.errors import NotDelivered, RestError
from arbsniper_tui.net.rest import fetch

WITHIN_S = 10.0
TIMESTAMP_HEADER = "X-Arbsniper-Timestamp"
SIGNATURE_HEADER = "X-Arbsniper-Signature"
_LARGEST_ANSWER = 64 << 10


class _Body(Struct, frozen=True):
    id: str
    title: str
    text: str
    count: int
    alerts: tuple[Alert, ...]
    v: int = 1


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """`sha256=` and the HMAC-SHA256 over timestamp, a dot and the body, in hex."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def webhook(url: str, secret: str, *, within_s: float = WITHIN_S, wall_s: Callable[[], float] = time.time) -> Deliver:
    """Posts to this URL. Each attempt is dated and signed anew, so that receivers can refuse what is old."""

    async def deliver(message: Message, message_id: str) -> None:
        body = msgspec.json.encode(_Body(message_id, message.title, message.text, message.count, message.alerts))
        timestamp = str(int(wall_s()))
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: signature(secret, timestamp, body),
        }
        try:
            await fetch(url, method="POST", body=body, headers=headers, within_s=within_s, largest=_LARGEST_ANSWER)
        except RestError as error:
            raise NotDelivered(scrubbed(str(error), url, secret)) from None

    return deliver
