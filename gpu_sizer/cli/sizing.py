"""The commands ``size``, ``fit`` and ``explain``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cli import completion
from gpu_sizer.cli import options as o
from gpu_sizer.cli.engines import ALL
from gpu_sizer.cli.output import level, print_json, print_lines, print_result, print_told
from gpu_sizer.errors import RequestError
from gpu_sizer.exits import exit_code
from gpu_sizer.load import ENGINE, LIMITS, LOAD
from gpu_sizer.memory.layout import LAYOUT

if TYPE_CHECKING:
    from gpu_sizer.evidence.starting import Starting

OptionalModel = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]", help="As in size; with --from, in place of the command's.", autocompletion=completion.models
    ),
]
#: More than this is no command.
MOST_TEXT = (1 << 20) + 1


@o.takes(*LOAD, ENGINE, *LIMITS)
@o.gathers("shown", o.SHOWN)
def size(
    model: o.Model,
    load: o.Given,
    gpu: o.GivenGpus = None,
    machine: o.Machine = None,
    *,
    shown: o.Given,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the bare count.")] = False,
) -> None:
    """The fewest GPUs on which a model serves a load; with --gpu 3xa6000, whether exactly those do."""
    o.one_of(gpu, machine)
    one, mixture = o.mixed(gpu)
    card = api.load_model(model, cards=o.cards())
    if mixture is not None:
        raise typer.Exit(print_result(api.fits_given(card, gpus=mixture, cards=o.cards(), **load), **shown))
    one, gpu_count = o.counted(one)
    where = o.hardware(one, machine)
    if gpu_count is not None:
        raise typer.Exit(print_result(api.fits_on(card, **where, gpu_count=gpu_count, **load), **shown))
    if load.get(ENGINE.name) == ALL:
        raise typer.Exit(print_result(api.by_engine(card, **where, **{**load, ENGINE.name: None}), **shown))
    plan = api.size(card, **where, details=not quiet, **load)
    if quiet:
        if plan.gpu_count is not None:
            print_lines([str(plan.gpu_count)])
        raise typer.Exit(exit_code(plan.fits))
    raise typer.Exit(print_result(plan, **shown))


def _print_starting(found: Starting, shown: o.Given) -> int:
    """Prints whether what a command asks for starts, and gives the exit code."""
    if shown["as_json"]:
        print_json(found.model_dump())
    else:
        print_told(found.told(level(brief=shown["brief"], why=shown["why"])))
    return exit_code(found.fits)


def _text(source: str) -> str:
    """A command, or the content of the file or stream that holds it.

    Raises:
        RequestError: a file that cannot be read.
    """
    if source == "-":
        return sys.stdin.read(MOST_TEXT)
    if not os.path.exists(source):
        return source
    try:
        with open(source, encoding="utf-8") as stream:
            return stream.read(MOST_TEXT)
    except (OSError, ValueError) as error:
        raise RequestError(f"{source}: {getattr(error, 'strerror', None) or error}") from None


@o.takes(*LOAD, ENGINE)
@o.takes(*LAYOUT, into="layout", unset=True)
@o.gathers("shown", o.SHOWN)
def fit(
    layout: o.Given,
    load: o.Given,
    shown: o.Given,
    model: OptionalModel = None,
    gpu: o.GivenGpus = None,
    machine: o.Machine = None,
    gpu_count: Annotated[
        int | None, typer.Option("--gpu-count", "-n", help="Their best layout on this many GPUs, instead of one told.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE|COMMAND|-",
            help="A server's command, or a file with one (script, compose, manifest, Modelfile, vLLM's config).",
        ),
    ] = None,
) -> None:
    """Whether one layout fits, or a number of GPUs, a machine, or given ones, and what is left."""
    one, mixture = o.mixed(gpu)
    one, gpu_count = o.counted(one, gpu_count)
    if source is not None:
        if mixture is not None:
            raise RequestError("--from goes with one kind of GPU: the command tells the layout", about="gpu")
        defaults = {s.name: s.default for s in (*LOAD, ENGINE)}
        own = {key: value for key, value in load.items() if value != defaults[key]} | layout
        found = api.fit_command(
            _text(source), gpu=one, machine=machine, gpu_count=gpu_count, model=model, cards=o.cards(), **own
        )
        raise typer.Exit(_print_starting(found, shown))
    o.one_of(gpu, machine)
    if model is None:
        raise RequestError("name a MODEL, or a command with --from", about="model")
    card = api.load_model(model, cards=o.cards())
    if mixture is not None:
        raise typer.Exit(print_result(api.fits_given(card, gpus=mixture, cards=o.cards(), **load), **shown))
    where = o.hardware(one, machine)
    if not layout and (gpu_count is not None or "machine" in where):
        raise typer.Exit(print_result(api.fits_on(card, **where, gpu_count=gpu_count, **load), **shown))
    told = api.estimate(card, **where, **layout, **load)
    o.agreed(told.layout, gpu_count)
    raise typer.Exit(print_result(told, **shown))
