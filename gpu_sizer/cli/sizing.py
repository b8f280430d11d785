"""The commands ``size``, ``fit`` and ``explain``."""

from __future__ import annotations

from typing import Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cli import options as o
from gpu_sizer.cli.engines import ALL, print_by_engine
from gpu_sizer.cli.output import is_terminal, print_json, print_lines
from gpu_sizer.exits import exit_code
from gpu_sizer.load import ENGINE, LIMITS, LOAD
from gpu_sizer.memory.layout import LAYOUT
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.planning.sentences import fit_lines
from gpu_sizer.queries.answers import plan_lines


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
    as_json: o.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the bare count.")] = False,
) -> None:
    """The fewest GPUs on which a model serves a load; with --gpus, whether exactly those do."""
    o.one_of(gpu, gpus)
    card = api.load_model(model, cards=o.cards())
    if gpus is not None:
        raise typer.Exit(print_fit(api.fits_given(card, gpus=gpus, cards=o.cards(), **load), as_json))
    assert gpu is not None
    spec = api.load_gpu(gpu, cards=o.cards())
    if load["engine"] == ALL:
        print_by_engine(api.by_engine(card, gpu=spec, **{**load, "engine": None}), as_json)
    plan = api.size(card, gpu=spec, details=not quiet, **load)
    if quiet:
        if plan.gpu_count is not None:
            print_lines([str(plan.gpu_count)])
        raise typer.Exit(exit_code(plan.fits))
    raise typer.Exit(print_plan(plan, as_json))


@o.takes(*LOAD, ENGINE)
@o.takes(*LAYOUT, into="layout")
def fit(
    model: o.Model,
    layout: o.Given,
    load: o.Given,
    gpu: o.OptionalGpu = None,
    gpus: o.GivenGpus = None,
    gpu_count: Annotated[
        int | None, typer.Option("--gpu-count", "-n", help="Their best layout on this many GPUs, instead of one told.")
    ] = None,
    as_json: o.Json = False,
) -> None:
    """Whether one layout fits, or a number of GPUs, or given ones, and what is left."""
    o.one_of(gpu, gpus)
    card = api.load_model(model, cards=o.cards())
    if gpus is not None:
        raise typer.Exit(print_fit(api.fits_given(card, gpus=gpus, cards=o.cards(), **load), as_json))
    assert gpu is not None
    spec = api.load_gpu(gpu, cards=o.cards())
    if gpu_count is not None:
        from gpu_sizer.cli.inverse import print_on_count

        raise typer.Exit(print_on_count(api.fits_on(card, gpu=spec, gpu_count=gpu_count, **load), as_json))
    found = api.estimate(card, gpu=spec, **layout, **load)
    raise typer.Exit(print_fit(found, as_json))
