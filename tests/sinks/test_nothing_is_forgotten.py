"""Random errors, losses and pauses: each message ends up taken by the server or counted, and none is doubled."""

import random

import pytest

from .conftest import MS, Peer, S, SinkStage

PASSING = (b"OOM", b"LOADING", b"BUSY", b"MISCONF", b"NOPERM", b"READONLY", b"NOAUTH")
LASTING = (b"WRONGTYPE", b"ERR")
NAMES = (b"PUBLISH", b"ZADD", b"XADD", b"ZREVRANGE", b"ZREMRANGEBYRANK", b"PING")


def bulk(text: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text)


class Server:
    """Takes commands or refuses them at random, and notes what it took."""

    def __init__(self, stage: SinkStage, chance: random.Random) -> None:
        self._stage = stage
        self._chance = chance
        self._peer: Peer | None = stage.accept()
        self.errors: dict[bytes, bytes] = {}
        self.taken: dict[bytes, list[bytes]] = {b"signals": [], b"events": [], b"ZADD": [], b"XADD": []}
        self.lasting_refusals = 0

    def serve(self) -> None:
        """Answer what has come, on the newest connection."""
        if not self._stage.attempts[-1].done():
            self._peer = self._stage.accept()
        if self._peer is None or self._peer.is_left:
            return
        replies = []
        for name, *words in self._peer.commands():
            code = self.errors.get(name)
            if code is None:
                self._take(name, words)
            self.lasting_refusals += code in LASTING
            taken = b":1\r\n"
            if name == b"ZREVRANGE":
                taken = b"*0\r\n"
            elif name == b"XREVRANGE":
                taken = self._entries(before=words[1], count=int(words[-1]))
            replies.append(taken if code is None else b"-%s says the server\r\n" % code)
        self._peer.answer(b"".join(replies))

    def _take(self, name: bytes, words: list[bytes]) -> None:
        key = words[0].removeprefix(b"arbitrage:") if name == b"PUBLISH" else name
        if key in self.taken:
            self.taken[key].append(words[-1])

    def _entries(self, before: bytes, count: int) -> bytes:
        """The newest of the stream, whose ids count from 1."""
        last = len(self.taken[b"XADD"]) if before == b"+" else int(before)
        ids = range(last, max(0, last - count), -1)
        texts = ((b"%d" % number, self.taken[b"XADD"][number - 1]) for number in ids)
        entries = [b"*2\r\n%s*2\r\n%s%s" % (bulk(place), bulk(b"json"), bulk(text)) for place, text in texts]
        return b"*%d\r\n" % len(entries) + b"".join(entries)

    def break_off(self) -> None:
        if self._peer is not None:
            self._peer.close()
            self._peer = None

    def change_mind(self, names: tuple[bytes, ...], codes: tuple[bytes, ...]) -> None:
        for name in self._chance.sample(names, self._chance.randint(0, 3)):
            self.errors[name] = self._chance.choice(codes)
        for name in self._chance.sample(names, self._chance.randint(0, 6)):
            self.errors.pop(name, None)


def run(stage: SinkStage, seed: int, codes: tuple[bytes, ...], *, breaks: bool) -> tuple[Server, list[bytes]]:
    """Some 30 s of a sink's life, and then a server that takes everything; what was sent."""
    chance = random.Random(seed)
    server, sent = Server(stage, chance), []
    for _ in range(400):
        for _ in range(chance.choice((0, 0, 1, 1, 5))):
            sent.append(b"%05d" % len(sent))
            stage.signal(sent[-1])
            stage.event(sent[-1])
        if chance.random() < 0.1:
            # A server that refuses to show its stream may get an event twice.
            server.change_mind((*NAMES, b"XREVRANGE") if breaks else NAMES, codes)
        if breaks and chance.random() < 0.03:
            server.break_off()
        if chance.random() < 0.9:
            server.serve()
        stage.step(chance.choice((1, 20, 20, 100, 250)) * MS)
    server.errors.clear()
    for _ in range(1000):
        server.serve()
        stage.step(20 * MS)
    # What was refused for good, or grew old since, stays in sight until the next of its kind is taken.
    sent.append(b"%05d" % len(sent))
    stage.signal(sent[-1])
    stage.event(sent[-1])
    for _ in range(10):
        server.serve()
        stage.step(20 * MS)
    return server, sent


@pytest.mark.parametrize("seed", range(40))
def test_a_connection_that_holds_takes_each_message_once_and_in_order(stage: SinkStage, seed: int) -> None:
    server, sent = run(stage, seed, PASSING, breaks=False)
    health = stage.sink.health()
    assert (health.state, health.waiting, health.lost) == ("up", 0, 0)
    assert sorted(server.taken[b"ZADD"]) == sent
    assert sorted(server.taken[b"XADD"]) == sorted(server.taken[b"events"]) == sent
    announced = server.taken[b"signals"]
    assert announced == sorted(set(announced))


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_a_message_is_taken_or_counted(stage: SinkStage, seed: int) -> None:
    server, sent = run(stage, seed, (*PASSING, *LASTING), breaks=True)
    health = stage.sink.health()
    assert (health.state, health.waiting) == ("up", 0)
    missing = set(sent) - set(server.taken[b"ZADD"])
    assert len(missing) <= health.lost <= server.lasting_refusals
    gone = set(sent) - set(server.taken[b"XADD"])
    assert len(gone) <= stage.sink.events_lost <= server.lasting_refusals


def test_signals_announced_late_are_young_ones(stage: SinkStage) -> None:
    server = Server(stage, random.Random(0))
    server.errors[b"PUBLISH"] = b"NOPERM"
    for number in range(100):
        stage.signal(b"%05d" % number)
        server.serve()
        stage.step(100 * MS)
    server.errors.clear()
    first_late = stage.now_ns
    for _ in range(200):
        server.serve()
        stage.step(20 * MS)
    youngest_possible = 100 - 5 * S // (100 * MS)
    assert server.taken[b"signals"]
    assert int(server.taken[b"signals"][0]) >= youngest_possible
    assert first_late < stage.now_ns
