"""What became of a change of settings."""

from msgspec import Struct

NONE = "none"
"""In place of a value where there is none."""


class SettingChange(Struct, frozen=True, array_like=True):
    """One key whose value is another."""

    key: str
    """Dotted, as in `signals.threshold_pct`."""
    before: str
    """In words; nothing secret."""
    after: str
    """The same."""
    needs_restart: bool = False
    """It is in force only after the node was started again."""

    @property
    def in_words(self) -> str:
        """One line."""
        return f"{self.key}: {self.before} -> {self.after}: {'needs a restart' if self.needs_restart else 'applied'}"
