"""The command ``speed``."""

from __future__ import annotations

from typing import Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import print_result
from gpu_sizer.load import ENGINE, LOAD
from gpu_sizer.memory.layout import LAYOUT


@o.takes(*LOAD, ENGINE)
@o.takes(*LAYOUT, into="layout")
@o.gathers("shown", o.SHOWN)
def speed(
    model: o.Model,
    layout: o.Given,
    load: o.Given,
    gpu: o.OptionalGpu = None,
    machine: o.Machine = None,
    gpu_count: Annotated[
        int | None, typer.Option("--gpu-count", "-n", help="The fastest layout of this many GPUs, instead of one told.")
    ] = None,
    *,
    shown: o.Given,
) -> None:
    """How fast a model is for its users: tokens a second, with the range in which measurements lie."""
    gpu, gpu_count = o.counted(gpu, gpu_count)
    pace = api.speed(
        api.load_model(model, cards=o.cards()),
        **o.hardware(gpu, machine),
        gpu_count=gpu_count,
        **layout,
        **load,
    )
    raise typer.Exit(print_result(pace, **shown))
