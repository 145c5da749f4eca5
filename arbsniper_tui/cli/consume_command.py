"""`consume`: what a program that reads the node's signals from Redis gets, and whether it is what was promised."""

from typing import Annotated

import msgspec
import typer

from arbsniper_tui.cli.config_command import ConfigOption, RedisUrlOption, load_or_exit
from arbsniper_tui.model.errors import UsageError

CONSUME_EXIT_CODES = "Exit codes: 0 clean stop, 1 internal fault, 2 wrong usage or config, 4 a breach found by --check."
CheckOption = Annotated[
    bool,
    typer.Option(
        "--check", help="Verify docs/signals.md while printing; end with exit code 4 at the first thing that differs."
    ),
]


def consume(redis_url: RedisUrlOption = None, config: ConfigOption = None, check: CheckOption = False) -> None:
    """Print signals and events from Redis as they come, one JSON line each; everything else is on stderr.

    Reads the server of the redis settings, in mode auto also that of a node that runs here; --redis-url names another.
    It connects again whenever Redis goes away, and takes the events that it missed from the stream: each event is
    printed once, in order. Pick from them with jq: `consume | jq -c 'select(.type)'` shows the signals alone,
    `select(.event == "close")` the closes.
    """
    # These imports take as long as the rest of the command line, and other verbs do without them.
    from arbsniper_tui.runtime.stop_signals import StopSignals
    from arbsniper_tui.tools.consume.run import consume as run

    settings = load_or_exit(config, redis_url=redis_url).settings.redis
    if redis_url is not None:
        settings = msgspec.structs.replace(settings, mode="url")
    try:
        code = run(settings, lambda words: typer.echo(words, err=True), StopSignals(), is_checked=check)
    except UsageError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(code)
