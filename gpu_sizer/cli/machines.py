"""The commands ``machines`` and ``rent``: what can be rented, and what carries a load cheapest."""

from __future__ import annotations

from typing import Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cards.fleet import fleet
from gpu_sizer.cli import completion
from gpu_sizer.cli import options as o
from gpu_sizer.cli.listings import Format, Output, Search, part, print_listing
from gpu_sizer.cli.output import print_json, print_result
from gpu_sizer.exits import exit_code
from gpu_sizer.load import ENGINE, LIMITS, LOAD
from gpu_sizer.reports.machine_listings import MACHINE_KEYS, MachineFilter, machine_listing
from gpu_sizer.reports.rentals import rental_listing

Provider = Annotated[
    str | None,
    typer.Option(
        "--provider", metavar="P", help="Only this provider: aws, lambda ...", autocompletion=completion.providers
    ),
]


def machines(
    filter: Annotated[
        str | None, typer.Argument(metavar="[FILTER]", help="Part of a machine's, provider's or GPU's name.")
    ] = None,
    search: Search = None,
    gpu: o.OptionalGpu = None,
    provider: Provider = None,
    sort: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(MACHINE_KEYS)}; -KEY: largest first. Default: by provider.",
            autocompletion=completion.either_way(completion.of(MACHINE_KEYS)),
        ),
    ] = None,
    format: Format = None,
    output: Output = None,
    as_json: o.Json = False,
) -> None:
    """List the machines that can be rented, and what they cost."""
    known = fleet(o.cards())
    wanted = MachineFilter(
        text=part(filter, search),
        gpu=None if gpu is None else api.load_gpu(gpu, cards=o.cards()).id,
        provider=None if provider is None else known.provider(provider),
    )
    listing = machine_listing(known.all(), wanted, sort=sort)
    if as_json and format is None and output is None:
        print_json({"machines": listing.records})
    else:
        print_listing(listing, False, format, output)


@o.takes(*LOAD, ENGINE, *(s for s in LIMITS if s.name != "gpus_per_node"))
def rent(
    model: o.Model,
    load: o.Given,
    provider: Provider = None,
    region: Annotated[str | None, typer.Option(help="Part of a region's name: eu, us-east-1.")] = None,
    spot: Annotated[bool, typer.Option("--spot", help="Spot prices, instead of those on demand.")] = False,
    max_price: Annotated[
        float | None, typer.Option("--max-price", metavar="USD", help="The most an hour, for all machines together.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="Count the age of prices from this day. Default: today."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also dearer machines of the same GPUs, and beyond the first ones.")
    ] = False,
    format: Format = None,
    output: Output = None,
    as_json: o.Json = False,
) -> None:
    """The machines to rent for a model. Whole ones, the cheapest first, by the hour and the month."""
    rentals = api.rent(
        api.load_model(model, cards=o.cards()),
        provider=provider,
        region=region,
        spot=spot,
        max_price=max_price,
        as_of=as_of,
        everything=everything,
        cards=o.cards(),
        **load,
    )
    if format is None and output is None:
        raise typer.Exit(print_result(rentals, as_json=as_json))
    print_listing(rental_listing(rentals), False, format, output)
    raise typer.Exit(exit_code(rentals.fits))
