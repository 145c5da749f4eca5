"""The process that carries what the sink writes to a Redis Cluster: its entry point."""

from arbsniper_tui.runtime.process import run_worker
from arbsniper_tui.sinks.relay_plan import RelayPlan
from arbsniper_tui.sinks.relay_worker import work

if __name__ == "__main__":
    run_worker(RelayPlan, work)
