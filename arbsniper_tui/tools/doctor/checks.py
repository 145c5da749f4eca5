"""What `doctor` looks at: the machine, the terminal, and whether each venue's hosts can be reached.

Every check returns findings and prints nothing.
"""

import ctypes
import os
import queue
import resource
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from arbsniper_tui.config.settings import Conversion, Settings
from arbsniper_tui.model.instrument import Market, parse_symbol
from arbsniper_tui.runtime.shared_cpu import allowed_cpus
from arbsniper_tui.runtime.terminal import LEAST_COLUMNS, LEAST_LINES, REMOTE_HZ, TerminalLook, terminal_look
from arbsniper_tui.venues import VENUES, is_external
from arbsniper_tui.venues.base import VenueMarket

Verdict = Literal["ok", "warn", "fail"]
Target = tuple[str, int, bool]
"""Host, port, TLS."""

NETWORK = "network"
"""The check that fails where no venue's name resolves."""
REACHED_WITHIN_S = 3.0
FEWEST_FILES, COMFORTABLE_FILES = 64, 256
LARGEST_STEP_MS = 5.0
CLOCK_UNSYNCHRONISED = 5
"""What ntp_adjtime returns as the clock's state, TIME_ERROR in its manual page."""


class Finding(Struct, frozen=True):
    """One line of the table."""

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


class Reached(Struct, frozen=True):
    """How far a connection came: `stage` is the one that failed, empty when it was opened and closed again."""

    stage: str
    detail: str


def check_terminal(
    environ: Mapping[str, str], size: tuple[int, int] | None, encoding: str | None = None
) -> list[Finding]:
    """Size in columns and lines (None: no terminal at all), colours, the encoding of standard output, and SSH."""
    if size is None:
        return [Finding("terminal", "warn", "no terminal here", "run it in one, or use --no-ui")]
    columns, lines = size
    look = terminal_look(environ, encoding)
    fits = columns >= LEAST_COLUMNS and lines >= LEAST_LINES
    enlarge = f"enlarge it to {LEAST_COLUMNS}x{LEAST_LINES} or more"
    term = environ.get("TERM", "")
    findings = [
        Finding("terminal size", "ok" if fits else "warn", f"{columns}x{lines}", "" if fits else enlarge),
        _colours(term, environ, look),
    ]
    if look.is_utf8:
        findings.append(Finding("terminal text", "ok", "UTF-8"))
    else:
        advice = "set LANG to a UTF-8 locale, as in C.UTF-8, for finer lines and bars"
        findings.append(Finding("terminal text", "warn", f"{encoding}: the screen is drawn in ASCII", advice))
    if look.is_remote:
        often = f"drawn {REMOTE_HZ:g} times a second at most"
        findings.append(Finding("terminal over SSH", "ok", often, "use ssh -C to send less"))
    return findings


def _colours(term: str, environ: Mapping[str, str], look: TerminalLook) -> Finding:
    name = "terminal colours"
    found = f"TERM={term}" if term else "TERM is not set"
    if term in ("", "dumb", "unknown"):
        return Finding(name, "fail", found, "set TERM to your terminal's name, as in xterm-256color, or use --no-ui")
    if not look.has_colours:
        return Finding(name, "warn", f"{found}, NO_COLOR is set", "unset NO_COLOR to tell states by colour")
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or term.endswith("-direct"):
        return Finding(name, "ok", f"{found}, 16 million")
    if "256color" in term or "kitty" in term or "ghostty" in term:
        return Finding(name, "ok", f"{found}, 256")
    return Finding(name, "warn", f"{found}, 16 or fewer", "use a TERM such as xterm-256color")


def check_clock(
    wall_ns: Callable[[], int] = time.time_ns,
    monotonic_ns: Callable[[], int] = time.monotonic_ns,
    wait: Callable[[float], None] = time.sleep,
    state: Callable[[], int | None] | None = None,
) -> Finding:
    """Whether the system calls its clock synchronised, and whether it jumps against the monotonic one meanwhile."""
    before_ns = _wall_offset_ns(wall_ns, monotonic_ns)
    wait(0.25)
    step_ms = (_wall_offset_ns(wall_ns, monotonic_ns) - before_ns) / 1e6
    clock_state = (state or kernel_clock_state)()
    if abs(step_ms) > LARGEST_STEP_MS:
        found = f"moved by {step_ms:+.1f} ms within 0.25 s"
        return Finding("clock", "warn", found, "let one time service adjust it, in small steps")
    if clock_state is None:
        return Finding("clock", "ok", "steady; whether it is synchronised cannot be told here")
    if clock_state == CLOCK_UNSYNCHRONISED:
        advice = "turn on time synchronisation (chrony, systemd-timesyncd); ages are right without it, timestamps not"
        return Finding("clock", "warn", "steady, but the system says it is not synchronised", advice)
    return Finding("clock", "ok", "synchronised and steady")


def _wall_offset_ns(wall_ns: Callable[[], int], monotonic_ns: Callable[[], int]) -> int:
    """Wall minus monotonic time, from the one of several readings that was interrupted least."""
    readings = [(monotonic_ns(), wall_ns(), monotonic_ns()) for _ in range(5)]
    before_ns, at_ns, after_ns = min(readings, key=lambda reading: reading[2] - reading[0])
    return at_ns - (before_ns + after_ns) // 2


def kernel_clock_state() -> int | None:
    """What the kernel says of its clock, by ntp_adjtime(3); None where it cannot be asked."""
    try:
        # Zeroes ask without changing anything; the structure is smaller than this on every system that has it.
        state = int(ctypes.CDLL(None).ntp_adjtime(ctypes.create_string_buffer(1024)))
    except (OSError, AttributeError):
        return None
    return state if state >= 0 else None


def check_limits(cpu: str | int) -> list[Finding]:
    """Open files and CPUs; `cpu` is `[engine] cpu`."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY or files >= COMFORTABLE_FILES:
        unlimited = files == resource.RLIM_INFINITY
        open_files = Finding("open files", "ok", "unlimited" if unlimited else f"limit {files}")
    else:
        verdict: Verdict = "warn" if files >= FEWEST_FILES else "fail"
        open_files = Finding("open files", verdict, f"limit {files}", f"ulimit -n {COMFORTABLE_FILES * 4}")
    cpus = len(allowed_cpus()) or os.cpu_count() or 1
    advice = "" if cpus > 1 else "feeds, spreads and the terminal will share it; two or more are better"
    return [open_files, Finding("CPUs", "ok" if cpus > 1 else "warn", f"{cpus}, engine.cpu = {cpu}", advice)]


def venue_targets(settings: Settings) -> dict[str, tuple[Target, ...]]:
    """What each venue that is on connects to for its symbols: its streams, and REST."""
    return {
        venue: tuple(dict.fromkeys(target_of(url) for each in markets for url in (each.ws_url, each.rest_url)))
        for venue, markets in _markets_in_use(settings).items()
    }


def optional_targets(settings: Settings) -> set[tuple[str, Target]]:
    """Venue and host of what gives lists of instruments alone that the venue can do without."""
    rest: set[tuple[str, Target]] = set()
    needed: set[tuple[str, Target]] = set()
    for venue, markets in _markets_in_use(settings).items():
        for each in markets:
            needed.add((venue, target_of(each.ws_url)))
            (needed if each.needs_list else rest).add((venue, target_of(each.rest_url)))
    return rest - needed


def _markets_in_use(settings: Settings) -> dict[str, list[VenueMarket]]:
    used = {
        venue: {parse_symbol(text).market for text in settings.symbols_of(venue)}
        | {each.market for each in settings.pattern_markets_of(venue)}
        for venue in settings.venues
    }
    for counted in settings.quotes.values():
        if isinstance(counted, Conversion):
            for venue, _ in counted.markets:
                used.setdefault(venue, set()).add(Market.SPOT)
    return {
        venue: [
            in_force
            for declared in VENUES[venue].markets
            if declared.market in markets and (in_force := settings.market_of(venue, declared.market)) is not None
        ]
        for venue, markets in used.items()
        if not is_external(venue) and not VENUES[venue].closed
    }


def check_external(settings: Settings) -> list[Finding]:
    """Of each external exchange, where its ticks are to come."""
    address = settings.feeds.external
    where = f"{address} in the node's folder" if address.startswith("ipc://") and ":///" not in address else address
    return [
        Finding(venue, "ok", f"external: takes ticks of {', '.join(settings.symbols_of(venue))} on {where}")
        for venue, own in settings.venues.items()
        if own.external
    ]


def target_of(url: str) -> Target:
    """Where a ws, wss, http or https URL connects to."""
    parts = urlsplit(url)
    is_tls = parts.scheme in ("wss", "https")
    return parts.hostname or "", parts.port or (443 if is_tls else 80), is_tls


def check_venues(
    targets: Mapping[str, Sequence[Target]],
    progress: Callable[[str], None],
    within_s: float = REACHED_WITHIN_S,
    context: ssl.SSLContext | None = None,
    optional: Collection[tuple[str, Target]] = (),
) -> list[Finding]:
    """Connect to every target at once, and say for each venue how far that came; one that is optional never fails."""
    every_target = dict.fromkeys(target for venue in targets.values() for target in venue)
    reached = _reach_all(every_target, progress, within_s, context or ssl.create_default_context())
    needed = {target for venue, hosts in targets.items() for target in hosts if (venue, target) not in optional}
    named = [target for target in needed if not _is_address(target[0])]
    findings = []
    if named and all(reached[target].stage == "resolve" for target in named):
        advice = "check the connection and the DNS server; --demo needs neither"
        findings.append(Finding(NETWORK, "fail", "no network: no venue's name resolves", advice))
    for venue, hosts in targets.items():
        findings += [_finding(venue, target, reached[target], (venue, target) in optional) for target in hosts]
    return findings


def _reach_all(
    targets: Iterable[Target], progress: Callable[[str], None], within_s: float, context: ssl.SSLContext
) -> dict[Target, Reached]:
    stages = dict.fromkeys(targets, "resolve")
    results: queue.SimpleQueue[tuple[Target, Reached]] = queue.SimpleQueue()

    def run(target: Target) -> None:
        results.put((target, _reach(target, within_s, context, stages)))

    for target in stages:
        # A name server that never answers holds its thread; a daemon lets the program end all the same.
        threading.Thread(target=run, args=(target,), daemon=True).start()
    reached: dict[Target, Reached] = {}
    deadline_s = time.monotonic() + within_s
    while len(reached) < len(stages):
        try:
            target, outcome = results.get(timeout=max(0.0, deadline_s - time.monotonic()))
        except queue.Empty:
            break
        reached[target] = outcome
        progress(f"{target[0]}:{target[1]} {outcome.detail} ({len(reached)} of {len(stages)})")
    for target, stage in stages.items():
        reached.setdefault(target, Reached(stage, f"no answer within {within_s:g} s"))
    return reached


def _reach(target: Target, within_s: float, context: ssl.SSLContext, stages: dict[Target, str]) -> Reached:
    host, port, is_tls = target
    started_s = time.monotonic()
    try:
        addresses = [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        resolved_s = time.monotonic()
        stages[target] = "connect"
        with _connect(addresses, port, within_s) as connection:
            connected_s = time.monotonic()
            times = f"DNS {(resolved_s - started_s) * 1e3:.0f}, TCP {(connected_s - resolved_s) * 1e3:.0f}"
            if not is_tls:
                return Reached("", f"{times} ms")
            stages[target] = "TLS"
            with context.wrap_socket(connection, server_hostname=host) as secured:
                version = secured.version()
            return Reached("", f"{times}, {version} {(time.monotonic() - connected_s) * 1e3:.0f} ms")
    except ssl.SSLCertVerificationError as error:
        return Reached("TLS", f"certificate refused: {error.verify_message}")
    except OSError as error:
        return Reached(stages[target], error.strerror or str(error))
    except UnicodeError:
        return Reached("resolve", "no valid host name")


def _connect(addresses: Sequence[str], port: int, within_s: float) -> socket.socket:
    """A connection to the first address that takes one; raises the last one's OSError."""
    # Half the time for each: a name's IPv6 address is often dead where its IPv4 address is not.
    timeout_s = within_s / min(len(addresses), 2)
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout=timeout_s)
    return socket.create_connection((addresses[-1], port), timeout=timeout_s)


def _finding(venue: str, target: Target, reached: Reached, is_optional: bool) -> Finding:
    where = f"{target[0]}:{target[1]}"
    if not reached.stage:
        return Finding(venue, "ok", f"{where}: {reached.detail}")
    advice = {
        "resolve": "check the name, and the DNS server",
        "connect": "check the port, and whether a firewall is in between",
        "TLS": "check the clock, and whether a proxy is in between",
    }[reached.stage]
    words = {"resolve": "name does not resolve", "connect": "no connection", "TLS": "no TLS"}[reached.stage]
    found = f"{where}: {words} ({reached.detail})"
    if is_optional:
        return Finding(
            venue, "warn", found, f"{advice}; quotes come without it, but nothing is known of halted symbols"
        )
    return Finding(venue, "fail", found, advice)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True
