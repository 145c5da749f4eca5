"""The process that alerts: its entry point."""

from arbsniper_tui.alerts.alert_worker import work
from arbsniper_tui.alerts.plan import AlertPlan
from arbsniper_tui.runtime.process import run_worker

if __name__ == "__main__":
    run_worker(AlertPlan, work)
