"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpu_sizer.cards.catalogue import Catalogue, catalogue
from gpu_sizer.discovery import names_in
from gpu_sizer.errors import RequestError
from gpu_sizer.files import check_output

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpu_sizer.load import Setting


def _models(incomplete: str) -> list[str]:
    """Ids of models that begin like the word under the cursor, for a shell's completion."""
    return [i for i in catalogue().models.ids() if i.startswith(incomplete.lower())]


def _gpus(incomplete: str) -> list[str]:
    """Ids of GPUs that begin like the word under the cursor, for a shell's completion."""
    return [i for i in catalogue().gpus.ids() if i.startswith(incomplete.lower())]


def table_formats(*without: str) -> str:
    """The formats of tables in words: ``csv, html or md``."""
    *others, last = [name for name in names_in("reports/tables/formats") if name not in without]
    return f"{', '.join(others)} or {last}"


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
OptionalGpu = Annotated[
    str | None, typer.Option("--gpu", metavar="GPU", help="Id, alias, or path of a GPU spec.", autocompletion=_gpus)
]


def _machines(incomplete: str) -> list[str]:
    """Names of machines that begin like the word under the cursor, for a shell's completion."""
    from gpu_sizer.cards.fleet import fleet

    return [n for o in fleet().all() if (n := o.machine.name).lower().startswith(incomplete.lower())]


Machine = Annotated[
    str | None,
    typer.Option(
        "--machine",
        metavar="NAME",
        help="A machine that can be rented, instead of a GPU: p5.48xlarge, lambda/gpu_1x_a100.",
        autocompletion=_machines,
    ),
]
GivenGpus = Annotated[
    str | None,
    typer.Option("--gpus", metavar="NxGPU+...", help="Exactly these GPUs, alike or not: 2xa6000+1xrtx-3090."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
GpuCount = Annotated[
    int | None, typer.Option("--gpu-count", "-n", help="How many GPUs. Default: 1, or all of the machine's.")
]


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


#: What a command gets of the settings: those that were given.
Given = dict[str, Any]
_KINDS: dict[str, Any] = {"int": int, "float": float, "str": str, "bool": bool}


def _option(s: Setting, unset: bool) -> inspect.Parameter:
    """The option of a setting; ``unset`` makes null the default of all, where something else has another."""
    kind: Any = str if s.tokens else _KINDS[s.kind]
    default = None if unset else s.default
    told = f" Default: {s.default}." if unset and s.default is not None and s.kind != "bool" else ""
    described = typer.Option(s.flag, help=s.doc + told)
    annotation: Any = Annotated[kind if default is not None else kind | None, described]
    return inspect.Parameter(s.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def takes(*settings: Setting, unset: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command an option for each setting, in the place of its argument ``load``.

    Args:
        settings: as declared in :mod:`gpu_sizer.load`.
        unset: for commands that take defaults from elsewhere: an option that is left out is not given.
    """

    def made(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for p in own.parameters.values():
            parameters += [_option(s, unset) for s in settings] if p.name == "load" else [p]
        names = {s.name for s in settings}

        def taking(**values: Any) -> None:
            load = {n: v for n, v in values.items() if n in names and v is not None}
            command(**{n: v for n, v in values.items() if n not in names}, load=load)

        keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        taking.__signature__ = own.replace(parameters=keyword)  # type: ignore[attr-defined]
        taking.__annotations__ = {p.name: p.annotation for p in keyword}
        taking.__name__, taking.__doc__ = command.__name__, command.__doc__
        return taking

    return made


def one_of(gpu: str | None, gpus: str | None, machine: str | None = None) -> None:
    """Refuses a command that names no GPU, or names them in several ways.

    Raises:
        RequestError: none or several are given.
    """
    if (given := sum(way is not None for way in (gpu, gpus, machine))) != 1:
        what = "only one of them" if given else "one of them is needed"
        raise RequestError(f"say --gpu GPU, --machine NAME, or --gpus 2xa6000+1xrtx-3090: {what}", about="gpu")


def hardware(gpu: str | None, machine: str | None) -> dict[str, Any]:
    """The arguments ``gpu`` or ``machine`` of the library's calls, from the folders asked for.

    Raises:
        GpuSizerError: neither or both are given, or no such GPU or machine.
    """
    from gpu_sizer import api

    spec, offer = api.hardware(gpu, machine, cards())
    return {"gpu": spec} if offer is None else {"machine": offer}
