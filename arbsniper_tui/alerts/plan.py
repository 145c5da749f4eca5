"""What the alerts worker is told when it starts."""

from msgspec import Struct

from arbsniper_tui.config.alert_needs import secret_of
from arbsniper_tui.config.alert_settings import AlertRule, AlertTargetSettings


class Target(Struct, frozen=True):
    """One place beside the terminal: a `url` for the library apprise, or a `webhook` with its secret."""

    name: str
    url: str = ""
    webhook: str = ""
    secret: str = ""


def target_of(name: str, declared: AlertTargetSettings) -> Target:
    """A target of the settings with its secret. Raises ConfigError for a secret that cannot be read."""
    return Target(name, declared.url or "", declared.webhook or "", secret_of(declared))


class AlertPlan(Struct, frozen=True):
    """All that it needs; it reads no settings of its own."""

    worker: str
    folder: str
    """The node's, with its sockets."""
    rules: dict[str, AlertRule]
    targets: tuple[Target, ...]
    quiet_hours: str
    digest_over_per_minute: int
    memory: int
    """The descriptor of what it leaves to the one after it: the number of the last event that it has judged."""
    from_now: bool = False
    """The node ran before there were rules: what had happened by then is not told."""
