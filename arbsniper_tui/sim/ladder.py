"""Books of price levels, for simulated venues that send a snapshot and then changes."""

from arbsniper_tui.sim.market import Top

_DEPTH = 12

Change = tuple[str, int, int]
"""Side, ticks, lots; no lots: the level is gone."""


class Ladder:
    """The levels of one book that subscribers have been told of, on both sides."""

    def __init__(self, top: Top) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.move(top)

    def move(self, top: Top) -> list[Change]:
        """Bring the best levels to `top`; the changes that say so."""
        return [
            *_move_side("buy", self.bids, top.bid_ticks, top.bid_lots, outward=-1),
            *_move_side("sell", self.asks, top.ask_ticks, top.ask_lots, outward=1),
        ]


def _move_side(side: str, levels: dict[int, int], best: int, lots: int, outward: int) -> list[Change]:
    changes: list[Change] = []
    better = [ticks for ticks in levels if (best - ticks) * outward > 0]
    spare = sorted(levels, key=lambda ticks: ticks * outward)[len(better) + 2 * _DEPTH :]
    for ticks in (*better, *spare):
        del levels[ticks]
        changes.append((side, ticks, 0))
    if levels.get(best) != lots:
        levels[best] = lots
        changes.append((side, best, lots))
    worst = max(levels, key=lambda ticks: ticks * outward)
    while len(levels) < _DEPTH and worst + outward > 0:
        worst += outward
        levels[worst] = lots * (1 + len(levels) % 5)
        changes.append((side, worst, levels[worst]))
    return changes
