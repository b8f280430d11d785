"""Terraform's and OpenTofu's external data protocol: a map of strings in, a map of strings out.

The program reads one JSON object from stdin and prints one to stdout, every value a string; an error is a message on
stderr and an exit code other than 0 (registry.terraform.io/providers/hashicorp/external, "External Program Protocol").
"""

from __future__ import annotations

import shlex

from gpu_sizer import api
from gpu_sizer.deploy.bare import several
from gpu_sizer.deploy.choices import CHOICES, Choices
from gpu_sizer.deploy.formats import check_form, deploy
from gpu_sizer.deploy.making import make_serving, weights_named
from gpu_sizer.deploy.text import shell_words
from gpu_sizer.errors import RequestError, unknown_word
from gpu_sizer.files import parse_json
from gpu_sizer.load import OPTIONS
from gpu_sizer.memory.layout import LAYOUT
from gpu_sizer.planning.rental import rented

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.planning.plan import Fit, Plan

#: Longest query that is read, in characters.
LONGEST_QUERY = 100_000
_SIZES = {s.name: s for s in LAYOUT}
_CHOICES = {s.name: s for s in CHOICES}
#: What a query may hold. An empty string means the default, since a Terraform variable cannot be left out of a map.
KEYS = ("model", "gpu", "machine", *OPTIONS, *_SIZES, *_CHOICES, "extra", "format")


def read_query(text: str) -> dict[str, str]:
    """The query of Terraform.

    Raises:
        RequestError: no JSON object of strings, or a key that means nothing.
    """
    if len(text) > LONGEST_QUERY:
        raise RequestError(f"the query is longer than {LONGEST_QUERY:,} characters")
    try:
        query = parse_json(text)
    except ValueError as error:
        raise RequestError(f"stdin must hold Terraform's query as JSON: {error}") from None
    if not isinstance(query, dict) or not all(isinstance(v, str) for v in query.values()):
        raise RequestError("the query must be one JSON object with a string for every key")
    if unknown := sorted(set(query) - set(KEYS)):
        raise unknown_word(f"unknown key {unknown[0][:40]!r} in the query", unknown[0], KEYS)
    if not query.get("model", "").strip():
        raise RequestError("the query must name a model", about="model")
    if not (query.get("gpu", "") + query.get("machine", "")).strip():
        raise RequestError("the query must name a gpu, or a machine", about="gpu")
    return {k: v for k, v in query.items() if v != ""}


def _words(text: str) -> tuple[str, ...]:
    """The engine's own options, written in one string as for a shell.

    Raises:
        RequestError: a quote that is not closed.
    """
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise RequestError(f"extra: {str(error).lower()} in {text[:60]!r}") from None


def result(query: dict[str, str], cards: Catalogue | None = None) -> dict[str, str]:
    """The answer to a query: counts, sizes, the command, and the file of a format where one is named.

    Raises:
        DoesNotFitError: no layout up to ``max_gpus`` does.
        GpuSizerError: an unknown name, or a value that makes no sense.
    """
    if (form := query.get("format")) is not None:
        check_form(form)
    card = api.load_model(query["model"], cards=cards)
    load = {name: s.read(query[name]) for name, s in OPTIONS.items() if name in query}
    layout = {name: s.read(query[name]) for name, s in _SIZES.items() if name in query}
    spec, offer = api.hardware(query.get("gpu"), query.get("machine"), cards)
    where: dict[str, Any] = {**({"gpu": spec} if offer is None else {"machine": offer}), "cards": cards}
    answer: Plan | Fit
    # A layout of one's own goes before the plan's.
    answer = api.estimate(card, **where, **layout, **load) if layout else api.size(card, **where, **load)
    rental = rented(answer)
    options = {name: s.read(query[name]) for name, s in _CHOICES.items() if name in query}
    options["release"] = weights_named(card, query["model"])
    options["extra"] = _words(query.get("extra", ""))
    serving = make_serving(answer, Choices(**options))
    fit = serving.fit
    values: dict[str, Any] = {
        **{k: v for k, v in fit.request.assumptions(fit.settings, fit.weights_format).items() if v is not None},
        "model": card.id,
        "gpu": serving.gpu.id,
        "verdict": fit.verdict,
        "gpu_count": fit.gpu_count,
        "nodes": serving.nodes,
        "gpus_per_node": serving.gpus_per_node,
        "provider": rental.offer.provider if rental else "",
        "machine": rental.offer.machine.name if rental else "",
        "machine_count": rental.machines if rental else "",
        "price_hour_usd": rental.price_hour_usd if rental and rental.price_hour_usd is not None else "",
        "price_date": rental.price.date if rental and rental.price and rental.price.date else "",
        **fit.layout.model_dump(),
        "free_bytes_per_gpu": fit.per_gpu.free_bytes if fit.per_gpu else 0,
        "weights": serving.weights,
        "name": serving.name,
        "port": serving.port,
        "image": serving.image_or_none() or "",
        "storage_gib": serving.storage_gib,
        "engine_version": serving.own_version,
        "command": shell_words(serving.command) if serving.nodes == 1 else several(serving),
        "file": deploy(answer, form, **options) if form else "",
    }
    return {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in values.items()}
