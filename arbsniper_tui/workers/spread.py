"""The process that decides: its entry point."""

from arbsniper_tui.desk.plan import SpreadPlan
from arbsniper_tui.runtime.process import run_worker
from arbsniper_tui.spread.spread_worker import work

if __name__ == "__main__":
    run_worker(SpreadPlan, work)
