"""What venues have said of instruments beside their quotes, as the spread worker holds it."""

from collections.abc import Iterable

from arbsniper_tui.model.fact import Fact
from arbsniper_tui.wire.messages import Facts


class NewestFacts:
    """Of each instrument and kind of fact the newest, and how many came."""

    def __init__(self) -> None:
        self.count = 0
        self._by_instrument: dict[int, dict[type[Fact], Fact]] = {}

    def take(self, message: Facts) -> None:
        """Hold what a feed has sent."""
        self.count += len(message.facts)
        for fact in message.facts:
            self._by_instrument.setdefault(fact.instrument_id, {})[type(fact)] = fact

    def of(self, instrument_id: int) -> tuple[Fact, ...]:
        """What is held of one instrument."""
        return tuple(self._by_instrument.get(instrument_id, {}).values())

    def forget(self, instrument_ids: Iterable[int]) -> None:
        """Drop what is held of instruments that are not watched any more."""
        for i in instrument_ids:
            self._by_instrument.pop(i, None)
