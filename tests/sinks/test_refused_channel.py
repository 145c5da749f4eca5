"""A real server whose user may write everything but the channel of signals: nothing is lost unseen."""

from collections.abc import Callable
from typing import Any

from redis_server import RedisServer

from .conftest import MS, LiveSink

SIGNALS = 20


def test_signals_that_the_channel_refuses_until_they_are_old_are_counted(
    server: RedisServer, client: Any, open_sink: Callable[[str], LiveSink]
) -> None:
    rights = ("~*", "+@all", "resetchannels", "&arbitrage:events")
    client.execute_command("ACL", "SETUSER", "writer", "on", ">secret", *rights)
    live = open_sink(f"redis://writer:secret@127.0.0.1:{server.port}/0")
    live.pump_until_state("up")
    for _ in range(SIGNALS):
        live.signal()
    live.pump_until_state("refusing")
    live.pump_until(lambda: client.zcard("signals:history") == SIGNALS)
    live.forward_ns += 6000 * MS
    live.pump_until(lambda: live.sink.health().waiting == 0 and "refused" in live.sink.health().detail)
    health = live.sink.health()
    assert "arbitrage:signals refused: NOPERM" in health.detail
    assert health.detail.endswith(f", {SIGNALS} not announced")
    assert health.lost == 0
