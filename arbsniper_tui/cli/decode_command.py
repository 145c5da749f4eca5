"""`decode`: what a venue's parser makes of each line of a tape."""

from pathlib import Path
from typing import Annotated

import typer

from arbsniper_tui.model.errors import ArbsniperError
from arbsniper_tui.runtime.standard_streams import blocking_stdout, discard_unsent
from arbsniper_tui.tools.decode import Decoder


def decode(
    venue: Annotated[str, typer.Argument(metavar="VENUE", help="Such as binance, or binance:perp.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A tape; - for standard input.")] = Path("-"),
    symbol: Annotated[
        list[str] | None,
        typer.Option(
            "--symbol",
            metavar="S",
            help="What the connection had subscribed; repeatable. Left out: all.",
            show_default=False,
        ),
    ] = None,
    instruments: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The venue's REST list, for contract sizes.", show_default=False),
    ] = None,
) -> None:
    """Print one JSON line for each quote of a tape; what cannot be read goes to stderr with its line number.

    Of each kind of trouble the first lines are told, and all are counted. Exit code 2 where no quote could be read.
    """
    output = blocking_stdout()
    try:
        decoder = Decoder(venue, symbol or [], instruments, _say)
        decoder.run(file, output)
        decoder.conclude()
    except ArbsniperError as error:
        _say(str(error))
        raise typer.Exit(2) from None
    except BrokenPipeError:
        discard_unsent(output)


def _say(text: str) -> None:
    typer.echo(text, err=True)
