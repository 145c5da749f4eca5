"""When each frame of a replay is due: the tapes' own pace, faster or slower, with pauses. Pure, but for its clock."""

import time
from collections.abc import Callable
from math import inf


class Pace:
    """Time on the tapes, from the last change of speed on."""

    def __init__(self, speed: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        """`speed` is how many times as fast as the tapes were recorded; None for as fast as it goes."""
        self.speed = speed
        self.is_paused = False
        self._clock = clock
        self._since_ns: int | None = None
        """Where on the tapes the last change came; None before the first frame."""
        self._since_s = 0.0

    def wait_s(self, frame_ns: int) -> float:
        """How long until the next frame, received at `frame_ns`, is due: negative when it is late, infinite while
        paused."""
        if self._since_ns is None:
            self._since_ns, self._since_s = frame_ns, self._clock()
        if self.is_paused:
            return inf
        if self.speed is None:
            return 0.0
        return self._since_s + (frame_ns - self._since_ns) / 1e9 / self.speed - self._clock()

    def change(self, speed: float | None, is_paused: bool, frame_ns: int) -> None:
        """Go on at another speed, or pause, while the frame received at `frame_ns` is the next."""
        now_s = self._clock()
        if self._since_ns is not None:
            if not self.is_paused:
                passed_ns = inf if self.speed is None else self._since_ns + (now_s - self._since_s) * 1e9 * self.speed
                # A replay that fell behind its speed starts anew from here.
                self._since_ns = round(min(passed_ns, frame_ns))
            self._since_s = now_s
        self.speed, self.is_paused = speed, is_paused
