"""`bench`: measures this machine and shows what was found."""

import signal
import sys
from typing import Annotated

import msgspec
import typer

from arbsniper_tui.cli.config_command import JsonOption
from arbsniper_tui.config.load import load_settings
from arbsniper_tui.model.errors import ArbsniperError, BenchmarkStopped
from arbsniper_tui.model.number import read_number
from arbsniper_tui.sim.plan import DEMO_SETTINGS

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
    from arbsniper_tui.cli.tables import console, print_report
    from arbsniper_tui.tools.benchmark.run import run_bench

    stops: list[int] = []
    for number in STOPS:
        # An exception out of a handler can be lost, or break off what clears up; a mark is seen in time.
        signal.signal(number, lambda signum, frame: stops.append(signum))
    try:
        # The same everywhere: neither a file nor the environment of the user has a say.
        settings = load_settings(DEMO_SETTINGS, {}, {}).settings
        report = run_bench(settings, seconds, ATTACH, lambda step: typer.echo(step, err=True), lambda: bool(stops))
    except BenchmarkStopped as stopped:
        typer.echo(str(stopped), err=True)
        raise typer.Exit(0) from None
    except ArbsniperError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        print_report(report, console())
