"""When a target is told: at once, or with others as one digest after a crowded minute or quiet hours."""

from collections import Counter, deque
from datetime import datetime, tzinfo

from arbsniper_tui.alerts.alert import LISTED, Alert, Message, message_of
from arbsniper_tui.model.words import counted

WINDOW_S = 60.0


def is_quiet(quiet_hours: str, wall_s: float, zone: tzinfo | None = None) -> bool:
    """Whether the clock on the wall stands within `HH:MM-HH:MM`, which may go over midnight; the end is not quiet. The
    zone is this machine's where None is given, with its changes of the clock."""
    begin, _, end = quiet_hours.partition("-")
    now = f"{datetime.fromtimestamp(wall_s, zone):%H:%M}"
    return begin <= now < end if begin <= end else now >= begin or now < end


class Throttle:
    """Of one target. Times are seconds of a clock that does not step."""

    def __init__(self, most_a_minute: int) -> None:
        self.most_a_minute = most_a_minute
        self._told_s: deque[float] = deque()
        self._listed: list[Alert] = []
        self._by_rule: Counter[str] = Counter()
        self._due_s = 0.0

    def take(self, alert: Alert, now_s: float, *, quiet: bool) -> Message | None:
        """The message to send at once; None where the alert waits for a digest."""
        while self._told_s and self._told_s[0] <= now_s - WINDOW_S:
            self._told_s.popleft()
        if quiet or self._by_rule or len(self._told_s) >= self.most_a_minute:
            if not self._by_rule:
                self._due_s = now_s if quiet else now_s + WINDOW_S
            if len(self._listed) < LISTED:
                self._listed.append(alert)
            self._by_rule[alert.rule] += 1
            return None
        self._told_s.append(now_s)
        return message_of(alert)

    def due(self, now_s: float, *, quiet: bool) -> Message | None:
        """The digest, once its time has come."""
        if quiet or not self._by_rule or now_s < self._due_s:
            return None
        listed, by_rule = tuple(self._listed), self._by_rule
        self._listed, self._by_rule = [], Counter()
        self._told_s.append(now_s)
        count = by_rule.total()
        if count == 1:
            return message_of(listed[0])
        lines = [f"{alert.rule}: {alert.title}: {alert.text}" for alert in listed]
        if count > len(listed):
            lines.append(f"and {count - len(listed)} more")
        rules = ", ".join(f"{rule} {each}" for rule, each in by_rule.most_common())
        return Message(title=f"{counted(count, 'alert')} ({rules})", text="\n".join(lines), alerts=listed, count=count)
