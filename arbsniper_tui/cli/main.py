"""The command `arbsniper-tui`: which verbs there are, and the options of the one without a name."""

import errno
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arbsniper_tui import __version__
from arbsniper_tui.cli.alerts_command import alerts_app
from arbsniper_tui.cli.api_command import api as api_verb
from arbsniper_tui.cli.bench_command import bench
from arbsniper_tui.cli.config_command import (
    ApiOption,
    ConfigOption,
    RedisUrlOption,
    SymbolOption,
    ThresholdOption,
    VenueOption,
    check_or_exit,
    config_app,
    default_venues_of,
    load_options_or_exit,
    load_or_exit,
    options_of,
)
from arbsniper_tui.cli.consume_command import CONSUME_EXIT_CODES, consume
from arbsniper_tui.cli.decode_command import decode
from arbsniper_tui.cli.doctor_command import doctor
from arbsniper_tui.cli.identity_command import identity_app
from arbsniper_tui.cli.node_command import (
    LOG_MAX_MIB,
    EndpointArgument,
    LogFileOption,
    LogFormatOption,
    LogLevelOption,
    LogMaxMibOption,
    NoUiOption,
    log_options,
    run_or_exit,
)
from arbsniper_tui.cli.replay_command import replay
from arbsniper_tui.cli.status_command import STATUS_EXIT_CODES, status
from arbsniper_tui.cli.token_command import token_app
from arbsniper_tui.cli.venues_command import venues
from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.runtime.exit_codes import FAULT, USAGE, fail, say
from arbsniper_tui.runtime.standard_streams import discard_unsent, open_missing_streams
from arbsniper_tui.sim.chaos import USUAL_RATE, read_chaos
from arbsniper_tui.sim.plan import DEMO_SETTINGS, SimPlan

if TYPE_CHECKING:
    from arbsniper_tui.runtime.log_file import LogOptions

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


ChaosOption = Annotated[
    str | None,
    typer.Option(
        "--chaos",
        metavar="FAULTS",
        help="With --demo: let the simulated venues fail, and count what the program makes of it: false signals, "
        "doubled events, unclosed opens. Of frames: gap (lost), dup, reorder, cross (bid above ask), garbage. Of "
        "venues, for some seconds: freeze (repeats its last prices), skew (its clock is wrong), slow (all comes "
        "late), cut (connections break off), refuse (503). Behind a colon, how often: the share of frames, or how "
        f"many a second at each venue; left out: {USUAL_RATE}. Such as freeze:0.05,gap,cut.",
        show_default=False,
    ),
]
ChaosSeedOption = Annotated[
    int, typer.Option("--chaos-seed", metavar="N", help="With --chaos: the same number rolls the same dice.")
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
    api: ApiOption = False,
    log_level: LogLevelOption = None,
    log_format: LogFormatOption = "text",
    log_file: LogFileOption = None,
    log_max_mib: LogMaxMibOption = LOG_MAX_MIB,
    chaos: ChaosOption = None,
    chaos_seed: ChaosSeedOption = 1,
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
    sim = _chaos_or_exit(chaos, chaos_seed, demo=demo)
    options = options_of(symbol, venue, threshold, redis_url, api=api, log_level=log_level)
    log = partial(log_options, log_format=log_format, file=log_file, max_mib=log_max_mib)
    _start("", demo, config, options, no_ui, log, sim)


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
    api: ApiOption = False,
    log_level: LogLevelOption = None,
    log_format: LogFormatOption = "text",
    log_file: LogFileOption = None,
    log_max_mib: LogMaxMibOption = LOG_MAX_MIB,
) -> None:
    """Run, and write every frame received to tapes, one a connection; `replay` plays them."""
    options = options_of(symbol, venue, threshold, redis_url, api=api, log_level=log_level)
    log = partial(log_options, log_format=log_format, file=log_file, max_mib=log_max_mib)
    _start(str(folder), demo, config, options, no_ui, log)


@app.command(epilog=EXIT_CODES)
def attach(
    endpoint: EndpointArgument = "",
    config: ConfigOption = None,
) -> None:
    """Open the UI on a node that already runs; leaving it changes nothing there."""
    from arbsniper_tui.ui.front_end import run_attached

    raise typer.Exit(run_attached(endpoint, load_or_exit(config).settings.ui.refresh_hz))


app.command("api", epilog=EXIT_CODES)(api_verb)
app.command(epilog=EXIT_CODES)(replay)
app.command(epilog=EXIT_CODES)(decode)
app.command(epilog=CONSUME_EXIT_CODES)(consume)
app.command()(doctor)
app.command(epilog=STATUS_EXIT_CODES)(status)
app.command(epilog=EXIT_CODES)(venues)
app.command(epilog=EXIT_CODES)(bench)
app.add_typer(config_app, name="config")
app.add_typer(alerts_app, name="alerts")
app.add_typer(token_app, name="token", epilog=EXIT_CODES)
app.add_typer(identity_app, name="identity", epilog=EXIT_CODES)


def run() -> None:
    """The entry point."""
    open_missing_streams()
    try:
        app()
    except OSError as error:
        # The program names the files that it writes itself.
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            raise
        discard_unsent(sys.stdout.buffer)
        say(f"standard output cannot be written: {error.strerror}")
        raise SystemExit(FAULT) from None


def _start(
    record_folder: str,
    demo: bool,
    config: Path | None,
    options: dict[str, object],
    no_ui: bool,
    log: "Callable[[bool, str], LogOptions]",
    sim: SimPlan | None = None,
) -> None:
    from arbsniper_tui.config.origin import SettingsOrigin
    from arbsniper_tui.node.launch import Launch, without_the_users_redis

    file = DEMO_SETTINGS if demo and config is None else config
    loaded = load_options_or_exit(file, options, demo=demo)
    needs_route = not demo and not record_folder
    warnings = check_or_exit(loaded, needs_route=needs_route)
    settings = loaded.settings
    if demo and options["redis.url"] is None:
        settings = without_the_users_redis(settings)
    origin = SettingsOrigin(loaded.path, options, default_venues_of(demo=demo), needs_route, loaded.file)
    mode = "demo" if demo else "live"
    launch = Launch(settings, mode=mode, record_folder=record_folder, sim=sim or SimPlan(), origin=origin)
    run_or_exit(launch, no_ui, log(no_ui, settings.log.level), map(str, warnings))


def _chaos_or_exit(chaos: str | None, seed: int, *, demo: bool) -> SimPlan:
    """The simulation that `--chaos` asks for. Prints what is wrong with it, and exits with code 2."""
    if chaos is None:
        return SimPlan()
    try:
        if not demo:
            raise UsageError("--chaos: expected --demo beside it, since only simulated venues fail on purpose")
        return SimPlan(chaos=read_chaos(chaos), chaos_seed=seed)
    except UsageError as error:
        raise typer.Exit(fail(error, USAGE)) from error


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
