"""Whether a rule concerns what has happened, and the alert that says so. Pure: no state, no clock."""

from collections.abc import Sequence

from msgspec import UNSET

from arbsniper_tui.alerts.alert import Alert
from arbsniper_tui.config.alert_settings import AlertRule
from arbsniper_tui.model.instrument import Instrument, Market, parse_symbol
from arbsniper_tui.model.pattern import is_pattern, matches
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.model.view import FactsRow, QuoteRow


def watches_prices(rule: AlertRule) -> bool:
    return rule.price_above is not None or rule.price_below is not None


def watches_state(rule: AlertRule) -> bool:
    """Whether it needs quotes or facts, which only views bring."""
    return watches_prices(rule) or rule.funding_above_pct is not None


def watches_opportunities(rule: AlertRule) -> bool:
    """Whether it is about opportunities at the time when they are there."""
    return not watches_state(rule) and rule.venue_down_s is None and rule.min_survival_pct is None


def is_of_symbols(rule: AlertRule, symbols: Sequence[str]) -> bool:
    """Whether the rule is about one of these unified symbols."""
    wanted = rule.symbols
    return not wanted or any(
        matches(each, parse_symbol(symbol)) if is_pattern(each) else each == symbol
        for each in wanted
        for symbol in symbols
    )


def is_of_venues(rule: AlertRule, *venues: str) -> bool:
    """Whether the rule is about one of these venues."""
    return not rule.venues or not set(rule.venues).isdisjoint(venues)


def kind_of(signal: Signal) -> str:
    """`spot-spot`, `perp-perp` or `spot-perp`, whichever leg is bought."""
    if signal.buy_market is signal.sell_market:
        return f"{signal.buy_market}-{signal.sell_market}"
    return f"{Market.SPOT}-{Market.PERP}"


def fits_signal(rule: AlertRule, signal: Signal) -> bool:
    """Whether an opportunity is one that the rule is about, and large enough. One without a z-score is not unusual."""
    zscore = None if signal.zscore is UNSET else signal.zscore
    return (
        (rule.min_net_spread_pct is None or signal.net_spread_pct >= rule.min_net_spread_pct)
        and (rule.min_zscore is None or (zscore is not None and zscore >= rule.min_zscore))
        and (not rule.kinds or kind_of(signal) in rule.kinds)
        and is_of_venues(rule, signal.buy_exchange, signal.sell_exchange)
        and is_of_symbols(rule, (signal.symbol, signal.buy_symbol, signal.sell_symbol))
    )


def has_survived(rule: AlertRule, event: Event) -> bool:
    """Whether the spread was large enough at every point at which it was looked at again."""
    least, points = rule.min_survival_pct, event.survival_pct
    return least is not None and bool(points) and all(each is not None and each >= least for each in points)


def is_of_instrument(rule: AlertRule, instrument: Instrument) -> bool:
    """Whether a rule on prices or funding is about this instrument."""
    return is_of_venues(rule, instrument.venue) and is_of_symbols(rule, (instrument.symbol,))


def price_met(rule: AlertRule, quote: QuoteRow) -> str:
    """What a quote says that the rule waits for; empty for nothing. A quote that takes no part says nothing."""
    if quote.reason is not None or quote.ts_recv_ms <= 0.0:
        return ""
    if rule.price_above is not None and quote.bid >= rule.price_above:
        return f"bid {quote.bid:.12g}, at or above {rule.price_above:.12g}"
    if rule.price_below is not None and 0.0 < quote.ask <= rule.price_below:
        return f"ask {quote.ask:.12g}, at or below {rule.price_below:.12g}"
    return ""


def funding_met(rule: AlertRule, facts: FactsRow) -> str:
    """The same of a perpetual's funding."""
    if facts.funding is None or rule.funding_above_pct is None or facts.funding.rate_pct < rule.funding_above_pct:
        return ""
    hours = facts.funding.interval_h
    interval = "one interval" if hours is None else f"{hours:g} h"
    return f"{facts.funding.rate_pct:.4g}% for {interval}, at or above {rule.funding_above_pct:g}%"


def signal_alert(name: str, signal: Signal, timestamp: int) -> Alert:
    """What is told of an opportunity."""
    zscore = "" if signal.zscore is UNSET else f", z-score {signal.zscore:.1f}"
    return Alert(
        rule=name,
        kind="opportunity",
        subject=subject_of(signal),
        title=f"{signal.symbol} net {signal.net_spread_pct:.3f}%",
        text=f"buy {signal.buy_exchange} {signal.buy_symbol} at {signal.buy_price:.12g}, "
        f"sell {signal.sell_exchange} {signal.sell_symbol} at {signal.sell_price:.12g}; "
        f"gross {signal.spread_pct:.3f}%, size {signal.size:.6g}{zscore}",
        timestamp=timestamp,
        signal=signal,
    )


def survival_alert(name: str, event: Event, signal: Signal) -> Alert:
    """What is told of an opportunity that lasted."""
    spreads = ", ".join("none" if each is None else f"{each:.3f}%" for each in event.survival_pct)
    return Alert(
        rule=name,
        kind="survival",
        subject=subject_of(signal),
        title=f"{signal.symbol} lasted",
        text=f"buy {signal.buy_exchange} {signal.buy_symbol}, sell {signal.sell_exchange} {signal.sell_symbol}; "
        f"spreads after the opening: {spreads}",
        timestamp=event.timestamp,
        signal=signal,
    )


def subject_of(signal: Signal) -> str:
    """The route."""
    return f"{signal.buy_exchange} {signal.buy_symbol} > {signal.sell_exchange} {signal.sell_symbol}"
