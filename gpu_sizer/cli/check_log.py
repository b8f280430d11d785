"""The command ``check-log``: a server's own start-up log beside the estimate."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import print_json, print_lines

if TYPE_CHECKING:
    from gpu_sizer.evidence.logs.startup import LogFindings


def _read(log: str) -> LogFindings:
    """The findings of a file, or of what comes on stdin.

    Raises:
        EvidenceError: a file that cannot be read.
    """
    from gpu_sizer.cli.bar import bar
    from gpu_sizer.evidence.logs.startup import read_log
    from gpu_sizer.evidence.records import EvidenceError

    if log == "-":
        return read_log(sys.stdin.buffer)
    try:
        with open(log, "rb") as stream, bar("Reading the log", os.fstat(stream.fileno()).st_size) as advance:
            return read_log(stream, advance)
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{log}: {getattr(error, 'strerror', None) or error}") from None


def check_log(
    log: Annotated[str, typer.Argument(metavar="LOG", help="A start-up log; - reads stdin.")],
    model: Annotated[str | None, typer.Option(help="The model, where the log does not tell it.")] = None,
    gpu: Annotated[str | None, typer.Option(help="The GPU, where the log does not tell it.")] = None,
    tp: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Tensor parallel size, where the log does not tell it.")
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Print the record to contribute, one JSON line.")] = False,
    as_json: o.Json = False,
) -> None:
    """Read a real start-up log and compare it with the estimate."""
    from gpu_sizer.evidence.check import check
    from gpu_sizer.evidence.check_lines import lines

    done = check(_read(log), o.cards(), model=model, gpu=gpu, tp=tp)
    if record:
        print_lines([json.dumps(done.record.model_dump(), ensure_ascii=False)])
    elif as_json:
        print_json(done.model_dump())
    else:
        print_lines(lines(done))
