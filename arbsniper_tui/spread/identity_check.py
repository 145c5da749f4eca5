"""Keeps the detector's judgement of coins up to date, a slice at a time, and takes in the user's verdicts."""

import logging
from datetime import UTC, datetime
from functools import partial

from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.desk.verdict_file import VerdictFile
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.engine.leg import Leg
from arbsniper_tui.model.reason import ReasonCode, reason_words
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.model.verdict import LARGEST_MULTIPLIER, Judgement, Verdict
from arbsniper_tui.runtime.limited_log import LimitedLog
from arbsniper_tui.spread.facts import NewestFacts
from arbsniper_tui.spread.state_keeper import StateKeeper
from arbsniper_tui.wire.messages import Done, Refused, Reply, SetVerdict

_log = logging.getLogger(__name__)

_PEERS_WRITTEN = 8


class IdentityCheck:
    """Times are the detector's, in ns."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._troubles = LimitedLog(_log)

    def check(self, now_ns: int) -> list[Signal]:
        """Judge the next few coins, and the routes of what came into doubt or out of it. Returns what is to be
        announced. Less than a millisecond."""
        detector = self._detector
        if detector.is_behind:
            return []
        detector.identity.check(now_ns)
        if not detector.identity.changed:
            return []
        changed = dict.fromkeys(detector.identity.changed, now_ns)
        detector.identity.changed.clear()
        detector.touched.update(changed)
        for i in changed:
            self._log_doubt(detector.legs.counted[i])
        return detector.expire(now_ns) + detector.judge(changed, now_ns)

    def _log_doubt(self, leg: Leg) -> None:
        if leg.doubt is not None and leg.doubt.code is ReasonCode.IDENTITY:
            name = f"{leg.venue} {leg.instrument.symbol}"
            remedy = "`arbsniper-tui identity` shows why, and takes your verdict"
            self._troubles.warn(f"held {name}", f"{name} is held: {reason_words(leg.doubt)}; {remedy}")


class Verdicts:
    """Carries out the verdicts of viewers."""

    def __init__(
        self, detector: Detector, journal: Journal, facts: NewestFacts, keeper: StateKeeper, file: VerdictFile | None
    ) -> None:
        """Without a file, as in a demo and a replay, verdicts end with the node."""
        self._detector = detector
        self._journal = journal
        self._facts = facts
        self._keeper = keeper
        self._file = file

    def set(self, command: SetVerdict, now_ns: int) -> Reply:
        """Put a verdict in force, tell all viewers, and have it kept; routes are judged by it with the next check."""
        if refusal := self._refusal(command):
            return Refused(refusal)
        ratio, peers = self._detector.identity.ratio_of(command.venue, command.symbol)
        said = datetime.fromtimestamp((now_ns + self._detector.wall_offset_ns) / 1e9, UTC)
        verdict = Verdict(
            command.venue,
            command.symbol,
            command.judgement,
            command.multiplier,
            ratio,
            f"{said:%Y-%m-%d %H:%M}",
            self._evidence(command, peers),
        )
        self._detector.identity.tell([verdict], now_ns)
        when = ", in force from the next start" if self._waits(verdict) else ""
        self._write(f"identity {verdict.venue} {verdict.symbol}: {verdict.in_words}{when}", now_ns)
        if self._file is not None:
            what = f"the verdict on {verdict.venue} {verdict.symbol}"
            self._keeper.put(partial(self._file.keep, verdict), what)
        return Done()

    def _refusal(self, command: SetVerdict) -> str:
        named = f"{command.venue} {command.symbol}"
        if not self._legs_of(command):
            return f"{named}: expected an instrument that this node watches"
        least, most = (2, LARGEST_MULTIPLIER) if command.judgement is Judgement.MULTIPLIER else (1, 1)
        if not least <= command.multiplier <= most:
            return f"{named}: multiplier {command.multiplier}: expected {least} to {most} for {command.judgement}"
        return ""

    def _waits(self, verdict: Verdict) -> bool:
        return any(leg.instrument.by_verdict != verdict.multiplier for leg in self._legs_of(verdict)) and (
            verdict.judgement is not Judgement.DIFFERENT
        )

    def _legs_of(self, named: SetVerdict | Verdict) -> list[Leg]:
        legs = self._detector.legs.shown.values()
        return [leg for leg in legs if (leg.venue, leg.instrument.symbol) == (named.venue, named.symbol)]

    def _evidence(self, command: SetVerdict, peers: tuple[Leg, ...]) -> str:
        own = [leg for leg in self._legs_of(command) if leg.quote is not None]
        return "; ".join(self._price(leg) for leg in (*own, *peers[:_PEERS_WRITTEN]))

    def _price(self, leg: Leg) -> str:
        coin = self._facts.of(leg.id).coin
        names = f" ({' '.join(filter(None, (coin.name, coin.contract)))})" if coin is not None else ""
        return f"{leg.venue} {(leg.bid + leg.ask) / 2:.6g} {leg.currency}{names}"

    def _write(self, detail: str, now_ns: int) -> None:
        wall_ms = (now_ns + self._detector.wall_offset_ns) // 1_000_000
        self._journal.write("settings", wall_ms, now_ns, detail=detail)
