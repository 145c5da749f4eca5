"""How the node is, as the API tells it to probes and people, and counts it for /metrics."""

import time
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from arbsniper_tui.api.crowd import Crowd
from arbsniper_tui.api.source import Source
from arbsniper_tui.api.traffic import Traffic
from arbsniper_tui.model.words import counted
from arbsniper_tui.runtime.process_reading import ProcessReading
from arbsniper_tui.session.health import NodeHealth, Part, PartState

READ_EVERY_S = 1.0


class HealthReader:
    """Judges the node at most once a second, however many ask."""

    def __init__(
        self, reader: Source, crowd: Crowd, traffic: Traffic, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._reader = reader
        self._crowd = crowd
        self._traffic = traffic
        self._clock = clock
        self._judged: tuple[float, NodeHealth, Mapping[int, ProcessReading]] | None = None

    @property
    def health(self) -> NodeHealth:
        """The tree, with the API as one of its parts."""
        return self._judge()[1]

    @property
    def processes(self) -> Mapping[int, ProcessReading]:
        """The node's, by process id, as far as they can be looked at."""
        return self._judge()[2]

    def _judge(self) -> tuple[float, NodeHealth, Mapping[int, ProcessReading]]:
        now_s = self._clock()
        if self._judged is None or now_s - self._judged[0] >= READ_EVERY_S:
            health, processes = self._reader.health()
            self._judged = now_s, replace(health, parts=(*health.parts, self._api())), processes
        return self._judged

    def _api(self) -> Part:
        figures = {"connections": self._crowd.size, "requests": self._traffic.answers.total()}
        words = f"{counted(figures['requests'], 'request')} answered, {counted(figures['connections'], 'connection')}"
        return Part("api", PartState.OK, words, is_needed=False, figures=dict(figures))


def why_not_ready(health: NodeHealth) -> str:
    """The parts that keep a node from being ready, each with what is not well in it: their names and states, without
    the words, which may tell an address. Empty where it is ready."""
    if health.is_ready:
        return ""
    down = [each for each in health.parts if each.state is PartState.DOWN and each.is_needed]
    return "; ".join(map(_why_down, down)) or health.words


def _why_down(part: Part) -> str:
    inner = ", ".join(f"{each.name} {each.state}" for each in part.parts if each.state is not PartState.OK)
    return f"{part.name} down: {inner}" if inner else f"{part.name} down"
