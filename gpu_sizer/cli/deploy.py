"""The command ``deploy``: from a model and a GPU to the command or file that starts the server."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cli import completion
from gpu_sizer.cli import options as o
from gpu_sizer.deploy.choices import CHOICES
from gpu_sizer.deploy.formats import COMMANDS, TOOLS, check_form, own_form
from gpu_sizer.deploy.formats import deploy as write
from gpu_sizer.deploy.making import weights_named
from gpu_sizer.errors import printable
from gpu_sizer.exits import DOES_NOT_FIT
from gpu_sizer.files import write_file
from gpu_sizer.load import ENGINE, LIMITS, LOAD
from gpu_sizer.memory.layout import LAYOUT
from gpu_sizer.planning.plan import Fit, Plan

Form = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="FORMAT",
        help=f"{', '.join(TOOLS)}; or, as without it, the bare command of the plan's engine: {', '.join(COMMANDS)}.",
        autocompletion=completion.of((*TOOLS, *COMMANDS)),
    ),
]
Output = Annotated[Path | None, o.written_to("Write the file here instead of to stdout.")]
Extra = Annotated[
    list[str] | None,
    typer.Argument(metavar="[-- ARGS]", help="Options of the engine's own, behind --.", show_default=False),
]


@o.takes(*LOAD, ENGINE, *LIMITS)
@o.takes(*LAYOUT, into="layout", unset=True)
@o.takes(*CHOICES, into="choices", unset=True)
def deploy(
    model: o.Model,
    layout: o.Given,
    load: o.Given,
    choices: o.Given,
    form: Form = None,
    extra: Extra = None,
    gpu: o.OptionalGpu = None,
    machine: o.Machine = None,
    output: Output = None,
) -> None:
    """What starts the server of a plan: a command, or a file of the tool that is named."""

    if form is not None:
        check_form(form)
    card = api.load_model(model, cards=o.cards())
    gpu, gpu_count = o.counted(gpu)
    where = o.hardware(gpu, machine)
    # A layout of one's own goes before the plan's, and so does a number of GPUs (--gpu 4xa6000).
    answer: Plan | Fit
    if layout:
        answer = api.estimate(card, **where, **layout, **load)
        o.agreed(answer.layout, gpu_count)
    elif gpu_count is not None:
        answer = api.fits_on(card, **where, gpu_count=gpu_count, **load).fit
    else:
        answer = api.size(card, **where, **load)
    if not answer.fits and not (choices.get("tuned") and answer.tuned):
        lower = "; lower settings fit: deploy with --tuned" if answer.tuned else ""
        sys.stderr.write(f"gpu-sizer: nothing to deploy: {printable(answer.reason or '')}{lower}\n")
        raise typer.Exit(DOES_NOT_FIT)
    if (weights := choices.get("weights")) is not None and os.path.isdir(weights):
        choices["weights"] = os.path.abspath(weights)
    own = weights_named(card, model) or (os.path.abspath(model) if os.path.isdir(model) else None)
    text = write(answer, form or own_form(answer), release=own, extra=tuple(extra or ()), **choices)
    if output is None:
        sys.stdout.write(text)
    else:
        write_file(output, text.encode())
