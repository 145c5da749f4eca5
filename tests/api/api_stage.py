"""A node that answers programs, whose two venues quote what a test says; and the requests of a test."""

import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
from node_process import RunningNode
from raw_venues import RawBinance, RawKraken
from shared_api import address_in
from waiting import DEADLINE_S, wait_until

from arbsniper_tui.session.session import Session

BASE = 45_000.0
SETTINGS = """
symbols = ["BTC/USDT"]
[signals]
threshold_pct = 0.5
max_quote_age_ms = 600000
[redis]
{redis}
[venues.binance]
{binance}
[venues.kraken]
{kraken}
[api]
enabled = true
listen = "127.0.0.1:0"
"""


class ApiStage:
    """A node whose one route opens and closes as a test says, and a client of its API."""

    def __init__(
        self,
        start_node: Callable[..., RunningNode],
        folder: Path,
        binance: RawBinance,
        kraken: RawKraken,
        more: str = "",
        redis: str = 'mode = "off"',
        certificate: ssl.SSLContext | bool = True,
    ) -> None:
        """`more` are further keys of `[api]`, `redis` all of `[redis]`."""
        self.binance, self.kraken = binance, kraken
        self.config = folder / "arbsniper.toml"
        self.config.write_text(SETTINGS.format(binance=binance.table, kraken=kraken.table, redis=redis) + more)
        self.node = start_node("--config", str(self.config), demo=False)
        self.session: Session = self.node.session()
        self.snapshot = self.session.snapshot
        for venue in (binance, kraken):
            venue.wait_for_subscription()
        self.node.wait_for(lambda: address_in(self.node.log))
        self.address = address_in(self.node.log)
        self.client = httpx.Client(base_url=self.address, timeout=DEADLINE_S, trust_env=False, verify=certificate)

    def close(self) -> None:
        self.client.close()
        self.session.close()

    def quote(self, binance_bid: float, kraken_bid: float = BASE) -> None:
        """Both venues quote, with an ask half a dollar above."""
        self.binance.send(self.binance.quote(binance_bid, binance_bid + 0.5))
        self.kraken.send(self.kraken.quote(kraken_bid, kraken_bid + 0.5))

    def quote_until(self, condition: Callable[[], object], binance_bid: float = BASE) -> None:
        """Quote again and again, as venues do, until the condition holds."""

        def is_there() -> object:
            self.quote(binance_bid)
            return condition()

        self.node.watch(self.session, is_there)

    def open(self) -> None:
        """An opportunity: buy on kraken, sell on binance."""
        self.quote_until(lambda: self.count("open") > self.count("close"), BASE + 500)

    def close_opportunity(self) -> None:
        self.quote_until(lambda: self.count("open") == self.count("close"))

    def count(self, kind: str) -> int:
        return sum(event.event == kind for event in self.snapshot.events)

    def bids(self) -> list[float | None]:
        """What the API says that the two venues bid."""
        return [each["bid"] for each in self.get("/v1/prices").json()["prices"]]

    def get(self, path: str, status: int = 200, **headers: str) -> httpx.Response:
        """The answer, after a look at its status. Asks again while it is 503, as a busy node answers for a moment."""

        def answered() -> httpx.Response | None:
            answer = self.client.get(path, headers=headers)
            return None if answer.status_code == 503 != status else answer

        answer = wait_until(answered, lambda: self.node.log[-3000:])
        assert answer.status_code == status, answer.text
        return answer
