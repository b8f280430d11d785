"""The command ``deploy``: from a model and a GPU to the command or file that starts the server."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cli import options as o
from gpu_sizer.deploy.formats import COMMANDS, FORMATS, TOOLS
from gpu_sizer.errors import RequestError, printable
from gpu_sizer.exits import DOES_NOT_FIT
from gpu_sizer.files import write_file
from gpu_sizer.load import ENGINE, LIMITS, LOAD
from gpu_sizer.memory.layout import LAYOUT

Form = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="FORMAT",
        help=f"{', '.join(TOOLS)}; or the bare command of the plan's engine: {', '.join(COMMANDS)}.",
    ),
]
Output = Annotated[Path | None, o.written_to("Write the file here instead of to stdout.")]
Weights = Annotated[
    str | None, typer.Option("--weights", help="Repository or folder to load. Default: the model's own repository.")
]
Image = Annotated[str | None, typer.Option("--image", help="Container image. Default: the engine's own.")]
Port = Annotated[int, typer.Option("--port", help="Port of the server.")]
Tuned = Annotated[bool, typer.Option("--tuned", help="With the plan's lower settings, on fewer GPUs.")]


@o.takes(*LOAD, ENGINE, *LIMITS)
@o.takes(*LAYOUT, into="layout", unset=True)
def deploy(
    model: o.Model,
    gpu: o.Gpu,
    form: Form,
    layout: o.Given,
    load: o.Given,
    output: Output = None,
    weights: Weights = None,
    image: Image = None,
    port: Port = 8000,
    tuned: Tuned = False,
) -> None:
    """What starts the server of a plan: a command, or a file for Compose, Kubernetes, SkyPilot, dstack or Slurm."""
    from gpu_sizer.deploy.formats import deploy as write
    from gpu_sizer.deploy.serving import weights_named
    from gpu_sizer.planning.plan import Fit, Plan

    if form not in FORMATS:
        raise RequestError(f"unknown format {form[:40]!r}; known: {', '.join(FORMATS)}", suggestions=FORMATS)
    card = api.load_model(model, cards=o.cards())
    spec = api.load_gpu(gpu, cards=o.cards())
    # A layout of one's own goes before the plan's.
    answer: Plan | Fit
    answer = api.estimate(card, gpu=spec, **layout, **load) if layout else api.size(card, gpu=spec, **load)
    if not answer.fits and not (tuned and answer.tuned):
        lower = "; lower settings fit: deploy with --tuned" if answer.tuned else ""
        sys.stderr.write(f"gpu-sizer: nothing to deploy: {printable(answer.reason or '')}{lower}\n")
        raise typer.Exit(DOES_NOT_FIT)
    if weights is not None and os.path.isdir(weights):
        weights = os.path.abspath(weights)
    own = weights_named(card, model) or (os.path.abspath(model) if os.path.isdir(model) else None)
    text = write(answer, form, weights=weights, release=own, image=image, port=port, tuned=tuned)
    if output is None:
        sys.stdout.write(text)
    else:
        write_file(output, text.encode())
