"""From events and views of a node to alerts: once for each opportunity, crossing or outage, and with a cool-down."""

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import TypeVar

from msgspec import UNSET
from msgspec.structs import replace

from arbsniper_tui.alerts import rules
from arbsniper_tui.alerts.alert import Alert
from arbsniper_tui.config.alert_settings import AlertRule
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.model.view import FactsRow, QuoteRow
from arbsniper_tui.session.snapshot import Snapshot

_MOST_REMEMBERED = 20_000
"""Of subjects that cool down and opportunities told; the oldest are forgotten first."""
Key = TypeVar("Key")
Value = TypeVar("Value")
_Subject = tuple[str, str]
"""A rule, and what it is about."""


class RuleWatch:
    """Times are seconds of a clock that does not step."""

    def __init__(self, named: Mapping[str, AlertRule]) -> None:
        self._take(named)
        self._told_s: dict[_Subject, float] = {}
        """When each subject was told last."""
        self._open: dict[_Subject, float] = {}
        """Opportunities that were told and when, by their ids."""
        self._openings: dict[str, Signal] = {}
        """Of opportunities whose survival is not known yet, by their ids."""
        self._down: dict[str, tuple[float, Event]] = {}
        """Since when each connection is down."""
        self._met: set[_Subject] = set()
        """Prices, rates and outages that were told and still stand."""

    def change(self, named: Mapping[str, AlertRule]) -> None:
        """Go by these rules from now on. One that is new, or has changed, begins anew; the others go on."""
        begun = {name for name, rule in named.items() if self._rules.get(name) != rule}
        self._take(named)
        for held in (self._told_s, self._open):
            for key in [key for key in held if key[0] in begun or key[0] not in named]:
                del held[key]
        self._met = {key for key in self._met if key[0] in named and key[0] not in begun}

    def _take(self, named: Mapping[str, AlertRule]) -> None:
        self._rules = {name: rule for name, rule in named.items() if not rule.muted}
        self._opportunities = {n: rule for n, rule in self._rules.items() if rules.watches_opportunities(rule)}
        self._has_survivals = any(rule.min_survival_pct is not None for rule in self._rules.values())

    def take_event(self, event: Event, at_s: float) -> list[Alert]:
        """What an event that happened at `at_s` has to tell."""
        feed = f"{event.exchange} {event.market}".strip()
        if event.event == "venue_down":
            self._down.setdefault(feed, (at_s, event))
        elif event.event == "venue_up":
            self._down.pop(feed, None)
            self._met -= {(name, feed) for name in self._rules}
        elif event.event == "survival":
            return list(self._survived(event, at_s))
        elif event.signal is not None and event.signal.state == "close":
            for name in self._opportunities:
                self._open.pop((name, event.signal.id), None)
        elif event.signal is not None:
            return list(self._opened(event, event.signal, at_s))
        return []

    def tick(self, now_s: float) -> list[Alert]:
        """The outages that have lasted long enough. Call about once a second."""
        alerts = []
        for feed, (since_s, event) in self._down.items():
            for name, rule in self._rules.items():
                if rule.venue_down_s is None or now_s - since_s < rule.venue_down_s:
                    continue
                if rules.is_of_venues(rule, event.exchange) and self._crosses(name, rule, feed, now_s):
                    why = f": {event.detail}" if event.detail else ""
                    title, text = f"{feed} is down", f"for {now_s - since_s:.0f} s{why}"
                    alerts.append(_alert(name, "venue_down", feed, title, text, event.timestamp))
        return alerts

    def take_state(self, snapshot: Snapshot, now_s: float) -> list[Alert]:
        """What quotes and facts have to tell now. A snapshot that is not kept up to date has nothing."""
        alerts: list[Alert] = []
        if snapshot.intro is None or snapshot.status is None or snapshot.lost_contact:
            return alerts
        now_ms = round(snapshot.status.clock_ms)
        for name, rule in self._rules.items():
            instruments = [each for each in snapshot.intro.instruments if rules.is_of_instrument(rule, each)]
            if rules.watches_prices(rule):
                met = _prices_met(rule, instruments, snapshot.quotes)
            elif rule.funding_above_pct is not None:
                met = _funding_met(rule, instruments, snapshot.facts)
            else:
                continue
            for alert in met:
                if not alert.text:
                    self._met.discard((name, alert.subject))
                elif self._crosses(name, rule, alert.subject, now_s):
                    alerts.append(replace(alert, rule=name, timestamp=now_ms))
        return alerts

    def _opened(self, event: Event, signal: Signal, at_s: float) -> Iterator[Alert]:
        if signal.state == "open" and self._has_survivals:
            _remember(self._openings, signal.id, signal)
        for name, rule in self._opportunities.items():
            key = (name, signal.id)
            if key in self._open or not rules.fits_signal(rule, signal):
                continue
            if signal.state == "open" and signal.resumed_from is not UNSET:
                _remember(self._open, key, at_s)  # it was there before a worker of the node died
            elif self._is_cool(name, rule, rules.subject_of(signal), at_s):
                _remember(self._open, key, at_s)
                yield rules.signal_alert(name, signal, event.timestamp)

    def _survived(self, event: Event, at_s: float) -> Iterator[Alert]:
        signal = self._openings.pop(event.id, None)
        if signal is None:
            return
        for name, rule in self._rules.items():
            fits = rules.has_survived(rule, event) and rules.fits_signal(rule, signal)
            if fits and self._is_cool(name, rule, rules.subject_of(signal), at_s):
                yield rules.survival_alert(name, event, signal)

    def _crosses(self, name: str, rule: AlertRule, subject: str, now_s: float) -> bool:
        """Whether to tell what stands now: it was not told since it began to."""
        if (name, subject) in self._met or not self._is_cool(name, rule, subject, now_s):
            return False
        self._met.add((name, subject))
        return True

    def _is_cool(self, name: str, rule: AlertRule, subject: str, at_s: float) -> bool:
        """Whether the subject may be told; it counts as told from now on."""
        key = (name, subject)
        if at_s - self._told_s.get(key, -inf) < rule.cooldown_s:
            return False
        self._told_s.pop(key, None)
        _remember(self._told_s, key, at_s)
        return True


def _remember(held: dict[Key, Value], key: Key, value: Value) -> None:
    held[key] = value
    if len(held) > _MOST_REMEMBERED:
        del held[next(iter(held))]


def _prices_met(rule: AlertRule, instruments: Iterable[Instrument], quotes: Mapping[int, QuoteRow]) -> Iterator[Alert]:
    """One a symbol, with the words of the first venue whose quote is there; without text where no venue's is."""
    said: dict[str, str] = {}
    for each in instruments:
        words = rules.price_met(rule, quotes[each.id]) if each.id in quotes else ""
        said[each.symbol] = said.get(each.symbol) or (words and f"{words} on {each.venue}")
    for symbol, words in said.items():
        yield _alert("", "price", symbol, symbol, words, 0)


def _funding_met(rule: AlertRule, instruments: Iterable[Instrument], facts: Mapping[int, FactsRow]) -> Iterator[Alert]:
    """One a perpetual; without text where its rate is not there."""
    for each in instruments:
        words = rules.funding_met(rule, facts[each.id]) if each.id in facts else ""
        yield _alert("", "funding", f"{each.venue} {each.symbol}", f"{each.venue} {each.symbol} funding", words, 0)


def _alert(rule: str, kind: str, subject: str, title: str, text: str, timestamp: int) -> Alert:
    return Alert(rule=rule, kind=kind, subject=subject, title=title, text=text, timestamp=timestamp)
