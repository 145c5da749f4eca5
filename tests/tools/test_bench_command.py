"""`bench`: every figure it promises, and nothing left behind, also when it is interrupted."""

import json
import signal

import pytest
from waiting import DEADLINE_S

from arbsniper_tui.venues import OPEN_VENUES, VENUES

STAGES = ["parse", "bus", "decision", "publish", "total"]
STEPS_OF_ALL = ("1/4", "2/4", "3/4", "4/4")
SMALL = {"unified symbol to the venue's", "the venue's symbol to the unified", "write a price"} | {
    "hand a line to the log",
    "a line whose level is off",
}
STEPS = {"encode for the bus", "decode from the bus", "detector"} | {
    f"parse {venue} {each.market}" for venue in OPEN_VENUES for each in VENUES[venue].markets
}


def test_it_reports_latency_throughput_cpu_and_the_uis_cost(place):
    def measured() -> tuple[dict, str] | None:
        """A machine that stands still for the second that is measured has nothing to tell of it."""
        bench = place.start("bench", "--seconds", "1.2", "--json")
        for step in STEPS_OF_ALL:
            place.wait_for(lambda step=step: step in bench.err or bench.process.poll() is not None, step)
        assert bench.process.wait(DEADLINE_S) == 0, bench.err
        report = json.loads(bench.out)
        demo, high = report["loads"]
        return (report, bench.err) if high["quotes_per_s"] > demo["quotes_per_s"] > 0 else None

    report, said = place.wait_for(measured, "a node that is busier under the high load")
    assert report["machine"]["cpus"] >= 1
    costs = {cost["step"]: cost["us"] for cost in report["costs"]}
    assert set(costs) == STEPS | SMALL and min(costs.values()) > 0
    demo, high = report["loads"]
    for load in (demo, high):
        assert [stage["name"] for stage in load["stages"]] == STAGES
        total = load["stages"][-1]
        assert total["count"] > 0 and 0 < total["p50_us"] <= total["p99_us"]
        assert {worker["worker"] for worker in load["cpu"]} == {"feed", "spread"}
    assert report["ui"]["kib_per_s"] > 0
    assert (report["ui"]["columns"], report["ui"]["lines"]) == (120, 36)
    # A busy machine also says which worker took too long to end.
    assert tuple(line[:3] for line in said.splitlines() if line[1:3] == "/4") == STEPS_OF_ALL
    place.wait_for(lambda: not place.processes(), "the end of every worker")


@pytest.mark.parametrize(("number", "step"), [(signal.SIGINT, "2/4"), (signal.SIGTERM, "1/4")])
def test_an_interrupt_stops_everything_that_it_started(place, number, step):
    bench = place.start("bench", "--seconds", "60")
    place.wait_for(lambda: step in bench.err, "the step")
    # Itself, the node's three workers, and Redis or the UI.
    place.wait_for(lambda: len(place.processes()) >= 4, "a node of the benchmark")
    assert bench.end(number) == 0
    assert bench.out == ""
    assert "stopped before the end" in bench.err and "Traceback" not in bench.err
    place.wait_for(lambda: not place.processes() and not place.node_folders(), "the end of every worker")


@pytest.mark.parametrize("seconds", ["0", "-1", "601", "soon", "1_0", "٣", "nan"])
def test_a_time_that_is_none_is_refused(place, seconds):
    done = place.run("bench", "--seconds", seconds)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--seconds" in done.stderr
