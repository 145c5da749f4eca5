"""What rules tell of events and of views: each opportunity, crossing or outage once, and with a cool-down."""

from typing import Any

import pytest
from alert_stage import event_of, make_signal

from arbsniper_tui.alerts.alert import Alert
from arbsniper_tui.alerts.rules import fits_signal
from arbsniper_tui.alerts.watch import RuleWatch
from arbsniper_tui.config.alert_settings import AlertRule
from arbsniper_tui.model.fact import Funding
from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.signal import Event
from arbsniper_tui.model.view import FactsRow, NodeIntro, NodeStatus, QuoteRow
from arbsniper_tui.session.snapshot import Snapshot

PERP = {"buy_market": Market.PERP, "sell_market": Market.PERP}
SPOT_PERP = {"buy_market": Market.PERP, "sell_market": Market.SPOT}


@pytest.mark.parametrize(
    ("rule", "fields", "fits"),
    [
        (AlertRule(), {}, True),
        (AlertRule(symbols=("BTC/USDT",)), {}, True),
        (AlertRule(symbols=("BTC/USD",)), {}, True),
        (AlertRule(symbols=("BTC/*",)), {}, True),
        (AlertRule(symbols=("ETH/USDT", "*/EUR")), {}, False),
        (AlertRule(venues=("okx",)), {}, True),
        (AlertRule(venues=("binance",)), {}, False),
        (AlertRule(kinds=("spot-spot",)), {}, True),
        (AlertRule(kinds=("spot-spot",)), PERP, False),
        (AlertRule(kinds=("perp-perp",)), PERP, True),
        (AlertRule(kinds=("spot-perp",)), SPOT_PERP, True),
        (AlertRule(min_net_spread_pct=0.4), {}, True),
        (AlertRule(min_net_spread_pct=0.41), {}, False),
        (AlertRule(min_zscore=3.0), {}, False),
        (AlertRule(min_zscore=3.0), {"zscore": 2.9}, False),
        (AlertRule(min_zscore=3.0), {"zscore": 3.0}, True),
        (AlertRule(min_net_spread_pct=0.3, venues=("binance",)), {}, False),
    ],
)
def test_a_rule_takes_the_opportunities_that_it_names(rule: AlertRule, fields: dict[str, Any], fits: bool) -> None:
    assert fits_signal(rule, make_signal(**fields)) is fits


def titles(alerts: list[Alert]) -> list[str]:
    return [f"{alert.rule}: {alert.title}" for alert in alerts]


def test_an_opportunity_is_told_once_when_it_opens_or_grows_to_what_is_asked() -> None:
    watch = RuleWatch({"big": AlertRule(min_net_spread_pct=0.5, cooldown_s=0.0)})
    steps = [("open", 0.4), ("update", 0.6), ("update", 0.8), ("close", 0.1)]
    told = [
        titles(watch.take_event(event_of(make_signal(state=state, net_spread_pct=net)), at_s))
        for at_s, (state, net) in enumerate(steps)
    ]
    assert told == [[], ["big: BTC/USDT net 0.600%"], [], []]
    assert titles(watch.take_event(event_of(make_signal(net_spread_pct=0.7)), 9.0)) == ["big: BTC/USDT net 0.700%"]


def test_a_route_cools_down_and_other_routes_do_not() -> None:
    watch = RuleWatch({"all": AlertRule(cooldown_s=60.0)})
    assert watch.take_event(event_of(make_signal(id="1")), 0.0)
    assert not watch.take_event(event_of(make_signal(id="2")), 59.0)
    assert watch.take_event(event_of(make_signal(id="3", sell_exchange="gate")), 59.0)
    assert watch.take_event(event_of(make_signal(id="2", state="update")), 60.0)


def test_survival_is_told_where_the_spread_was_there_at_every_point() -> None:
    watch = RuleWatch({"lasting": AlertRule(min_survival_pct=0.2, venues=("okx",), cooldown_s=0.0)})
    told = []
    for at_s, points in enumerate([(0.6, 0.5, 0.3, 0.2), (0.6, 0.5, 0.3, 0.1), (0.6, None, 0.6, 0.6), ()]):
        for state in ("open", "close"):
            assert not watch.take_event(event_of(make_signal(id=str(at_s), state=state)), float(at_s))
        survival = Event(event="survival", seq=1, timestamp=5, id=str(at_s), survival_pct=points)
        told.append(watch.take_event(survival, float(at_s)))
    assert list(map(len, told)) == [1, 0, 0, 0]
    assert told[0][0].text.endswith("spreads after the opening: 0.600%, 0.500%, 0.300%, 0.200%")
    unknown = Event(event="survival", seq=1, timestamp=5, id="0", survival_pct=(0.6, 0.6, 0.6, 0.6))
    assert not watch.take_event(unknown, 9.0), "told once, and not of what was not seen to open"


def test_what_is_opened_again_after_a_workers_death_is_not_told_again() -> None:
    watch = RuleWatch({"all": AlertRule(cooldown_s=0.0)})
    assert watch.take_event(event_of(make_signal(id="1")), 0.0)
    watch.take_event(event_of(make_signal(id="1", state="close")), 1.0)
    assert not watch.take_event(event_of(make_signal(id="2", resumed_from="1")), 1.0)
    assert not watch.take_event(event_of(make_signal(id="2", state="update")), 2.0)


def venue(kind: str, name: str = "okx") -> Event:
    return Event(event=kind, seq=1, timestamp=7, exchange=name, market="perp", detail="cut")  # type: ignore[arg-type]  # a text


def test_a_venue_is_told_once_it_has_been_down_long_enough_and_not_if_it_came_back() -> None:
    watch = RuleWatch({"outage": AlertRule(venue_down_s=30.0, venues=("okx",), cooldown_s=0.0)})
    for event, at_s in ((venue("venue_down"), 0.0), (venue("venue_down", "gate"), 0.0)):
        assert not watch.take_event(event, at_s)
    assert not watch.tick(29.0)
    (alert,) = watch.tick(30.0)
    assert (alert.title, alert.text, alert.timestamp) == ("okx perp is down", "for 30 s: cut", 7)
    assert not watch.tick(90.0)
    watch.take_event(venue("venue_up"), 91.0)
    watch.take_event(venue("venue_down"), 92.0)
    assert not watch.tick(121.0)
    watch.take_event(venue("venue_up"), 121.5)
    assert not watch.tick(999.0)
    watch.take_event(venue("venue_down"), 1000.0)
    assert len(watch.tick(1030.0)) == 1


def snapshot(bids: dict[str, float], funding_pct: float | None = None, reason: Reason | None = None) -> Snapshot:
    """BTC/USDT with these bids by venue, asks one above, and a perpetual of okx."""
    ids = {name: place for place, name in enumerate(bids)}
    instruments = [Instrument(i, name, "BTC/USDT", "x", "USDT", 0.1) for name, i in ids.items()]
    instruments.append(Instrument(99, "okx", "BTC/USDT:USDT", "x", "USDT", 0.1))
    intro = NodeIntro("n", "1", "live", 1, tuple(instruments), (), 0, 5000.0, 0.0)
    status = NodeStatus(0.5, "gross", 1.0, 0, 0, 1.0, 123_456.0, 1, 0)
    quotes = {i: QuoteRow(i, bids[name], 1.0, bids[name] + 1, 1.0, 1.0, None, reason) for name, i in ids.items()}
    facts = {99: FactsRow(99, Funding(99, funding_pct, interval_h=8.0))} if funding_pct is not None else {}
    return Snapshot(intro=intro, status=status, quotes=quotes, facts=facts)


def test_a_price_is_told_when_the_first_venue_reaches_it_and_again_after_all_have_left_it() -> None:
    watch = RuleWatch({"high": AlertRule(symbols=("BTC/USDT",), price_above=100.0, cooldown_s=0.0)})
    steps = [(90.0, 91.0), (101.0, 99.0), (101.0, 102.0), (99.0, 102.0), (99.0, 98.0), (99.0, 100.0)]
    told = [watch.take_state(snapshot({"okx": a, "gate": b}), float(at_s)) for at_s, (a, b) in enumerate(steps)]
    assert list(map(len, told)) == [0, 1, 0, 0, 0, 1]
    assert (told[1][0].title, told[1][0].text) == ("BTC/USDT", "bid 101, at or above 100 on okx")
    assert told[1][0].timestamp == 123_456


def test_a_price_that_goes_to_and_fro_cools_down_and_is_told_then_if_it_still_stands() -> None:
    watch = RuleWatch({"low": AlertRule(symbols=("BTC/*",), price_below=50.0, cooldown_s=60.0)})
    bids = {0.0: 40.0, 10.0: 60.0, 20.0: 40.0, 59.0: 40.0, 60.0: 40.0, 61.0: 40.0}
    assert [len(watch.take_state(snapshot({"okx": bid}), at_s)) for at_s, bid in bids.items()] == [1, 0, 0, 0, 1, 0]


def test_a_quote_that_takes_no_part_and_a_node_that_is_not_heard_tell_no_price() -> None:
    watch = RuleWatch({"high": AlertRule(symbols=("BTC/USDT",), price_above=100.0)})
    assert not watch.take_state(snapshot({"okx": 101.0}, reason=Reason(ReasonCode.CROSSED)), 0.0)
    lost = snapshot({"okx": 101.0})
    lost.lost_contact = "no word"
    assert not watch.take_state(lost, 1.0)
    assert not watch.take_state(Snapshot(), 2.0)


def test_funding_is_told_of_each_perpetual() -> None:
    watch = RuleWatch({"rate": AlertRule(symbols=("BTC/*:*",), funding_above_pct=0.05, cooldown_s=0.0)})
    told = [watch.take_state(snapshot({}, rate), float(at_s)) for at_s, rate in enumerate([None, 0.04, 0.05, 0.06])]
    assert list(map(len, told)) == [0, 0, 1, 0]
    assert told[2][0].title == "okx BTC/USDT:USDT funding"
    assert told[2][0].text == "0.05% for 8 h, at or above 0.05%"


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arbsniper_tui.alerts.watch._MOST_REMEMBERED", 10)
    watch = RuleWatch({"all": AlertRule()})
    for number in range(100):
        assert watch.take_event(event_of(make_signal(id=str(number), sell_exchange=f"v{number}")), float(number))
    assert len(watch._open) == len(watch._told_s) == 10


def test_rules_that_change_begin_anew_and_the_others_go_on() -> None:
    watch = RuleWatch({"one": AlertRule(cooldown_s=0), "two": AlertRule(cooldown_s=0)})
    assert titles(watch.take_event(event_of(make_signal()), 0.0)) != []
    update = event_of(make_signal(state="update"), 2)
    assert watch.take_event(update, 1.0) == []
    watch.change({"one": AlertRule(cooldown_s=0), "two": AlertRule(min_net_spread_pct=0.1, cooldown_s=0)})
    assert [alert.rule for alert in watch.take_event(update, 2.0)] == ["two"]
    watch.change({"one": AlertRule(cooldown_s=0, muted=True), "three": AlertRule(cooldown_s=0)})
    assert [alert.rule for alert in watch.take_event(event_of(make_signal(id="a-2"), 3), 3.0)] == ["three"]
