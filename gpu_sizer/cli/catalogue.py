"""The commands over single cards: ``show``, ``explain``, ``validate``, ``schema``, ``import``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cards.checking import check_catalogue, check_file, specs_among
from gpu_sizer.cards.fleet import fleet
from gpu_sizer.cards.folders import MACHINES
from gpu_sizer.cards.gpu_slices import Slices
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.loading import Kind, json_schema
from gpu_sizer.cards.machine import Machine, Provider
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.writing import jsonable, to_yaml
from gpu_sizer.cli import completion
from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import print_json, print_lines, print_prose, print_told
from gpu_sizer.errors import CardError, RequestError, UnknownGpuError, UnknownModelError
from gpu_sizer.files import write_file
from gpu_sizer.load import ENGINE, LIMITS, LOAD
from gpu_sizer.words import told as in_words


def _find(name: str) -> ModelCard | GpuSpec | Machine:
    """A model, a GPU or a machine of this name."""
    cards = o.cards()
    if cards.gpus.lookup(name) is not None and cards.models.lookup(name) is None:
        return api.load_gpu(name, cards=cards)
    try:
        return api.load_model(name, cards=cards)
    except UnknownModelError as unknown:
        try:
            return api.load_gpu(name, cards=cards)
        except UnknownGpuError as error:
            known = fleet(cards)
            if known.named(name):
                return known.find(name).machine
            raise (unknown if unknown.suggestions and not error.suggestions else error) from None


def show(
    name: Annotated[
        str,
        typer.Argument(metavar="CARD-OR-GPU", help="A model, a GPU or a machine.", autocompletion=completion.entries),
    ],
    as_json: o.Json = False,
) -> None:
    """Show one entry of the catalogue, its sources included."""
    card = _find(name)
    if as_json:
        print_json(jsonable(card))
    else:
        print_lines([to_yaml(card).rstrip()])


@o.takes(*LOAD, ENGINE, *LIMITS)
def explain(
    model: o.Model,
    load: o.Given,
    gpu: Annotated[
        str | None,
        typer.Option(
            "--gpu", metavar="GPU", help="Also what fills each GPU of the plan.", autocompletion=completion.gpus
        ),
    ] = None,
    machine: o.Machine = None,
) -> None:
    """Where every byte goes, with formulas."""
    from gpu_sizer.reports.explanation import explain_model
    from gpu_sizer.words.breakpoints import lines as breakpoint_lines

    card = api.load_model(model, cards=o.cards())
    print_prose(explain_model(card, **load))
    if gpu is not None or machine is not None:
        plan = api.size(card, **o.hardware(gpu, machine), **load)
        print_lines([""])
        print_told(in_words(plan))
        print_prose(["", *breakpoint_lines(plan.request)])


def _within(files: list[Path]) -> Iterator[Path]:
    """Files as they are, and what YAML a folder holds.

    Raises:
        RequestError: a folder that holds none.
    """
    for file in files:
        if not file.is_dir():
            yield file
        elif inside := sorted(f for f in file.rglob("*") if f.suffix in (".yaml", ".yml") and f.is_file()):
            yield from inside
        else:
            raise RequestError(f"{file}: no YAML file in this folder")


def validate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE|DIR...]", help="Cards and specs, or folders of them. Default: the catalogue."),
    ] = None,
) -> None:
    """Check cards and specs; exit code 2 and file:key:reason for the first mistake of each file."""
    if not files:
        told = check_catalogue(o.cards())
        cards = f"{told.cards} cards and specs are valid, {told.machines} machines of {told.providers} providers"
        print_lines([f"{cards}, and {told.rereleases} repositories that are a card again"])
        return
    failed, checked = 0, list(_within(files))
    # A file of machines is the only one that others of the same folder bear on.
    beside = specs_among(checked) if any(f.parent.name == MACHINES for f in checked) else frozenset()
    for file in checked:
        try:
            check_file(file, o.cards(), beside)
            print_lines([f"{file}: valid"])
        except CardError as error:
            failed += 1
            typer.echo(f"gpu-sizer: {error}", err=True)
    if failed:
        raise typer.Exit(2)


def schema(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="model|gpu|slices|machines",
            help="Which schema.",
            autocompletion=completion.of(("model", "gpu", "slices", "machines")),
        ),
    ],
) -> None:
    """Print the JSON Schema of model cards, GPU specs, slices of GPUs or a provider's machines."""
    kinds: dict[str, Kind] = {"model": ModelCard, "gpu": GpuSpec, "slices": Slices, "machines": Provider}
    if kind not in kinds:
        raise RequestError(f"schema of what? model, gpu, slices or machines, not {kind[:40]!r}")
    print_json(json_schema(kinds[kind]))


def import_model(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="A model folder, a config.json, a .gguf file, a hub id (hf:org/name)."),
    ],
    output: Annotated[Path | None, o.written_to("Write the card here. Default: stdout.", parents=True)] = None,
) -> None:
    """Turn a model's configuration into a card."""
    from gpu_sizer.importers.sources import import_source

    text = to_yaml(
        import_source(source), comments=("Imported by gpu-sizer; check and complete it before you share it.",)
    )
    if output is None:
        print_lines([text.rstrip()])
        return
    write_file(output, text.encode(), parents=True)
