"""The command ``speed``."""

from __future__ import annotations

from typing import Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import print_json, print_lines
from gpu_sizer.load import ENGINE, LOAD
from gpu_sizer.memory.layout import LAYOUT


@o.takes(*LOAD, ENGINE)
@o.takes(*LAYOUT, into="layout")
def speed(
    model: o.Model,
    layout: o.Given,
    load: o.Given,
    gpu: o.Gpu,
    gpu_count: Annotated[
        int | None, typer.Option("--gpu-count", "-n", help="The fastest layout of this many GPUs, instead of one told.")
    ] = None,
    as_json: o.Json = False,
) -> None:
    """How fast a model is for its users: tokens a second, with the range in which measurements lie."""
    from gpu_sizer.planning.how_fast_sentences import lines

    found = api.speed(
        api.load_model(model, cards=o.cards()),
        gpu=api.load_gpu(gpu, cards=o.cards()),
        gpu_count=gpu_count,
        **layout,
        **load,
    )
    if as_json:
        print_json(found.model_dump())
    else:
        print_lines(lines(found))
    raise typer.Exit(0 if found.fits else 3)
