"""The commands the other way round: ``context``, ``users``, ``memory``, ``what-fits``, ``which-gpu``, ``compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import is_terminal, print_json, print_lines
from gpu_sizer.planning.inverse import OnCount
from gpu_sizer.queries.answers import result_lines

if TYPE_CHECKING:
    from gpu_sizer.queries.answers import Result
    from gpu_sizer.queries.intents import Intent

#: Answered, and it does not fit.
DOES_NOT_FIT = 3

GpuCount = Annotated[int, typer.Option("--gpu-count", "-n", help="How many GPUs.")]
SomeUsers = Annotated[int, typer.Option("--users", help="Requests at once.")]
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
    return 0 if result.fits else DOES_NOT_FIT


def print_on_count(found: OnCount, as_json: bool) -> int:
    """Prints whether a number of GPUs suffices and gives the exit code."""
    return _print("fit", found, as_json)


def context(
    model: o.Model,
    gpu: o.Gpu,
    gpu_count: GpuCount = 1,
    users: SomeUsers = 1,
    engine: o.EngineName = "vllm",
    layouts: o.Layouts = "any",
    utilization: o.Utilization = None,
    weights_dtype: o.WeightsDtype = None,
    kv_cache_dtype: o.CacheDtype = None,
    max_num_batched_tokens: o.BatchedTokens = None,
    max_num_seqs: o.Sequences = None,
    as_json: o.Json = False,
) -> None:
    """The longest context on a number of GPUs. One token more does not fit."""
    found = api.longest_context(
        api.load_model(model, cards=o.cards()),
        gpu=api.load_gpu(gpu, cards=o.cards()),
        gpu_count=gpu_count,
        users=users,
        engine=engine,
        layouts=layouts,
        gpu_memory_utilization=utilization,
        weights_dtype=weights_dtype,
        kv_cache_dtype=kv_cache_dtype,
        max_num_batched_tokens=max_num_batched_tokens,
        max_num_seqs=max_num_seqs,
    )
    raise typer.Exit(_print("context", found, as_json))


def users(
    model: o.Model,
    gpu: o.Gpu,
    gpu_count: GpuCount = 1,
    context: o.Context = None,
    engine: o.EngineName = "vllm",
    layouts: o.Layouts = "any",
    utilization: o.Utilization = None,
    weights_dtype: o.WeightsDtype = None,
    kv_cache_dtype: o.CacheDtype = None,
    max_num_batched_tokens: o.BatchedTokens = None,
    max_num_seqs: o.Sequences = None,
    as_json: o.Json = False,
) -> None:
    """The most users at once on a number of GPUs. One more does not fit."""
    card = api.load_model(model, cards=o.cards())
    found = api.most_users(
        card,
        gpu=api.load_gpu(gpu, cards=o.cards()),
        gpu_count=gpu_count,
        context=o.context_tokens(context, card.context.native),
        engine=engine,
        layouts=layouts,
        gpu_memory_utilization=utilization,
        weights_dtype=weights_dtype,
        kv_cache_dtype=kv_cache_dtype,
        max_num_batched_tokens=max_num_batched_tokens,
        max_num_seqs=max_num_seqs,
    )
    raise typer.Exit(_print("users", found, as_json))


def memory(
    model: o.Model,
    context: o.Context = None,
    users: SomeUsers = 1,
    engine: o.EngineName = "vllm",
    weights_dtype: o.WeightsDtype = None,
    kv_cache_dtype: o.CacheDtype = None,
    as_json: o.Json = False,
) -> None:
    """How much memory a model needs in all. Weights and cache, and GPUs that have it."""
    card = api.load_model(model, cards=o.cards())
    found = api.memory_need(
        card,
        context=o.context_tokens(context, card.context.native),
        users=users,
        engine=engine,
        weights_dtype=weights_dtype,
        kv_cache_dtype=kv_cache_dtype,
        cards=o.cards(),
    )
    raise typer.Exit(_print("memory", found, as_json))


def what_fits(
    gpu: o.Gpu,
    gpu_count: GpuCount = 1,
    context: o.Context = None,
    users: SomeUsers = 1,
    engine: o.EngineName = "vllm",
    layouts: o.Layouts = "any",
    utilization: o.Utilization = None,
    weights_dtype: o.WeightsDtype = None,
    kv_cache_dtype: o.CacheDtype = None,
    everything: All = False,
    as_json: o.Json = False,
) -> None:
    """The models that a number of GPUs runs, largest first."""
    found = api.what_fits(
        api.load_gpu(gpu, cards=o.cards()),
        gpu_count=gpu_count,
        everything=everything,
        context=None if context is None else o.context_tokens(context, 1024),
        users=users,
        engine=engine,
        layouts=layouts,
        gpu_memory_utilization=utilization,
        weights_dtype=weights_dtype,
        kv_cache_dtype=kv_cache_dtype,
        cards=o.cards(),
    )
    raise typer.Exit(_print("models", found, as_json))


def which_gpu(
    model: o.Model,
    context: o.Context = None,
    users: SomeUsers = 1,
    engine: o.EngineName = "vllm",
    layouts: o.Layouts = "any",
    utilization: o.Utilization = None,
    weights_dtype: o.WeightsDtype = None,
    kv_cache_dtype: o.CacheDtype = None,
    max_gpus: o.MaxGpus = 64,
    everything: All = False,
    as_json: o.Json = False,
) -> None:
    """The GPUs on which a model runs. How many of each, the cheapest first."""
    card = api.load_model(model, cards=o.cards())
    found = api.which_gpu(
        card,
        everything=everything,
        context=o.context_tokens(context, card.context.native),
        users=users,
        engine=engine,
        layouts=layouts,
        gpu_memory_utilization=utilization,
        weights_dtype=weights_dtype,
        kv_cache_dtype=kv_cache_dtype,
        max_gpus=max_gpus,
        cards=o.cards(),
    )
    raise typer.Exit(_print("gpus", found, as_json))


def compare(
    model: o.Model,
    gpu: Annotated[list[str], typer.Option("--gpu", metavar="GPU", help="A GPU to compare (repeat it).")],
    context: o.Context = None,
    users: SomeUsers = 1,
    engine: o.EngineName = "vllm",
    layouts: o.Layouts = "any",
    utilization: o.Utilization = None,
    weights_dtype: o.WeightsDtype = None,
    kv_cache_dtype: o.CacheDtype = None,
    max_gpus: o.MaxGpus = 64,
    as_json: o.Json = False,
) -> None:
    """Some GPUs side by side for a model. How many of each, at what price."""
    card = api.load_model(model, cards=o.cards())
    found = api.compare(
        card,
        gpus=[api.load_gpu(g, cards=o.cards()) for g in gpu],
        context=o.context_tokens(context, card.context.native),
        users=users,
        engine=engine,
        layouts=layouts,
        gpu_memory_utilization=utilization,
        weights_dtype=weights_dtype,
        kv_cache_dtype=kv_cache_dtype,
        max_gpus=max_gpus,
    )
    raise typer.Exit(_print("compare", found, as_json))
