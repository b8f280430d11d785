"""The commands the other way round: ``context``, ``users``, ``memory``, ``what-fits``, ``which-gpu``, ``compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import is_terminal, print_json, print_lines
from gpu_sizer.exits import exit_code
from gpu_sizer.load import ENGINE, LIMITS, LOAD
from gpu_sizer.planning.inverse import OnCount
from gpu_sizer.queries.answers import result_lines

if TYPE_CHECKING:
    from gpu_sizer.load import Setting
    from gpu_sizer.queries.answers import Result
    from gpu_sizer.queries.intents import Intent


All = Annotated[bool, typer.Option("--all", help="Also those that do not fit, and those beyond the first ones.")]


def _print(intent: Intent, result: Result, as_json: bool) -> int:
    """Prints a result and gives the exit code."""
    if as_json:
        print_json(result.model_dump())
    elif is_terminal():
        from gpu_sizer.cli.views import show_result

        show_result(intent, result)
    else:
        print_lines(result_lines(intent, result))
    return exit_code(result.fits)


def print_on_count(found: OnCount, as_json: bool) -> int:
    """Prints whether a number of GPUs suffices and gives the exit code."""
    return _print("fit", found, as_json)


#: What a command finds by itself is no option of it.
_SIZED = (*LOAD, ENGINE, *LIMITS)


def _without(*names: str) -> tuple[Setting, ...]:
    return tuple(s for s in _SIZED if s.name not in names)


@o.takes(*_without("context", "max_gpus"))
def context(
    model: o.Model,
    load: o.Given,
    gpu: o.OptionalGpu = None,
    machine: o.Machine = None,
    gpu_count: o.GpuCount = None,
    as_json: o.Json = False,
) -> None:
    """The longest context on a number of GPUs. One token more does not fit."""
    card, where = api.load_model(model, cards=o.cards()), o.hardware(gpu, machine)
    found = api.longest_context(card, **where, gpu_count=gpu_count, **load)
    raise typer.Exit(_print("context", found, as_json))


@o.takes(*_without("users", "max_gpus"))
def users(
    model: o.Model,
    load: o.Given,
    gpu: o.OptionalGpu = None,
    machine: o.Machine = None,
    gpu_count: o.GpuCount = None,
    as_json: o.Json = False,
) -> None:
    """The most users at once on a number of GPUs. One more does not fit."""
    card, where = api.load_model(model, cards=o.cards()), o.hardware(gpu, machine)
    found = api.most_users(card, **where, gpu_count=gpu_count, **load)
    raise typer.Exit(_print("users", found, as_json))


@o.takes(*LOAD, ENGINE)
def memory(model: o.Model, load: o.Given, as_json: o.Json = False) -> None:
    """How much memory a model needs in all. Weights and cache, and GPUs that have it."""
    found = api.memory_need(api.load_model(model, cards=o.cards()), cards=o.cards(), **load)
    raise typer.Exit(_print("memory", found, as_json))


@o.takes(*_without("max_gpus"))
def what_fits(
    load: o.Given,
    gpu: o.OptionalGpu = None,
    machine: o.Machine = None,
    gpu_count: o.GpuCount = None,
    everything: All = False,
    as_json: o.Json = False,
) -> None:
    """The models that a number of GPUs runs, largest first."""
    where = o.hardware(gpu, machine)
    found = api.what_fits(**where, gpu_count=gpu_count, everything=everything, workers=0, cards=o.cards(), **load)
    raise typer.Exit(_print("models", found, as_json))


@o.takes(*_SIZED)
def which_gpu(
    model: o.Model,
    load: o.Given,
    everything: All = False,
    provider: Annotated[str | None, typer.Option(help="Only GPUs in this provider's machines.")] = None,
    as_json: o.Json = False,
) -> None:
    """The GPUs on which a model runs. How many of each, the cheapest first."""
    card = api.load_model(model, cards=o.cards())
    found = api.which_gpu(card, everything=everything, provider=provider, cards=o.cards(), **load)
    raise typer.Exit(_print("gpus", found, as_json))


@o.takes(*_SIZED)
def compare(
    model: o.Model,
    gpu: Annotated[list[str], typer.Option("--gpu", metavar="GPU", help="A GPU to compare (repeat it).")],
    load: o.Given,
    as_json: o.Json = False,
) -> None:
    """Some GPUs side by side for a model. How many of each, at what price."""
    card = api.load_model(model, cards=o.cards())
    found = api.compare(card, gpus=[api.load_gpu(g, cards=o.cards()) for g in gpu], **load)
    raise typer.Exit(_print("compare", found, as_json))
