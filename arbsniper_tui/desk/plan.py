"""What the spread worker is told when it starts: JSON in an inherited file."""

from msgspec import Struct
from msgspec.structs import replace

from arbsniper_tui.engine.rules import Rules
from arbsniper_tui.engine.terms import Terms
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
    redis_relay: str = ""
    """Where the relay to a Redis Cluster listens, as a URL; empty where there is none."""
    redis_note: str = ""
    """What clients of this server must know beside its address."""
    api: str = ""
    """Where the node's own API answers, as a URL; empty where there is none."""
    memory: int = -1
    """The inherited descriptor of what outlives this process; -1: nothing does."""
    shares_cpu: int | None = None
    state_node: str = ""
    """The name under which verdicts on coins are kept in the user's state folder; empty: they are not."""
    traced_share: float = 0.0
    """The part of its signals whose way is told to those who export traces, 0 to 1."""
    started_ns: int = 0
    """When the node was started, by `runtime.clock`: this process may be a later one."""

    terms: Terms = Terms()
    """By which instruments count that feeds tell of."""
    rules_number: int = 0
    """Counts the times that rules were set while the node runs."""
    rules_set: dict[str, int] = {}
    """By field of `rules`, the number of the time when it was last set; none for those of the start."""

    note: str = ""
    """What viewers are told of the change that brought this plan; empty for the first."""

    def rules_over(self, held: Rules, number: int) -> Rules:
        """The rules held, which viewers may have changed, with what was set after the time of this number."""
        newer = [name for name, at in self.rules_set.items() if at > number]
        return replace(held, **{name: getattr(self.rules, name) for name in newer})

    @property
    def is_replay(self) -> bool:
        return self.intro.mode == "replay"
