"""The command ``ask``."""

from __future__ import annotations

from typing import Annotated

import typer

from gpu_sizer.cli import options as o
from gpu_sizer.cli.questions import answer


@o.gathers("shown", o.SHOWN)
def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="In words, in quotes.")],
    shown: o.Given,
) -> None:
    """Ask in words: how many A6000s for Mixtral 8x7b."""
    raise typer.Exit(answer(question, o.cards(), **shown))
