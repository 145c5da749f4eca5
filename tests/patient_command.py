"""The command, whose node waits for its workers' end longer than a busy machine needs: one that is killed hung."""

from arbsniper_tui.cli.main import run
from arbsniper_tui.node.node import Node
from arbsniper_tui.node.supervisor import Timings

if __name__ == "__main__":
    Node.__init__.__defaults__ = (Timings(stop_within_s=30),)
    run()
