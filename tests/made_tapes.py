"""Tapes of a few lines, and a player that remembers what it complained of."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from arbsniper_tui.feeds.player import Played, Player
from arbsniper_tui.model.instrument import Instrument, parse_symbol
from arbsniper_tui.tapes.source import parse_source
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.listing import Listing

SPOT_URL = "wss://stream.binance.com:9443/ws"
PERP_URL = "wss://fstream.binance.com/public/ws"
KRAKEN_URL = "wss://ws.kraken.com/v2"
OKX_URL = "wss://ws.okx.com:8443/ws/v5/public"


def instrument(i: int, venue: str, symbol: str) -> Instrument:
    return Instrument(i, venue, symbol, VENUES[venue].venue_symbol(parse_symbol(symbol)), "USDT", 0.1)


def instruments(*pairs: tuple[str, str]) -> list[Instrument]:
    return [instrument(i, venue, symbol) for i, (venue, symbol) in enumerate(pairs)]


def binance(bid: float, ask: float | None = None) -> str:
    return json.dumps({"s": "BTCUSDT", "b": str(bid), "B": "1", "a": str(ask or bid + 1), "A": "1"})


def kraken(bid: float) -> str:
    top = {"symbol": "BTC/USDT", "bid": bid, "bid_qty": 1, "ask": bid + 1, "ask_qty": 1}
    return json.dumps({"channel": "ticker", "data": [top]})


def okx(bid: float, name: str = "BTC-USDT") -> str:
    top = {"bids": [[str(bid), "10"]], "asks": [[str(bid + 1), "10"]], "ts": "1700000000000"}
    return json.dumps({"arg": {"channel": "bbo-tbt", "instId": name}, "data": [top]})


def line(t: float | None, url: str | None, raw: str | None, **more: object) -> dict[str, object]:
    return {"t": t, "url": url, "raw": raw, **more}


def write_tape(path: Path, *lines: Mapping[str, object] | str) -> str:
    path.write_text("".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines))
    return str(path)


class Playing:
    """Plays tapes as the command line names them."""

    def __init__(
        self,
        arguments: Sequence[str],
        known: Sequence[Instrument],
        listings: Mapping[str, Mapping[str, Listing]] | None = None,
    ) -> None:
        self.complaints: list[str] = []
        sources = [parse_source(argument) for argument in arguments]
        self.player = Player(sources, known, listings or {}, self.complaints.append)
        self.played: list[Played] = list(self.player.play())

    @property
    def bids(self) -> list[tuple[float, int, float]]:
        """Seconds, instrument and bid of every quote."""
        return [
            (ts_ns / 1e9, quote.instrument_id, quote.bid)
            for ts_ns, came in self.played
            if isinstance(came, list)
            for quote in came
        ]
