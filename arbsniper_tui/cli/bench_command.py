"""`bench`: measures this machine and shows what was found."""

import signal
import sys
from typing import Annotated

import msgspec
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from arbsniper_tui.cli.config_command import JsonOption
from arbsniper_tui.cli.venues_command import table_console
from arbsniper_tui.config.load import load_settings
from arbsniper_tui.model.errors import ArbsniperError
from arbsniper_tui.model.number import read_number
from arbsniper_tui.sim.plan import DEMO_SETTINGS
from arbsniper_tui.tools.benchmark.report import Load, Report

ATTACH = (sys.executable, "-P", "-m", "arbsniper_tui.cli.main", "attach")

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

LEAST_S, MOST_S = 0.5, 600.0


def _seconds(text: str) -> float:
    seconds = read_number(text)
    if seconds is None or not LEAST_S <= seconds <= MOST_S:
        raise typer.BadParameter(f"found {text!r}, expected a number from {LEAST_S:g} to {MOST_S:g}")
    return seconds


SecondsOption = Annotated[
    float,
    # The default comes as a number, what is typed as text.
    typer.Option(
        "--seconds",
        metavar="S",
        parser=lambda given: _seconds(str(given)),
        help="How long each of the three steps measures, 0.5 to 600.",
    ),
]


def bench(seconds: SecondsOption = 3.0, as_json: JsonOption = False) -> None:
    """Measure this machine on simulated venues: latency by stage and to a Redis subscriber, throughput, CPU time a
    quote, and the cost of the UI.

    Takes about 10 s and three times --seconds; nothing but loopback is used. Close what else is busy: the numbers are
    medians, and still those of a shared machine.
    """
    from arbsniper_tui.tools.benchmark.measured_node import BenchStopped
    from arbsniper_tui.tools.benchmark.run import run_bench

    stops: list[int] = []
    for number in STOPS:
        # An exception out of a handler can be lost, or break off what clears up; a mark is seen in time.
        signal.signal(number, lambda signum, frame: stops.append(signum))
    try:
        # The same everywhere: neither a file nor the environment of the user has a say.
        settings = load_settings(DEMO_SETTINGS, {}, {}).settings
        report = run_bench(settings, seconds, ATTACH, lambda step: typer.echo(step, err=True), lambda: bool(stops))
    except BenchStopped as stopped:
        typer.echo(str(stopped), err=True)
        raise typer.Exit(0) from None
    except ArbsniperError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        show(report, table_console())


def show(report: Report, console: Console) -> None:
    """Print the report as tables."""
    machine = report.machine
    console.print(
        f"arbsniper-tui {report.version}, Python {machine.python}, {machine.system}, {machine.cpus} CPUs",
        highlight=False,
    )
    for table in (_latency(report), _cpu(report), _costs(report)):
        console.print(table)


def _latency(report: Report) -> Table:
    table = _table("latency", *(f"{load.name}: {part}" for load in report.loads for part in ("p50", "p99")))
    names = [stage.name for stage in report.loads[0].stages]
    for index, name in enumerate(names):
        stages = [load.stages[index] for load in report.loads]
        cells = [_duration(us, stage.count) for stage in stages for us in (stage.p50_us, stage.p99_us)]
        table.add_row(f"stage {name}", *cells)
    arrivals = [load.arrivals for load in report.loads]
    cells = [
        text for each in arrivals for text in ((f"{each.p50_ms:g} ms", f"{each.p99_ms:g} ms") if each else ("-",) * 2)
    ]
    table.add_row("receipt to a Redis subscriber, ±0.5 ms", *cells)
    return table


def _cpu(report: Report) -> Table:
    table = _table("load", *(load.name for load in report.loads), "UI")
    ui, loads = report.ui, report.loads
    table.add_row("quotes a second", *(f"{load.quotes_per_s:,.0f}" for load in loads), "")
    table.add_row("quotes conflated", *(f"{load.conflated:,}" for load in loads), "")
    table.add_row("signals received", *(f"{_signals(load):,}" for load in loads), "")
    for index, worker in enumerate(loads[0].cpu):
        table.add_row(f"CPU of {worker.worker}, of a core", *(f"{load.cpu[index].share_pct:g} %" for load in loads), "")
    table.add_row("CPU of the UI, of a core", *("" for _ in loads), f"{ui.share_pct:g} %")
    total = [sum(worker.us_a_quote for worker in load.cpu) for load in loads]
    table.add_row("CPU a quote, both workers", *(f"{us:,.1f} us" for us in total), "")
    table.add_row(f"to a terminal of {ui.columns}x{ui.lines}", *("" for _ in loads), f"{ui.kib_per_s:g} KiB/s")
    return table


def _costs(report: Report) -> Table:
    table = _table("one step alone, median", "time", "for one")
    for cost in report.costs:
        table.add_row(cost.step, f"{cost.us:.2f} us", cost.a)
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    return table


def _duration(us: float, count: int) -> str:
    if not count:
        return "-"
    return f"{us:,.0f} us" if us < 10_000 else f"{us / 1000:,.0f} ms"


def _signals(load: Load) -> int:
    return load.arrivals.signals if load.arrivals else 0
