"""What viewers set and had saved: texts by dotted key, in TOML files of the state folder that a person can mend."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from arbsniper_tui.config.given import Given
from arbsniper_tui.config.load import Loaded, load_settings
from arbsniper_tui.config.sources import from_texts
from arbsniper_tui.model.errors import UNREADABLE, ConfigError, FolderError, StateError
from arbsniper_tui.runtime.state_folder import StateFolder, host_name
from arbsniper_tui.venues import DEFAULT_VENUES

_SETTINGS, _ALERTS = "settings.toml", "alerts.toml"
_HEAD = """\
# What viewers set and had saved: it counts before arbsniper.toml, and behind the environment and options. A node reads
# it when it starts and with each reload.
"""


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    saved: dict[str, str] = {}


class SavedSettings:
    """The files of the nodes of one name: one of settings, one of alerts. Each call waits for the disk."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder

    def read(self) -> dict[str, str]:
        """Texts by key. Raises StateError where a file cannot be read, and FolderError."""
        return self._read(_SETTINGS) | self._read(_ALERTS)

    def given(self, texts: Mapping[str, str] | None = None) -> list[Given]:
        """The same, or what is to stand there, as a source of settings. Raises as `read` does."""
        found: list[Given] = []
        for name in (_SETTINGS, _ALERTS):
            of_file = self._read(name) if texts is None else texts
            origin = f"saved {self._folder.path / name}"
            found += from_texts({key: text for key, text in of_file.items() if _file_of(key) == name}, origin)
        return found

    def change(self, changes: Mapping[str, str | None]) -> None:
        """Save these texts by key, and forget the keys with None. Raises StateError and FolderError."""
        for name in (_SETTINGS, _ALERTS):
            of_file = {key: text for key, text in changes.items() if _file_of(key) == name}
            if of_file:
                # In one step: two may save at the same time.
                self._folder.change(name, partial(self._changed, name, of_file))

    def _changed(self, name: str, changes: Mapping[str, str | None], text: str | None) -> str:
        """What the file is to hold."""
        texts = self._texts(name, text)
        for key in changes:
            texts = {other: text for other, text in texts.items() if not _is_at_or_below(other, key)}
        texts |= {key: text for key, text in changes.items() if text is not None}
        lines = "".join(f"{_quoted(key)} = {_quoted(text)}\n" for key, text in sorted(texts.items()))
        return f"{_HEAD}[saved]\n{lines}"

    def _read(self, name: str) -> dict[str, str]:
        return self._texts(name, self._folder.read(name))

    def _texts(self, name: str, text: str | None) -> dict[str, str]:
        try:
            return {} if text is None else msgspec.convert(tomllib.loads(text), _Content).saved
        except (*UNREADABLE, ValueError) as error:
            expected = 'expected [saved] with "KEY" = "VALUE"'
            raise StateError(f"{self._folder.path / name}: {expected}, found {error}: mend it") from error


def load_kept(
    config: Path | None, options: Mapping[str, object], *, default_venues: Sequence[str] = DEFAULT_VENUES
) -> Loaded:
    """The settings as `load_settings` has them, with what viewers of earlier runs had saved for the node of that name.
    Raises ConfigError."""
    loaded = load_settings(config, os.environ, options, default_venues=default_venues)
    try:
        saved = SavedSettings(StateFolder(loaded.settings.node.name or host_name())).given()
    except FolderError:
        return loaded  # the node says so when it starts
    except StateError as error:
        raise ConfigError(str(error)) from error
    if not saved:
        return loaded
    return load_settings(config, os.environ, options, default_venues=default_venues, saved=saved)


def _file_of(key: str) -> str:
    return _ALERTS if key.partition(".")[0] == "alerts" else _SETTINGS


def _is_at_or_below(key: str, other: str) -> bool:
    return key == other or key.startswith(f"{other}.")


def _quoted(text: str) -> str:
    """As a TOML string: JSON's escapes are TOML's, but for the letter DEL."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
