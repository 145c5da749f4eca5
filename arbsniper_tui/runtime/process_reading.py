"""What the system says of processes that are not ours."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """One process, as it is now."""

    memory_bytes: int
    """Resident."""
    is_stopped: bool
    """By SIGSTOP or a debugger."""
    cpu_s: float = 0.0
    """User and system seconds since its start."""


def read_process(pid: int) -> ProcessReading | None:
    """None where it does not run, and on systems without /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    # A process that has ended and waits for its parent has no memory. Its state: proc_pid_status(5).
    if "VmRSS" not in fields:
        return None
    is_stopped = fields["State"].split()[0] in ("T", "t")
    return ProcessReading(int(fields["VmRSS"].split()[0]) * 1024, is_stopped, read_cpu_s(pid))


def read_cpu_s(pid: int) -> float:
    """User and system seconds of a process since its start; 0 for one that has ended. Only where there is /proc."""
    try:
        # The name in parentheses may hold blanks itself.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_processes(pids: Iterable[int]) -> dict[int, ProcessReading]:
    """Those that can be looked at, by process id."""
    found = {pid: read_process(pid) for pid in pids}
    return {pid: reading for pid, reading in found.items() if reading is not None}
