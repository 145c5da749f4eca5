"""The detector against a plain restatement of its rules, and laws that hold whatever the market does."""

from random import Random

from detector_reference import (
    MS,
    Change,
    Put,
    Reference,
    S,
    Step,
    Wait,
    Withdraw,
    happening,
    make,
    make_detector,
    place_of,
    play,
    run_step,
    universe,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from arbsniper_tui.engine.routes import ROUTE_KINDS
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.model.gate_words import gate_of
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.signal import Signal

RATES = (8, 9)
# None of these is the quotient of two prices drawn below, so that no spread lies on the line itself.
THRESHOLDS = (0.0137, 0.4637, 1.3711)
MAX_AGE_NS = 2 * S

# Mostly short, so that quotes meet while they are fresh; some just at and just beyond the age that counts.
lapses = st.sampled_from((0, 0, MS, MS, 20 * MS, 20 * MS, 90 * MS, 251 * MS, 251 * MS, 700 * MS, 2 * S, 2 * S + 1))
lags = st.sampled_from((0, 0, 0, 0, 0, 3 * MS, 500 * MS, 2 * S, 2 * S + 1))


@st.composite
def puts(draw: st.DrawFn, count: int = 13) -> Put:
    i = draw(st.sampled_from([*range(count), *range(min(count, 10))]))
    ticks = draw(st.integers(0, 40))
    width = draw(st.integers(0, 4))
    tick, start = (0.001, 0.98) if i in RATES else (0.1, 98.0)
    bid = start + tick * ticks
    return Put(i, bid, bid + tick * width, draw(lapses), draw(lags), draw(st.sampled_from((0.25, 1.0, 7.5))))


changes = st.builds(Change, st.sampled_from(THRESHOLDS), st.sampled_from(("gross", "net")), lapses)
steps = st.lists(
    st.one_of(
        puts(),
        puts(),
        puts(),
        puts(),
        st.builds(Withdraw, st.integers(0, 12), lapses),
        changes,
        st.builds(Wait, lapses),
    ),
    min_size=25,
    max_size=80,
)
moments = st.lists(st.lists(puts(), min_size=1, max_size=8, unique_by=lambda put: put.i), max_size=12)
quotes_only = st.lists(puts(), min_size=25, max_size=80)
rules = st.builds(
    Rules,
    threshold_pct=st.sampled_from(THRESHOLDS),
    basis=st.sampled_from(("gross", "net")),
    max_age_ns=st.just(MAX_AGE_NS),
    cooldown_ns=st.sampled_from((0, 0, 400 * MS, 5 * S)),
)
kinds = st.sampled_from((ROUTE_KINDS, ("spot-spot",), ("spot-spot", "perp-perp"), ("spot-perp",)))
fees = st.lists(st.sampled_from((0.0, 0.05, 0.1, 0.6)), min_size=13, max_size=13)

many = settings(max_examples=200, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
some = settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def with_fees(drawn: list[float]) -> list[Instrument]:
    return [replace(each, taker_fee_pct=fee) for each, fee in zip(universe(), drawn, strict=True)]


@many
@given(steps, rules, kinds, fees)
def test_announces_exactly_what_asking_every_pair_anew_finds(
    steps: list[Step], rules: Rules, kinds: tuple[str, ...], fees: list[float]
) -> None:
    instruments = with_fees(fees)
    detector = make_detector(instruments, rules, kinds)
    reference = Reference(instruments, rules, kinds)
    place = place_of(instruments)
    now_ns = S
    for step in steps:
        now_ns += step.after_ns
        announced = run_step(detector, step, now_ns)
        expected = reference.step(step, now_ns)
        assert sorted(happening(signal, place) for signal in announced) == sorted(expected)
        assert detector.open_count == len(reference.standing)
        for signal in announced:
            _, buy_id, sell_id, *_ = happening(signal, place)
            if signal.state != "close":
                gross, net = reference.spreads(buy_id, sell_id) or (0.0, 0.0)
                assert abs(signal.spread_pct - gross) < 0.00006
                assert abs(signal.net_spread_pct - net) < 0.00006


LIVELY = [Put(i, 98.0 + 0.02 * (turn % 2), 98.02 + 0.02 * (turn % 2), 5 * MS) for turn in range(30) for i in range(5)]
small_moves = st.lists(
    st.builds(
        lambda i, ticks, after_ns: Put(i, 98.0 + 0.02 * ticks, 98.02 + 0.02 * ticks, after_ns),
        st.integers(0, 4),
        st.sampled_from((0, 0, 0, 1, 2, 3, 4)),
        st.sampled_from((MS, 20 * MS, 90 * MS, 251 * MS, 700 * MS)),
    ),
    min_size=25,
    max_size=60,
)


@some
@given(small_moves, st.sampled_from((100 * MS, 500 * MS, 2 * S)))
def test_streams_that_hardly_move_are_frozen_as_asking_anew_finds(moves: list[Step], max_age_ns: int) -> None:
    instruments = with_fees([0.0] * 13)
    rules = Rules(threshold_pct=0.0137, max_age_ns=max_age_ns)
    detector, reference = make_detector(instruments, rules), Reference(instruments, rules, ROUTE_KINDS)
    place = place_of(instruments)
    now_ns = S
    for step in [*LIVELY, *moves]:
        now_ns += step.after_ns
        announced = [happening(signal, place) for signal in run_step(detector, step, now_ns)]
        assert sorted(announced) == sorted(reference.step(step, now_ns))


@some
@given(steps, rules, fees)
def test_every_open_has_one_close_and_one_opportunity_a_route_stands_at_a_time(
    steps: list[Step], rules: Rules, fees: list[float]
) -> None:
    open_ids: dict[tuple[str, ...], str] = {}
    closed: set[str] = set()
    for signal in play(make_detector(with_fees(fees), rules), steps):
        route = signal.buy_exchange, signal.buy_symbol, signal.sell_exchange, signal.sell_symbol
        if signal.state == "open":
            assert route not in open_ids
            assert signal.id not in closed
            open_ids[route] = signal.id
        elif signal.state == "update":
            assert open_ids[route] == signal.id
        else:
            assert open_ids.pop(route) == signal.id
            closed.add(signal.id)
    assert open_ids == {}


@some
@given(steps, rules)
def test_no_signal_rests_on_a_quote_that_is_too_old_or_withdrawn(steps: list[Step], rules: Rules) -> None:
    instruments = universe()
    detector = make_detector(instruments, rules)
    place = place_of(instruments)
    now_ns, recv_ns = S, dict[int, int]()
    for step in steps:
        now_ns += step.after_ns
        if isinstance(step, Put):
            recv_ns[step.i] = now_ns - step.lag_ns
        elif isinstance(step, Withdraw):
            recv_ns.pop(step.i, None)
        for signal in run_step(detector, step, now_ns):
            if signal.state == "close":
                continue
            assert max(signal.buy_age_ms, signal.sell_age_ms) <= MAX_AGE_NS // MS
            is_converted = instruments[place[signal.buy_exchange, signal.buy_symbol]].native_quote != (
                instruments[place[signal.sell_exchange, signal.sell_symbol]].native_quote
            )
            for leg in happening(signal, place)[1:3]:
                rate_id = instruments[leg].rate_id if is_converted else None
                for source in (leg,) if rate_id is None else (leg, rate_id):
                    assert now_ns - recv_ns[source] <= MAX_AGE_NS


@some
@given(steps, rules, fees)
def test_signals_are_numbered_without_gaps_and_net_is_never_above_gross(
    steps: list[Step], rules: Rules, fees: list[float]
) -> None:
    seq = 0
    for signal in play(make_detector(with_fees(fees), rules), steps):
        if signal.state != "close":
            seq += 1
        assert signal.seq == seq
        assert signal.net_spread_pct <= signal.spread_pct
        assert signal.net_profit <= signal.profit_estimate


def facts(signal: Signal) -> tuple[object, ...]:
    """All that a signal says of the market, without its numbers."""
    legs = signal.buy_exchange, signal.buy_symbol, signal.sell_exchange, signal.sell_symbol
    return legs, signal.state, signal.timestamp, signal.detected_at, signal.spread_pct, signal.size, signal.buy_age_ms


@some
@given(steps, rules, st.permutations(range(13)), st.permutations(("alpha", "beta", "gamma", "delta")))
def test_neither_the_order_of_instruments_nor_the_names_of_venues_matter(
    steps: list[Step], rules: Rules, order: list[int], names: list[str]
) -> None:
    original = universe()
    renamed = dict(zip(("alpha", "beta", "gamma", "delta"), names, strict=True))
    place = {old: new for new, old in enumerate(order)}
    moved = [
        replace(
            original[old],
            id=new,
            venue=renamed[original[old].venue],
            rate_id=None if (rate_id := original[old].rate_id) is None else place[rate_id],
        )
        for new, old in enumerate(order)
    ]

    def relabelled(step: Step) -> Step:
        if isinstance(step, Put):
            return Put(place[step.i], step.bid, step.ask, step.after_ns, step.lag_ns, step.size)
        return Withdraw(place[step.i], step.after_ns) if isinstance(step, Withdraw) else step

    def under_new_names(signal: Signal) -> tuple[object, ...]:
        buy, sell = renamed[signal.buy_exchange], renamed[signal.sell_exchange]
        return facts(replace(signal, buy_exchange=buy, sell_exchange=sell))

    before = [under_new_names(signal) for signal in play(make_detector(original, rules), steps)]
    after = [facts(signal) for signal in play(make_detector(moved, rules), [relabelled(step) for step in steps])]
    assert sorted(before, key=repr) == sorted(after, key=repr)


@some
@given(quotes_only, st.lists(puts(2), max_size=20), rules)
def test_an_unrelated_pair_changes_nothing_for_the_others(steps: list[Put], unrelated: list[Put], rules: Rules) -> None:
    alone = universe()
    together = [*alone, make(13, "alpha", "XRP/USDT"), make(14, "beta", "XRP/USDT")]
    mixed: list[Step] = []
    for number, step in enumerate(steps):
        mixed.append(step)
        if number < len(unrelated):
            other = unrelated[number]
            mixed.append(Put(13 + other.i, other.bid, other.ask, 0))
    before = [facts(signal) for signal in play(make_detector(alone, rules), list(steps))]
    after = [facts(s) for s in play(make_detector(together, rules), mixed) if not s.symbol.startswith("XRP")]
    assert before == after


@some
@given(quotes_only, rules, st.integers(-8, 8))
def test_prices_of_another_size_give_the_same_spreads(steps: list[Put], rules: Rules, power: int) -> None:
    factor = 10.0**power
    scaled = [
        step if step.i in RATES else Put(step.i, step.bid * factor, step.ask * factor, step.after_ns, step.lag_ns)
        for step in steps
    ]
    before = play(make_detector(universe(), rules), list(steps))
    after = play(make_detector(universe(), rules), list(scaled))
    assert [facts(signal)[:4] for signal in before] == [facts(signal)[:4] for signal in after]
    for one, other in zip(before, after, strict=True):
        # The fourth decimal may be rounded to either side.
        assert abs(one.spread_pct - other.spread_pct) < 0.00011
        assert abs(one.net_spread_pct - other.net_spread_pct) < 0.00011


@some
@given(steps, rules, fees)
def test_the_breakdown_of_every_route_ends_with_what_decided(
    steps: list[Step], rules: Rules, fees: list[float]
) -> None:
    detector = make_detector(with_fees(fees), rules)
    now_ns = S
    for step in steps:
        now_ns += step.after_ns
        run_step(detector, step, now_ns)
        for route in detector.routes.all:
            gate, reason = detector.breakdown(route, now_ns)[-1]
            assert reason == detector.why_not(route, now_ns)
            assert reason is None or gate_of(reason.code) == gate
            is_announced = route.opportunity is not None and bool(route.opportunity.id)
            assert is_announced == (reason is None)


@some
@given(
    st.lists(st.lists(puts(), min_size=1, max_size=8, unique_by=lambda put: put.i), max_size=12), rules, st.randoms()
)
def test_the_order_in_which_venues_quotes_of_one_moment_arrive_changes_nothing(
    rounds: list[list[Put]], rules: Rules, dice: Random
) -> None:
    def played(rounds: list[list[Put]]) -> list[str]:
        detector, now_ns, signals = make_detector(universe(), rules), S, list[Signal]()
        for moment in rounds:
            now_ns += 20 * MS
            signals += detector.expire(now_ns)
            for each in moment:
                detector.put(Quote(each.i, each.bid, each.size, each.ask, each.size), now_ns)
            signals += detector.judge({each.i: now_ns for each in moment}, now_ns)
        return sorted(repr(facts(signal)) for signal in signals)

    permuted = [dice.sample(moment, len(moment)) for moment in rounds]
    assert played(rounds) == played(permuted)


@some
@given(steps, rules)
def test_a_pair_that_never_quotes_changes_nothing(steps: list[Step], rules: Rules) -> None:
    with_dead = [*universe(), make(13, "alpha", "BTC/USDC", "USDT"), make(14, "epsilon", "BTC/USDT")]
    before = play(make_detector(universe(), rules), steps)
    after = play(make_detector(with_dead, rules), steps)
    assert [facts(signal) for signal in before] == [facts(signal) for signal in after]
