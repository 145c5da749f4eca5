"""From the bus to the detector: what a live spread worker takes in, and what a replay does."""

import logging
from collections import deque
from itertools import islice
from typing import Protocol

from arbsniper_tui.desk.feed_watch import FeedWatch
from arbsniper_tui.desk.journal import Journal
from arbsniper_tui.engine.detector import Detector
from arbsniper_tui.latency.stages import Stages
from arbsniper_tui.model.errors import UNREADABLE, InstrumentError
from arbsniper_tui.model.reason import Reason, ReasonCode
from arbsniper_tui.model.signal import Signal
from arbsniper_tui.runtime.clock import PAUSED_NS, now_ns
from arbsniper_tui.runtime.limited_log import LimitedLog
from arbsniper_tui.spread.facts import NewestFacts
from arbsniper_tui.spread.identity_check import IdentityCheck
from arbsniper_tui.spread.rounds import Rounds
from arbsniper_tui.wire.inbox import Inbox
from arbsniper_tui.wire.messages import (
    Facts,
    FromFeed,
    HealthReport,
    InstrumentsChanged,
    QuoteBatch,
    TapesEnded,
    Withdrawn,
    decode_from_feed,
)

_log = logging.getLogger(__name__)

JUDGED_AT_ONCE = 64
"""Instruments whose routes are judged before signals leave: some 0.4 ms with 12 venues. While more wait, nothing is
read from the bus: the feeds hold the newest states, and replace them."""
_CHECK_EVERY_NS = 20_000_000


class Intake(Protocol):
    """Takes messages of the bus, and has what follows from them announced."""

    clock_ns: int
    """The detector's clock: that of ages, or in a replay the time of the last frame."""

    @property
    def unjudged(self) -> int:
        """How many instruments the next `take` has to judge, whether a message has come or not."""
        ...

    def take(self, body: bytes | None) -> int:
        """Handle one message, and those that wait behind it. Returns the time at its end, in ns."""
        ...


class LiveIntake:
    """Judges only the newest of the states of an instrument that wait to be read: the others are over."""

    def __init__(
        self,
        inbox: Inbox,
        detector: Detector,
        journal: Journal,
        feeds: FeedWatch,
        stages: Stages,
        facts: NewestFacts,
    ) -> None:
        self._inbox = inbox
        self._detector = detector
        self._journal = journal
        self._feeds = feeds
        self._stages = stages
        self._troubles = LimitedLog(_log)
        self._facts = facts
        self.clock_ns = now_ns()
        self._late_ns = self.clock_ns + 1_000_000_000
        self._behind_since_ns = 0
        """When this process ran again after a pause, until all that had come meanwhile is in; else 0."""
        self._unjudged: dict[int, int] = {}
        """Instruments with newer states than their routes were judged by, and the receipt of those in ns; those that
        have waited longest come first."""
        self._undecided: deque[tuple[QuoteBatch, int]] = deque()
        """What has been put and not decided on, and when each was received."""

    @property
    def unjudged(self) -> int:
        return 0 if self._behind_since_ns else len(self._unjudged)

    def look_for_pause(self, at_ns: int, next_look_ns: int) -> None:
        """Notice that this process did not run since the last look. The next look is due at `next_look_ns`."""
        if at_ns > self._late_ns:
            self._wake(at_ns)
        self._late_ns = next_look_ns + PAUSED_NS

    def take(self, body: bytes | None) -> int:
        got_ns = now_ns()
        if got_ns > self._late_ns:
            self._wake(got_ns)
        message = _decoded(body, self._troubles) if body is not None else None
        if (
            type(message) is not QuoteBatch
            or len(message.quotes) != 1
            or self._inbox.has_more
            or self._behind_since_ns
            or self._unjudged
        ):
            return self._take_several(message, got_ns)
        quote = message.quotes[0]
        recv_ns = message.recv_ns[0] if message.recv_ns else message.ts_read_ns
        try:
            signals = self._detector.on_quote(quote, recv_ns, got_ns)
        except KeyError:
            _complain_of(quote.instrument_id, self._troubles)
            return got_ns
        self.clock_ns = got_ns
        decided_ns = 0
        if signals:
            decided_ns = now_ns()
            self._journal.announce_all(signals)
            self._stages.publish.record(now_ns() - decided_ns)
        done_ns = now_ns()
        self._detector.settle()
        self._stages.unsettled.append(
            (message.ts_read_ns, message.ts_parsed_ns, got_ns, decided_ns or done_ns, done_ns)
        )
        return done_ns

    def _take_several(self, message: FromFeed | None, got_ns: int) -> int:
        self._journal.announce_all(self._detector.expire(got_ns))
        self.clock_ns = got_ns
        while True:
            if isinstance(message, QuoteBatch):
                self._put(message, got_ns)
            elif message is not None:
                self._take_word(message, got_ns)
            self._look_whether_caught_up(message)
            body = self._inbox.receive_at_hand()
            if body is None:
                break
            message = _decoded(body, self._troubles)
        decided_ns = got_ns
        if self.unjudged:
            signals = self._detector.judge(self._take_portion(), got_ns)
            decided_ns = now_ns()
            if signals:
                self._journal.announce_all(signals)
                self._stages.publish.record(now_ns() - decided_ns)
        done_ns = now_ns()
        self._note_decided(decided_ns, done_ns)
        return done_ns

    def _take_portion(self) -> dict[int, int]:
        portion = self._unjudged
        if len(portion) <= JUDGED_AT_ONCE:
            self._unjudged = {}
            return portion
        portion = dict(islice(portion.items(), JUDGED_AT_ONCE))
        for i in portion:
            del self._unjudged[i]
        return portion

    def _note_decided(self, decided_ns: int, done_ns: int) -> None:
        """The batches whose last quote has been judged, or superseded by one that has."""
        undecided = self._undecided
        while undecided and undecided[0][0].quotes[-1].instrument_id not in self._unjudged:
            batch, got_ns = undecided.popleft()
            self._stages.unsettled.append((batch.ts_read_ns, batch.ts_parsed_ns, got_ns, decided_ns, done_ns))

    def _put(self, batch: QuoteBatch, got_ns: int) -> None:
        if batch.quotes:
            self._undecided.append((batch, got_ns))
        for number, quote in enumerate(batch.quotes):
            recv_ns = batch.recv_ns[number] if batch.recv_ns else batch.ts_read_ns
            try:
                self._detector.put(quote, recv_ns)
            except KeyError:
                _complain_of(quote.instrument_id, self._troubles)
                continue
            self._unjudged[quote.instrument_id] = recv_ns

    def _take_word(
        self, message: Withdrawn | InstrumentsChanged | Facts | HealthReport | TapesEnded, got_ns: int
    ) -> None:
        if isinstance(message, InstrumentsChanged):
            self._journal.announce_all(_change_instruments(self._detector, message, got_ns, self._troubles))
            self._unjudged = {i: at_ns for i, at_ns in self._unjudged.items() if i in self._detector.legs.shown}
            self._facts.forget(i for i in message.removed if i not in self._detector.legs.shown)
        elif isinstance(message, Withdrawn):
            self._journal.announce_all(_withdraw(self._detector, message, got_ns, self._troubles))
        elif isinstance(message, HealthReport):
            self._journal.announce_all(self._feeds.take(message, got_ns))
        elif isinstance(message, Facts):
            self._facts.take(message)

    def _wake(self, at_ns: int) -> None:
        """After a pause of this process what lies on the bus is old, and newer states wait behind it: nothing is judged
        until they are in."""
        not_run_s = (at_ns - self._late_ns + PAUSED_NS) / 1e9
        _log.warning("this process did not run for %.1f s; it catches up before it judges again", not_run_s)
        self._late_ns = at_ns + PAUSED_NS
        self._behind_since_ns = at_ns
        self._feeds.wake(at_ns)
        self._detector.is_behind = True
        self._journal.announce_all(self._detector.expire(at_ns))

    def _look_whether_caught_up(self, message: FromFeed | None) -> None:
        """The messages of a sender come in order: one that it sent after the pause comes behind all that it held."""
        if not self._behind_since_ns:
            return
        if isinstance(message, QuoteBatch):
            is_in = self._inbox.has_one_sender and message.ts_parsed_ns >= self._behind_since_ns
        else:
            is_in = isinstance(message, HealthReport) and self._feeds.have_all_reported_since(self._behind_since_ns)
        if is_in:
            self._behind_since_ns = 0
            self._detector.is_behind = False


class ReplayIntake:
    """A replay judges every state, each at the time at which it was received."""

    def __init__(
        self,
        detector: Detector,
        journal: Journal,
        feeds: FeedWatch,
        stages: Stages,
        facts: NewestFacts,
        rounds: Rounds,
    ) -> None:
        self._rounds = rounds
        self._detector = detector
        self._journal = journal
        self._feeds = feeds
        self._stages = stages
        self._troubles = LimitedLog(_log)
        self._facts = facts
        self._identity = IdentityCheck(detector)
        self._check_due_ns = 0
        """By the tapes' clock, so that the same tapes give the same signals at any speed."""
        self.clock_ns = 0

    unjudged = 0

    def take(self, body: bytes | None) -> int:
        got_ns = now_ns()
        message = _decoded(body, self._troubles) if body is not None else None
        if isinstance(message, QuoteBatch):
            self._judge_each(message)
            done_ns = now_ns()
            # The read was when the tape was recorded.
            self._stages.unsettled.append((message.ts_parsed_ns, message.ts_parsed_ns, got_ns, done_ns, done_ns))
        elif isinstance(message, Withdrawn):
            self.clock_ns = message.at_ns
            self._journal.announce_all(_withdraw(self._detector, message, message.at_ns, self._troubles))
        elif isinstance(message, InstrumentsChanged):
            self.clock_ns = message.at_ns
            self._journal.announce_all(_change_instruments(self._detector, message, message.at_ns, self._troubles))
            self._facts.forget(i for i in message.removed if i not in self._detector.legs.shown)
        elif isinstance(message, HealthReport):
            self._journal.announce_all(self._feeds.take(message, message.sent_ns))
        elif isinstance(message, Facts):
            self._facts.take(message)
        elif message is not None:
            self._end(message)
        return now_ns()

    def _judge_each(self, batch: QuoteBatch) -> None:
        for quote, recv_ns in zip(batch.quotes, batch.recv_ns or [batch.ts_read_ns] * len(batch.quotes), strict=True):
            at_ns = self.clock_ns = batch.ts_read_ns
            self._rounds.replay(at_ns)
            if at_ns >= self._check_due_ns:
                self._check_due_ns = at_ns + _CHECK_EVERY_NS
                self._journal.announce_all(self._identity.check(at_ns))
            try:
                self._journal.announce_all(self._detector.on_quote(quote, recv_ns, self.clock_ns))
            except KeyError:
                _complain_of(quote.instrument_id, self._troubles)
                continue

    def _end(self, message: TapesEnded) -> None:
        self.clock_ns = message.at_ns
        self._rounds.replay(message.at_ns)
        self._journal.announce_all(self._detector.close_all(Reason(ReasonCode.TAPES_ENDED), message.at_ns))
        self._rounds.end(message.at_ns)
        wall_ms = (message.at_ns + self._detector.wall_offset_ns) // 1_000_000
        self._journal.write("end", wall_ms, now_ns(), detail=message.in_words)


def _decoded(body: bytes, troubles: LimitedLog) -> FromFeed | None:
    """A message of the bus; None, after a line in the log, for one that cannot be read."""
    try:
        message: FromFeed = decode_from_feed(body)
    except UNREADABLE as error:
        troubles.warn("unreadable", f"on the bus: a message that cannot be read is passed over: {error}")
        return None
    if isinstance(message, QuoteBatch) and message.recv_ns and len(message.recv_ns) != len(message.quotes):
        found = f"{len(message.quotes)} quotes with {len(message.recv_ns)} times of receipt"
        troubles.warn("unreadable", f"on the bus: a message with {found} is passed over")
        return None
    return message


def _withdraw(detector: Detector, message: Withdrawn, at_ns: int, troubles: LimitedLog) -> list[Signal]:
    signals: list[Signal] = []
    for instrument_id in message.instrument_ids:
        try:
            signals += detector.withdraw(instrument_id, message.reason, at_ns)
        except KeyError:
            _complain_of(instrument_id, troubles)
    return signals


def _change_instruments(
    detector: Detector, message: InstrumentsChanged, at_ns: int, troubles: LimitedLog
) -> list[Signal]:
    """What is known already is passed over: a feed tells all its changes again to a spread worker that begins anew."""
    shown = detector.legs.shown
    signals: list[Signal] = []
    told = [detector.legs.terms.of(each) for each in message.added]
    added = [each for each in told if each.id not in shown or shown[each.id].instrument != each]
    known = {each.id for each in message.added}.difference(each.id for each in added)
    try:
        signals = detector.remove([i for i in message.removed if i in shown and i not in known], at_ns)
        detector.add(added)
    except InstrumentError as error:
        troubles.warn("instruments", f"on the bus: instruments are not changed as a feed said: {error}")
    return signals


def _complain_of(instrument_id: int, troubles: LimitedLog) -> None:
    troubles.warn("unknown", f"on the bus: instrument {instrument_id} is not watched by this node; it is passed over")
