"""Where the settings of a node come from, so that they can be read again while it runs."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from arbsniper_tui.config.given import Given
from arbsniper_tui.config.load import Loaded, load_settings
from arbsniper_tui.config.sources import as_it_lies, from_file, from_texts

TOLD = "set by a viewer"


class SettingsOrigin(Struct, frozen=True):
    """What was given on the command line."""

    path: Path | None
    """The file that was read at the start; None where there was none."""
    options: Mapping[str, object]
    default_venues: Sequence[str]
    needs_route: bool = True
    """Whether settings by which nothing can signal are refused."""
    file: Sequence[Given] = ()
    """What stood in the file at the start."""

    def read(self) -> Sequence[Given]:
        """What stands in the file now. Raises ConfigError."""
        return () if self.path is None else from_file(self.path)

    def load(self, file: Sequence[Given], saved: Sequence[Given], told: Mapping[str, str]) -> Loaded:
        """The settings with this in the file, with what viewers had saved, and with what they have told the node since
        it runs. Raises ConfigError."""
        return load_settings(
            self.path,
            os.environ,
            self.options,
            default_venues=self.default_venues,
            saved=saved,
            told=from_texts(told, TOLD),
            file=file,
        )

    def file_state(self) -> tuple[int, ...]:
        """Another one after each change of the file. Raises ConfigError where it is gone or cannot be read."""
        return () if self.path is None else as_it_lies(self.path)
