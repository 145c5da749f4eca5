"""What was seen of one market of a venue, and what that means. Pure: no socket, no clock."""

from enum import Enum
from math import ceil

from msgspec import Struct

from arbsniper_tui.tools.doctor.checks import Finding, Verdict

LARGEST_SKEW_MS = 1000.0


class Awaited(Enum):
    """What is waited for, and what to do when it does not come."""

    LIST = "its list of instruments", "see whether the venue is in maintenance; check rest_url"
    ENDPOINT = "where to connect", "see whether the venue is in maintenance; check rest_url"
    CONNECTION = "a WebSocket", "check ws_url, and whether a firewall or a proxy is in between"
    GREETING = "its greeting", "the venue may have changed its frames: the verb record keeps them"
    QUOTE = "a quote", "check that the venue lists these symbols; the verb record keeps its frames"

    def __init__(self, words: str, advice: str) -> None:
        self.words = words
        self.advice = advice


class Seen(Struct):
    """Filled in while a market is looked at; it may be read at any time."""

    check: str
    """Venue and market."""
    ws_host: str
    rest_host: str
    within_s: float
    streams: int
    """Instruments that the settings ask for."""
    streams_a_connection: int
    most_connections: int | None
    """What the venue takes at once; None: it states no limit."""
    tells_changes_alone: bool = False
    """A subscription brings no first state."""
    awaited: Awaited = Awaited.CONNECTION
    asked: tuple[str, ...] = ()
    """What was subscribed, in the venue's spelling."""
    fault: str = ""
    """Why it ended early."""
    words: str = ""
    """What the venue said last that is no quote: a refusal, or a frame that cannot be read."""
    frames: int = 0
    connected_ms: float | None = None
    first_ms: float | None = None
    """From the open connection to the first quote."""
    rtt_ms: float | None = None
    lag_ms: float | None = None
    """The least time by which a quote was older than now, by the venue's own time."""
    dated_ms: tuple[float, float] | None = None
    """How far this clock is ahead of the venue's, at least and at most, by the header Date."""

    @property
    def ahead_ms(self) -> float | None:
        """How far this clock is ahead of the venue's, by its quotes; None where it does not say."""
        return None if self.lag_ms is None else self.lag_ms - (self.rtt_ms or 0.0) / 2

    @property
    def has_doubtful_clock(self) -> bool:
        """Whether quotes tell no time, or one far away: a quiet instrument's state is as old as its last change, and
        only another time tells that from a wrong clock."""
        return self.ahead_ms is None or abs(self.ahead_ms) > LARGEST_SKEW_MS


def finding_of(seen: Seen) -> Finding:
    """One line of the table."""
    if seen.first_ms is None or seen.connected_ms is None:
        return _failure(seen)
    rtt = "no answer to a ping" if seen.rtt_ms is None else f"round trip {seen.rtt_ms:.0f} ms"
    clock, is_wrong = _clock(seen)
    streams, is_too_many = _streams(seen)
    begun = f"connected in {seen.connected_ms:.0f} ms, first quote after {seen.first_ms:.0f} ms"
    advice = []
    if is_wrong:
        advice.append("where every venue says so, synchronise this machine's clock (chrony, systemd-timesyncd)")
    if is_too_many:
        advice.append("ask for fewer symbols here: what does not fit is left out")
    verdict: Verdict = "warn" if advice else "ok"
    return Finding(seen.check, verdict, "; ".join((begun, rtt, clock, streams)), "; ".join(advice))


def _failure(seen: Seen) -> Finding:
    awaited = seen.awaited
    host = seen.rest_host if awaited in (Awaited.LIST, Awaited.ENDPOINT) else seen.ws_host
    found = seen.fault.removeprefix(f"{host}: ") or f"none within {seen.within_s:g} s"
    expected = awaited.words
    if awaited is Awaited.QUOTE:
        expected = f"a quote of {', '.join(seen.asked)}"
        found += f" ({seen.words or f'{seen.frames} frames, none with a quote'})" if not seen.fault else ""
        if seen.tells_changes_alone and seen.frames and not (seen.words or seen.fault):
            quiet = "it sends nothing until a price changes: a quiet symbol may be all right"
            return Finding(seen.check, "warn", f"{host}: expected {expected}, found {found}", quiet)
    return Finding(seen.check, "fail", f"{host}: expected {expected}, found {found}", awaited.advice)


def _clock(seen: Seen) -> tuple[str, bool]:
    """How this clock stands to the venue's, and whether that is too far."""
    ahead_ms = seen.ahead_ms
    if ahead_ms is not None and abs(ahead_ms) <= LARGEST_SKEW_MS:
        return f"clock {ahead_ms:+.0f} ms", False
    if seen.dated_ms is None:
        return ("no time told", False) if ahead_ms is None else (f"clock {ahead_ms / 1000:+.1f} s", True)
    least_ms, most_ms = seen.dated_ms
    if least_ms <= 0.0 <= most_ms:
        return "clock right to a second", False
    nearer_ms = min(seen.dated_ms, key=abs)
    return f"clock {nearer_ms / 1000:+.1f} s", abs(nearer_ms) > LARGEST_SKEW_MS


def _streams(seen: Seen) -> tuple[str, bool]:
    """What the settings need of what the venue gives, and whether that is too much."""
    connections = ceil(seen.streams / seen.streams_a_connection)
    if connections <= 1:
        return f"{seen.streams} of {seen.streams_a_connection} streams", False
    most = seen.most_connections
    of = f" of {most}" if most is not None else ""
    words = f"{seen.streams} streams on {connections}{of} connections of {seen.streams_a_connection}"
    return words, most is not None and connections > most
