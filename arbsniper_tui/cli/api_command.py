"""`api`: answers programs over HTTP for a node that already runs, or for all that write to one Redis."""

from typing import Annotated

import typer

from arbsniper_tui.cli.config_command import ConfigOption, load_or_exit
from arbsniper_tui.config.api_needs import require_api
from arbsniper_tui.model.errors import ArbsniperError, UsageError
from arbsniper_tui.runtime.exit_codes import FAULT, USAGE, fail


def api(
    endpoint: Annotated[
        str, typer.Argument(metavar="ENDPOINT", help="A node's process id or folder. Left out: the one that runs.")
    ] = "",
    config: ConfigOption = None,
    redis_url: Annotated[
        str | None,
        typer.Option(
            "--redis-url", metavar="URL", help="Answer for all nodes that write to this Redis, in place of one node."
        ),
    ] = None,
) -> None:
    """Answer programs over HTTP for a node that already runs; leaving it changes nothing there.

    It answers where and whom the settings say. A node that is started with --api does this by itself. With --redis-url
    any number of these processes, on any machine, answer alike for all nodes: docs/scale.md. docs/api.md says what is
    answered.
    """
    settings = load_or_exit(config, redis_url=redis_url).settings
    try:
        require_api(settings.api)
        from arbsniper_tui.api.api_worker import serve_by_hand  # what is not installed cannot be imported

        serve_by_hand(endpoint, settings, redis_url)
    except ArbsniperError as error:
        raise typer.Exit(fail(error, USAGE if isinstance(error, UsageError) else FAULT)) from None
