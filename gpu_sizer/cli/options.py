"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gpu_sizer.cards.catalogue import Catalogue, catalogue
from gpu_sizer.errors import RequestError
from gpu_sizer.files import check_output
from gpu_sizer.planning.quantities import tokens


def _models(incomplete: str) -> list[str]:
    """Ids of models that begin like the word under the cursor, for a shell's completion."""
    return [i for i in catalogue().models.ids() if i.startswith(incomplete.lower())]


def _gpus(incomplete: str) -> list[str]:
    """Ids of GPUs that begin like the word under the cursor, for a shell's completion."""
    return [i for i in catalogue().gpus.ids() if i.startswith(incomplete.lower())]


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Id, alias, hub id, or path of a card, a model folder or a config.json.",
        autocompletion=_models,
    ),
]
Gpu = Annotated[
    str, typer.Option("--gpu", metavar="GPU", help="Id, alias, or path of a GPU spec.", autocompletion=_gpus)
]
Context = Annotated[
    str | None, typer.Option(help="Tokens of one request, as 8192 or 32k. Default: the model's full length.")
]
Users = Annotated[int, typer.Option(help="Requests of that length at once.")]
EngineName = Annotated[
    str,
    typer.Option("--engine", help="vllm, vllm@0.11, sglang, ...: `gpu-sizer engines` lists them; size takes all, too."),
]
OptionalGpu = Annotated[
    str | None, typer.Option("--gpu", metavar="GPU", help="Id, alias, or path of a GPU spec.", autocompletion=_gpus)
]
GivenGpus = Annotated[
    str | None,
    typer.Option("--gpus", metavar="NxGPU+...", help="Exactly these GPUs, alike or not: 2xa6000+1xrtx-3090."),
]
WholeContext = Annotated[
    bool, typer.Option("--no-hybrid-kv", help="Keep the whole context in every layer, windowed ones too.")
]
NodeSize = Annotated[int | None, typer.Option("--gpus-per-node", help="GPUs in one machine. Default: the spec's.")]
SingleNode = Annotated[bool, typer.Option("--single-node", help="One machine only.")]
Layouts = Annotated[str, typer.Option(help="any, tensor (tensor parallel only) or pipeline.")]
Utilization = Annotated[
    float | None, typer.Option(help="Share of GPU memory that the engine may use. Default: the engine's.")
]
WeightsDtype = Annotated[
    str | None, typer.Option("--weights-dtype", help="What if the weights were of this type. Default: as released.")
]
CacheDtype = Annotated[
    str | None, typer.Option("--kv-cache-dtype", help="auto, bfloat16, float8 ... Default: the model's own.")
]
BatchedTokens = Annotated[
    int | None, typer.Option("--max-num-batched-tokens", help="Tokens in one batch. Default: the engine's for the GPU.")
]
Sequences = Annotated[
    int | None, typer.Option("--max-num-seqs", help="Sequences at once. Default: the engine's for the GPU.")
]
MaxGpus = Annotated[int, typer.Option(help="Where the search ends.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Eager = Annotated[bool, typer.Option("--enforce-eager", help="Without CUDA graphs.")]


def written_to(help: str, *, parents: bool = False) -> Any:
    """The option ``-o``: the place is looked at before any work is done for it.

    Args:
        help: what is written.
        parents: the command makes the folders above it.
    """

    def looked_at(path: Path | None) -> Path | None:
        if path is not None:
            check_output(path, parents=parents)
        return path

    return typer.Option("-o", "--output", help=help, callback=looked_at)


class State:
    """What options before the command set for all of them."""

    folders: tuple[str, ...] = ()


STATE = State()


def cards() -> Catalogue:
    """The catalogue with the folders asked for."""
    return catalogue(*STATE.folders)


def context_tokens(text: str | None, native: int) -> int | None:
    """``--context`` as a number of tokens."""
    return None if text is None else tokens(text, native)


def load_options(**options: Any) -> dict[str, Any]:
    """Options without those left at null."""
    return {k: v for k, v in options.items() if v is not None}


def one_of(gpu: str | None, gpus: str | None) -> None:
    """Refuses a command that names no GPU, or names them both ways.

    Raises:
        RequestError: neither or both are given.
    """
    if (gpu is None) == (gpus is None):
        what = "not both" if gpu is not None else "one of them is needed"
        raise RequestError(f"say --gpu GPU, or --gpus 2xa6000+1xrtx-3090: {what}", about="gpu")
