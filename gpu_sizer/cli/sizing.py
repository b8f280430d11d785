"""The commands ``size``, ``fit`` and ``explain``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gpu_sizer import api
from gpu_sizer.cli import options as o
from gpu_sizer.cli.engines import ALL, print_by_engine
from gpu_sizer.cli.output import is_terminal, print_json, print_lines
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.planning.sentences import fit_lines
from gpu_sizer.queries.answers import plan_lines

#: Answered, and it does not fit.
DOES_NOT_FIT = 3


def print_plan(plan: Plan, as_json: bool) -> int:
    """Prints a plan and gives the exit code."""
    if as_json:
        print_json(plan.model_dump())
    elif is_terminal():
        from gpu_sizer.cli.views import show_result

        show_result("count", plan)
    else:
        print_lines(plan_lines(plan))
    return 0 if plan.fits else DOES_NOT_FIT


def print_fit(fit: Fit, as_json: bool) -> int:
    """Prints the answer about one layout and gives the exit code."""
    if as_json:
        print_json(fit.model_dump())
    elif is_terminal():
        from gpu_sizer.reports.terminal import fit_view, show

        show(fit_view(fit))
    else:
        print_lines(fit_lines(fit))
    return 0 if fit.fits else DOES_NOT_FIT


def size(
    model: o.Model,
    gpu: o.OptionalGpu = None,
    gpus: o.GivenGpus = None,
    context: o.Context = None,
    users: o.Users = 1,
    engine: o.EngineName = "vllm",
    layouts: o.Layouts = "any",
    utilization: o.Utilization = None,
    weights_dtype: o.WeightsDtype = None,
    kv_cache_dtype: o.CacheDtype = None,
    max_num_batched_tokens: o.BatchedTokens = None,
    max_num_seqs: o.Sequences = None,
    max_gpus: o.MaxGpus = 64,
    no_hybrid_kv: o.WholeContext = False,
    gpus_per_node: o.NodeSize = None,
    single_node: o.SingleNode = False,
    as_json: o.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the bare count.")] = False,
) -> None:
    """The fewest GPUs on which a model serves a load; with --gpus, whether exactly those do."""
    o.one_of(gpu, gpus)
    card = api.load_model(model, cards=o.cards())
    load: dict[str, Any] = {
        "context": o.context_tokens(context, card.context.native),
        "users": users,
        "gpu_memory_utilization": utilization,
        "weights_dtype": weights_dtype,
        "kv_cache_dtype": kv_cache_dtype,
        "max_num_batched_tokens": max_num_batched_tokens,
        "max_num_seqs": max_num_seqs,
        "layouts": layouts,
        "max_gpus": max_gpus,
        "hybrid_kv": not no_hybrid_kv,
        "gpus_per_node": gpus_per_node,
        "single_node": single_node,
    }
    if gpus is not None:
        given = api.fits_given(card, gpus=gpus, engine=engine, cards=o.cards(), **load)
        raise typer.Exit(print_fit(given, as_json))
    assert gpu is not None
    spec = api.load_gpu(gpu, cards=o.cards())
    if engine == ALL:
        print_by_engine(api.by_engine(card, gpu=spec, **load), as_json)
    plan = api.size(card, gpu=spec, engine=engine, details=not quiet, **load)
    if quiet:
        if plan.gpu_count is not None:
            print_lines([str(plan.gpu_count)])
        raise typer.Exit(0 if plan.fits else DOES_NOT_FIT)
    raise typer.Exit(print_plan(plan, as_json))


def fit(
    model: o.Model,
    gpu: o.OptionalGpu = None,
    gpus: o.GivenGpus = None,
    gpu_count: Annotated[
        int | None, typer.Option("--gpu-count", "-n", help="Their best layout on this many GPUs, instead of one told.")
    ] = None,
    tp: Annotated[int, typer.Option("--tp", help="Tensor parallel size.")] = 1,
    pp: Annotated[int, typer.Option("--pp", help="Pipeline parallel size.")] = 1,
    dp: Annotated[int, typer.Option("--dp", help="Replicas (data parallel size).")] = 1,
    ep: Annotated[bool, typer.Option("--ep", help="Expert parallel.")] = False,
    dcp: Annotated[int, typer.Option("--dcp", help="Decode context parallel size, within --tp (vLLM).")] = 1,
    context: o.Context = None,
    users: o.Users = 1,
    engine: o.EngineName = "vllm",
    utilization: o.Utilization = None,
    weights_dtype: o.WeightsDtype = None,
    kv_cache_dtype: o.CacheDtype = None,
    max_num_batched_tokens: o.BatchedTokens = None,
    max_num_seqs: o.Sequences = None,
    enforce_eager: o.Eager = False,
    no_hybrid_kv: o.WholeContext = False,
    as_json: o.Json = False,
) -> None:
    """Whether one layout fits, or a number of GPUs, or given ones, and what is left."""
    o.one_of(gpu, gpus)
    card = api.load_model(model, cards=o.cards())
    load: dict[str, Any] = {
        "context": o.context_tokens(context, card.context.native),
        "users": users,
        "engine": engine,
        "gpu_memory_utilization": utilization,
        "weights_dtype": weights_dtype,
        "kv_cache_dtype": kv_cache_dtype,
        "max_num_batched_tokens": max_num_batched_tokens,
        "max_num_seqs": max_num_seqs,
        "enforce_eager": enforce_eager,
        "hybrid_kv": not no_hybrid_kv,
    }
    if gpus is not None:
        raise typer.Exit(print_fit(api.fits_given(card, gpus=gpus, cards=o.cards(), **load), as_json))
    assert gpu is not None
    spec = api.load_gpu(gpu, cards=o.cards())
    if gpu_count is not None:
        from gpu_sizer.cli.inverse import print_on_count

        raise typer.Exit(print_on_count(api.fits_on(card, gpu=spec, gpu_count=gpu_count, **load), as_json))
    found = api.estimate(
        card,
        gpu=spec,
        tensor_parallel_size=tp,
        pipeline_parallel_size=pp,
        data_parallel_size=dp,
        expert_parallel=ep,
        decode_context_parallel_size=dcp,
        **load,
    )
    raise typer.Exit(print_fit(found, as_json))
