"""The sink that writes to a Redis Cluster: to the channels over a link of its own, to keys by way of the relay."""

import time
from collections.abc import Sequence

from msgspec.structs import replace

from arbsniper_tui.model.health import RedisHealth, RedisState
from arbsniper_tui.sinks.connect import connect_in_background
from arbsniper_tui.sinks.redis_sink import RedisSink
from arbsniper_tui.sinks.sink import PastEvent

_WORST_FIRST = (
    RedisState.OFF,
    RedisState.AWAY,
    RedisState.CONNECTING,
    RedisState.HUNG,
    RedisState.REFUSING,
    RedisState.UP,
)


class ClusterSink:
    """A `Sink` that writes to a Redis Cluster.

    What one master of a Cluster is told on a channel is heard at all of them: so the channels need any master that
    answers, while another is replaced. A key has one master; the relay, a process of its own, finds it.
    """

    announces = True

    def __init__(self, url: str, relay: str, *, source: str, max_signal_age_ms: float) -> None:
        """`relay` is the URL at which the relay listens; `source` as RedisSink has it."""
        self._channels = RedisSink(url, source=source, max_signal_age_ms=max_signal_age_ms, stores=False)
        self._keys = RedisSink(
            url,
            source=source,
            max_signal_age_ms=max_signal_age_ms,
            publishes=False,
            connect=lambda _: connect_in_background(relay),
        )

    def announce(self, payload: bytes, timestamp_ms: int, now_ns: int) -> bool:
        """Publish a signal at once. Its history entry follows with the next flush."""
        has_left = self._channels.announce(payload, timestamp_ms, now_ns)
        self._keys.announce(payload, timestamp_ms, now_ns)
        return has_left

    def change_max_signal_age(self, max_age_ms: float) -> None:
        """Announce what waits only while it is younger than this."""
        self._channels.change_max_signal_age(max_age_ms)

    def append_event(self, payload: bytes, event: str, now_ns: int) -> None:
        """Take an event for the channel and the stream."""
        self._channels.append_event(payload, event, now_ns)
        self._keys.append_event(payload, event, now_ns)

    def send_again(self, events: Sequence[PastEvent]) -> None:
        """Take the events of a process before this one, which had published what it stored."""
        self._channels.send_again([each for each in events if not each.is_stored])
        self._keys.send_again(events)

    @property
    def unconfirmed(self) -> int:
        return self._keys.unconfirmed

    @property
    def events_lost(self) -> int:
        return self._keys.events_lost

    @property
    def takes_prices(self) -> bool:
        return self._keys.takes_prices

    def store_price(self, exchange: str, symbol: str, payload: bytes, now_ns: int) -> None:
        """Take a price for its key."""
        self._keys.store_price(exchange, symbol, payload, now_ns)

    def store_node(self, node: str, payload: bytes, now_ns: int) -> None:
        """Take a node's word for its key."""
        self._keys.store_node(node, payload, now_ns)

    def flush(self) -> None:
        """Write what waits, first to the channels."""
        self._channels.flush()
        self._keys.flush()

    def pump(self, now_ns: int) -> None:
        """Read replies, reconnect, and flush."""
        self._channels.pump(now_ns)
        self._keys.pump(now_ns)

    def health(self) -> RedisHealth:
        """The worse of both states, and what is wrong with either."""
        channels, keys = self._channels.health(), self._keys.health()
        faults = (("channels", channels.detail), ("keys", keys.detail))
        return replace(
            keys,
            state=min(channels.state, keys.state, key=_WORST_FIRST.index),
            detail="; ".join(f"{what}: {detail}" for what, detail in faults if detail),
            waiting=max(channels.waiting, keys.waiting),
            rtt_ms=channels.rtt_ms,
        )

    def close(self, timeout_s: float) -> None:
        """Deliver what waits, for at most `timeout_s` in all, and close."""
        until_s = time.monotonic() + timeout_s
        self._channels.close(timeout_s / 2)
        self._keys.close(max(0.0, until_s - time.monotonic()))
