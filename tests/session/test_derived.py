from arbsniper_tui.model.health import FeedHealth, FeedState
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.view import QuoteRow
from arbsniper_tui.session import derived


def quote(instrument_id: int, bid: float, ask: float, reason: Reason | None = None) -> QuoteRow:
    return QuoteRow(instrument_id, bid, 1.0, ask, 1.0, 1.0, None, reason)


def spot(instrument_id: int, venue: str, symbol: str = "BTC/USDT", rate_id: int | None = None) -> Instrument:
    return Instrument(instrument_id, venue, symbol, symbol, "USDT", 0.1, rate_id=rate_id, rate_inverted=True)


def test_the_best_are_those_that_take_part() -> None:
    listed = [spot(0, "okx"), spot(1, "gate"), spot(2, "mexc")]
    quotes = {0: quote(0, 100.0, 101.0), 1: quote(1, 99.0, 100.5), 2: quote(2, 120.0, 90.0, "crossed")}
    assert derived.best_of(listed, quotes) == (0, 1)


def test_no_quote_means_no_best() -> None:
    assert derived.best_of([spot(0, "okx")], {}) == (-1, -1)


def test_a_converted_quote_counts_at_the_side_it_could_be_changed_at() -> None:
    krw = spot(0, "upbit", "BTC/KRW", rate_id=1)
    prices = derived.counted(krw, quote(0, 1000.0, 1010.0), {1: quote(1, 10.0, 10.1)})
    assert prices == derived.Counted(bid=1000.0 / 10.1, ask=1010.0 / 10.0)


def test_an_unknown_rate_is_unknown_and_never_one() -> None:
    krw = spot(0, "upbit", "BTC/KRW", rate_id=1)
    assert derived.counted(krw, quote(0, 1000.0, 1010.0), {}) is None
    assert derived.best_of([krw], {0: quote(0, 1000.0, 1010.0)}) == (-1, -1)


def test_what_an_instrument_waits_for() -> None:
    def said(state: FeedState, **more: object) -> str:
        feed = FeedHealth("okx spot", "okx", state, instrument_ids=(0,), **more)  # type: ignore[arg-type]  # by name
        return derived.wanting(spot(0, "okx"), [feed])

    assert said(FeedState.LISTING) == "waiting for the instrument list of okx"
    assert said(FeedState.DOWN, detail="refused") == "feed down: refused"
    assert said(FeedState.SUBSCRIBED) == "waiting for the first quote of okx"
    assert said(FeedState.LIVE, rejected={"BTC/USDT": Reason(ReasonCode.NOT_LISTED)}) == "not served: not listed"
