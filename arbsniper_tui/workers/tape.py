"""The process that plays recorded tapes: its entry point."""

from arbsniper_tui.feeds.plan import TapePlan
from arbsniper_tui.feeds.tape_worker import work
from arbsniper_tui.runtime.process import run_worker

if __name__ == "__main__":
    run_worker(TapePlan, work)
