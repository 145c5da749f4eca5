"""Where each alert goes: a throttle for each target, senders for those beside the terminal."""

from collections.abc import Callable, Iterable, Mapping

from arbsniper_tui.alerts.alert import Alert, Message
from arbsniper_tui.alerts.delivery import Deliver
from arbsniper_tui.alerts.plan import AlertPlan, Target
from arbsniper_tui.alerts.sender import Sender
from arbsniper_tui.alerts.service import service
from arbsniper_tui.alerts.throttle import Throttle, is_quiet
from arbsniper_tui.alerts.webhook import webhook
from arbsniper_tui.config.alert_settings import TERMINAL_WAYS

TellTerminal = Callable[[str, tuple[str, ...]], None]
"""Takes the line, and how terminals are to tell it."""


def delivery_to(target: Target) -> Deliver:
    """How messages reach a target."""
    return webhook(target.webhook, target.secret) if target.webhook else service(target.url)


class Dispatch:
    """Times are seconds: `now_s` of a clock that does not step, `wall_s` since 1970."""

    def __init__(self, plan: AlertPlan, tell_terminals: TellTerminal, senders: Iterable[Sender]) -> None:
        self._tell_terminals = tell_terminals
        self._throttles: dict[str, Throttle] = {}
        self.told = 0
        """Lines that terminals were told."""
        self.change(plan, senders)

    def change(self, plan: AlertPlan, senders: Iterable[Sender]) -> None:
        """Go by this plan from now on. What waits for a digest goes on waiting, where its target stays."""
        self._to = {name: rule.to for name, rule in plan.rules.items()}
        self._quiet_hours = plan.quiet_hours
        self._senders: Mapping[str, Sender] = {each.name: each for each in senders}
        targets = dict.fromkeys(target for to in self._to.values() for target in to)
        most = plan.digest_over_per_minute
        self._throttles = {target: self._throttles.get(target) or Throttle(most) for target in targets}
        for throttle in self._throttles.values():
            throttle.most_a_minute = most

    def send(self, alerts: Iterable[Alert], now_s: float, wall_s: float) -> None:
        """Send what may be sent now: of these alerts, and of those that waited."""
        quiet = bool(self._quiet_hours) and is_quiet(self._quiet_hours, wall_s)
        on_terminals: dict[Message, tuple[str, ...]] = {}
        for target, throttle in self._throttles.items():
            taken = [throttle.due(now_s, quiet=quiet)]
            taken += [throttle.take(each, now_s, quiet=quiet) for each in alerts if target in self._to[each.rule]]
            for message in filter(None, taken):
                if target in TERMINAL_WAYS:
                    on_terminals[message] = (*on_terminals.get(message, ()), target)
                else:
                    self._senders[target].put(message)
        for message, ways in on_terminals.items():
            self.told += 1
            self._tell_terminals(message.line, ways)

    @property
    def words(self) -> str:
        """How each target stands, for a person."""
        terminal = [f"terminal {self.told} told"] if any(way in self._throttles for way in TERMINAL_WAYS) else []
        return "; ".join((*terminal, *(each.words for each in self._senders.values())))
