"""What is counted beside a demo with faults: lives of opportunities, and the simulation's word on each signal."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from waiting import wait_until

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.signal import Event, EventKind, Signal
from arbsniper_tui.model.view import Invariants
from arbsniper_tui.node.invariants import PATH_MS, Lives, Witness
from arbsniper_tui.sim.truth import Claim

MAX_AGE_MS = 5000.0
NOW_MS = 1_700_000_000_000


def signal(id: str, *, buy: str = "okx", state: str = "open", price: float = 100.0) -> Signal:  # noqa: A002 - the field of a signal
    return Signal(
        action=f"BUY_{buy}_SELL_GATE",
        symbol="BTC/USDT",
        spread_pct=1.0,
        buy_price=price,
        sell_price=101.0,
        profit_estimate=1.0,
        timestamp=NOW_MS,
        detected_at=NOW_MS,
        id=id,
        seq=1,
        state=state,
        buy_exchange=buy,
        sell_exchange="gate",
        buy_symbol="BTC/USDT",
        sell_symbol="BTC/USDT",
        size=1.0,
        net_spread_pct=1.0,
        net_profit=1.0,
        buy_age_ms=0,
        sell_age_ms=0,
        buy_market=Market.SPOT,
        sell_market=Market.SPOT,
    )


def lived(*told: tuple[EventKind, str, str]) -> tuple[int, int]:
    """Doubled events and unclosed openings after these: what happened, to which id, on which route."""
    lives = Lives()
    for seq, (kind, id, buy) in enumerate(told):  # noqa: A001 - the field of a signal
        lives.take(Event(event=kind, seq=seq, timestamp=NOW_MS, signal=signal(id, buy=buy, state=kind)))
    lives.take(Event(event="heartbeat", seq=99, timestamp=NOW_MS))
    lives.end()
    return lives.doubled, lives.unclosed


def test_each_opening_with_one_close_is_in_order() -> None:
    first, second = ("a", "okx"), ("b", "bybit")
    assert lived(("open", *first), ("open", *second), ("update", *first), ("close", *second), ("close", *first)) == (
        0,
        0,
    )


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ([("open", "a", "okx"), ("open", "a", "okx"), ("close", "a", "okx")], (1, 0)),
        ([("open", "a", "okx"), ("close", "a", "okx"), ("close", "a", "okx")], (1, 0)),
        ([("open", "a", "okx"), ("close", "a", "okx"), ("open", "a", "okx")], (1, 0)),
        ([("close", "a", "okx")], (1, 0)),
        ([("open", "a", "okx"), ("open", "b", "okx"), ("close", "b", "okx")], (0, 1)),
        ([("open", "a", "okx"), ("open", "b", "bybit")], (0, 2)),
    ],
)
def test_what_is_not_in_order_is_counted(told: list[tuple[EventKind, str, str]], counted: tuple[int, int]) -> None:
    assert lived(*told) == counted


class Simulation:
    """Answers claims on a real socket: an ask of 100 was there, one of 99 was not, of any other nothing is known."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.claims: list[Claim] = []
        self.dies = 0
        """So many questions end the connection in place of an answer."""

    async def serve(self) -> None:
        server = await asyncio.start_server(self._answer, sock=self.listener)
        await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if self.dies:
                self.dies -= 1
                break
            claims = msgspec.json.decode(line, type=list[Claim])
            self.claims += claims
            known = {100.0: True, 101.0: True, 99.0: False}
            answer = msgspec.json.encode([known.get(each.price) for each in claims]) + b"\n"
            for part in (answer[:3], answer[3:]):
                writer.write(part)
                await writer.drain()
        writer.close()


@contextmanager
def witnessed() -> Iterator[tuple[Witness, Simulation]]:
    simulation = Simulation()
    loop = asyncio.new_event_loop()
    serving = loop.create_task(simulation.serve())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([serving])))
    thread.start()
    witness = Witness(simulation.listener.getsockname(), MAX_AGE_MS)
    try:
        yield witness, simulation
    finally:
        witness.close()
        loop.call_soon_threadsafe(serving.cancel)
        thread.join()
        loop.close()


def pumped(witness: Witness) -> list[str]:
    """The ids of all false signals, once each one has its verdict."""
    false: list[str] = []

    def is_done() -> bool:
        false.extend(each.id for each in witness.pump())
        return not witness.is_waiting

    wait_until(is_done, lambda: false)
    return false


def test_a_signal_is_false_where_a_leg_was_not_there() -> None:
    with witnessed() as (witness, simulation):
        for id, price in (("true", 100.0), ("false", 99.0), ("unknown", 7.0)):  # noqa: A001 - as above
            witness.put(signal(id, price=price))
        assert pumped(witness) == ["false"]
        assert witness.unchecked == 1
    since_ms = NOW_MS - round(MAX_AGE_MS) - PATH_MS
    assert simulation.claims[0] == Claim("okx", "BTC/USDT", True, 100.0, since_ms, NOW_MS + 1)
    assert simulation.claims[1] == Claim("gate", "BTC/USDT", False, 101.0, since_ms, NOW_MS + 1)


def test_the_raw_prices_of_a_converted_leg_are_asked_for() -> None:
    converted = msgspec.structs.replace(signal("raw", price=55.0), buy_raw_price=99.0, sell_raw_price=101.0)
    with witnessed() as (witness, _):
        witness.put(converted)
        assert pumped(witness) == ["raw"]


def test_a_simulation_that_dies_is_asked_again() -> None:
    with witnessed() as (witness, simulation):
        simulation.dies = 2
        witness.put(signal("false", price=99.0))
        assert pumped(witness) == ["false"]
        witness.put(signal("true"))
        assert pumped(witness) == []


def test_a_simulation_that_does_not_answer_keeps_nobody_waiting_and_fills_no_memory() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        witness = Witness(silent.getsockname(), MAX_AGE_MS)
        for number in range(1500):
            witness.put(signal(str(number)))
            assert witness.pump() == []
        assert witness.unchecked == 500
        witness.end()
        assert witness.unchecked == 1500


def test_the_line_names_all_three_counts_and_what_was_not_checked() -> None:
    assert Invariants().in_words == "false signals 0, doubled events 0, unclosed opens 0"
    assert Invariants(1, 2, 3, 4).in_words == "false signals 1, doubled events 2, unclosed opens 3, not checked 4"
    assert [each.hold for each in (Invariants(unchecked=4), Invariants(1), Invariants(0, 1), Invariants(0, 0, 1))] == [
        True,
        False,
        False,
        False,
    ]
