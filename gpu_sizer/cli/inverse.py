"""The commands the other way round: ``context``, ``users``, ``memory``, ``what-fits``, ``which-gpu``, ``compare``."""

from __future__ import annotations

from typing import Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cli import completion
from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import print_result
from gpu_sizer.errors import RequestError
from gpu_sizer.load import ENGINE, LIMITS, LOAD, Setting

All = Annotated[bool, typer.Option("--all", help="Also those that do not fit, and those beyond the first ones.")]


#: What a command finds by itself is no option of it.
_SIZED = (*LOAD, ENGINE, *LIMITS)


def _without(*names: str) -> tuple[Setting, ...]:
    return tuple(s for s in _SIZED if s.name not in names)


@o.takes(*_without("context", "max_gpus"))
@o.gathers("shown", o.SHOWN)
def context(
    model: o.Model,
    load: o.Given,
    gpu: o.OptionalGpu = None,
    machine: o.Machine = None,
    gpu_count: o.GpuCount = None,
    *,
    shown: o.Given,
) -> None:
    """The longest context on a number of GPUs. One token more does not fit."""
    gpu, gpu_count = o.counted(gpu, gpu_count)
    card, where = api.load_model(model, cards=o.cards()), o.hardware(gpu, machine)
    found = api.longest_context(card, **where, gpu_count=gpu_count, **load)
    raise typer.Exit(print_result(found, **shown))


@o.takes(*_without("users", "max_gpus"))
@o.gathers("shown", o.SHOWN)
def users(
    model: o.Model,
    load: o.Given,
    gpu: o.OptionalGpu = None,
    machine: o.Machine = None,
    gpu_count: o.GpuCount = None,
    *,
    shown: o.Given,
) -> None:
    """The most users at once on a number of GPUs. One more does not fit."""
    gpu, gpu_count = o.counted(gpu, gpu_count)
    card, where = api.load_model(model, cards=o.cards()), o.hardware(gpu, machine)
    found = api.most_users(card, **where, gpu_count=gpu_count, **load)
    raise typer.Exit(print_result(found, **shown))


@o.takes(*LOAD, ENGINE)
@o.gathers("shown", o.SHOWN)
def memory(model: o.Model, load: o.Given, shown: o.Given) -> None:
    """How much memory a model needs in all. Weights and cache, and GPUs that have it."""
    found = api.memory_need(api.load_model(model, cards=o.cards()), cards=o.cards(), **load)
    raise typer.Exit(print_result(found, **shown))


@o.takes(*_without("max_gpus"))
@o.gathers("shown", o.SHOWN)
def what_fits(
    load: o.Given,
    gpu: o.OptionalGpu = None,
    machine: o.Machine = None,
    gpu_count: o.GpuCount = None,
    everything: All = False,
    order: Annotated[str, typer.Option(help="newest first, or rated: the Arena's best.")] = "newest",
    *,
    shown: o.Given,
) -> None:
    """The models that a number of GPUs runs, the newest first."""
    gpu, gpu_count = o.counted(gpu, gpu_count)
    where = o.hardware(gpu, machine)
    found = api.what_fits(**where, gpu_count=gpu_count, everything=everything, order=order, workers=0, **load)
    raise typer.Exit(print_result(found, **shown))


@o.takes(*_SIZED)
@o.gathers("shown", o.SHOWN)
def which_gpu(
    model: o.Model,
    load: o.Given,
    everything: All = False,
    provider: Annotated[
        str | None, typer.Option(help="Only GPUs in this provider's machines.", autocompletion=completion.providers)
    ] = None,
    *,
    shown: o.Given,
) -> None:
    """The GPUs on which a model runs. How many of each, the cheapest first."""
    card = api.load_model(model, cards=o.cards())
    found = api.which_gpu(card, everything=everything, provider=provider, cards=o.cards(), **load)
    raise typer.Exit(print_result(found, **shown))


@o.takes(*_SIZED)
@o.gathers("shown", o.SHOWN)
def compare(
    model: o.Model,
    load: o.Given,
    gpu: Annotated[
        list[str] | None,
        typer.Option(
            "--gpu",
            metavar="GPU,...",
            help="GPUs to compare, separated by commas (may be repeated).",
            autocompletion=completion.listed(completion.gpus),
        ),
    ] = None,
    machine: o.Machines = None,
    *,
    shown: o.Given,
) -> None:
    """Some GPUs or machines side by side for a model. How many of each, at what price."""
    specs, machines = o.names(gpu) or (), o.names(machine) or ()
    if not (specs or machines):
        raise RequestError("say --gpu GPU,... or --machine NAME,...: what is to be compared", about="gpu")
    card = api.load_model(model, cards=o.cards())
    found = api.compare(card, specs, machines=machines, cards=o.cards(), **load)
    raise typer.Exit(print_result(found, **shown))
