"""The commands ``size``, ``fit`` and ``explain``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cli import options as o
from gpu_sizer.cli.engines import ALL, print_by_engine
from gpu_sizer.cli.output import is_terminal, print_json, print_lines
from gpu_sizer.errors import RequestError
from gpu_sizer.exits import exit_code
from gpu_sizer.load import ENGINE, LIMITS, LOAD
from gpu_sizer.memory.layout import LAYOUT
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.planning.sentences import fit_lines
from gpu_sizer.queries.answers import plan_lines

if TYPE_CHECKING:
    from gpu_sizer.evidence.starting import Starting

OptionalModel = Annotated[
    str | None, typer.Argument(metavar="[MODEL]", help="As in size; with --from, in place of the command's.")
]
#: More than this is no command.
MOST_TEXT = (1 << 20) + 1


def print_plan(plan: Plan, as_json: bool) -> int:
    """Prints a plan and gives the exit code."""
    if as_json:
        print_json(plan.model_dump())
    elif is_terminal():
        from gpu_sizer.cli.views import show_result

        show_result("count", plan)
    else:
        print_lines(plan_lines(plan))
    return exit_code(plan.fits)


def print_fit(fit: Fit, as_json: bool) -> int:
    """Prints the answer about one layout and gives the exit code."""
    if as_json:
        print_json(fit.model_dump())
    elif is_terminal():
        from gpu_sizer.reports.terminal import fit_view, show

        show(fit_view(fit))
    else:
        print_lines(fit_lines(fit))
    return exit_code(fit.fits)


@o.takes(*LOAD, ENGINE, *LIMITS)
def size(
    model: o.Model,
    load: o.Given,
    gpu: o.OptionalGpu = None,
    gpus: o.GivenGpus = None,
    machine: o.Machine = None,
    as_json: o.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the bare count.")] = False,
) -> None:
    """The fewest GPUs on which a model serves a load; with --gpus, whether exactly those do."""
    o.one_of(gpu, gpus, machine)
    card = api.load_model(model, cards=o.cards())
    if gpus is not None:
        raise typer.Exit(print_fit(api.fits_given(card, gpus=gpus, cards=o.cards(), **load), as_json))
    where = o.hardware(gpu, machine)
    if load["engine"] == ALL:
        print_by_engine(api.by_engine(card, **where, **{**load, "engine": None}), as_json)
    plan = api.size(card, **where, details=not quiet, **load)
    if quiet:
        if plan.gpu_count is not None:
            print_lines([str(plan.gpu_count)])
        raise typer.Exit(exit_code(plan.fits))
    raise typer.Exit(print_plan(plan, as_json))


def _print_starting(found: Starting, as_json: bool) -> int:
    """Prints whether what a command asks for starts, and gives the exit code."""
    if as_json:
        print_json(found.model_dump())
        return exit_code(found.fits)
    code = print_fit(found.fit, False)
    print_lines(found.notes)
    return code


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
def fit(
    layout: o.Given,
    load: o.Given,
    model: OptionalModel = None,
    gpu: o.OptionalGpu = None,
    gpus: o.GivenGpus = None,
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
    as_json: o.Json = False,
) -> None:
    """Whether one layout fits, or a number of GPUs, a machine, or given ones, and what is left."""
    if source is not None:
        if gpus is not None:
            raise RequestError("--from goes with --gpu or --machine: the command tells the layout", about="gpu")
        defaults = {s.name: s.default for s in (*LOAD, ENGINE)}
        own = {key: value for key, value in load.items() if value != defaults[key]} | layout
        found = api.fit_command(
            _text(source), gpu=gpu, machine=machine, gpu_count=gpu_count, model=model, cards=o.cards(), **own
        )
        raise typer.Exit(_print_starting(found, as_json))
    o.one_of(gpu, gpus, machine)
    if model is None:
        raise RequestError("name a MODEL, or a command with --from", about="model")
    card = api.load_model(model, cards=o.cards())
    if gpus is not None:
        raise typer.Exit(print_fit(api.fits_given(card, gpus=gpus, cards=o.cards(), **load), as_json))
    where = o.hardware(gpu, machine)
    if gpu_count is not None or ("machine" in where and not layout):
        from gpu_sizer.cli.inverse import print_on_count

        raise typer.Exit(print_on_count(api.fits_on(card, **where, gpu_count=gpu_count, **load), as_json))
    raise typer.Exit(print_fit(api.estimate(card, **where, **layout, **load), as_json))
