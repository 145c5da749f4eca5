"""The sink's rules, on a clock of the test's own and a scripted server."""

import logging

import pytest

from arbsniper_tui.model.health import RedisState
from arbsniper_tui.sinks.outbox import EVENTS_WAITING, MESSAGES_A_BATCH, SIGNALS_WAITING

from .conftest import MS, Peer, S, SinkStage


def payloads(commands: list[list[bytes]], *name: bytes) -> list[bytes]:
    """The last words of the commands that begin with `name`."""
    return [command[-1] for command in commands if tuple(command[: len(name)]) == name]


def published(commands: list[list[bytes]]) -> list[bytes]:
    return payloads(commands, b"PUBLISH", b"arbitrage:signals")


def stored(commands: list[list[bytes]]) -> list[bytes]:
    return payloads(commands, b"ZADD", b"signals:history")


def drain(stage: SinkStage, peer: Peer, rounds: int = 200) -> list[list[bytes]]:
    """Answer everything until nothing more comes."""
    commands: list[list[bytes]] = []
    quiet_rounds = 0
    for _ in range(rounds):
        answered = peer.answer_all()
        commands += answered
        stage.step(MS)
        quiet_rounds = 0 if answered else quiet_rounds + 1
        if quiet_rounds == 3:
            return commands
    raise AssertionError("the sink never came to rest")


def test_a_signal_is_announced_at_once_and_alone(stage: SinkStage) -> None:
    peer = stage.accept_idle()
    stage.sink.announce(b"one", stage.wall_ms, stage.now_ns)
    assert peer.commands() == [[b"PUBLISH", b"arbitrage:signals", b"one"]]


def test_a_flush_stores_what_was_gathered_in_order(stage: SinkStage) -> None:
    peer = stage.accept_idle()
    stage.sink.announce(b"one", 1705670123459, stage.now_ns)
    stage.sink.append_event(b"event", "open", stage.now_ns)
    stage.sink.store_price("okx", "BTC/USDT:USDT", b"older", stage.now_ns)
    stage.sink.store_price("okx", "BTC/USDT:USDT", b"price", stage.now_ns)
    peer.commands()
    stage.sink.flush()
    assert peer.commands() == [
        [b"ZREVRANGE", b"signals:history", b"0", b"0", b"WITHSCORES"],
        [b"ZADD", b"signals:history", b"1705670123459", b"one"],
        [b"PUBLISH", b"arbitrage:events", b"event"],
        [b"XADD", b"arbitrage:stream", b"MAXLEN", b"~", b"10000", b"*", b"event", b"open", b"json", b"event"],
        [b"SET", b"price:okx:BTC/USDT:USDT", b"price", b"PX", b"10000"],
    ]
    peer.answer(b":0\r\n*0\r\n:1\r\n:0\r\n:1\r\n:1\r\n")
    stage.step(MS)
    assert peer.commands() == [[b"ZREMRANGEBYRANK", b"signals:history", b"0", b"-1001"]]


def test_signals_wait_for_the_first_connection_and_leave_in_order(stage: SinkStage) -> None:
    stage.step()
    for number in range(3):
        stage.signal(b"%d" % number)
    assert stage.sink.health().state is RedisState.CONNECTING
    assert stage.sink.health().waiting == 3
    commands = drain(stage, stage.accept())
    assert published(commands) == stored(commands) == [b"0", b"1", b"2"]
    assert stage.sink.health().waiting == 0


def test_signals_that_grew_old_are_stored_but_not_announced(stage: SinkStage) -> None:
    stage.step()
    stage.signal(b"old")
    stage.step(4 * S)
    stage.signal(b"young")
    stage.step(1 * S)
    commands = drain(stage, stage.accept())
    assert stored(commands) == [b"old", b"young"]
    assert published(commands) == [b"young"]


@pytest.mark.parametrize("step_ms", [-600_000, 600_000])
def test_a_step_of_the_wall_clock_makes_no_signal_older_or_younger(stage: SinkStage, step_ms: int) -> None:
    stage.step()
    stage.sink.announce(b"old", stage.wall_ms, stage.now_ns)
    stage.step(4 * S)
    stage.sink.announce(b"young", stage.wall_ms + step_ms, stage.now_ns)
    stage.step(1 * S)
    commands = drain(stage, stage.accept())
    assert stored(commands) == [b"old", b"young"]
    assert published(commands) == [b"young"]


def test_a_full_memory_drops_the_oldest_signals_and_counts_them(stage: SinkStage) -> None:
    stage.step()
    for number in range(SIGNALS_WAITING + 5):
        stage.signal(b"%d" % number)
    assert stage.sink.health().waiting == SIGNALS_WAITING
    assert stage.sink.health().lost == 5
    commands = drain(stage, stage.accept())
    assert stored(commands) == [b"%d" % number for number in range(5, SIGNALS_WAITING + 5)]


def test_events_wait_too_up_to_their_limit(stage: SinkStage) -> None:
    stage.step()
    for number in range(EVENTS_WAITING + 2):
        stage.event(b"%d" % number)
    commands = drain(stage, stage.accept())
    expected = [b"%d" % number for number in range(2, EVENTS_WAITING + 2)]
    assert payloads(commands, b"PUBLISH", b"arbitrage:events") == expected
    assert payloads(commands, b"XADD") == expected


def test_a_backlog_is_written_in_steps_and_new_signals_queue_behind_it(stage: SinkStage) -> None:
    stage.step()
    for number in range(MESSAGES_A_BATCH + 1):
        stage.signal(b"%d" % number)
    peer = stage.accept()
    first = peer.answer_all()
    assert len(stored(first)) == len(published(first)) == MESSAGES_A_BATCH
    stage.signal(b"new")
    assert published(drain(stage, peer)) == [b"%d" % MESSAGES_A_BATCH, b"new"]


def test_nothing_more_is_written_to_a_server_that_does_not_answer(stage: SinkStage) -> None:
    peer = stage.accept_idle()
    stage.signal(b"unanswered")
    stage.step(201 * MS)
    assert stage.sink.health().state is RedisState.HUNG
    assert "no reply" in stage.sink.health().detail
    peer.commands()
    stage.signal(b"kept back")
    stage.event(b"event")
    stage.step(MS)
    assert peer.commands() == []
    assert stage.sink.health().waiting == 1


def test_what_waited_for_a_hung_server_is_written_when_it_answers(stage: SinkStage) -> None:
    peer = stage.accept_idle()
    stage.signal(b"unanswered")
    stage.step(300 * MS)
    stage.signal(b"kept back")
    peer.answer_all()
    stage.step(MS)
    assert stage.sink.health().state is RedisState.UP
    assert stage.sink.health().detail == ""
    assert published(peer.commands()) == [b"kept back"]


def test_replies_that_lay_unread_are_no_hang(stage: SinkStage) -> None:
    peer = stage.accept_idle()
    stage.signal(b"answered")
    peer.answer_all()
    stage.step(30 * S)
    assert stage.sink.health().state is RedisState.UP


def test_a_server_silent_for_5_s_is_left_and_everything_unanswered_sent_again(stage: SinkStage) -> None:
    stage.accept_idle()
    stage.signal(b"unanswered")
    stage.event(b"event")
    stage.step(1 * S)
    stage.signal(b"kept back")
    stage.step(4 * S + MS)
    assert stage.sink.health().state is RedisState.AWAY
    assert stage.sink.health().waiting == 2
    stage.step(100 * MS)
    commands = drain(stage, stage.accept())
    assert stored(commands) == [b"unanswered", b"kept back"]
    assert published(commands) == [b"kept back"]  # the other is 5.1 s old
    assert payloads(commands, b"XADD") == [b"event"]


def test_after_a_loss_only_unanswered_commands_are_sent_again(stage: SinkStage) -> None:
    peer = stage.accept_idle()
    stage.signal(b"announced")
    stage.signal(b"unheard")
    peer.commands()
    peer.answer(b":0\r\n")  # to the first PUBLISH
    peer.close()
    stage.step(MS)
    stage.step(MS)
    assert stage.sink.health().state is RedisState.AWAY
    assert stage.sink.health().detail.startswith("redis.example:6380/2: ")
    stage.step(100 * MS)
    commands = drain(stage, stage.accept())
    assert published(commands) == [b"unheard"]
    assert stored(commands) == [b"announced", b"unheard"]


def test_a_signal_sent_into_a_lost_connection_waits(stage: SinkStage) -> None:
    peer = stage.accept_idle()
    peer.close()
    stage.signal(b"into the void")
    assert stage.sink.health().state is RedisState.AWAY
    assert stage.sink.health().waiting == 1


def test_what_was_gathered_when_the_connection_broke_waits(stage: SinkStage) -> None:
    peer = stage.accept_idle()
    peer.close()
    stage.sink.append_event(b"gathered", "open", stage.now_ns)
    stage.sink.announce(b"breaks", stage.wall_ms, stage.now_ns)
    assert stage.sink.health().state is RedisState.AWAY
    stage.step(100 * MS)
    assert payloads(drain(stage, stage.accept()), b"XADD") == [b"gathered"]


def test_a_peer_that_never_reads_blocks_no_call(stage: SinkStage) -> None:
    peer = stage.accept_idle(send_buffer_bytes=4096)
    sent = [b"%d-" % number + b"x" * 3000 for number in range(50)]
    for payload in sent:
        stage.signal(payload)
        stage.event(payload)
        stage.step()
    assert stage.sink.health().waiting > 40
    commands = drain(stage, peer)
    assert published(commands) == stored(commands) == sent
    assert payloads(commands, b"XADD") == sent


def test_a_server_that_hung_with_a_full_socket_gets_the_rest_of_it(stage: SinkStage) -> None:
    peer = stage.accept_idle(send_buffer_bytes=4096)
    sent = [b"%d-" % number + b"x" * 3000 for number in range(10)]
    for payload in sent:
        stage.signal(payload)
    stage.step(300 * MS)
    assert stage.sink.health().state is RedisState.HUNG
    assert published(drain(stage, peer)) == sent
    assert stage.sink.health().state is RedisState.UP


def test_a_price_gathered_before_a_hang_is_not_written_after_it(stage: SinkStage) -> None:
    peer = stage.accept_idle()
    stage.signal(b"unanswered")
    stage.sink.store_price("okx", "BTC/USDT", b"price", stage.now_ns)
    stage.step(201 * MS)
    assert [command for command in drain(stage, peer) if command[0] == b"SET"] == []


def test_prices_are_dropped_while_redis_is_not_up(stage: SinkStage) -> None:
    stage.step()
    assert not stage.sink.takes_prices
    stage.sink.store_price("okx", "BTC/USDT", b"price", stage.now_ns)
    stage.sink.flush()
    assert [command for command in drain(stage, stage.accept()) if command[0] == b"SET"] == []
    assert stage.sink.takes_prices


def test_an_idle_server_is_pinged_each_second(stage: SinkStage) -> None:
    peer = stage.accept_idle()
    stage.step(900 * MS)
    assert peer.commands() == []
    stage.step(100 * MS)
    assert peer.commands() == [[b"PING"]]
    peer.answer(b"+PONG\r\n")
    stage.step(3 * MS)
    assert stage.sink.health().state is RedisState.UP


def test_no_round_trip_is_shown_where_the_kernel_does_not_tell_it(stage: SinkStage) -> None:
    """A Unix socket's reply is read up to 20 ms after it came."""
    stage.accept_idle()
    assert stage.sink.health().rtt_ms is None


def test_no_ping_is_sent_while_a_reply_is_awaited(stage: SinkStage) -> None:
    peer = stage.accept_idle()
    stage.step(950 * MS)
    stage.signal(b"unanswered")
    stage.step(100 * MS)
    assert [b"PING"] not in peer.commands()


def test_a_ping_that_stays_unanswered_shows_the_hang(stage: SinkStage) -> None:
    stage.accept_idle()
    stage.step(1 * S)
    stage.step(201 * MS)
    assert stage.sink.health().state is RedisState.HUNG


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n", b"+OK\r\n"])
def test_a_reply_that_fits_nothing_ends_the_connection(stage: SinkStage, garbage: bytes) -> None:
    peer = stage.accept_idle()
    peer.answer(garbage)
    stage.step(MS)
    assert stage.sink.health().state is RedisState.AWAY


def test_health_names_what_failed_and_where_but_no_password(stage: SinkStage) -> None:
    stage.step()
    stage.refuse()
    health = stage.sink.health()
    assert health.state is RedisState.AWAY
    assert health.detail == "redis.example:6380/2: connection refused"
    assert health.address == "redis.example:6380/2"
    assert "secret" not in repr(health)


def test_one_outage_is_logged_once(stage: SinkStage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    stage.step()
    for _ in range(5):
        stage.refuse()
        stage.step(2 * S)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_closing_gives_up_on_a_server_that_refuses(stage: SinkStage) -> None:
    stage.step()
    stage.signal(b"waits")
    stage.attempts[-1].set_exception(ConnectionRefusedError("refused"))
    stage.sink.close(60)
    assert stage.sink.health().state is RedisState.OFF


def test_closing_waits_for_a_hung_server_no_longer_than_told(stage: SinkStage) -> None:
    stage.accept_idle()
    stage.signal(b"unanswered")
    stage.sink.close(0.05)
    assert stage.sink.health().state is RedisState.OFF


def test_closing_an_idle_sink_closes_its_connection(stage: SinkStage) -> None:
    peer = stage.accept_idle()
    stage.sink.close(60)
    assert peer.sink_end.fileno() == -1


def test_an_attempt_that_ends_after_the_close_leaves_no_socket_open(stage: SinkStage) -> None:
    stage.step()
    stage.sink.close(0)
    peer = Peer()
    stage.peers.append(peer)
    stage.attempts[-1].set_result(peer.sink_end)
    assert peer.sink_end.fileno() == -1
