"""The routes that the user does not want to hear of."""

from functools import partial

from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.mute_file import MuteFile, NamedRoute, route_words
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.model.instrument import instrument_key
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.spread.state_keeper import StateKeeper
from arbsniper_tui.wire.messages import Done, Refused, Reply, SetMute


class Mutes:
    """Without a file, as in a demo and a replay, mutes end with the process."""

    def __init__(
        self,
        detector: Detector,
        journal: Journal,
        keeper: StateKeeper,
        file: MuteFile | None,
        muted: set[NamedRoute],
    ) -> None:
        """`muted` are those kept by earlier runs."""
        self._detector = detector
        self._journal = journal
        self._keeper = keeper
        self._file = file
        self._muted = muted
        detector.mute({(instrument_key(*buy), instrument_key(*sell)) for buy, sell in muted}, 0)

    def set(self, command: SetMute, now_ns: int) -> tuple[Reply, list[Signal]]:
        """Mute a route, or hear of it again: for all viewers, and for later runs. Returns what is to be announced."""
        detector, key = self._detector, (command.buy_id, command.sell_id)
        route = detector.routes.find(key)
        if route is None:
            return Refused(f"no route from {command.buy_id} to {command.sell_id}: expected one that is watched"), []
        named = tuple((leg.venue, leg.instrument.symbol) for leg in (route.buy, route.sell))
        change = self._muted.add if command.is_muted else self._muted.discard
        change((named[0], named[1]))
        signals = detector.mute(detector.muted | {key} if command.is_muted else detector.muted - {key}, now_ns)
        said = route_words((named[0], named[1]))
        detail = f"muted: {said}" if command.is_muted else f"no longer muted: {said}"
        self._journal.write("settings", (now_ns + detector.wall_offset_ns) // 1_000_000, now_ns, detail=detail)
        if self._file is not None:
            self._keeper.put(partial(self._file.write, set(self._muted)), f"the mute of {said}")
        return Done(), signals
