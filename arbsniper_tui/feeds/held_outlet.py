"""What a connection reads before it takes the place of another: held back, the newest of each instrument."""

from collections.abc import Collection, Sequence

from arbsniper_tui.feeds.outlet import Outlet
from arbsniper_tui.model.fact import Fact
from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.quote import Quote, Withdrawal


class HeldOutlet:
    """So the quotes of two connections to one venue never mix: those of the successor follow those of the other."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[Quote, int, int]] = {}
        self._withdrawn: dict[int, tuple[Withdrawal, int]] = {}
        self._facts: list[tuple[Sequence[Fact], int]] = []

    def quotes(self, quotes: Sequence[Quote], ts_read_ns: int, recv_ns: Sequence[int] = ()) -> None:
        for number, quote in enumerate(quotes):
            self._held[quote.instrument_id] = quote, ts_read_ns, recv_ns[number] if recv_ns else ts_read_ns
            self._withdrawn.pop(quote.instrument_id, None)

    def withdraw(self, withdrawal: Withdrawal, at_ns: int) -> None:
        for instrument_id in withdrawal.instrument_ids:
            self._held.pop(instrument_id, None)
            self._withdrawn[instrument_id] = Withdrawal((instrument_id,), withdrawal.reason), at_ns

    def facts(self, facts: Sequence[Fact], at_ns: int) -> None:
        self._facts.append((facts, at_ns))

    def change_instruments(self, added: Sequence[Instrument], removed: Collection[int]) -> None:
        raise AssertionError("a connection does not change instruments")

    def health_changed(self) -> None:
        return

    def has(self, instrument_ids: Collection[int]) -> bool:
        """Whether each of these instruments has said something here."""
        return all(each in self._held or each in self._withdrawn for each in instrument_ids)

    def release(self, outlet: Outlet) -> None:
        """Pass on all that was held, as old as it is."""
        for facts, at_ns in self._facts:
            outlet.facts(facts, at_ns)
        for withdrawal, at_ns in self._withdrawn.values():
            outlet.withdraw(withdrawal, at_ns)
        for quote, ts_read_ns, recv_ns in self._held.values():
            outlet.quotes((quote,), ts_read_ns, (recv_ns,))
