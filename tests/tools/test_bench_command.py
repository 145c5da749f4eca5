"""`bench`: every figure it promises, and nothing left behind, also when it is interrupted."""

import json
import signal

import pytest

from arbsniper_tui.venues import OPEN_VENUES, VENUES

STAGES = ["parse", "bus", "decision", "publish", "total"]
SMALL = {"unified symbol to the venue's", "the venue's symbol to the unified", "write a price"} | {
    "hand a line to the log",
    "a line whose level is off",
}
STEPS = {"encode for the bus", "decode from the bus", "detector"} | {
    f"parse {venue} {each.market}" for venue in OPEN_VENUES for each in VENUES[venue].markets
}


def test_it_reports_latency_throughput_cpu_and_the_uis_cost(place):
    done = place.run("bench", "--seconds", "1.2", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["machine"]["cpus"] >= 1
    costs = {cost["step"]: cost["us"] for cost in report["costs"]}
    assert set(costs) == STEPS | SMALL and min(costs.values()) > 0
    demo, high = report["loads"]
    for load in (demo, high):
        assert [stage["name"] for stage in load["stages"]] == STAGES
        total = load["stages"][-1]
        assert total["count"] > 0 and 0 < total["p50_us"] <= total["p99_us"]
        assert {worker["worker"] for worker in load["cpu"]} == {"feed", "spread"}
        assert load["quotes_per_s"] > 0
    assert high["quotes_per_s"] > demo["quotes_per_s"]
    assert report["ui"]["kib_per_s"] > 0
    assert (report["ui"]["columns"], report["ui"]["lines"]) == (120, 36)
    steps = done.stderr.decode().splitlines()
    assert [step[:3] for step in steps] == ["1/4", "2/4", "3/4", "4/4"]
    assert not place.processes()


@pytest.mark.parametrize(("number", "step"), [(signal.SIGINT, "2/4"), (signal.SIGTERM, "1/4")])
def test_an_interrupt_stops_everything_that_it_started(place, number, step):
    bench = place.start("bench", "--seconds", "60")
    # Itself, the node's three workers, and Redis or the UI.
    place.wait_for(lambda: step in bench.err and len(place.processes()) >= 4, "a node of the benchmark")
    assert bench.end(number) == 0
    assert bench.out == ""
    assert "stopped before the end" in bench.err and "Traceback" not in bench.err
    assert not place.processes() and not place.node_folders()


@pytest.mark.parametrize("seconds", ["0", "-1", "601", "soon", "1_0", "٣", "nan"])
def test_a_time_that_is_none_is_refused(place, seconds):
    done = place.run("bench", "--seconds", seconds)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--seconds" in done.stderr
