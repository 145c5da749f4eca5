"""Prints prices and events of a node as JSON lines, and goes on where it was when the connection ends.

python read_stream.py ws://127.0.0.1:8787/v1/stream BTC/USDT; a token, where one is needed, stands in ARBSNIPER_TOKEN.
"""

import asyncio
import json
import os
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def read(address: str, symbol: str) -> None:
    token = os.environ.get("ARBSNIPER_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    place = None
    async for socket in connect(address, additional_headers=headers):
        try:
            events = {"op": "subscribe", "to": {"channel": "events", "symbol": symbol}}
            await socket.send(json.dumps(events | ({"after": place} if place else {})))
            await socket.send(json.dumps({"op": "subscribe", "to": {"channel": "prices", "symbol": symbol}}))
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "refused":
                    sys.exit(message["detail"])
                if message["type"] == "events":
                    place = {"run": message["run"], "seq": message["seq"]}
                for line in message.get("events", message.get("prices", [])):
                    print(json.dumps(line), flush=True)
                if message.get("missed"):
                    print(f"{message['missed']} changes of {message['type']} missed", file=sys.stderr)
        except ConnectionClosed as closed:
            print(f"connecting again: {closed}", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(read(sys.argv[1], sys.argv[2]))
