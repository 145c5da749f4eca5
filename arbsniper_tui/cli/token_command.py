"""`token`: tokens of the API made, listed and revoked."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from arbsniper_tui.api.role import Role
from arbsniper_tui.api.token_file import LONGEST_DAYS
from arbsniper_tui.cli.config_command import ConfigOption, load_or_exit
from arbsniper_tui.config.extras import require_api_libraries
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.model.errors import ArbsniperError, UsageError
from arbsniper_tui.model.redis_url import RedisUrl, read_redis_url
from arbsniper_tui.runtime.exit_codes import FAULT, USAGE, fail

T = TypeVar("T")
RedisOption = Annotated[
    str | None,
    typer.Option(
        "--redis-url",
        metavar="URL",
        help="Also for all who read this Redis, as `arbsniper-tui api --redis-url URL` does. Left out: that of the "
        'settings, where these share tokens by [api] audience and [redis] mode = "url".',
    ),
]

token_app = typer.Typer(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})


@token_app.callback()
def token() -> None:
    """Make tokens of the API, list and revoke them. docs/api.md says how they are shown, and what each role may.

    Tokens belong to the node that the settings name; one that runs hears of it within a second. Processes that answer
    for the nodes of one Redis share what is revoked there.
    """


@token_app.command("create")
def create(
    role: Annotated[
        Role,
        typer.Option(
            help="viewer reads. operator also changes what signals: threshold, basis, mutes, alerts. admin also "
            "changes what is watched, and saves settings."
        ),
    ],
    days: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=LONGEST_DAYS,
            help="For so long it counts. Left out: 30; a key counts until it is revoked.",
        ),
    ] = None,
    is_key: Annotated[
        bool,
        typer.Option("--key", help="A static key in place of a token; only the node that knows its hash takes it."),
    ] = False,
    signing_key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where public_key_file says how tokens are signed: the private key of it, as PEM."
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Make a token and print it, once: only its id is kept. Sent as `Authorization: Bearer TOKEN`."""

    def make(settings: Settings) -> tuple[str, str]:
        from arbsniper_tui.tools.tokens import create_key, create_token

        return create_key(settings, role, days) if is_key else create_token(settings, role, days, signing_key)

    made, words = _done(make, config)
    typer.echo(words, err=True)
    typer.echo(made)


@token_app.command("list")
def list_(config: ConfigOption = None, redis_url: RedisOption = None) -> None:
    """List the tokens and keys that were made and have not ended, and what else is revoked."""

    def lines(settings: Settings) -> list[str]:
        from arbsniper_tui.tools.tokens import listed

        return list(listed(settings, _redis_of(settings, redis_url)))

    for line in _done(lines, config, redis_url):
        typer.echo(line)


@token_app.command("revoke")
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")],
    config: ConfigOption = None,
    redis_url: RedisOption = None,
) -> None:
    """Let a token or a key count no more, from within a second on, also for nodes that run. It cannot be taken back."""

    def words(settings: Settings) -> str:
        from arbsniper_tui.tools.tokens import revoke as revoke_id

        return revoke_id(settings, token_id, _redis_of(settings, redis_url))

    typer.echo(_done(words, config, redis_url))


def _redis_of(settings: Settings, redis_url: str | None) -> RedisUrl | None:
    """That of the option, which is one of the settings by now, or the one where these settings share tokens."""
    from arbsniper_tui.api.access import shared_redis_of

    return shared_redis_of(settings) if redis_url is None else read_redis_url(settings.redis.url)


def _done(do: Callable[[Settings], T], config: Path | None, redis_url: str | None = None) -> T:
    """What comes of it with the settings in force; exits with what cannot be done on standard error."""
    settings = load_or_exit(config, redis_url=redis_url).settings
    try:
        require_api_libraries()
        return do(settings)
    except ArbsniperError as error:
        raise typer.Exit(fail(error, USAGE if isinstance(error, UsageError) else FAULT)) from None
