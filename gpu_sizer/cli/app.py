"""The commands, put together."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from gpu_sizer.cli.commands import COMMANDS
from gpu_sizer.cli.grouped import Grouped, epilog


def _version(wanted: bool) -> None:
    if wanted:
        from gpu_sizer import __version__

        typer.echo(f"gpu-sizer {__version__}")
        raise typer.Exit


def _main(
    cards: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="A further folder of cards (may be repeated).")
    ] = None,
    color: Annotated[str, typer.Option(metavar="WHEN", help="auto, always or never.")] = "auto",
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What stands anywhere on a command line: it is read before the command is (:mod:`gpu_sizer.cli.shared`)."""


def put_together(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The program with these commands, of which no other module is loaded."""
    app = typer.Typer(
        name="gpu-sizer",
        cls=Grouped,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        help='How many GPUs a language model takes. Ask in words: gpu-sizer "how many A6000s for Mixtral 8x7b"',
    )
    app.callback()(_main)
    for name in names:
        module, _, function = COMMANDS[name].partition(":")
        command = getattr(import_module(f"gpu_sizer.cli.{module}"), function or name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, epilog=epilog(name))
        else:
            app.command(name, epilog=epilog(name))(command)
    return app
