"""A real node on venues that put control characters into everything they say: its log stays lines of its own."""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from feeding import running

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.runtime.limited_log import MOST_REASONS

Eventually = Callable[..., Awaitable[None]]

FORGED = "\x1b[2J\x1b]0;mine\x07\r\n2026-11-20 00:00:00,000 INFO forged: all is well\u202e\x9b1m"
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ [\w.]+: ")
JSON_LINE = re.compile(r'\{"time":"\d{4}-\d\d-\d\dT[\d:.]+Z","level":"[a-z]+","worker":"[a-z]+","event":"[\w.]+",.*\}$')

REJECTIONS: dict[str, list[object]] = {
    "/v2": [
        {"method": "subscribe", "success": False, "symbol": "BTC/USDT", "error": FORGED},
        {"method": "subscribe", "success": False, "symbol": FORGED, "error": "unknown"},
        {"channel": FORGED},
    ],
    "/ws/v5/public": [
        {"event": "error", "code": FORGED, "msg": f"instId:{FORGED}"},
        {"event": "error", "code": "60018", "msg": f"channel:bbo-tbt,instId:BTC-USDT doesn't exist {FORGED}"},
        {FORGED: FORGED},
    ],
}
LISTS = {
    "/0/public/AssetPairs": b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps({"error": [FORGED]}).encode(),
    "/api/v5/public/instruments": b"HTTP/1.1 503 " + FORGED.partition("\r")[0].encode() + b"\r\n\r\n",
}


@pytest.mark.parametrize(("log_format", "pattern"), [("text", LINE), ("json", JSON_LINE)], ids=["text", "json"])
async def test_no_control_character_of_a_venue_reaches_the_log(
    start_node: Callable,
    serve_raw: Callable,
    wire: type,
    tmp_path: Path,
    eventually: Eventually,
    log_format: str,
    pattern: re.Pattern[str],
) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        path = request.split()[1].decode().partition("?")[0]
        if path in LISTS:
            writer.write(LISTS[path])
            await writer.drain()
            return
        frames = b"".join(wire.frame(json.dumps(frame).encode()) for frame in REJECTIONS[path])
        writer.write(wire.accepted(request) + frames)
        while await reader.read(4096):
            pass

    async with serve_raw(script) as port:
        venues = "".join(
            f'[venues.{venue}]\nws_url = "ws://127.0.0.1:{port}"\nrest_url = "http://127.0.0.1:{port}"\n'
            for venue in ("kraken", "okx")
        )
        config = tmp_path / "hostile.toml"
        config.write_text(f'symbols = ["BTC/USDT"]\n[redis]\nmode = "off"\n{venues}')
        node = start_node("--config", str(config), "--log-format", log_format, demo=False)
        said = (
            r"kraken spot: BTC/USDT rejected: \x1b[2J",
            r"okx spot: BTC-USDT rejected: 60018",
            "kraken spot: expected",
            "okx spot: expected",
            "AssetPairs",
            "HTTP 503",
        )
        escaped = tuple(words.replace("\\", "\\\\") if log_format == "json" else words for words in said)
        await eventually(lambda: all(words in node.log for words in escaped), lambda: node.log)
        lines = node.log_file.read_bytes().decode().split("\n")
        assert lines.pop() == ""
        for line in lines:
            assert line.isprintable(), repr(line)
            assert pattern.match(line), line
            assert " INFO forged: " not in line[:40]
        assert await asyncio.to_thread(node.stop) == 0


@pytest.mark.parametrize(
    ("symbol", "reason"),
    [("BTC/USD", "no"), ("BTC/USD", "no {}"), ("X{}/USD", "no"), ("X{}/USD", "no {}"), ("", "no {}")],
    ids=["same", "other reasons", "other symbols", "all different", "no symbol"],
)
@pytest.mark.parametrize("implied", [False, True])
async def test_a_flood_of_rejections_is_a_bounded_number_of_lines(
    serve_raw: Callable,
    wire: type,
    closed_port: int,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
    symbol: str,
    reason: str,
    implied: bool,
) -> None:
    count = 2000
    refused = {"method": "subscribe", "success": False}
    rejections = b"".join(
        wire.frame(json.dumps(refused | {"symbol": symbol.format(number), "error": reason.format(number)}).encode())
        for number in range(count)
    )

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire.accepted(await reader.readuntil(b"\r\n\r\n")))
        await reader.read(4096)
        writer.write(rejections)
        while await reader.read(4096):
            pass

    caplog.set_level(logging.INFO)
    async with serve_raw(script) as port:
        urls = f"ws://127.0.0.1:{port}/v2", f"http://127.0.0.1:{closed_port}/"
        symbols = ("BTC/USD", "ETH/USD")
        async with running("kraken", Market.SPOT, *urls, symbols, implied=implied) as diary:
            await eventually(lambda: diary.feed.counts.frames >= count, diary.shown)
        assert len([record for record in caplog.records if "rejected" in record.getMessage()]) <= MOST_REASONS
