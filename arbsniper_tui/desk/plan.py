"""What the spread worker is told when it starts: JSON in an inherited file."""

from msgspec import Struct

from arbsniper_tui.engine.detector import Rules
from arbsniper_tui.model.health import RedisHealth
from arbsniper_tui.model.view import NodeIntro


class SpreadPlan(Struct, frozen=True):
    """The spread worker."""

    worker: str
    folder: str
    intro: NodeIntro
    rules: Rules
    refresh_hz: float
    redis: RedisHealth
    """Which server, as chosen; its state is `off` where there is none."""
    redis_url: str = ""
    redis_note: str = ""
    """What clients of this server must know beside its address."""
    memory: int = -1
    """The inherited descriptor of what outlives this process; -1: nothing does."""
    shares_cpu: int | None = None
    started_ns: int = 0
    """When the node was started, by `runtime.clock`: this process may be a later one."""

    @property
    def is_replay(self) -> bool:
        return self.intro.mode == "replay"
