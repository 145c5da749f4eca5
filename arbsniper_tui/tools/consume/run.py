"""`consume`: prints signals and events from Redis as they come, and says what goes wrong; a check ends at a breach."""

from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from arbsniper_tui.config.settings import RedisSettings
from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.model.errors import UNREADABLE, UsageError
from arbsniper_tui.model.words import counted
from arbsniper_tui.runtime.clock import now_ns
from arbsniper_tui.runtime.exit_codes import BREACH, CLEAN, FAULT
from arbsniper_tui.runtime.output import Output
from arbsniper_tui.sinks.redis_keys import EVENTS_CHANNEL, SIGNALS_CHANNEL, STREAM_KEY
from arbsniper_tui.tools.consume.breach import Breach, run_words
from arbsniper_tui.tools.consume.checker import Checker, Patience
from arbsniper_tui.tools.consume.numbering import Gap, Heard, Numbering, Origin, heard_event
from arbsniper_tui.tools.consume.silence import Silence
from arbsniper_tui.tools.consume.source import From, Message, RedisSource

_LOOK_EVERY_S = 0.1
STANDARD_OUTPUT = 1

Say = Callable[[str], None]


class Timings(Struct, frozen=True):
    """How long things may take before they are said."""

    silence_ns: int = 5_000_000_000
    answer_within_s: float = 5.0
    patience: Patience = Patience()


_TIMINGS = Timings()


def consume(
    settings: RedisSettings,
    say: Say,
    is_stopping: Callable[[], bool],
    *,
    is_checked: bool,
    descriptor: int = STANDARD_OUTPUT,
    timings: Timings = _TIMINGS,
) -> int:
    """Print until `is_stopping`, the reader of the lines leaves, or a check finds a breach. Returns the exit code.
    Raises UsageError where there is no Redis to read."""
    if settings.mode == "off":
        raise UsageError('redis.mode: found "off", so that nodes write to no Redis; name the one to read: --redis-url')
    # Without a limit: Redis drops a reader that is too slow, and the stream holds what it missed.
    consumer = _Consumer(Output(descriptor, limit_bytes=None), say, is_stopping, is_checked, timings)
    source = RedisSource(settings, say, timings.answer_within_s)
    try:
        consumer.run(source)
    except BrokenPipeError:
        pass  # as `head` leaves
    except OSError as error:
        say(f"standard output cannot be written: {error.strerror}")
        return FAULT
    finally:
        source.close()
    return consumer.conclude()


class _Consumer:
    """Prints each event once and in order, and each signal as it comes."""

    def __init__(
        self, output: Output, say: Say, is_stopping: Callable[[], bool], is_checked: bool, timings: Timings
    ) -> None:
        self._output = output
        self._say = say
        self._is_stopping = is_stopping
        self._checker = Checker(timings.patience) if is_checked else None
        self._numbering = Numbering(timings.patience.gap_ns)
        self._silence = Silence(timings.silence_ns, now_ns())
        self._breaches: list[Breach] = []

    def run(self, source: RedisSource) -> None:
        """Until there is a reason to end."""
        while not self._is_stopping() and not self._breaches:
            for message in source.read(_LOOK_EVERY_S, is_in_gap=self._numbering.is_waiting):
                self._take(message, now_ns())
                if self._breaches:
                    break
            if source.is_current and not self._breaches:
                self._tick(now_ns())
            self._output.drain(None, self._is_stopping)

    def conclude(self) -> int:
        """Say what a check has found; returns the exit code."""
        if self._checker is None:
            return CLEAN
        for breach in self._breaches:
            self._say(f"breach of the contract: {breach}")
        repeats = self._numbering.repeats + self._checker.repeated_signals
        verdict = "a breach" if self._breaches else "no breach"
        self._say(f"{self._checker.summary()}, {counted(repeats, 'repeat')}: {verdict}")
        return BREACH if self._breaches else CLEAN

    def _take(self, message: Message, at_ns: int) -> None:
        match message.origin:
            case From.SIGNALS:
                self._take_signal(message.payload, at_ns)
            case From.EVENTS:
                self._take_event(message.payload, Origin.CHANNEL, at_ns)
            case From.STREAM:
                self._take_event(message.payload, Origin.STREAM, at_ns)
            case From.BEFORE:
                self._learn(message.payload, at_ns)
            case From.BACK | From.LOST:
                self._resume(at_ns, is_stream_lost=message.origin is From.LOST)

    def _take_signal(self, payload: bytes, at_ns: int) -> None:
        if self._checker is not None:
            self._breaches += self._checker.take_signal(payload, at_ns)
        try:
            self._output.put(_line(payload))
        except UNREADABLE as error:
            self._say_unreadable(SIGNALS_CHANNEL, payload, error)

    def _take_event(self, payload: bytes, origin: Origin, at_ns: int) -> None:
        try:
            heard = heard_event(payload, origin)
        except UNREADABLE as error:
            if self._checker is not None:
                self._breaches += self._checker.take_unreadable(payload, origin, str(error))
            else:
                self._say_unreadable(EVENTS_CHANNEL if origin is Origin.CHANNEL else STREAM_KEY, payload, error)
            return
        if self._checker is not None and origin is Origin.STREAM:
            self._checker.take_stored(heard, at_ns)
        self._pass_on(self._numbering.take(heard, at_ns), at_ns)

    def _pass_on(self, events: Iterable[Heard], at_ns: int) -> None:
        """Print events that are next in order, and check them."""
        for heard in events:
            self._say_all(self._silence.hear(heard.run, at_ns))
            if heard.head.event == "end":
                self._silence.end(heard.run)
            self._output.put(_line(heard.payload))
            if self._checker is not None:
                self._breaches += self._checker.take_event(heard, at_ns)

    def _learn(self, payload: bytes, at_ns: int) -> None:
        """Take an event that was there before: not to be printed, and no breach whatever it is."""
        try:
            heard = heard_event(payload, Origin.STREAM)
        except UNREADABLE:
            return
        self._numbering.learn(heard)
        if self._checker is not None:
            self._checker.learn(heard, at_ns)

    def _resume(self, at_ns: int, *, is_stream_lost: bool) -> None:
        """Go on after messages may have gone by."""
        self._silence.restart(at_ns)
        if is_stream_lost:
            self._numbering.forgive()
        if self._checker is not None:
            self._checker.forgive(at_ns, is_stream_lost=is_stream_lost)

    def _tick(self, at_ns: int) -> None:
        """What did not come in time."""
        self._say_all(self._silence.tick(at_ns))
        for gap, events in self._numbering.give_up(at_ns):
            self._take_gap(gap)
            self._pass_on(events, at_ns)
        if self._checker is not None:
            self._breaches += self._checker.tick(at_ns)
            self._say_all(self._checker.reports)
            self._checker.reports.clear()

    def _take_gap(self, gap: Gap) -> None:
        breaches = self._checker.take_gap(gap) if self._checker is not None else []
        self._breaches += breaches
        if not breaches:
            why = "while nobody could hear it" if gap.is_excused else f"and the stream {STREAM_KEY} lacks it too"
            self._say(f"{run_words(gap.run)}: {gap.in_words} went by, {why}")

    def _say_unreadable(self, where: str, payload: bytes, error: Exception) -> None:
        shown = clean_text(payload.decode(errors="backslashreplace"))
        self._say(
            f"{where}: expected JSON as docs/schema has it, found {shown or 'nothing'} ({clean_text(str(error))})"
        )

    def _say_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._say(line)


def _line(payload: bytes) -> bytes:
    """JSON from outside as one line, byte for byte where it is one already. Raises what is in UNREADABLE."""
    value = msgspec.json.decode(payload)
    is_one_line = b"\n" not in payload and b"\r" not in payload
    return (payload if is_one_line else msgspec.json.encode(value)) + b"\n"
