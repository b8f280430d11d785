"""The commands, put together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gpu_sizer.cli import (
    arena,
    article,
    asking,
    catalogue,
    chart,
    check_log,
    deploy,
    engines,
    inverse,
    listings,
    options,
    replay,
    serving,
    sizing,
    sweep,
    table,
    terraform,
)

app = typer.Typer(
    name="gpu-sizer",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help='How many GPUs a language model takes. Ask in words: gpu-sizer "how many A6000s for Mixtral 8x7b"',
)


def _version(wanted: bool) -> None:
    if wanted:
        from gpu_sizer import __version__

        typer.echo(f"gpu-sizer {__version__}")
        raise typer.Exit


@app.callback()
def main(
    cards: Annotated[list[Path] | None, typer.Option(help="A further folder of cards (may be repeated).")] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What every command shares."""
    options.STATE.folders = tuple(str(c) for c in cards or ())


app.command()(sizing.size)
app.command()(sizing.fit)
app.command()(listings.models)
app.command()(listings.gpus)
app.command()(engines.engines)
app.command()(catalogue.show)
app.command()(catalogue.explain)
app.command()(catalogue.validate)
app.command()(catalogue.schema)
app.command("import")(catalogue.import_model)
app.command()(asking.ask)
app.command()(inverse.context)
app.command()(inverse.users)
app.command()(inverse.memory)
app.command("what-fits")(inverse.what_fits)
app.command("which-gpu")(inverse.which_gpu)
app.command()(inverse.compare)
app.command()(replay.replay)
app.command("check-log")(check_log.check_log)
app.command()(table.table)
app.command()(sweep.sweep)
app.command()(article.article)
app.command()(deploy.deploy)
app.command()(terraform.terraform)
app.command()(serving.serve)
app.command()(serving.mcp)
app.add_typer(arena.app, name="arena")
app.add_typer(chart.app, name="chart")
