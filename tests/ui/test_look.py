from arbsniper_tui.model.signal import Event
from arbsniper_tui.ui.look import SORTS, Look
from tests.ui import builder


def test_each_word_of_the_filter_must_stand_somewhere() -> None:
    btc = builder.instruments()[0]
    assert Look(filter="BTC binance").takes_instrument(btc)
    assert not Look(filter="btc kraken").takes_instrument(btc)
    assert Look().takes_instrument(btc)


def test_events_are_found_by_venue_and_by_leg() -> None:
    opened = Event(event="open", seq=1, timestamp=1, signal=builder.signal("open", 1, 1))
    down = Event(event="venue_down", seq=2, timestamp=2, exchange="okx")
    assert Look(filter="coinbase").takes_event(opened)
    assert Look(filter="okx").takes_event(down)
    assert not Look(filter="okx").takes_event(opened)


def test_a_survival_is_no_line_of_the_log() -> None:
    survival = Event(
        event="survival", seq=1, timestamp=1, id="a-1", symbol="BTC/USDT", survival_pct=(0.5, 0.4, 0.1, None)
    )
    assert not Look().takes_event(survival)


def test_sorting_cycles_through_every_order_and_back() -> None:
    for pane, orders in SORTS.items():
        look = Look()
        seen = [getattr(look, pane)]
        for _ in orders:
            look = look.sorted_next(pane)
            seen.append(getattr(look, pane))
        assert seen == [*orders, orders[0]]
