"""Pause and speed of a replay, as keys change them."""

from arbsniper_tui.model.view import ReplayStatus
from arbsniper_tui.session.snapshot import NodeSession
from arbsniper_tui.ui.dial import Dial

SPEEDS: tuple[float | None, ...] = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, None)
"""What the keys step through; None is as fast as it goes."""
NO_REPLAY = "Only a replay can be paused or played at another speed."
IS_OVER = "The tapes have ended."

_Playback = tuple[float | None, bool]
"""Speed, and whether it is paused."""


class PlaybackKeys:
    """What the keys of a replay do. Each method returns why it did nothing, or an empty string."""

    def __init__(self, session: NodeSession, patience: float) -> None:
        self._session = session
        self._dial: Dial[_Playback] = Dial(patience)

    def pause(self) -> str:
        """Pause, or play on."""
        if refusal := self._refusal():
            return refusal
        speed, is_paused = self._dial.from_here(_in_force(self._session.snapshot.replay))
        self._ask(speed, not is_paused)
        return ""

    def step_speed(self, steps: int) -> str:
        """Play faster or slower."""
        if refusal := self._refusal():
            return refusal
        speed, is_paused = self._dial.from_here(_in_force(self._session.snapshot.replay))
        self._ask(stepped(speed, steps), is_paused)
        return ""

    def follow(self) -> None:
        """Take note of what is in force. Call once a view."""
        self._dial.follow(_in_force(self._session.snapshot.replay))

    def _refusal(self) -> str:
        replay = self._session.snapshot.replay
        if replay is None:
            return NO_REPLAY
        return IS_OVER if replay.is_over else ""

    def _ask(self, speed: float | None, is_paused: bool) -> None:
        self._session.set_playback(*self._dial.ask((speed, is_paused)))


def stepped(speed: float | None, steps: int) -> float | None:
    """The speed so many steps further; from a speed between two steps, the next one in that direction."""
    slower = [each for each in SPEEDS if each is not None and (speed is None or each < speed)]
    faster = [each for each in SPEEDS if speed is not None and (each is None or each > speed)]
    if steps < 0:
        return slower[max(steps, -len(slower))] if slower else speed
    return faster[min(steps, len(faster)) - 1] if faster and steps else speed


def _in_force(replay: ReplayStatus | None) -> _Playback:
    return (1.0, False) if replay is None else (replay.speed, replay.is_paused)
