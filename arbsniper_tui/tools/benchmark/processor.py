"""The processor time that another process has used."""

import subprocess
import sys

from arbsniper_tui.runtime.process_reading import read_cpu_s


def cpu_s(pid: int) -> float:
    """User and system seconds of a process since its start; 0 for one that has ended."""
    return read_cpu_s(pid) if sys.platform == "linux" else _from_ps(pid)


def _from_ps(pid: int) -> float:
    asked = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return seconds_of(asked.stdout.strip())


def seconds_of(shown: str) -> float:
    """`[[DD-]HH:]MM:SS[.CC]`, as `ps` shows times; 0 for nothing."""
    days, _, clock = shown.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part or 0)
    return seconds + 86400 * int(days or 0)
