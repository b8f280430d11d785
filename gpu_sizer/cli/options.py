"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpu_sizer.cards.catalogue import Catalogue, catalogue
from gpu_sizer.cli import completion
from gpu_sizer.cli.shared import STATE
from gpu_sizer.discovery import names_in
from gpu_sizer.errors import RequestError
from gpu_sizer.files import check_output
from gpu_sizer.load import ENGINE
from gpu_sizer.planning.quantities import some_gpus

if TYPE_CHECKING:
    from gpu_sizer.load import Setting
    from gpu_sizer.memory.layout import Layout


#: A number of GPUs before their name.
_COUNTED = re.compile(r"\d+\s*[x×]\s*\S", re.IGNORECASE)


def table_formats(*without: str) -> str:
    """The formats of tables in words: ``csv, html or md``."""
    *others, last = [name for name in names_in("reports/tables/formats") if name not in without]
    return f"{', '.join(others)} or {last}"


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Id, alias, hub id, or path of a card, a model folder, a config.json or a .gguf.",
        autocompletion=completion.models,
    ),
]
Gpu = Annotated[
    str, typer.Option("--gpu", metavar="GPU", help="Id, alias, or path of a GPU spec.", autocompletion=completion.gpus)
]
OptionalGpu = Annotated[
    str | None,
    typer.Option(
        "--gpu",
        metavar="GPU",
        help="Id, alias, or path of a GPU spec; 3xa6000 is so many of them.",
        autocompletion=completion.counted(completion.gpus),
    ),
]


Machine = Annotated[
    str | None,
    typer.Option(
        "--machine",
        metavar="NAME",
        help="A machine that can be rented, instead of a GPU: p5.48xlarge, lambda/gpu_1x_a100.",
        autocompletion=completion.machines,
    ),
]
Machines = Annotated[
    list[str] | None,
    typer.Option(
        "--machine",
        metavar="NAME,...",
        help="Machines that can be rented, separated by commas (may be repeated).",
        autocompletion=completion.listed(completion.machines),
    ),
]
GivenGpus = Annotated[
    list[str] | None,
    typer.Option(
        "--gpu",
        metavar="GPU",
        help="Id, alias, or path of a GPU spec; 3xa6000 is exactly so many, 2xa6000+1xrtx-3090 a mixture (may be "
        "repeated).",
        autocompletion=completion.counted(completion.gpus),
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
#: How an answer is printed.
SHOWN: dict[str, tuple[Any, Any]] = {
    "brief": (Annotated[bool, typer.Option("--brief", help="The choices alone.")], False),
    "why": (Annotated[bool, typer.Option("--why", help="Every reason, and the terms explained.")], False),
    "as_json": (Json, False),
}
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


def cards() -> Catalogue:
    """The catalogue with the folders asked for."""
    return catalogue(*STATE.folders, online=STATE.online)


#: What a command gets of the settings: those that were given.
Given = dict[str, Any]
_KINDS: dict[str, Any] = {"int": int, "float": float, "str": str, "bool": bool}


Command = Callable[..., None]


def gathers(into: str, options: Mapping[str, tuple[Any, Any]]) -> Callable[[Command], Command]:
    """Gives a command further options in the place of one of its arguments, which gets what they hold.

    Args:
        into: the argument; it gets those that are not null, by name.
        options: the annotation and the default of each, by its name.
    """

    def made(command: Command) -> Command:
        own = inspect.signature(command, eval_str=True)
        kind = inspect.Parameter.KEYWORD_ONLY
        further = [inspect.Parameter(n, kind, default=d, annotation=a) for n, (a, d) in options.items()]
        parameters: list[inspect.Parameter] = []
        for p in own.parameters.values():
            parameters += further if p.name == into else [p.replace(kind=kind)]

        def gathering(**values: Any) -> None:
            given = {n: v for n, v in values.items() if n in options and v is not None}
            command(**{n: v for n, v in values.items() if n not in options}, **{into: given})

        gathering.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        gathering.__annotations__ = {p.name: p.annotation for p in parameters}
        gathering.__name__, gathering.__doc__ = command.__name__, command.__doc__
        return gathering

    return made


def _option(s: Setting, unset: bool, several: bool) -> tuple[Any, Any]:
    """The annotation and the default of a setting's option."""
    if several:
        complete = completion.of_setting(s)
        option = typer.Option(
            s.flag,
            metavar="V,...",
            help=f"Values to sweep, separated by commas. {s.doc}",
            autocompletion=completion.listed(complete) if complete is not None else None,
        )
        return Annotated[str, option], "default"
    kind: Any = str if s.tokens else _KINDS[s.kind]
    default = None if unset else s.default
    told = f" Default: {s.default}." if unset and s.default is not None and s.kind != "bool" else ""
    option = typer.Option(s.flag, help=s.doc + told, autocompletion=completion.of_setting(s))
    return Annotated[kind if default is not None else kind | None, option], default


def takes(
    *settings: Setting, into: str = "load", unset: bool = False, several: bool = False
) -> Callable[[Command], Command]:
    """Gives a command an option for each setting, in the place of one of its arguments.

    Args:
        settings: as declared.
        into: the argument, which gets those that are given, by name.
        unset: for commands that take defaults from elsewhere: an option that is left out is not given. Nor is ever an
            engine, which a model's name may tell (``qwen3.6:27b-q4_K_M``).
        several: each takes a text of several values; the word for the default is ``default``.
    """
    return gathers(into, {s.name: _option(s, unset or s is ENGINE, several) for s in settings})


def names(values: list[str] | None) -> list[str] | None:
    """Names from options that may be repeated and may hold several.

    Raises:
        RequestError: an option without any.
    """
    if not values:
        return values
    if not (told := [n.strip() for value in values for n in value.split(",") if n.strip()]):
        raise RequestError(f"{','.join(values)[:40]!r} holds no name")
    return told


def one_of(gpu: object, machine: str | None) -> None:
    """Refuses a command that names no GPU, or names them in two ways.

    Raises:
        RequestError: none or both are given.
    """
    if bool(gpu) == (machine is not None):
        what = "only one of them" if gpu else "one of them is needed"
        raise RequestError(f"say --gpu GPU, --gpu 2xa6000+1xrtx-3090, or --machine NAME: {what}", about="gpu")


def mixed(gpu: list[str] | None) -> tuple[str | None, str | None]:
    """One kind of GPU, as it is written; or a mixture, each kind with its number.

    Raises:
        RequestError: several kinds, of which it is not said how many of each.
    """
    kinds = [kind for value in gpu or () for kind in re.split("[+,]", value)]
    if len(kinds) < 2:
        return (gpu[0] if gpu else None), None
    if len(bare := [k for k in kinds if not _COUNTED.match(k.strip())]) == len(kinds):
        each = " ".join(f"--gpu {k.strip()[:40]}" for k in bare)
        raise RequestError(
            f"several kinds of GPU: say how many of each (--gpu 2x{bare[0].strip()[:40]}+...), or compare them: "
            f"gpu-sizer compare MODEL {each}",
            about="gpu",
        )
    return None, "+".join(kinds)


def counted(gpu: str | None, gpu_count: int | None = None) -> tuple[str | None, int | None]:
    """A GPU and how many there are, where it is written with its number: ``3xa6000``.

    Raises:
        RequestError: two numbers that differ.
    """
    if gpu is None or not _COUNTED.match(gpu):
        return gpu, gpu_count
    count, name = some_gpus(gpu)
    if gpu_count not in (None, count):
        told = f"--gpu {gpu[:40]} and --gpu-count {gpu_count}"
        raise RequestError(f"{told} are two numbers of GPUs: say one of them", about="gpu")
    return name, count


def agreed(layout: Layout, gpu_count: int | None) -> None:
    """Refuses a layout of another number of GPUs than the one that was told beside it.

    Raises:
        RequestError: they differ.
    """
    if gpu_count not in (None, layout.gpu_count):
        raise RequestError(
            f"{layout.describe()} is a layout of {layout.gpu_count}, not of the {gpu_count} GPUs that are told: "
            "leave out one of them",
            about="gpu",
        )


def hardware(gpu: str | None, machine: str | None) -> dict[str, Any]:
    """The arguments ``gpu`` or ``machine``, and ``cards``, of the library's calls, from the folders asked for.

    Raises:
        GpuSizerError: neither or both are given, or no such GPU or machine.
    """
    from gpu_sizer import api

    spec, offer = api.hardware(gpu, machine, cards())
    return {**({"gpu": spec} if offer is None else {"machine": offer}), "cards": cards()}
