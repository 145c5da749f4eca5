"""What a simulation is asked to be: its seed, its pace, and which venues take part."""

from pathlib import Path

from msgspec import Struct

from arbsniper_tui.sim.chaos import Chaos

DEMO_SETTINGS = Path(__file__).with_name("demo.toml")
"""The settings that show the simulation best."""

BASES = ("BTC", "ETH", "SOL", "XRP", "DOGE", "ADA", "LINK", "LTC", "AVAX", "DOT", "PEPE")


class SimPlan(Struct, frozen=True):
    """One simulation. The same seed gives the same market, as far as the same is subscribed at the same times."""

    seed: int = 1
    frames_per_s: float = 400.0
    """About how many frames a second come from all venues together, with BTC, ETH and SOL subscribed on spot."""
    venues: tuple[str, ...] = ()
    """Which venues take part; empty for all that can be simulated."""
    bases: tuple[str, ...] = BASES
    """The coins that every venue lists."""
    chaos: dict[Chaos, float] = {}
    """What goes wrong, and how often."""
    chaos_seed: int = 1
    chaos_venues: tuple[str, ...] = ()
    """Where it goes wrong; empty for everywhere."""

    def chaos_at(self, venue: str) -> dict[Chaos, float]:
        """What goes wrong at one venue."""
        return self.chaos if not self.chaos_venues or venue in self.chaos_venues else {}


class SimWorkerPlan(Struct, frozen=True):
    """The simulated venues, each on an inherited listening socket."""

    worker: str
    sim: SimPlan
    descriptors: dict[str, int]
    """Venue id -> file descriptor."""
    truth: int = -1
    """The inherited listening socket on which it answers what was true; -1 for none."""
