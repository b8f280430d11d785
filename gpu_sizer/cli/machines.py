"""The command ``machines``: what can be rented."""

from __future__ import annotations

from typing import Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cards.fleet import fleet
from gpu_sizer.cli import options as o
from gpu_sizer.cli.listings import Format, Output, print_listing
from gpu_sizer.cli.output import print_json
from gpu_sizer.reports.machine_listings import MACHINE_KEYS, MachineFilter, machine_listing


def _providers(incomplete: str) -> list[str]:
    """Providers that begin like the word under the cursor, for a shell's completion."""
    return [p for p in sorted(fleet().providers) if p.startswith(incomplete.lower())]


Provider = Annotated[
    str | None,
    typer.Option("--provider", metavar="P", help="Only this provider: aws, lambda ...", autocompletion=_providers),
]


def machines(
    filter: Annotated[
        str | None, typer.Argument(metavar="[FILTER]", help="Part of a machine's, provider's or GPU's name.")
    ] = None,
    gpu: o.OptionalGpu = None,
    provider: Provider = None,
    sort: Annotated[
        str | None, typer.Option(help=f"{', '.join(MACHINE_KEYS)}; -KEY: largest first. Default: by provider.")
    ] = None,
    format: Format = None,
    output: Output = None,
    as_json: o.Json = False,
) -> None:
    """List the machines that can be rented, and what they cost."""
    known = fleet(o.cards())
    wanted = MachineFilter(
        text=filter,
        gpu=None if gpu is None else api.load_gpu(gpu, cards=o.cards()).id,
        provider=None if provider is None else known.provider(provider),
    )
    listing = machine_listing(known.all(), wanted, sort=sort)
    if as_json and format is None and output is None:
        print_json({"machines": listing.records})
    else:
        print_listing(listing, False, format, output)
