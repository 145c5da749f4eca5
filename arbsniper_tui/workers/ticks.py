"""The process that takes ticks from outside: its entry point."""

from arbsniper_tui.feeds.plan import TickPlan
from arbsniper_tui.feeds.tick_worker import work
from arbsniper_tui.runtime.process import run_worker

if __name__ == "__main__":
    run_worker(TickPlan, work)
