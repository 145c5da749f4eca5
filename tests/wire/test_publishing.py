"""Frames and events to viewers, and commands with their answers, on real sockets."""

import threading
from collections.abc import Callable, Iterator

import pytest
import zmq

from arbsniper_tui.model.errors import NodeUnreachable
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import (
    EVENT_TOPIC,
    HELD_FOR_A_VIEWER,
    VIEW_TOPIC,
    Command,
    Done,
    EventsSince,
    Hello,
    Refused,
    Reply,
    SetRules,
    decode_reply,
    encode,
)
from arbsniper_tui.wire.publisher import CommandServer, Publisher
from arbsniper_tui.wire.viewing import CommandClient, Subscription

Context = zmq.Context[zmq.Socket[bytes]]
WaitUntil = Callable[[Callable[[], object]], None]


@pytest.fixture
def publisher(context: Context, endpoints: Endpoints) -> Iterator[Publisher]:
    publisher = Publisher(context, endpoints)
    yield publisher
    publisher.close()


@pytest.fixture
def server(context: Context, endpoints: Endpoints) -> Iterator[CommandServer]:
    server = CommandServer(context, endpoints)
    yield server
    server.close()


@pytest.fixture
def client(context: Context, endpoints: Endpoints) -> Iterator[CommandClient]:
    client = CommandClient(context, endpoints)
    yield client
    client.close()


def has_viewers(publisher: Publisher, count: int) -> Callable[[], bool]:
    def check() -> bool:
        publisher.take_subscriptions()
        return publisher.viewers == count

    return check


class TestPublisher:
    def test_counts_who_came_for_frames_and_who_went(
        self, context: Context, endpoints: Endpoints, publisher: Publisher, wait_until: WaitUntil
    ) -> None:
        assert publisher.viewers == 0
        first = Subscription(context, endpoints, VIEW_TOPIC, EVENT_TOPIC)
        wait_until(has_viewers(publisher, 1))
        second = Subscription(context, endpoints, VIEW_TOPIC)
        wait_until(has_viewers(publisher, 2))
        first.close()
        wait_until(has_viewers(publisher, 1))
        second.close()
        wait_until(has_viewers(publisher, 0))

    def test_who_asks_for_events_alone_is_no_viewer_and_gets_no_frames(
        self, context: Context, endpoints: Endpoints, publisher: Publisher, wait_until: WaitUntil
    ) -> None:
        listener = Subscription(context, endpoints, EVENT_TOPIC)
        viewer = Subscription(context, endpoints, VIEW_TOPIC)
        wait_until(has_viewers(publisher, 1))

        def has_come() -> bool:
            # Its subscription is not counted, so it is known only by what arrives.
            publisher.publish(VIEW_TOPIC, b"frame")
            publisher.publish(EVENT_TOPIC, b"event")
            return listener.wait(10)

        wait_until(has_come)
        assert listener.receive() == (EVENT_TOPIC, b"event")
        assert viewer.wait(20_000)
        assert viewer.receive() == (VIEW_TOPIC, b"frame")
        assert publisher.viewers == 1
        listener.close()
        viewer.close()

    def test_a_viewer_that_never_reads_holds_nobody_up_and_costs_a_bounded_number_of_messages(
        self, context: Context, endpoints: Endpoints, publisher: Publisher, wait_until: WaitUntil
    ) -> None:
        viewer = Subscription(context, endpoints, VIEW_TOPIC)
        wait_until(has_viewers(publisher, 1))
        body = bytes(10_000)
        sent = 5 * HELD_FOR_A_VIEWER
        for _ in range(sent):
            publisher.publish(VIEW_TOPIC, body)
        received = 0
        assert viewer.wait(20_000)
        while viewer.wait(200):
            assert viewer.receive() == (VIEW_TOPIC, body)
            received += 1
        assert 0 < received < sent
        viewer.close()

    def test_a_lossless_publisher_waits_for_its_reader(
        self, context: Context, endpoints: Endpoints, wait_until: WaitUntil
    ) -> None:
        publisher = Publisher(context, endpoints, is_lossless=True)
        viewer = Subscription(context, endpoints, VIEW_TOPIC)
        wait_until(has_viewers(publisher, 1))
        sent = 3 * HELD_FOR_A_VIEWER

        def publish() -> None:
            for number in range(sent):
                publisher.publish(VIEW_TOPIC, b"%d" % number)

        thread = threading.Thread(target=publish, daemon=True)
        thread.start()
        received: list[int] = []

        def has_all() -> bool:
            while (message := viewer.receive()) is not None:
                received.append(int(message[1]))
            return len(received) >= sent

        wait_until(has_all)
        thread.join(20)
        assert not thread.is_alive()
        assert received == list(range(sent))
        viewer.close()
        publisher.close()

    def test_a_lossless_publisher_gives_up_on_its_reader_when_it_is_told_to(
        self, context: Context, endpoints: Endpoints, wait_until: WaitUntil
    ) -> None:
        asked: list[int] = []

        def go_on() -> bool:
            asked.append(1)
            return len(asked) < 3

        publisher = Publisher(context, endpoints, is_lossless=True, while_behind=go_on)
        viewer = Subscription(context, endpoints, VIEW_TOPIC)
        wait_until(has_viewers(publisher, 1))
        body = bytes(10_000)
        # Between two questions the kernel may take some more, and a publish succeed after all.
        while len(asked) < 3:
            publisher.publish(VIEW_TOPIC, body)
        assert len(asked) == 3
        viewer.close()
        publisher.close()

    def test_without_a_message_receiving_is_none(
        self, context: Context, endpoints: Endpoints, publisher: Publisher
    ) -> None:
        viewer = Subscription(context, endpoints, VIEW_TOPIC)
        assert viewer.receive() is None
        assert not viewer.wait(0)
        viewer.close()


def echo(command: Command) -> Reply:
    return Refused(repr(command))


def answered(server: CommandServer, client: CommandClient, wait_until: WaitUntil) -> Reply:
    replies: list[Reply] = []

    def has_come() -> bool:
        server.serve(echo)
        if (reply := client.answer(5)) is not None:
            replies.append(reply)
        return bool(replies)

    wait_until(has_come)
    return replies[0]


class TestCommands:
    def test_a_command_is_carried_out_and_answered(
        self, server: CommandServer, client: CommandClient, wait_until: WaitUntil
    ) -> None:
        client.send(SetRules(0.5, "net"))
        assert answered(server, client, wait_until) == Refused(repr(SetRules(0.5, "net")))

    def test_asking_waits_for_the_answer(self, server: CommandServer, client: CommandClient) -> None:
        is_over = threading.Event()

        def serve() -> None:
            while not is_over.wait(0.005):
                server.serve(lambda command: Done())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            assert client.ask(Hello(), 20_000) == Done()
        finally:
            is_over.set()
            thread.join(20)

    @pytest.mark.parametrize(
        "garbage",
        [
            [b""],
            [b"hello"],
            [b"\xc1"],
            [b"\x91\xa2\xff\xfe"],
            [b"\x93\xa5rules\xc0\xa1\xff"],
            [b"\x93\xa5rules\xa3lot\xc0"],
            [b"\x94\xa5rules\xc0\xc0" + b"\x91" * 100_000],
            [encode(Done())],
            [b"two", b"parts"],
        ],
        ids=lambda parts: repr(parts[0][:12]),
    )
    def test_garbage_is_refused_in_words_and_the_desk_stays_open(
        self,
        context: Context,
        endpoints: Endpoints,
        server: CommandServer,
        client: CommandClient,
        wait_until: WaitUntil,
        garbage: list[bytes],
    ) -> None:
        stranger = context.socket(zmq.REQ)
        stranger.connect(endpoints.commands)
        stranger.send_multipart(garbage)

        def has_answer() -> bool:
            server.serve(echo)
            return bool(stranger.poll(5))

        wait_until(has_answer)
        reply = decode_reply(stranger.recv())
        assert isinstance(reply, Refused)
        assert reply.why.startswith("this node does not know the command (")
        stranger.close(0)
        client.send(EventsSince(3))
        assert answered(server, client, wait_until) == Refused(repr(EventsSince(3)))

    def test_a_node_that_does_not_answer_is_unreachable_by_name(
        self, endpoints: Endpoints, client: CommandClient
    ) -> None:
        with pytest.raises(NodeUnreachable, match=rf"{endpoints.folder} did not answer within 0\.05 s"):
            client.ask(Hello(), 50)

    def test_a_node_that_comes_back_can_be_asked_again(
        self, context: Context, endpoints: Endpoints, client: CommandClient, wait_until: WaitUntil
    ) -> None:
        with pytest.raises(NodeUnreachable):
            client.ask(EventsSince(1), 20)
        server = CommandServer(context, endpoints)
        client.send(EventsSince(2))
        assert answered(server, client, wait_until) == Refused(repr(EventsSince(2)))
        server.close()

    def test_an_answer_that_comes_too_late_is_not_taken_for_the_next(
        self, server: CommandServer, client: CommandClient, wait_until: WaitUntil
    ) -> None:
        for seq in (1, 2, 3):
            client.send(EventsSince(seq))
        assert answered(server, client, wait_until) == Refused(repr(EventsSince(3)))
        server.serve(echo)
        assert client.answer(20) is None
