"""Another program that sends ticks: a real PUSH socket of libzmq."""

import json
import time
from pathlib import Path
from typing import Any

import zmq
from waiting import DEADLINE_S

HOUR_MS = 3_600_000


def tick(exchange: str, bid: float, symbol: str = "BTC/USDT", ahead_ms: int = 0, **others: Any) -> dict[str, Any]:
    """A sound tick of now, or by a clock that is ahead; its ask is 0.1 above the bid."""
    sides = {"bid": bid, "ask": bid + 0.1, "bid_size": 1.0, "ask_size": 2.0}
    at_ms = time.time_ns() // 1_000_000 + ahead_ms
    return {"exchange": exchange, "symbol": symbol, **sides, "timestamp": at_ms, **others}


class TickSender:
    """Connects at once, and waits for the reader as libzmq does. A send raises zmq.Again where none comes at all."""

    def __init__(self, address: str, held: int = 1000) -> None:
        """At most `held` messages wait here for a reader."""
        self.address = address
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._push = self._context.socket(zmq.PUSH)
        self._push.setsockopt(zmq.SNDHWM, held)
        self._push.setsockopt(zmq.RECONNECT_IVL, 20)
        self._push.setsockopt(zmq.SNDTIMEO, int(DEADLINE_S * 1000))
        self._push.connect(address)

    def send(self, *ticks: dict[str, Any]) -> None:
        for each in ticks:
            self.send_bytes(json.dumps(each).encode())

    def send_bytes(self, message: bytes) -> None:
        self._push.send(message)

    def close(self) -> None:
        self._context.destroy(linger=0)


def settings_file(folder: Path, *more: str, address: str = "", symbols: str = '["BTC/USDT"]') -> Path:
    """A file with two external exchanges, acme and zeta, and the lines of `more` above their tables. Without an
    `address` they send to a socket in `folder`."""
    folder.chmod(0o700)
    lines = [
        f"symbols = {symbols}",
        *more,
        "[feeds]",
        f'external = "{address or address_in(folder)}"',
        *(f"[venues.{name}]\nexternal = true\ntaker_fee_pct = 0.1" for name in ("acme", "zeta")),
    ]
    path = folder / "ticks.toml"
    path.write_text("\n".join(lines))
    return path


def address_in(folder: Path) -> str:
    return f"ipc://{folder}/ticks"
