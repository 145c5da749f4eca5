"""Textual's style sheet, parsed once for each theme."""

from textual.css.stylesheet import Stylesheet


class OnceParsedStylesheet(Stylesheet):
    """Textual parses every text of CSS again whenever a screen is shown for the first time; this one keeps what it has
    parsed until the theme's colours change."""

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        self.parse()
