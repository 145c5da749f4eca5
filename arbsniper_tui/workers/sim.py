"""The process that serves simulated venues: its entry point."""

from arbsniper_tui.runtime.process import run_worker
from arbsniper_tui.sim.plan import SimWorkerPlan
from arbsniper_tui.sim.sim_worker import work

if __name__ == "__main__":
    run_worker(SimWorkerPlan, work)
