"""The command `arbsniper-tui`: which verbs there are, and the options of the one without a name."""

from pathlib import Path
from typing import Annotated

import typer

from arbsniper_tui import __version__
from arbsniper_tui.cli.bench_command import bench
from arbsniper_tui.cli.config_command import (
    ConfigOption,
    RedisUrlOption,
    SymbolOption,
    ThresholdOption,
    VenueOption,
    check_or_exit,
    config_app,
    load_or_exit,
)
from arbsniper_tui.cli.decode_command import decode
from arbsniper_tui.cli.doctor_command import doctor
from arbsniper_tui.cli.node_command import LogFileOption, LogLevelOption, NoUiOption, run_or_exit
from arbsniper_tui.cli.replay_command import replay
from arbsniper_tui.cli.venues_command import venues
from arbsniper_tui.runtime.standard_streams import open_missing_streams
from arbsniper_tui.sim.plan import DEMO_SETTINGS

EXIT_CODES = (
    "Exit codes: 0 clean stop, 1 internal fault, 2 wrong usage or config, 3 a worker could not be kept running."
)

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
)
DemoOption = Annotated[
    bool,
    typer.Option(
        "--demo", help="Simulated venues on loopback in place of the real ones; no network, no Redis of yours."
    ),
]


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    no_ui: NoUiOption = False,
    demo: DemoOption = False,
    config: ConfigOption = None,
    symbol: SymbolOption = None,
    venue: VenueOption = None,
    threshold: ThresholdOption = None,
    redis_url: RedisUrlOption = None,
    log_level: LogLevelOption = "info",
    log_file: LogFileOption = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Watch the best bid and ask of the same coins on many exchanges, and hear when one can be bought below where
    another buys it.

    Without a verb: start, and open the terminal UI. `arbsniper-tui --demo` shows it all without any exchange.
    """
    if context.invoked_subcommand is not None:
        _refuse_stray_options(context)
        return
    if version:
        typer.echo(f"arbsniper-tui {__version__}")
        return
    _start("", demo, config, symbol, venue, threshold, redis_url, no_ui, log_level, log_file)


@app.command(epilog=EXIT_CODES)
def record(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder for the tapes; made where it is missing.")],
    no_ui: NoUiOption = False,
    demo: DemoOption = False,
    config: ConfigOption = None,
    symbol: SymbolOption = None,
    venue: VenueOption = None,
    threshold: ThresholdOption = None,
    redis_url: RedisUrlOption = None,
    log_level: LogLevelOption = "info",
    log_file: LogFileOption = None,
) -> None:
    """Run, and write every frame received to tapes, one a connection; `replay` plays them."""
    _start(str(folder), demo, config, symbol, venue, threshold, redis_url, no_ui, log_level, log_file)


@app.command(epilog=EXIT_CODES)
def attach(
    endpoint: Annotated[
        str, typer.Argument(metavar="ENDPOINT", help="A node's process id or folder. Left out: the one that runs.")
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Open the UI on a node that already runs; leaving it changes nothing there."""
    from arbsniper_tui.ui.front_end import run_attached

    raise typer.Exit(run_attached(endpoint, load_or_exit(config).settings.ui.refresh_hz))


app.command(epilog=EXIT_CODES)(replay)
app.command(epilog=EXIT_CODES)(decode)
app.command()(doctor)
app.command(epilog=EXIT_CODES)(venues)
app.command(epilog=EXIT_CODES)(bench)
app.add_typer(config_app, name="config")


def run() -> None:
    """The entry point."""
    open_missing_streams()
    app()


def _start(
    record_folder: str,
    demo: bool,
    config: Path | None,
    symbol: list[str] | None,
    venue: list[str] | None,
    threshold: str | None,
    redis_url: str | None,
    no_ui: bool,
    log_level: str,
    log_file: Path | None,
) -> None:
    from arbsniper_tui.node.launch import Launch, without_the_users_redis

    file = DEMO_SETTINGS if demo and config is None else config
    loaded = load_or_exit(file, symbol, venue, threshold, redis_url, demo=demo)
    warnings = check_or_exit(loaded, needs_route=not demo and not record_folder)
    settings = loaded.settings
    if demo and redis_url is None:
        settings = without_the_users_redis(settings)
    launch = Launch(settings, mode="demo" if demo else "live", record_folder=record_folder)
    run_or_exit(launch, no_ui, log_level, log_file, map(str, warnings))


def _refuse_stray_options(context: typer.Context) -> None:
    """Options before the verb would be lost: say so."""
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if (source := context.get_parameter_source(parameter.name or "")) and source.name == "COMMANDLINE"
    ]
    if given:
        typer.echo(f"{', '.join(given)} before {context.invoked_subcommand}: options go behind the verb", err=True)
        raise typer.Exit(2)


if __name__ == "__main__":
    run()
