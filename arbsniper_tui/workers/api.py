"""The process that answers programs over HTTP: its entry point."""

from arbsniper_tui.api.api_worker import work
from arbsniper_tui.api.plan import ApiPlan
from arbsniper_tui.runtime.process import run_worker

if __name__ == "__main__":
    run_worker(ApiPlan, work)
