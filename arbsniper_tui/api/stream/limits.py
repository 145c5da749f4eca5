"""How much of the API one client, and all together, may take."""

from msgspec import Struct


class Limits(Struct, frozen=True):
    """The limits of /v1/stream."""

    clients: int = 300
    """Connections at the same time."""
    subscriptions: int = 20
    """Of one connection."""
    topics: int = 300
    """Different subscriptions of all connections together: each is worked out and encoded by itself."""
    authenticate_within_s: float = 10.0
    """A client without a token may stay so long."""
    idle_s: float = 30.0
    """A client without any subscription may stay so long."""
    unread_s: float = 10.0
    """So long the client may leave the API's buffer full."""
    closed_within_s: float = 2.0
    """So long a client may take to read why it is closed."""
    check_callers_every_s: float = 10.0
    """Whether their tokens are still valid."""


STREAM_LIMITS = Limits()
MESSAGE_BYTES = 8 * 1024
"""The largest message that is read of a client."""
SEND_BUFFER_BYTES = 128 * 1024
"""What the system holds for one client. More would make it read old states for longer, and cost memory."""
PING_EVERY_S = 20.0
ANSWER_PING_WITHIN_S = 20.0
"""A client that does not is closed with 1011."""
MESSAGES_AT_ONCE = 50
"""From then on, a client's messages are read at the pace below; a client that sends more in one piece is closed."""
MESSAGE_EVERY_S = 0.2
