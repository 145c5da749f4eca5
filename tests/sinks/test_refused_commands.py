"""A real server that refuses commands: what it refused is kept and tried again, and what it takes goes on at once."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest
import redis
from redis_server import RedisServer
from waiting import DEADLINE_S, wait_until

from arbsniper_tui.sinks.redis_binary import RedisBinary

from .conftest import LiveSink

OpenSink = Callable[[str], LiveSink]


class Refusal(NamedTuple):
    """How a server is made to refuse writes, and to take them again."""

    begin: Callable[[Any], object]
    end: Callable[[Any], object]
    options: tuple[str, ...] = ()


def commands(*lines: str) -> Callable[[Any], object]:
    return lambda client: [client.execute_command(*line.split()) for line in lines]


def fail_to_save(client: Any) -> None:
    client.config_set("save", "3600 1")
    shutil.rmtree(client.config_get("dir")["dir"])
    client.bgsave()
    while client.info("persistence")["rdb_bgsave_in_progress"]:
        pass


REFUSALS = {
    "OOM": Refusal(commands("CONFIG SET maxmemory 1"), commands("CONFIG SET maxmemory 0")),
    "READONLY": Refusal(commands("REPLICAOF 127.0.0.1 1"), commands("REPLICAOF NO ONE")),
    "NOREPLICAS": Refusal(
        commands("CONFIG SET min-replicas-to-write 1"), commands("CONFIG SET min-replicas-to-write 0")
    ),
    "NOPERM": Refusal(
        commands("ACL SETUSER default -zadd -xadd -set"), commands("ACL SETUSER default +zadd +xadd +set")
    ),
    "MISCONF": Refusal(fail_to_save, commands("CONFIG SET stop-writes-on-bgsave-error no")),
    "CLUSTERDOWN": Refusal(
        lambda client: None,  # it begins without slots
        commands("CLUSTER ADDSLOTS " + " ".join(map(str, range(16384)))),
        ("--cluster-enabled", "yes"),
    ),
}


@pytest.fixture
def code() -> str:
    """The error code that the server is to answer with; most tests need no other than this."""
    return "OOM"


@pytest.fixture
def refusal(code: str) -> Refusal:
    return REFUSALS[code]


@pytest.fixture
def server(redis_binary: RedisBinary, tmp_path: Path, refusal: Refusal) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", *refusal.options)
    server.start()
    yield server
    server.stop()


class Heard:
    """What a subscriber has heard, by channel, in order."""

    def __init__(self, client: Any) -> None:
        self._subscriber = client.pubsub(ignore_subscribe_messages=True)
        self._subscriber.subscribe("arbitrage:signals", "arbitrage:events")
        wait_until(lambda: client.pubsub_numsub("arbitrage:events")[0][1])
        self.signals: list[bytes] = []
        self.events: list[bytes] = []

    def until(self, condition: Callable[[], bool]) -> None:
        wait_until(condition, lambda: (self.signals, self.events), between=self._listen)

    def _listen(self) -> None:
        if message := self._subscriber.get_message(timeout=0.05):
            (self.signals if message["channel"] == b"arbitrage:signals" else self.events).append(message["data"])

    def close(self) -> None:
        self._subscriber.close()


@pytest.fixture
def heard(client: Any) -> Iterator[Heard]:
    heard = Heard(client)
    yield heard
    heard.close()


def streamed(client: Any) -> list[bytes]:
    return [fields[b"json"] for _, fields in client.xrange("arbitrage:stream")]


@pytest.mark.parametrize("code", REFUSALS)
def test_refused_writes_are_kept_while_signals_go_on_being_announced(
    refusal: Refusal, code: str, server: RedisServer, client: Any, heard: Heard, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    refusal.begin(client)
    announced, events = [], []
    for number in range(5):
        announced.append(live.signal())
        events.append(b'{"seq":%d}' % number)
        live.sink.append_event(events[-1], "open", live.now_ns())
        live.sink.flush()
        heard.until(lambda: (live.pump(), heard.signals == announced and heard.events == events)[1])
    # A server that is slow to answer is called hung for that moment.
    live.pump_until(lambda: (health := live.sink.health()).waiting == 5 and health.state == "refusing")
    assert f"refused: {code} " in live.sink.health().detail
    assert live.sink.health().lost == 0
    refusal.end(client)
    live.pump_until_state("up")
    live.pump_until(lambda: client.zcard("signals:history") == 5 and client.xlen("arbitrage:stream") == 5)
    assert client.zrange("signals:history", 0, -1) == announced
    assert streamed(client) == events
    last = live.signal()
    heard.until(lambda: bool(heard.signals) and heard.signals[-1] == last)
    assert heard.signals == [*announced, last]
    assert heard.events == events
    health = live.sink.health()
    assert (health.detail, health.waiting, health.lost) == ("", 0, 0)


def test_a_refused_announcement_is_made_as_soon_as_it_is_allowed_and_the_history_does_not_wait(
    server: RedisServer, client: Any, heard: Heard, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    commands("ACL SETUSER default -publish")(client)
    sent = [live.signal() for _ in range(3)]
    live.pump_until(lambda: client.zcard("signals:history") == 3)
    live.pump_until(lambda: (health := live.sink.health()).waiting == 3 and health.state == "refusing")
    commands("ACL SETUSER default +publish")(client)
    live.pump_until_state("up")
    heard.until(lambda: len(heard.signals) == 3)
    assert heard.signals == sent
    assert live.sink.health().waiting == 0


def test_a_busy_server_gets_everything_when_its_script_has_ended(
    server: RedisServer, client: Any, heard: Heard, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    client.config_set("lua-time-limit", 1)

    def run_for_ever() -> None:
        with server.client() as busy, pytest.raises(redis.ResponseError, match="killed"):
            busy.eval("while true do end", 0)

    script = Thread(target=run_for_ever)
    script.start()
    try:
        sent = [live.signal()]
        live.pump_until(lambda: "BUSY" in live.sink.health().detail)
        sent += [live.signal() for _ in range(3)]
        assert live.sink.health().lost == 0
    finally:
        with server.client() as other:
            while script.is_alive():
                try:
                    other.script_kill()
                except redis.ResponseError:
                    continue
        script.join()
    live.pump_until(lambda: client.zcard("signals:history") == 4)
    heard.until(lambda: len(heard.signals) == 4)
    assert heard.signals == sent


def test_a_refusal_that_no_retry_mends_is_a_loss_that_is_counted(
    server: RedisServer, client: Any, heard: Heard, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    client.set("signals:history", "a text where the history should be")
    sent = [live.signal() for _ in range(3)]
    heard.until(lambda: heard.signals == sent)
    live.pump_until(lambda: (health := live.sink.health()).lost == 3 and health.state == "refusing")
    health = live.sink.health()
    assert health.waiting == 0
    assert "signals:history refused: WRONGTYPE" in health.detail
    client.delete("signals:history")
    stored = live.signal()
    live.pump_until_state("up")
    assert client.zrange("signals:history", 0, -1) == [stored]
    assert live.sink.health().lost == 3


def test_what_a_full_server_never_took_is_counted_and_said_at_the_end(
    refusal: Refusal,
    server: RedisServer,
    client: Any,
    open_sink: OpenSink,
    caplog: pytest.LogCaptureFixture,
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    refusal.begin(client)
    for number in range(7):
        live.signal()
        live.sink.append_event(b"%d" % number, "open", live.now_ns())
    live.pump_until(lambda: live.sink.health().waiting == 7)
    live.sink.close(0.05)
    assert live.sink.health().lost == 7
    assert "7 signals and 7 events are lost" in caplog.text


def test_a_full_memory_beside_a_full_server_counts_each_signal_once(
    refusal: Refusal, server: RedisServer, client: Any, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    refusal.begin(client)
    sent = []
    for _ in range(1010):
        sent.append(live.signal())
        live.pump()
    live.pump_until(lambda: (health := live.sink.health()).lost == 10 and health.waiting == 1000)
    refusal.end(client)
    live.pump_until(lambda: live.sink.health().waiting == 0)
    live.sink.close(DEADLINE_S)
    assert sorted(client.zrange("signals:history", 0, -1)) == sorted(sent[10:])
    assert live.sink.health().lost == 10


def test_a_replica_is_left_for_the_server_that_its_address_leads_to_now(
    redis_binary: RedisBinary, short_folder: Path, open_sink: OpenSink
) -> None:
    """A failover as a virtual address shows it: the same address, another server."""
    address = short_folder / "redis.sock"
    old, new = (RedisServer(short_folder / name, "--unixsocket", f"{short_folder}/{name}.sock") for name in "on")
    for each in (old, new):
        each.start()
    try:
        address.symlink_to("o.sock")
        live = open_sink(f"unix://{address}")
        live.pump_until_state("up")
        with old.client() as first, new.client() as second:
            first.execute_command("REPLICAOF", "127.0.0.1", str(new.port))
            (short_folder / "moved").symlink_to("n.sock")
            (short_folder / "moved").replace(address)
            sent = [live.signal() for _ in range(3)]
            live.pump_until(lambda: second.zcard("signals:history") == 3)
            assert second.zrange("signals:history", 0, -1) == sent
        live.pump_until_state("up")
        assert live.sink.health().lost == 0
    finally:
        old.stop()
        new.stop()


def test_a_password_that_is_set_and_taken_back_costs_nothing(
    server: RedisServer, client: Any, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    client.config_set("requirepass", "s3cret")
    client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    live.pump_until(lambda: "authentication refused" in live.sink.health().detail)
    sent = [live.signal() for _ in range(4)]
    client.config_set("requirepass", "")
    live.pump_until_state("up")
    live.sink.close(DEADLINE_S)
    assert client.zrange("signals:history", 0, -1) == sent


def test_a_server_killed_while_it_refuses_leaves_everything_to_its_successor(
    refusal: Refusal, server: RedisServer, client: Any, open_sink: OpenSink
) -> None:
    live = open_sink(server.url)
    live.pump_until_state("up")
    refusal.begin(client)
    sent = [live.signal() for _ in range(4)]
    live.pump_until_state("refusing")
    os.kill(server.pid, signal.SIGKILL)
    live.pump_until_state("away")
    sent.append(live.signal())
    server.stop()
    server.start()
    live.pump_until_state("up")
    live.sink.close(DEADLINE_S)
    assert client.zrange("signals:history", 0, -1) == sent
