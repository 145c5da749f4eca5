"""The market has no clock: every test passes the time in."""

import pytest
from msgspec.structs import replace

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.sim.instruments import SimInstrument, contract_coins, opening_price
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk, Top
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import list_instruments

INSTRUMENTS = list_instruments(SimPlan())
STEP_NS = 10_000_000
LARGE = ("BTC", "ETH", "SOL")


def walk(
    seed: int = 1, frames_per_s: float = 400.0, instruments: tuple[SimInstrument, ...] = INSTRUMENTS
) -> MarketWalk:
    return MarketWalk(instruments, seed, frames_per_s)


def run(market: MarketWalk, seconds: float, watched: list[SimInstrument]) -> list[list[Top]]:
    """The changes of every step of 10 ms."""
    for instrument in watched:
        market.watch(instrument.id, 0)
    return [market.advance(at) for at in range(STEP_NS, round(seconds * NS_PER_S) + 1, STEP_NS)]


def large_spot() -> list[SimInstrument]:
    return [each for each in INSTRUMENTS if each.base in LARGE and each.market is Market.SPOT]


def mid(top: Top) -> float:
    instrument = INSTRUMENTS[top.instrument_id]
    return (top.bid_ticks + top.ask_ticks) / 2 / 10**instrument.price_digits


def test_same_seed_gives_same_changes() -> None:
    assert run(walk(seed=5), 5, large_spot()) == run(walk(seed=5), 5, large_spot())


def test_another_seed_gives_other_changes() -> None:
    assert run(walk(seed=5), 1, large_spot()) != run(walk(seed=6), 1, large_spot())


def test_every_listing_of_every_venue_keeps_bid_below_ask_with_sizes() -> None:
    seen = set()
    for tops in run(walk(frames_per_s=1000), 60, list(INSTRUMENTS)):
        for top in tops:
            assert 0 < top.bid_ticks < top.ask_ticks
            assert top.bid_lots > 0
            assert top.ask_lots > 0
            seen.add(top.instrument_id)
    assert seen == {instrument.id for instrument in INSTRUMENTS}


def test_serials_of_a_listing_count_up_without_gaps() -> None:
    last: dict[int, int] = {}
    for tops in run(walk(), 5, large_spot()):
        for top in tops:
            assert top.serial == last.get(top.instrument_id, 0) + 1
            last[top.instrument_id] = top.serial


def test_pace_of_three_coins_is_what_was_asked() -> None:
    for frames_per_s in (200.0, 400.0, 1600.0):
        changes = sum(map(len, run(walk(frames_per_s=frames_per_s), 20, large_spot())))
        assert changes / 20 == pytest.approx(frames_per_s, rel=0.1)


def test_prices_stay_together_but_for_the_jumps() -> None:
    rates = {"USD": 0.9995, "USDT": 1.0}
    held: dict[int, float] = {}
    calm = 0
    steps = run(walk(), 60, [each for each in large_spot() if each.base == "BTC"])
    for tops in steps:
        for top in tops:
            held[top.instrument_id] = mid(top) / rates[INSTRUMENTS[top.instrument_id].quote]
        prices = held.values()
        calm += bool(prices) and max(prices) / min(prices) - 1 < 0.0012
    assert calm > len(steps) / 2


def crossings(seconds: float, watched: list[SimInstrument], least_pct: float) -> list[float]:
    """How long each opportunity of more than `least_pct` on one coin stood, in s, USD converted at the rate."""
    market = walk(seed=3)
    tops: dict[int, Top] = {}
    opened: dict[str, int] = {}
    lengths: list[float] = []
    for number, changed in enumerate(run(market, seconds, watched)):
        tops |= {top.instrument_id: top for top in changed}
        for base in {INSTRUMENTS[top.instrument_id].base for top in changed}:
            legs = [(INSTRUMENTS[i], top) for i, top in tops.items() if INSTRUMENTS[i].base == base]
            in_usdt = [(one.price_digits, 0.9995 if one.quote == "USD" else 1.0, top) for one, top in legs]
            bid = max(top.bid_ticks / 10**digits / rate for digits, rate, top in in_usdt)
            ask = min(top.ask_ticks / 10**digits / rate for digits, rate, top in in_usdt)
            if (bid - ask) / ask * 100 > least_pct:
                opened.setdefault(base, number)
            elif base in opened:
                lengths.append((number - opened.pop(base)) * STEP_NS / NS_PER_S)
    return lengths


def test_an_opportunity_comes_every_few_seconds_and_passes() -> None:
    lengths = crossings(240, large_spot(), least_pct=0.12)
    assert 30 <= len(lengths) <= 90
    assert max(lengths) < 5
    assert 0.2 < sum(lengths) / len(lengths) < 2.5


def test_one_coin_alone_has_its_opportunities_too() -> None:
    bitcoin = [each for each in large_spot() if each.base == "BTC"]
    assert len(crossings(240, bitcoin, least_pct=0.12)) > 25


def test_one_venue_alone_has_nothing_to_stand_apart_from() -> None:
    kraken = [each for each in large_spot() if each.venue == "kraken"]
    assert crossings(60, kraken, least_pct=0.12) == []


def test_perpetuals_alone_change_at_the_pace_that_was_asked() -> None:
    perpetuals = tuple(each for each in INSTRUMENTS if each.market is Market.PERP)
    renumbered = tuple(replace(each, id=number) for number, each in enumerate(perpetuals))
    assert any(run(walk(instruments=renumbered), 1, list(renumbered)))


def test_the_stablecoin_never_jumps() -> None:
    watched = [each for each in INSTRUMENTS if each.base in ("USDT", "BTC")]
    for tops in run(walk(), 120, watched):
        for top in tops:
            if INSTRUMENTS[top.instrument_id].base == "USDT":
                assert mid(top) == pytest.approx(0.9995, abs=0.0008)


def test_what_nobody_watches_does_not_change() -> None:
    market = walk()
    market.watch(0, 0)
    market.watch(1, 0)
    market.advance(NS_PER_S // 5)
    market.unwatch(0)
    assert {top.instrument_id for at in range(30) for top in market.advance(NS_PER_S + at * NS_PER_S // 5)} == {1}


def test_watching_again_does_not_double_the_pace() -> None:
    market = walk()
    for _ in range(50):
        market.watch(0, 0)
        market.unwatch(0)
    once = sum(map(len, run(walk(), 20, [INSTRUMENTS[0]])))
    again = sum(map(len, run(market, 20, [INSTRUMENTS[0]])))
    assert again == pytest.approx(once, rel=0.25)


def test_a_long_pause_is_not_made_up_for() -> None:
    market = walk()
    for instrument in large_spot():
        market.watch(instrument.id, 0)
    assert len(market.advance(3600 * NS_PER_S)) < 400


def test_a_top_is_there_before_the_first_change() -> None:
    market = walk()
    bitcoin = large_spot()[0]
    top = market.top(bitcoin.id, 0)
    assert mid(top) == pytest.approx(64_000, rel=0.01)
    market.watch(bitcoin.id, 0)
    assert market.top(bitcoin.id, 0) is market.top(bitcoin.id, 0)


def test_venues_list_what_their_markets_have() -> None:
    symbols = {(each.venue, each.market, each.venue_symbol) for each in INSTRUMENTS}
    for listed in (
        ("binance", Market.SPOT, "BTCUSDT"),
        ("binance", Market.PERP, "BTCUSDT"),
        ("coinbase", Market.SPOT, "BTC-USDT"),
        ("coinbase", Market.SPOT, "DOT-USD"),
        ("coinbase", Market.SPOT, "USDT-USD"),
        ("kraken", Market.SPOT, "DOGE/USDT"),
        ("kraken", Market.SPOT, "USDT/USD"),
        ("okx", Market.PERP, "BTC-USDT-SWAP"),
        ("okx", Market.PERP, "BTC-USD-SWAP"),
    ):
        assert listed in symbols
    assert ("coinbase", Market.SPOT, "DOT-USDT") not in symbols
    assert [each.id for each in INSTRUMENTS] == list(range(len(INSTRUMENTS)))


def test_contracts_of_the_large_coins_are_the_venues_own() -> None:
    assert [contract_coins(base) for base in LARGE] == [0.01, 0.1, 1.0]


def test_a_coin_without_a_known_price_has_the_same_one_each_time() -> None:
    assert opening_price("NEWCOIN") == opening_price("NEWCOIN")
    assert 0.01 <= opening_price("NEWCOIN") <= 100
    assert opening_price("NEWCOIN") != opening_price("SHIB")


def test_a_venue_without_a_simulation_is_named() -> None:
    with pytest.raises(UsageError, match="nowhere"):
        list_instruments(SimPlan(venues=("binance", "nowhere")))
