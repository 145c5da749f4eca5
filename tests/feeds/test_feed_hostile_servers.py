"""Servers that end what they have just begun, or announce their end: no venue may end the feed loop."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from feeding import QUICK, running
from msgspec.structs import replace

from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.model.health import FeedState
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.reason import reason_words

Eventually = Callable[..., Awaitable[None]]

TICKER = (
    b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":99.0,"bid_qty":1.0,'
    b'"ask":100.0,"ask_qty":2.0,"timestamp":"2026-07-10T00:00:02.123456Z"}]}'
)


class Peer:
    """Counts who came, and runs one script for each."""

    def __init__(self, serve_raw: Callable, wire: type) -> None:
        self.serve_raw = serve_raw
        self.wire = wire
        self.came = 0

    def serving(self, answer: Callable[[bytes], bytes], *, keeps_open: bool = False) -> object:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.came += 1
            request = await reader.readuntil(b"\r\n\r\n")
            writer.write(answer(request))
            await writer.drain()
            while keeps_open and await reader.read(4096):
                pass

        return self.serve_raw(script)


@pytest.fixture
def peer(serve_raw: Callable, wire: type) -> Peer:
    return Peer(serve_raw, wire)


def on(
    port: int,
    closed_port: int,
    venue: str = "kraken",
    symbols: tuple[str, ...] = ("BTC/USD",),
    timings: FeedTimings = QUICK,
) -> object:
    list_url = f"http://127.0.0.1:{closed_port}/"
    return running(venue, Market.SPOT, f"ws://127.0.0.1:{port}/v2", list_url, symbols, timings=timings)


async def test_a_close_right_behind_the_handshake_is_a_reason_to_come_again(
    peer: Peer, closed_port: int, eventually: Eventually
) -> None:
    def answer(request: bytes) -> bytes:
        return peer.wire.accepted(request) + peer.wire.close(1013, "try again later")

    async with peer.serving(answer) as port, on(port, closed_port) as diary:
        await eventually(lambda: peer.came >= 3, diary.shown)
        assert diary.was(FeedState.DOWN, "code 1013 try again later")


async def test_a_handshake_with_the_wrong_key_is_a_reason_to_come_again(
    peer: Peer, closed_port: int, eventually: Eventually
) -> None:
    def answer(request: bytes) -> bytes:
        return peer.wire.accepted(b"Sec-WebSocket-Key: another\r\n")

    async with peer.serving(answer, keeps_open=True) as port, on(port, closed_port) as diary:
        await eventually(lambda: peer.came >= 3, diary.shown)
        assert diary.was(FeedState.DOWN, "protocol error")
        assert diary.feed.health().connects == 0


async def test_the_last_frames_before_a_close_still_count_and_are_then_withdrawn(
    peer: Peer, closed_port: int, eventually: Eventually
) -> None:
    def answer(request: bytes) -> bytes:
        wire = peer.wire
        return wire.accepted(request) + wire.frame(TICKER) + wire.close(1001, "going away")

    async with peer.serving(answer) as port, on(port, closed_port) as diary:
        await eventually(lambda: len(diary.withdrawn) >= 2, diary.shown)
        assert diary.read[0].bid == 99.0
        assert "code 1001 going away" in reason_words(diary.withdrawn[0].reason)


async def test_a_heartbeat_is_not_data(peer: Peer, closed_port: int, eventually: Eventually) -> None:
    quick = replace(QUICK, first_data_within_s=0.1)

    def answer(request: bytes) -> bytes:
        return peer.wire.accepted(request) + peer.wire.frame(b'{"channel":"heartbeat"}') * 50

    async with peer.serving(answer, keeps_open=True) as port, on(port, closed_port, timings=quick) as diary:
        await eventually(lambda: peer.came >= 2, diary.shown)
        assert diary.was(FeedState.DOWN, "subscribed, but no data")
        assert not diary.was(FeedState.LIVE)


async def test_without_any_frame_the_connection_counts_as_dead(
    peer: Peer, closed_port: int, eventually: Eventually
) -> None:
    def answer(request: bytes) -> bytes:
        return peer.wire.accepted(request) + peer.wire.frame(TICKER)

    async with peer.serving(answer, keeps_open=True) as port, on(port, closed_port) as diary:
        await eventually(lambda: diary.is_live, diary.shown)
        connection = diary.feed._connection
        assert connection is not None
        connection._declared = replace(connection._declared, max_silence_s=0.1)
        await eventually(lambda: diary.was(FeedState.DOWN, "not even a heartbeat"), diary.shown)
        assert diary.withdrawn[0].instrument_ids == (0,)


async def test_an_announced_end_is_not_waited_for(peer: Peer, closed_port: int, eventually: Eventually) -> None:
    notice = b'{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade."}'

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer.came += 1
        writer.write(peer.wire.accepted(await reader.readuntil(b"\r\n\r\n")))
        await reader.read(4096)
        writer.write(peer.wire.frame(notice))
        while await reader.read(4096):
            pass

    async with peer.serve_raw(script) as port, on(port, closed_port, "okx", ("BTC/USDT",)) as diary:
        await eventually(lambda: peer.came >= 2, diary.shown)
        assert not diary.was(FeedState.DOWN)


async def test_updates_without_their_snapshot_have_the_snapshot_asked_for(
    peer: Peer, closed_port: int, eventually: Eventually
) -> None:
    update = b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","100.0","1"]],"time":"2026-01-01T00:00:00Z"}'
    heard = bytearray()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer.came += 1
        writer.write(peer.wire.accepted(await reader.readuntil(b"\r\n\r\n")))
        await reader.read(4096)
        writer.write(peer.wire.frame(update))
        while chunk := await reader.read(4096):
            heard.extend(unmasked(chunk))

    async with peer.serve_raw(script) as port, on(port, closed_port, "coinbase") as diary:
        await eventually(lambda: b'"unsubscribe"' in heard and heard.count(b'"subscribe"') >= 1, lambda: bytes(heard))
        assert diary.withdrawn[0].instrument_ids == (0,)
        assert reason_words(diary.withdrawn[0].reason).startswith("book lost: ")
        assert (peer.came, diary.read) == (1, [])


async def test_a_lost_book_is_asked_for_until_its_snapshot_comes(
    peer: Peer, closed_port: int, eventually: Eventually
) -> None:
    update = b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","100.0","1"]]}'
    snapshot = b'{"type":"snapshot","product_id":"BTC-USD","bids":[["100","1"]],"asks":[["101","1"]]}'
    asked = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        writer.write(peer.wire.accepted(await reader.readuntil(b"\r\n\r\n")))
        await reader.read(4096)
        writer.write(peer.wire.frame(update))
        while chunk := await reader.read(4096):
            asked += unmasked(chunk).count(b'"subscribe"')
            if asked >= 3:
                writer.write(peer.wire.frame(snapshot))

    async with peer.serve_raw(script) as port, on(port, closed_port, "coinbase") as diary:
        await eventually(lambda: diary.read, lambda: (asked, diary.shown()))
        connection = diary.feed._connection
        assert connection is not None and connection._lost_books.awaited == {}
        assert asked >= 3


async def test_a_lost_book_of_a_symbol_that_is_then_rejected_is_not_asked_for(
    peer: Peer, closed_port: int, eventually: Eventually
) -> None:
    lost = b'{"type":"l2update","product_id":"%s-USD","changes":[["buy","100.0","1"]]}'
    rejected = b'{"type":"error","message":"Failed to subscribe","reason":"BTC-USD is not a valid product"}'
    heard = bytearray()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(peer.wire.accepted(await reader.readuntil(b"\r\n\r\n")))
        await reader.read(4096)
        writer.write(b"".join(map(peer.wire.frame, (lost % b"BTC", lost % b"ETH", rejected))))
        while chunk := await reader.read(4096):
            heard.extend(unmasked(chunk))

    both = ("BTC/USD", "ETH/USD")
    async with peer.serve_raw(script) as port, on(port, closed_port, "coinbase", both) as diary:
        await eventually(lambda: heard.count(b"ETH-USD") >= 6, lambda: bytes(heard))
        assert b"BTC-USD" not in heard
        assert diary.feed.health().rejected.keys() == {"BTC/USD"}


@pytest.mark.parametrize(
    "unreadable",
    [
        b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","100.0","0"],["buy","98.0","x"]]}',
        b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","100.0","0"],["bu',
        b'{"type":"l2upd',
    ],
)
async def test_an_update_that_cannot_be_read_withdraws_the_book_until_a_new_snapshot(
    peer: Peer, closed_port: int, eventually: Eventually, unreadable: bytes
) -> None:
    def snapshot(bid: bytes) -> bytes:
        frame = b'{"type":"snapshot","product_id":"BTC-USD","bids":[["%s","1"]],"asks":[["101","1"]]}'
        return peer.wire.frame(frame % bid)

    harmless = b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","90.0","1"]]}'

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer.came += 1
        writer.write(peer.wire.accepted(await reader.readuntil(b"\r\n\r\n")))
        await reader.read(4096)
        if peer.came == 1:
            writer.write(snapshot(b"100") + peer.wire.frame(unreadable) + peer.wire.frame(harmless))
            await reader.read(4096)
        writer.write(snapshot(b"50"))
        while await reader.read(4096):
            pass

    async with peer.serve_raw(script) as port, on(port, closed_port, "coinbase") as diary:
        await eventually(lambda: diary.read and diary.read[-1].bid == 50.0, diary.shown)
        assert {quote.bid for quote in diary.read} <= {100.0, 50.0}
        assert any(0 in withdrawal.instrument_ids for withdrawal in diary.withdrawn)


async def test_frames_that_no_parser_can_read_cost_only_a_count(
    peer: Peer, closed_port: int, eventually: Eventually
) -> None:
    junk = (b"\xff\xfe", b"[" * 5000, b"{}", b"null", b'{"channel":"ticker","data":[{"symbol":7}]}', b"")

    def answer(request: bytes) -> bytes:
        frames = b"".join(peer.wire.frame(each, peer.wire.BINARY) for each in junk)
        return peer.wire.accepted(request) + frames + peer.wire.frame(TICKER)

    async with peer.serving(answer, keeps_open=True) as port, on(port, closed_port) as diary:
        await eventually(lambda: diary.is_live or diary.read, diary.shown)
        assert diary.feed.health().dropped == {"unreadable frame": len(junk)}
        assert peer.came == 1


async def test_the_venues_keep_alive_is_sent(peer: Peer, closed_port: int, eventually: Eventually) -> None:
    heard = bytearray()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(peer.wire.accepted(await reader.readuntil(b"\r\n\r\n")) + peer.wire.frame(TICKER))
        while chunk := await reader.read(4096):
            heard.extend(unmasked(chunk))

    async with peer.serve_raw(script) as port, on(port, closed_port) as diary:
        await eventually(lambda: diary.is_live, diary.shown)
        connection = diary.feed._connection
        assert connection is not None and connection._keep_alive is not None
        connection._keep_alive = replace(connection._keep_alive, every_s=0.02)
        await eventually(lambda: heard.count(b'{"method":"ping"}') >= 2, lambda: bytes(heard))


def unmasked(written: bytes) -> bytes:
    """The payloads of short frames, one behind the other."""
    found, at = b"", 0
    while at + 6 <= len(written):
        length = written[at + 1] & 0x7F
        body = at + 6
        if length == 126:
            length, body = int.from_bytes(written[at + 2 : at + 4], "big"), at + 8
        mask = written[body - 4 : body]
        found += bytes(byte ^ mask[i % 4] for i, byte in enumerate(written[body : body + length]))
        at = body + length
    return found
