"""The calls that HTTP and MCP share: a checked body in, an answer out. Names of the catalogue only, never places."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from gpu_sizer import api
from gpu_sizer.answers import with_answers
from gpu_sizer.cards.catalogue import Catalogue, catalogue
from gpu_sizer.cards.fleet import fleet
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.deploy.choices import CHOICES
from gpu_sizer.deploy.formats import deploy as write
from gpu_sizer.deploy.making import weights_named
from gpu_sizer.errors import RequestError, UnknownModelError
from gpu_sizer.importers.texts import card_of_text
from gpu_sizer.memory.layout import LAYOUT, Layout
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.queries.answers import ask as ask_in_words
from gpu_sizer.records import dataclass
from gpu_sizer.reports.listings import gpu_listing, model_listing
from gpu_sizer.reports.machine_listings import MachineFilter, machine_listing
from gpu_sizer.reports.selecting import GpuFilter, ModelFilter
from gpu_sizer.server.bodies import (
    MOST_GPUS,
    MOST_LISTED,
    AskBody,
    Body,
    DeployBody,
    FileBody,
    FitBody,
    ListBody,
    LoadBody,
    RentBody,
    SizeBody,
    SpeedBody,
)
from gpu_sizer.words import plain, told
from gpu_sizer.words.data import with_answer_words, with_words


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as JSON, and as the lines that a person or an assistant reads (made when they are read, once)."""

    body: dict[str, Any]
    lines: Iterable[str]


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that can be asked, by its name."""

    name: str
    body: type[Body]
    run: Callable[[Any], Answered]
    summary: str


def shelf() -> Catalogue:
    """The catalogue of a server: no name that a caller sends leads to a file or to the hub."""
    return catalogue(names_only=True)


def warm_up() -> None:
    """Loads every card and answers one question, so that a broken card stops the start and no request waits.

    Raises:
        CardError: a card of the operator's own folders that cannot be used.
    """
    cards = shelf()
    cards.models.all()
    cards.gpus.all()
    ask(AskBody(question="how many A6000s for Mixtral 8x7b"))
    # What is looked through for a name that no card bears.
    with suppress(UnknownModelError):
        api.load_model("an-organisation/an-unknown-model", cards=cards)


def _asked(b: LoadBody) -> dict[str, Any]:
    """Model, GPU and load options of the library's calls.

    Raises:
        GpuSizerError: an unknown name.
    """
    return _asked_of(api.load_model(b.model, cards=shelf()), b)


def _asked_of(card: ModelCard, b: LoadBody) -> dict[str, Any]:
    """The same for a card that is at hand."""
    spec, offer = api.hardware(b.gpu, b.machine, shelf())
    where = {"gpu": spec} if offer is None else {"machine": offer}
    return {"model": card, **where, "cards": shelf(), **b.load()}


def lines(result: Any) -> Iterable[str]:
    """A result in plain text, made when it is read."""
    yield from plain.lines(told(result))


def _answered(result: Any, words: str | None) -> Answered:
    return Answered(with_words(result.model_dump(), result, words), lines(result))


def _plan(b: SizeBody, *, details: bool) -> Plan:
    return api.size(**_asked(b), details=details)


def size(b: SizeBody) -> Answered:
    """The fewest GPUs on which a model serves a load.

    Raises:
        GpuSizerError: an unknown name, or a value that makes no sense.
    """
    plan = _plan(b, details=b.details)
    return _answered(plan, b.words)


def size_file(b: FileBody) -> Answered:
    """The fewest GPUs for a model whose card or configuration came along; nothing else is read.

    Raises:
        GpuSizerError: a file that is neither, or a value that makes no sense.
    """
    plan = api.size(**_asked_of(card_of_text(b.text, b.name), b), details=b.details)
    return _answered(plan, b.words)


def fit(b: FitBody) -> Answered:
    """Whether a layout fits, or a number of GPUs in its best layout, or whether a server's command starts.

    Raises:
        GpuSizerError: an unknown name, or a value that makes no sense.
    """
    sizes = b.layout()
    told = [s.name for s in LAYOUT if sizes[s.name] != s.default]
    if b.command is not None:
        given = b.model_fields_set
        own = {k: v for k, v in {**b.load(), **sizes}.items() if k in given}
        own |= {"model": b.model, "gpu": b.gpu, "machine": b.machine, "gpu_count": b.gpu_count}
        started = api.fit_command(b.command, cards=shelf(), most_gpus=MOST_GPUS, **own)
        return Answered(started.model_dump(), started.lines())
    if b.model is None:
        raise RequestError("name a model, or a command", about="model")
    if b.gpu_count is not None or (b.machine is not None and not told):
        if told:
            raise RequestError(f"say either gpu_count or {told[0]}, not both", about="gpu")
        fitted = api.fits_on(**_asked(b), gpu_count=b.gpu_count)
        return _answered(fitted, b.words)
    if (count := Layout(**sizes).gpu_count) > MOST_GPUS:
        raise RequestError(f"the layout takes {count:,} GPUs; at most {MOST_GPUS} can be asked about here", about="gpu")
    one = api.estimate(**_asked(b), **sizes)
    return _answered(one, b.words)


def speed(b: SpeedBody) -> Answered:
    """How fast a layout is, or the fastest of a number of GPUs.

    Raises:
        GpuSizerError: an unknown name, a value that makes no sense, or what no speed is known of.
    """
    sizes = b.layout()
    if (count := Layout(**sizes).gpu_count) > MOST_GPUS:
        raise RequestError(f"the layout takes {count:,} GPUs; at most {MOST_GPUS} can be asked about here", about="gpu")
    pace = api.speed(**_asked(b), gpu_count=b.gpu_count, **sizes)
    return _answered(pace, b.words)


def rent(b: RentBody) -> Answered:
    """The machines to rent for a load.

    Raises:
        GpuSizerError: an unknown name, or a value that makes no sense.
    """
    wanted = {k: getattr(b, k) for k in ("provider", "region", "spot", "max_price", "as_of", "everything")}
    rentals = api.rent(api.load_model(b.model, cards=shelf()), cards=shelf(), **wanted, **b.load())
    return _answered(rentals, b.words)


def ask(b: AskBody) -> Answered:
    """The answer to a question in words.

    Raises:
        GpuSizerError: a question that is not understood, or a name that is missing, unknown or ambiguous.
    """
    answered = with_answers(ask_in_words(b.question, cards=shelf(), most_gpus=MOST_GPUS, most_listed=MOST_LISTED))
    return Answered(with_answer_words(answered.model_dump(), answered, b.words), answered.lines())


def deploy(b: DeployBody) -> Answered:
    """What starts the server of a plan.

    Raises:
        GpuSizerError: as for :func:`size`, an unknown format, or a plan that does not fit.
    """
    chosen = {s.name: getattr(b, s.name) for s in CHOICES}
    answer: Plan | Fit
    if layout := b.layout():
        # A layout of one's own goes before the plan's.
        if (count := Layout(**layout).gpu_count) > MOST_GPUS:
            raise RequestError(f"the layout takes {count:,} GPUs; at most {MOST_GPUS} are deployed here", about="gpu")
        answer = api.estimate(**_asked(b), **layout)
    else:
        answer = _plan(b, details=b.details or chosen["tuned"])
    own = weights_named(answer.request.model, b.model)
    text = write(answer, b.format, release=own, extra=tuple(b.extra), **chosen)
    plan = with_words(answer.model_dump(), answer, b.words)
    return Answered({"format": b.format, "file": text, "plan": plan}, text.splitlines())


def models(b: ListBody) -> Answered:
    """The models of the catalogue."""
    listing = model_listing(shelf().models.all(), ModelFilter(text=b.search), counts=shelf().models.counts)
    return Answered({"models": listing.records}, listing.lines())


def gpus(b: ListBody) -> Answered:
    """The GPUs of the catalogue."""
    listing = gpu_listing(shelf().gpus.all(), GpuFilter(text=b.search))
    return Answered({"gpus": listing.records}, listing.lines())


def machines(b: ListBody) -> Answered:
    """The machines that can be rented."""
    listing = machine_listing(fleet(shelf()).all(), MachineFilter(text=b.search))
    return Answered({"machines": listing.records}, listing.lines())


CALLS = {
    call.name: call
    for call in (
        Call("size", SizeBody, size, "The fewest GPUs on which a language model serves a load, and why not fewer."),
        Call("size_file", FileBody, size_file, "The fewest GPUs for a model whose card or config.json is sent along."),
        Call("fit", FitBody, fit, "Whether a model fits on a number of GPUs or in one layout, and what is left."),
        Call("speed", SpeedBody, speed, "How fast a model is on its GPUs: tokens a second, with a range and a bound."),
        Call("ask", AskBody, ask, "A question in words: counts, fits, longest context, most users, which GPU."),
        Call("deploy", DeployBody, deploy, "The command or file that starts the server of the smallest plan."),
        Call("rent", RentBody, rent, "Whole machines to rent that carry a model's load, the cheapest first."),
        Call("models", ListBody, models, "The models of the catalogue."),
        Call("gpus", ListBody, gpus, "The GPUs of the catalogue."),
        Call("machines", ListBody, machines, "Machines that can be rented: their GPUs, and what they cost."),
    )
}
