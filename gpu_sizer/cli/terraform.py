"""The command ``terraform``: one query of an external data source."""

from __future__ import annotations

import json
import sys

import typer

from gpu_sizer.cli import options as o
from gpu_sizer.errors import DoesNotFitError, RequestError, printable
from gpu_sizer.exits import DOES_NOT_FIT


def terraform() -> None:
    """Answer an external data source of Terraform or OpenTofu: a JSON query on stdin, a map of strings on stdout."""
    from gpu_sizer.deploy.terraform import LONGEST_QUERY, read_query, result

    try:
        query = read_query(sys.stdin.read(LONGEST_QUERY + 1))
    except UnicodeDecodeError:
        raise RequestError("stdin must hold Terraform's query as JSON: it is not UTF-8 text") from None
    try:
        answer = result(query, o.cards())
    except DoesNotFitError as error:
        sys.stderr.write(f"gpu-sizer: {printable(str(error))}\n")
        raise typer.Exit(DOES_NOT_FIT) from None
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
