"""What the sink does with error replies, on a clock of the test's own and with a scripted server."""

import logging

import pytest

from arbsniper_tui.model.health import RedisState

from .conftest import MS, Peer, S, SinkStage

OOM = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"


class Script:
    """Answers each command by its name: with an error where one is set, else as a server that takes everything."""

    def __init__(self, stage: SinkStage) -> None:
        self._stage = stage
        self.errors: dict[bytes, bytes] = {}
        self.commands: list[list[bytes]] = []
        self.peer: Peer = stage.accept_idle()

    def step(self, ns: int = MS) -> list[list[bytes]]:
        """Answer what has come, and let the sink read it; returns the commands answered."""
        commands = self.peer.commands()
        for command in commands:
            self.peer.answer(self.errors.get(command[0], b"*0\r\n" if command[0] == b"ZREVRANGE" else b":1\r\n"))
        self.commands += commands
        self._stage.step(ns)
        return commands

    def steps(self, total_ns: int, each_ns: int = 20 * MS) -> list[list[bytes]]:
        commands = []
        for _ in range(total_ns // each_ns):
            commands += self.step(each_ns)
        return commands

    def next_connection(self) -> None:
        self.peer = self._stage.accept()

    def last_words(self, name: bytes) -> list[bytes]:
        """The last word of each command of this name: its payload."""
        return [command[-1] for command in self.commands if command[0] == name]


@pytest.fixture
def script(stage: SinkStage) -> Script:
    return Script(stage)


def test_a_refused_entry_waits_and_the_state_says_so_until_it_is_taken(stage: SinkStage, script: Script) -> None:
    script.errors[b"ZADD"] = OOM
    stage.signal(b"one")
    script.step()
    health = stage.sink.health()
    assert health.state is RedisState.REFUSING
    assert health.detail.startswith("signals:history refused: OOM command not allowed")
    assert (health.waiting, health.lost) == (1, 0)
    script.errors.clear()
    script.steps(200 * MS)
    health = stage.sink.health()
    assert (health.state, health.detail, health.waiting) == (RedisState.UP, "", 0)


def test_a_refused_command_is_tried_again_one_at_a_time_01_02_up_to_2_s_apart(stage: SinkStage, script: Script) -> None:
    script.errors[b"ZADD"] = OOM
    for number in range(50):
        stage.signal(b"%d" % number)
    script.step()
    tried_at_ms = []
    started_ns = stage.now_ns
    for _ in range(1000):
        tried = [command for command in script.step(10 * MS) if command[0] == b"ZADD"]
        assert len(tried) <= 1
        if tried:
            tried_at_ms.append((stage.now_ns - started_ns) // MS)
    gaps_ms = [later - earlier for earlier, later in zip(tried_at_ms, tried_at_ms[1:], strict=False)]
    assert gaps_ms[:5] == pytest.approx([200, 400, 800, 1600, 2000], abs=30)
    assert stage.sink.health().waiting >= 49


def test_what_was_refused_is_written_in_order_when_it_is_taken_again(stage: SinkStage, script: Script) -> None:
    script.errors = {b"ZADD": OOM, b"XADD": OOM}
    for number in range(5):
        stage.signal(b"%d" % number)
        stage.event(b"%d" % number)
        script.step()
    script.errors.clear()
    script.commands.clear()
    stage.signal(b"new")
    stage.event(b"new")
    script.steps(5 * S)
    expected = [b"0", b"1", b"2", b"3", b"4", b"new"]
    assert script.last_words(b"ZADD") == script.last_words(b"XADD") == expected
    assert script.last_words(b"PUBLISH") == [b"new", b"new"]


def test_a_refused_announcement_that_grew_old_is_not_made_any_more(stage: SinkStage, script: Script) -> None:
    script.errors[b"PUBLISH"] = b"-NOPERM this user has no permissions\r\n"
    stage.signal(b"old")
    script.steps(4 * S)
    stage.signal(b"young")
    script.steps(1 * S)
    script.errors.clear()
    script.commands.clear()
    script.steps(3 * S)
    assert script.last_words(b"PUBLISH") == [b"young"]
    assert stage.sink.health().lost == 0


def test_a_message_that_is_refused_for_good_by_both_commands_is_one_loss(stage: SinkStage, script: Script) -> None:
    script.errors = {b"PUBLISH": b"-ERR unknown command\r\n", b"ZADD": b"-WRONGTYPE not a sorted set\r\n"}
    stage.signal(b"one")
    script.steps(1 * S)
    assert stage.sink.health().lost == 1
    assert script.last_words(b"PUBLISH") == script.last_words(b"ZADD") == [b"one"]


def test_a_refusal_for_good_holds_nothing_else_up(stage: SinkStage, script: Script) -> None:
    script.errors[b"ZADD"] = b"-ERR not this one\r\n"
    stage.signal(b"one")
    script.step()
    script.errors.clear()
    stage.signal(b"two")
    script.step()
    assert script.last_words(b"ZADD") == [b"one", b"two"]


def test_refused_prices_are_dropped_and_tried_again_one_at_a_time(stage: SinkStage, script: Script) -> None:
    script.errors[b"SET"] = OOM
    for _ in range(100):
        for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT"):
            stage.sink.store_price("okx", symbol, b"price", stage.now_ns)
        stage.sink.flush()
        script.step(10 * MS)
    assert len(script.last_words(b"SET")) <= 3 + 4
    assert stage.sink.health().detail.startswith("prices refused: OOM")


def test_a_refused_trim_is_made_up_for(stage: SinkStage, script: Script) -> None:
    script.errors[b"ZREMRANGEBYRANK"] = b"-BUSY Redis is busy running a script.\r\n"
    stage.signal(b"one")
    script.steps(100 * MS)
    assert stage.sink.health().detail.startswith("trimming signals:history refused: BUSY")
    script.errors.clear()
    script.steps(500 * MS)
    assert stage.sink.health().state is RedisState.UP


@pytest.mark.parametrize("reply", [b"-NOPERM this user has no permissions\r\n", b"-WRONGTYPE not a sorted set\r\n"])
def test_a_history_that_cannot_be_read_is_cut_to_1000(stage: SinkStage, script: Script, reply: bytes) -> None:
    script.errors[b"ZREVRANGE"] = reply
    stage.signal(b"one")
    script.steps(1 * S)
    assert script.last_words(b"ZREVRANGE") == [b"WITHSCORES"]
    assert script.last_words(b"ZREMRANGEBYRANK") == [b"-1001"]
    assert stage.sink.health().state is RedisState.UP


def test_a_history_that_cannot_be_read_yet_is_asked_for_again_and_not_cut_before(
    stage: SinkStage, script: Script
) -> None:
    script.errors[b"ZREVRANGE"] = b"-LOADING Redis is loading the dataset in memory\r\n"
    stage.signal(b"one")
    script.steps(100 * MS)
    assert script.last_words(b"ZREMRANGEBYRANK") == []
    script.errors.clear()
    stage.signal(b"two")
    script.steps(100 * MS)
    assert script.last_words(b"ZREVRANGE") == [b"WITHSCORES", b"WITHSCORES"]
    assert script.last_words(b"ZREMRANGEBYRANK") == [b"-1001"]


@pytest.mark.parametrize("code", [b"READONLY", b"NOAUTH", b"MASTERDOWN"])
def test_a_server_that_is_not_the_right_one_is_connected_to_anew_1_2_up_to_30_s_apart(
    stage: SinkStage, script: Script, code: bytes
) -> None:
    error = b"-%s says the server\r\n" % code
    script.errors = {b"ZADD": error, b"PING": error}
    stage.signal(b"one")
    connected_at_s = []
    for _ in range(8000):
        script.step(20 * MS)
        if not stage.attempts[-1].done():
            connected_at_s.append(stage.now_ns / S)
            script.next_connection()
    gaps_s = [later - earlier for earlier, later in zip(connected_at_s, connected_at_s[1:], strict=False)]
    assert gaps_s[:7] == pytest.approx([1, 2, 4, 8, 16, 30, 30], abs=0.5)
    assert stage.sink.health().state is RedisState.REFUSING
    assert (stage.sink.health().waiting, stage.sink.health().lost) == (1, 0)


def test_a_loading_server_is_waited_for_5_s_before_another_connection_is_made(stage: SinkStage, script: Script) -> None:
    script.errors[b"ZADD"] = b"-LOADING Redis is loading the dataset in memory\r\n"
    stage.signal(b"one")
    script.steps(4900 * MS)
    assert stage.attempts[-1].done()
    script.steps(400 * MS)
    assert not stage.attempts[-1].done()


def test_signals_go_on_over_the_old_connection_while_a_new_one_is_made(stage: SinkStage, script: Script) -> None:
    script.errors[b"ZADD"] = b"-READONLY You can't write against a read only replica.\r\n"
    stage.signal(b"one")
    script.steps(100 * MS)
    assert not stage.attempts[-1].done()
    old = script.peer
    stage.signal(b"two")
    assert [b"PUBLISH", b"arbitrage:signals", b"two"] in script.step()
    script.errors.clear()
    # The new connection is there while the old one still owes an answer.
    stage.signal(b"three")
    script.next_connection()
    stage.step(MS)
    assert script.step() == []
    script.peer, new = old, script.peer
    assert [b"PUBLISH", b"arbitrage:signals", b"three"] in script.step()
    script.peer = new
    script.steps(200 * MS)
    assert old.is_left
    assert script.last_words(b"PUBLISH") == [b"one", b"two", b"three"]
    assert script.last_words(b"ZADD")[-3:] == [b"one", b"two", b"three"]
    assert stage.sink.health().state is RedisState.UP


def test_a_refused_reply_before_a_broken_one_is_not_forgotten(stage: SinkStage, script: Script) -> None:
    stage.signal(b"one")
    commands = script.peer.commands()
    assert [command[0] for command in commands] == [b"PUBLISH", b"ZREVRANGE", b"ZADD"]
    script.peer.answer(b":0\r\n*0\r\n" + OOM + b"what is this\r\n")
    stage.step(MS)
    stage.step(MS)
    assert stage.sink.health().state is RedisState.AWAY
    assert stage.sink.health().waiting == 1
    stage.step(100 * MS)
    script.next_connection()
    script.steps(200 * MS)
    assert script.last_words(b"ZADD") == [b"one"]


def test_what_is_refused_is_logged_once_and_again_when_it_is_over(
    stage: SinkStage, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    script.errors = {b"ZADD": OOM, b"SET": OOM}
    for number in range(200):
        stage.signal(b"%d" % number)
        stage.sink.store_price("okx", "BTC/USDT", b"price", stage.now_ns)
        script.steps(100 * MS)
    script.errors.clear()
    for _ in range(100):
        stage.sink.store_price("okx", "BTC/USDT", b"price", stage.now_ns)
        stage.sink.flush()
        script.steps(100 * MS)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "redis refuses signals:history: OOM" in caplog.messages[0]
    assert "redis takes every command again" in caplog.messages[1]
