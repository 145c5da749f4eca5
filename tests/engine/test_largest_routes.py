"""The largest routes, kept by change, are those that a scan of all routes finds, in the same order: also after a look
between whose slices everything changed."""

from heapq import nlargest

from detector_reference import make, universe
from hypothesis import given, settings
from hypothesis import strategies as st

from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.largest import LargestRoutes
from arbsniper_tui.engine.routes import ROUTE_KINDS, Route
from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.engine.slices import Sliced, at_once
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote
from arbsniper_tui.model.reason import Reason, ReasonCode

NOW = 10**12
MOST_PCT = 20.0
LATER = [make(20, "delta", "BTC/USDT"), make(21, "delta", "ETH/USDT"), make(22, "alpha", "BTC/EUR", rate_id=9)]


def scanned(detector: Detector, most: int, *, is_net: bool) -> list[Route]:
    """Every route measured anew."""
    measured: list[tuple[float, int, Route]] = []
    unknown: list[Route] = []
    for route in detector.routes.all:
        ask, bid = route.buy.ask, route.sell.bid
        if route.buy.fault or route.sell.fault or (bid - ask) / ask * 100.0 > MOST_PCT:
            unknown.append(route)
        else:
            gain = route.net_profit(ask, bid) if is_net else bid - ask
            measured.append((gain / ask, -route.number, route))
    best = [route for _, _, route in nlargest(most, measured)]
    return best + unknown[: most - len(best)]


def fees(instruments: list[Instrument], seed: int) -> list[Instrument]:
    return [
        Instrument(
            each.id, each.venue, each.symbol, each.venue_symbol, each.counted_quote, (each.id * 7 + seed) % 5 / 10,
            rate_id=each.rate_id, rate_inverted=each.rate_inverted, only_rate=each.only_rate,
        )
        for each in instruments
    ]  # fmt: skip


prices = st.sampled_from([1.0, 99.0, 99.9, 100.0, 100.1, 100.5, 101.0, 110.0, 125.0])
steps = st.one_of(
    st.tuples(st.just("put"), st.sampled_from([*range(13), 20, 21, 22]), prices, prices),
    st.tuples(st.just("withdraw"), st.sampled_from([*range(13), 20, 21, 22])),
    st.tuples(st.just("add"), st.sampled_from(LATER)),
    st.tuples(st.just("remove"), st.sampled_from([0, 1, 2, 3, 5, 10, 20, 21, 22])),
    st.tuples(st.just("basis")),
    st.tuples(st.just("begin")),
    st.tuples(st.just("look")),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=60), st.integers(1, 100), st.integers(0, 4))
def test_looks_give_what_a_scan_of_all_routes_gives(steps: list[tuple], most: int, seed: int) -> None:  # type: ignore[type-arg]  # steps of several shapes
    detector = Detector(fees(universe(), seed), ROUTE_KINDS, Rules(), "node")
    largest, touched, is_net = LargestRoutes(detector.routes), set[int](), False
    under_way: Sliced[list[Route]] | None = None
    for kind, *about in [*steps, ("look",)]:
        if under_way is not None and next(under_way, under_way) is under_way:
            under_way = None
        held = not about or about[0] in detector.legs.shown
        if kind == "put" and held:
            i, first, second = about
            rate = 0.01 if i in (8, 9) else 1.0
            detector.on_quote(Quote(i, min(first, second) * rate, 1.0, max(first, second) * rate, 1.0), NOW, NOW)
            touched.add(i)
        elif kind == "withdraw" and held:
            detector.withdraw(about[0], Reason(ReasonCode.DISCONNECTED), NOW)
            touched.add(about[0])
        elif kind == "add" and about[0].id not in detector.legs.shown:
            detector.add(fees([about[0]], seed))
        elif kind == "remove" and held:
            detector.remove([about[0]], NOW)
        elif kind == "basis":
            is_net = not is_net
        elif kind == "begin" and under_way is None:
            under_way, touched = largest.find(touched, most, MOST_PCT, is_net=is_net), set()
        elif kind == "look":
            if under_way is not None:
                at_once(under_way)
                under_way = None
            found = at_once(largest.find(touched, most, MOST_PCT, is_net=is_net))
            assert [each.key for each in found] == [each.key for each in scanned(detector, most, is_net=is_net)]
            touched.clear()
