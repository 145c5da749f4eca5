"""The process that exports traces: its entry point."""

from arbsniper_tui.runtime.process import run_worker
from arbsniper_tui.traces.plan import TracePlan
from arbsniper_tui.traces.trace_worker import work

if __name__ == "__main__":
    run_worker(TracePlan, work)
