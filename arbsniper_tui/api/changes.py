"""What callers may ask to be changed, and what the API answers them."""

from msgspec import UNSET, Struct, UnsetType

from arbsniper_tui.config.alert_settings import AlertRule


class SettingsPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    threshold_pct: float | UnsetType = UNSET
    """A route signals when its spread is above this."""
    basis: str | UnsetType = UNSET
    """The spread that counts: `gross` or `net`."""
    symbols: list[str] | UnsetType = UNSET
    """What to watch, symbols and patterns; needs the role admin."""
    mutes: dict[str, bool] | UnsetType = UNSET
    """Routes by their ids: true mutes one, false hears it again. Later runs of the node keep it."""
    save: bool = False
    """Whether later runs begin with it too; needs the role admin."""


class NewAlert(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule to be added."""

    name: str
    """Letters, digits, - and _."""
    rule: AlertRule
    """What it is about and whom it tells; docs/alerts.md shows rules by example."""


class AlertPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Mutes a rule, or hears it again."""

    muted: bool
    """Whether it tells nothing."""


class ChangedKey(Struct, frozen=True):
    """One key of the settings whose value is another now."""

    key: str
    """As in `signals.threshold_pct`."""
    before: str
    """In words; nothing secret."""
    after: str
    """The same."""
    needs_restart: bool
    """It is in force only after the node was started again."""


class Changed(Struct, frozen=True):
    """What the node made of a request: it is in force when this is answered."""

    changes: list[ChangedKey]
    """Empty where everything was so before."""
    notes: list[str]
    """What else is to be known, such as a worker that will go by it later."""
    saved: bool
    """Whether later runs begin with it."""


class Alert(Struct, frozen=True):
    """One rule."""

    name: str
    """Its name in the settings."""
    made_by_viewer: bool
    """Only such a rule can be deleted here; the others stand in the settings file."""
    rule: AlertRule
    """Targets stand in it by their names alone."""


class AlertRules(Struct, frozen=True):
    """The rules in force, by name."""

    alerts: list[Alert]
    """Those that are muted too."""
