"""The process that connects to the venues: its entry point."""

from arbsniper_tui.feeds.feed_worker import work
from arbsniper_tui.feeds.plan import FeedPlan
from arbsniper_tui.runtime.process import run_worker

if __name__ == "__main__":
    run_worker(FeedPlan, work)
