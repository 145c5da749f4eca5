"""The settings of a node while it runs: read again when asked, changed by viewers, saved where they ask for it."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec
import zmq

from arbsniper_tui.config.change import applicable, changes_between
from arbsniper_tui.config.given import Given
from arbsniper_tui.config.load import Loaded
from arbsniper_tui.config.origin import SettingsOrigin
from arbsniper_tui.config.saved import SavedSettings
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.model.errors import ArbsniperError, ConfigError, FolderError, UsageError
from arbsniper_tui.model.setting_change import SettingChange
from arbsniper_tui.model.words import counted
from arbsniper_tui.universe.settings_check import objections
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import Alerts, ChangeSettings, Refused, ReloadSettings, Reply, SettingsChanged
from arbsniper_tui.wire.publisher import SlowServer

_log = logging.getLogger(__name__)

RESTS_S = 0.3
"""A file that has not changed for this long is complete: some editors empty it before they write it."""
RESTS_WITHIN_S = 5.0
TAKEN_WITHIN_S = 5.0
"""After this long the answer names the workers that have not taken the change yet."""
_RULES = "alerts.rules."

Apply = Callable[[Settings, tuple[SettingChange, ...], frozenset[str]], tuple[str, ...]]
"""Has the workers go by these settings; given what differs from those that ran, and the keys that viewers set now.
Returns what else is to be said. Raises ArbsniperError, with nothing changed."""


class RunningSettings:
    """Call `pump` a few times a second: nothing here waits but for the disk."""

    def __init__(
        self,
        running: Settings,
        origin: SettingsOrigin | None,
        saved: SavedSettings | None,
        apply: Apply,
        behind: Callable[[], list[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`running` are those in force; without an `origin`, as in a replay, they stay. Without a place for what is
        `saved`, as in a demo, nothing is. `behind` names the workers that have not taken a change yet."""
        self.running = running
        self._origin = origin
        self._saved = saved
        self._apply = apply
        self._behind = behind
        self._clock = clock
        self._server: SlowServer | None = None
        self._file: Sequence[Given] = origin.file if origin is not None else ()
        """What stood in the file when it was read last."""
        self._told: dict[str, str] = {}
        """What viewers have set for this run, as texts by key."""
        self._base: Loaded | None = None
        """As last loaded without that."""
        self._must_reload = False
        self._rest: tuple[float, float, tuple[int, ...]] | None = None
        """Since when a reload waits, since when the file has not changed, and its state."""
        self._is_asked = False
        """Whether a viewer waits for the answer to that reload."""
        self._owed: tuple[float, Reply] | None = None
        """The answer that waits for the workers, and until when."""

    def listen(self, context: "zmq.Context[zmq.Socket[bytes]]", endpoints: Endpoints) -> None:
        """Answer viewers from now on."""
        self._server = SlowServer(context, endpoints.settings)
        with suppress(ArbsniperError):
            self._base = self._load({})

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def ask_reload(self) -> None:
        """Read the settings again soon. A signal handler may call it."""
        self._must_reload = True

    def pump(self) -> None:
        """Go on with what was asked for."""
        self._pay()
        if self._rest is None and self._must_reload:
            self._must_reload = False
            self._rest = (self._clock(), self._clock(), ())
        if self._rest is not None:
            self._reload_rested()
        elif self._server is not None and self._owed is None and (command := self._server.take()) is not None:
            if isinstance(command, ReloadSettings):
                self._is_asked, self._must_reload = True, True
            elif isinstance(command, ChangeSettings):
                self._answer(self._refusing(lambda: self._change(command)))
            else:
                self._answer(self._refusing(self._alerts))

    def _pay(self) -> None:
        if self._owed is None or self._server is None:
            return
        until_s, reply = self._owed
        behind = self._behind()
        if behind and self._clock() < until_s:
            return
        if behind and isinstance(reply, SettingsChanged):
            late = f"{', '.join(behind)} did not answer yet, and will go by it when it runs again"
            reply = msgspec.structs.replace(reply, notes=(*reply.notes, late))
        self._owed = None
        self._server.answer(reply)

    def _answer(self, reply: Reply) -> None:
        self._owed = (self._clock() + TAKEN_WITHIN_S, reply)
        self._pay()

    def _reload_rested(self) -> None:
        """Reload, once nobody writes the file any more."""
        assert self._rest is not None
        began_s, since_s, state = self._rest
        now_s = self._clock()
        try:
            found = self._origin.file_state() if self._origin is not None else ()
            if found != state:
                if now_s - began_s > RESTS_WITHIN_S:
                    assert self._origin is not None
                    raise ConfigError(f"{self._origin.path}: it changes all the time, expected a file that rests")
                self._rest = (began_s, now_s, found)
                return
        except ArbsniperError as error:
            reply: Reply = self._refused(error)
        else:
            if found and now_s - since_s < RESTS_S:
                return
            reply = self._refusing(self._reload)
        self._rest = None
        if self._is_asked:
            self._is_asked = False
            self._answer(reply)

    def _refusing(self, act: Callable[[], Reply]) -> Reply:
        try:
            return act()
        except ArbsniperError as error:
            return self._refused(error)

    def _refused(self, error: ArbsniperError) -> Refused:
        _log.error("settings stay as they are: %s", error)
        return Refused(str(error), isinstance(error, ConfigError))

    def _reload(self) -> SettingsChanged:
        file = self._origin.read() if self._origin is not None else ()
        base = self._load({}, file=file)
        told = {
            key: text for key, text in self._told.items() if self._base is None or not _differ(key, self._base, base)
        }
        reply = self._take(self._load(told, file=file) if told else base, ())
        self._file, self._base, self._told = file, base, told
        _log.info("settings: read again, %s", counted(len(reply.changes), "change"))
        return reply

    def _change(self, command: ChangeSettings) -> SettingsChanged:
        texts = command.texts
        told = _changed(self._told, texts)
        is_of_alerts = all(key.startswith("alerts.") for key in texts)
        if not command.save or (self._saved is None and is_of_alerts):
            return self._take_told(self._load(told), told, texts)
        if self._saved is None:
            raise UsageError("nothing is saved here: what is simulated keeps nothing")
        before = self._saved.read()
        if forgotten := [key for key, text in texts.items() if text is None and not _below(before | self._told, key)]:
            raise UsageError(f"{', '.join(forgotten)}: found nothing that a viewer set there")
        loaded = self._load(told, _changed(before, texts))
        reply = self._take_told(loaded, told, texts)
        try:
            self._saved.change(texts)
        except ArbsniperError as error:
            _log.error("settings: they are not saved: %s", error)
            return msgspec.structs.replace(reply, notes=(*reply.notes, f"it holds for this run only: {error}"))
        self._base = self._load({})
        return msgspec.structs.replace(reply, is_saved=True, notes=(*reply.notes, *self._overridden(texts)))

    def _overridden(self, texts: Mapping[str, str | None]) -> Iterable[str]:
        """Where what was saved will not count with the next start."""
        assert self._base is not None
        for key, text in texts.items():
            origin = self._base.origins.get(key, "")
            if text is not None and origin.startswith(("environment", "option")):
                yield f"{key}: {origin} counts before what was saved, from the next start on"

    def _take_told(self, loaded: Loaded, told: dict[str, str], texts: Mapping[str, str | None]) -> SettingsChanged:
        reply = self._take(loaded, texts)
        self._told = told
        return reply

    def _take(self, loaded: Loaded, keys: Iterable[str]) -> SettingsChanged:
        """Apply what can be applied; `keys` are those that a viewer has set now. Raises ArbsniperError."""
        assert self._origin is not None
        found = objections(loaded, needs_route=self._origin.needs_route)
        if refusals := [str(each) for each in found if each.refuses]:
            raise ConfigError("\n".join(refusals))
        wanted = loaded.settings if self._saved is not None else _without_redis(loaded.settings, self.running)
        changes = changes_between(self.running, wanted)
        settings = applicable(self.running, wanted)
        notes = self._apply(settings, changes, frozenset(keys))
        self.running = settings
        notes = (*notes, *(str(each) for each in found), *self._covered(loaded))
        for change in changes:
            _log.log(logging.WARNING if change.needs_restart else logging.INFO, "settings: %s", change.in_words)
        for note in notes:
            _log.warning("settings: %s", note)
        return SettingsChanged(changes, notes)

    def _covered(self, loaded: Loaded) -> Iterable[str]:
        """Where the file has another value than one that was saved, and so does not count."""
        if self._origin is None or self._saved is None or loaded.path is None:
            return
        saved = [key for key, origin in loaded.origins.items() if origin.startswith("saved ")]
        if saved and (of_file := self._load({}, {})):
            for key in saved:
                if of_file.origins.get(key, "").startswith("file ") and _differ(key, of_file, loaded):
                    where = loaded.origins[key].partition(" ")[2]
                    yield f"{key}: what {loaded.path} says does not count: a viewer had another value saved in {where}"

    def _load(
        self, told: Mapping[str, str], saved: Mapping[str, str] | None = None, file: Sequence[Given] | None = None
    ) -> Loaded:
        if self._origin is None:
            raise UsageError("a replay goes by the settings of its tapes: they stay as they are")
        return self._origin.load(self._file if file is None else file, self._saved_given(saved), told)

    def _saved_given(self, texts: Mapping[str, str] | None) -> list[Given]:
        if self._saved is None:
            return []
        try:
            return self._saved.given(texts)
        except FolderError:
            return []  # said when the node started

    def _alerts(self) -> Alerts:
        saved = self._saved.read() if self._saved is not None else {}
        made = {key.split(".")[2] for key in (*saved, *self._told) if key.startswith(_RULES)}
        rules = self.running.alerts.rules
        of_file = self._load({}, {}).settings.alerts.rules if made else {}
        packed = {name: msgspec.Raw(msgspec.msgpack.encode(rule)) for name, rule in rules.items()}
        return Alerts(packed, tuple(sorted(made & rules.keys() - of_file.keys())))


def _without_redis(wanted: Settings, running: Settings) -> Settings:
    """A demo has a Redis of its own, whatever the settings say."""
    return msgspec.structs.replace(wanted, redis=running.redis)


def _changed(texts: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """The texts with these changes; None takes away a key and what is below it."""
    kept = {key: text for key, text in texts.items() if not any(_is_below(key, other) for other in changes)}
    return kept | {key: text for key, text in changes.items() if text is not None}


def _below(texts: Iterable[str], key: str) -> list[str]:
    return [each for each in texts if _is_below(each, key)]


def _is_below(key: str, other: str) -> bool:
    return key == other or key.startswith(f"{other}.")


def _differ(key: str, one: Loaded, other: Loaded) -> bool:
    return _value(key, one.settings) != _value(key, other.settings)


def _value(key: str, settings: Settings) -> object:
    value: object = msgspec.to_builtins(settings)
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
