"""The library's calls: names, paths or cards in, plans out."""

from __future__ import annotations

import os

from gpu_sizer.answers import Fit, Plan, as_answer, as_fit, with_answers
from gpu_sizer.cards.catalogue import LOCAL, Catalogue, catalogue
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.names import HUB_PREFIX, is_hub_id, is_place
from gpu_sizer.engines.registry import INSTEAD
from gpu_sizer.errors import RequestError, UnknownModelError, unknown_word
from gpu_sizer.load import OPTIONS, USUAL_ANSWER, USUAL_PROMPT, VARIED
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.planned import fit, plan
from gpu_sizer.planning.request import Request, gpus_asked, make_request, options_of
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable
    from typing import Any, Unpack

    from gpu_sizer.cards.machine import Offer
    from gpu_sizer.evidence.starting import Starting
    from gpu_sizer.load import FitOptions, SizeOptions
    from gpu_sizer.planning.by_engine import EngineChoices
    from gpu_sizer.planning.choices import Choices
    from gpu_sizer.planning.how_fast import HowFast
    from gpu_sizer.planning.inverse import LongestContext, MostUsers, OnCount
    from gpu_sizer.planning.needs import MemoryNeed
    from gpu_sizer.planning.rent import Rentals
    from gpu_sizer.planning.runnable import Runnable
    from gpu_sizer.planning.sweep import Axes
    from gpu_sizer.queries.answers import Answer, Answers
    from gpu_sizer.queries.pasted import Checked
    from gpu_sizer.reports.sweep_view import Sweep

    ModelName = str | os.PathLike[str] | ModelCard
    GpuName = str | os.PathLike[str] | GpuSpec
    MachineName = str | Offer


def load_model(model: str | os.PathLike[str] | ModelCard, *, cards: Catalogue | None = None) -> ModelCard:
    """A model card by id, alias, hub id, or path: a YAML card, a model folder, a config.json.

    Raises:
        UnknownModelError: no such model, or several (``suggestions`` names them).
        CardError: a card or configuration that cannot be used.
    """
    if isinstance(model, ModelCard):
        return model
    name = os.fspath(model)
    if not name.strip():
        raise UnknownModelError("no model was named; `gpu-sizer models` lists what is known")
    shelf = cards or catalogue()
    if shelf.names_only or name.endswith((".yaml", ".yml")):
        return shelf.model(name)
    try:
        return _own_or_known(name, shelf)
    except UnknownModelError as error:
        from gpu_sizer.cards.other_kinds import other_kind

        if error.kind != "unknown" or not is_hub_id(name) or other_kind(name) is not None:
            raise
        if shelf.online:
            return _noted(_imported(f"{HUB_PREFIX}{name}"), f"no card has {name}: read from the hub")
        offer = f"{error}; {HUB_PREFIX}{name} (or --online) reads it from the hub, and its folder does as well"
        raise UnknownModelError(offer, suggestions=error.suggestions) from None


def _own_or_known(name: str, shelf: Catalogue) -> ModelCard:
    """A model in a folder of one's own, or of the catalogue."""
    known = shelf.models.lookup(name) is not None
    if is_place(name) or (not known and os.path.isdir(name)):
        return _imported(name)
    # A folder bears a hub id's name where models lie as on the hub, and is read, as engines read it; a bare name is the
    # catalogue's.
    if known and os.path.isfile(os.path.join(name, "config.json")):
        if "/" in name:
            return _noted(_imported(name), f"read from the folder {name}, not from the catalogue")
        return _noted(shelf.model(name), f"taken from the catalogue; ./{name} is the folder of that name here")
    return shelf.model(name)


def load_in_any_type(model: str | os.PathLike[str] | ModelCard, *, cards: Catalogue | None = None) -> ModelCard:
    """A model whose engine and types are told beside it: of a table or a sweep, where they are the same for many.

    Raises:
        GpuSizerError: as :func:`load_model`; or its name tells the type of a file, which is told apart there.
    """
    card = load_model(model, cards=cards)
    if card.weights.file is not None:
        raise RequestError(
            f"{card.name} is a GGUF file, which llama.cpp alone reads: here all models are under one engine"
        )
    if (kind := card.weights.file_type) is not None:
        raise RequestError(
            f"name {card.id}, and the type of its file apart (--engine {INSTEAD} --weights-dtype {kind}): here all "
            "models are under one engine",
            about="model",
        )
    return card


def _imported(name: str) -> ModelCard:
    from gpu_sizer.importers.sources import import_source

    return import_source(name)


def _noted(card: ModelCard, note: str) -> ModelCard:
    return replace(card, notes=(*card.notes, note[:400]))


def load_gpu(gpu: str | os.PathLike[str] | GpuSpec, *, cards: Catalogue | None = None) -> GpuSpec:
    """A GPU spec by id, alias, or path of a YAML spec.

    Raises:
        UnknownGpuError: no such GPU, or several (``suggestions`` names them).
        CardError: a spec that cannot be used.
    """
    return gpu if isinstance(gpu, GpuSpec) else (cards or catalogue()).gpu(os.fspath(gpu))


def load_machine(machine: MachineName, *, provider: str | None = None, cards: Catalogue | None = None) -> Offer:
    """A machine that can be rented, by its name or an alias: ``p5.48xlarge``, ``lambda/gpu_1x_a100``.

    Args:
        machine: its name; ``local`` is this computer, whose driver is asked for its GPUs.
        provider: who rents it out, where several share the name.
        cards: the catalogue; null is the shipped one with the user's folders.

    Raises:
        UnknownMachineError: no such machine, or several (``suggestions`` names them).
    """
    if not isinstance(machine, str):
        return machine
    shelf = cards or catalogue()
    if machine == LOCAL and not shelf.names_only:
        from gpu_sizer.cards.present import local_machine

        return local_machine(shelf)
    from gpu_sizer.cards.fleet import fleet

    return fleet(shelf).find(machine, provider)


def hardware(
    gpu: GpuName | None, machine: MachineName | None, cards: Catalogue | None = None
) -> tuple[GpuSpec, Offer | None]:
    """The GPU that is asked about, and the machine that it is in where one was named; ``local`` is this computer.

    Raises:
        RequestError: neither or both are given, or it is not known which GPU the machine has.
        UnknownNameError: no such GPU or machine, or several.
    """
    if gpu is not None and machine is not None:
        raise RequestError("say a GPU or a machine, not both", about="gpu")
    if gpu is None and machine is None:
        error = RequestError("on which GPU? name one, or a machine", about="gpu")
        error.kind = "incomplete"
        raise error
    if gpu == LOCAL:
        gpu, machine = None, LOCAL
    if machine is None:
        assert gpu is not None
        return load_gpu(gpu, cards=cards), None
    offer = load_machine(machine, cards=cards)
    seen = offer.machine.seen_gpu
    if seen is None:
        known = offer.machine.gpu_candidates
        tail = f": say --gpu {' or '.join(known)}" if known else ""
        told = f"{offer.machine.count:g} × {offer.machine.gpu_told}"
        raise RequestError(
            f"{offer.key} has {told}, and its source does not say which{tail}",
            about="gpu",
            suggestions=known,
        )
    return load_gpu(seen, cards=cards), offer


def request(
    model: ModelName,
    gpu: GpuName | None = None,
    *,
    machine: MachineName | None = None,
    cards: Catalogue | None = None,
    **options: Unpack[SizeOptions],
) -> Request:
    """A checked request from names and options."""
    spec, offer = hardware(gpu, machine, cards)
    return make_request(load_model(model, cards=cards), spec, machine=offer, cards=cards, **options)


def size(
    model: str | os.PathLike[str] | ModelCard,
    *,
    gpu: str | os.PathLike[str] | GpuSpec | None = None,
    machine: str | Offer | None = None,
    details: bool = True,
    **load: Unpack[SizeOptions],
) -> Plan:
    """The fewest GPUs on which a model serves a load.

    Args:
        model: id, alias, hub id, path, or card.
        gpu: id, alias, path, or spec.
        machine: a machine that can be rented, by name, instead of a GPU.
        details: also alternatives, rejected counts, tuned settings, counts at other lengths.
        load: {options}

    Raises:
        GpuSizerError: an unknown name or option, a card that cannot be used, or a value that makes no sense.
    """
    return as_answer(plan(request(model, gpu, machine=machine, **load), details=details))


def estimate(
    model: str | os.PathLike[str] | ModelCard,
    *,
    gpu: str | os.PathLike[str] | GpuSpec | None = None,
    machine: str | Offer | None = None,
    tensor_parallel_size: int = 1,
    pipeline_parallel_size: int = 1,
    data_parallel_size: int = 1,
    expert_parallel: bool = False,
    decode_context_parallel_size: int = 1,
    **load: Unpack[FitOptions],
) -> Fit:
    """Whether one layout fits, and what is left; the load options are those of :func:`size`.

    Raises:
        GpuSizerError: an unknown name, a card that cannot be used, or a value that makes no sense.
    """
    layout = Layout(
        tensor_parallel_size,
        pipeline_parallel_size,
        data_parallel_size,
        expert_parallel,
        decode_context_parallel_size,
    )
    return as_fit(fit(request(model, gpu, machine=machine, **load), layout))


def speed(
    model: str | os.PathLike[str] | ModelCard,
    *,
    gpu: str | os.PathLike[str] | GpuSpec | None = None,
    machine: str | Offer | None = None,
    gpu_count: int | None = None,
    tensor_parallel_size: int = 1,
    pipeline_parallel_size: int = 1,
    data_parallel_size: int = 1,
    expert_parallel: bool = False,
    decode_context_parallel_size: int = 1,
    **load: Unpack[FitOptions],
) -> HowFast:
    """How fast a model is: tokens a second for each user and in all, the time per token and to the first token.

    Each figure is the estimate, the range in which 90 % of what was measured lies, and what physics allows.

    Args:
        model: id, alias, hub id, path, or card.
        gpu: id, alias, path, or spec.
        machine: a machine that can be rented, by name, instead of a GPU.
        gpu_count: the layout of so many GPUs that surely gives most tokens in all; instead of the sizes.
        tensor_parallel_size: GPUs over which every layer is cut.
        pipeline_parallel_size: stages.
        data_parallel_size: replicas; with ``expert_parallel`` groups that share the experts.
        expert_parallel: whole experts on each GPU.
        decode_context_parallel_size: one alone: of others nothing was measured.
        load: as in :func:`size`. ``users`` send a prompt of ``prompt`` tokens (1,024 where it is left out) and get an
            answer of ``answer`` (256), each followed by another; ``tokens_per_second`` and ``requests_per_second`` are
            judged against.

    Raises:
        GpuSizerError: an unknown name or option, a card that cannot be used, a value that makes no sense, or an engine
            or GPU of whose speed nothing is known.
    """
    from gpu_sizer.planning.how_fast import how_fast, how_fast_on

    load["prompt"] = USUAL_PROMPT if load.get("prompt") is None else load["prompt"]
    load["answer"] = USUAL_ANSWER if load.get("answer") is None else load["answer"]
    made = request(model, gpu, machine=machine, **load)
    layout = Layout(
        tensor_parallel_size,
        pipeline_parallel_size,
        data_parallel_size,
        expert_parallel,
        decode_context_parallel_size,
    )
    if gpu_count is None and made.machine is not None and layout.gpu_count == 1:
        gpu_count = _count(None, made.machine)
    if gpu_count is None:
        return with_answers(how_fast(made, layout))
    if layout != Layout():
        raise RequestError("say a number of GPUs or the sizes of a layout, not both", about="gpu")
    return with_answers(how_fast_on(made, gpus_asked(gpu_count)))


def fits_given(model: ModelName, *, gpus: str, cards: Catalogue | None = None, **load: Unpack[SizeOptions]) -> Fit:
    """Whether a model fits on given GPUs that may differ, as ``2xa6000+1xrtx-3090``; ``load`` as in :func:`size`.

    Raises:
        GpuSizerError: an unknown name, GPUs that differ for an engine whose GPUs must be alike, or a value that makes
            no sense.
    """
    from gpu_sizer.planning.given import fit_given, given_gpus

    given = given_gpus(gpus, lambda name: load_gpu(name, cards=cards))
    return as_fit(fit_given(request(model, given[0], cards=cards, **load), given))


def by_engine(
    model: ModelName, *, gpu: GpuName | None = None, machine: MachineName | None = None, **load: Unpack[SizeOptions]
) -> EngineChoices:
    """The fewest GPUs under each engine; ``load`` as in :func:`size`, without its engine.

    Raises:
        GpuSizerError: an unknown name, a card that cannot be used, or a value that makes no sense.
    """
    from gpu_sizer.planning.by_engine import by_engine as choose

    return with_answers(choose(request(model, gpu, machine=machine, **load)))


def _count(gpu_count: int | None, machine: Offer | None = None, *, needed: bool = False) -> int:
    """A number of GPUs that can be: of a machine all of its own, unless told.

    Raises:
        RequestError: not a whole number from 1 to the largest search, or none where one is needed.
    """
    if gpu_count is None and machine is not None:
        return machine.machine.gpu_count
    if gpu_count is None and needed:
        raise RequestError("the number of GPUs must be told", about="gpu")
    return gpus_asked(gpu_count)


def fits_on(
    model: ModelName,
    *,
    gpu: GpuName | None = None,
    gpu_count: int | None = None,
    machine: MachineName | None = None,
    **load: Unpack[SizeOptions],
) -> OnCount:
    """Whether a number of GPUs carries a model, in their best layout; ``load`` as in :func:`size`.

    Raises:
        GpuSizerError: an unknown name, a card that cannot be used, or a value that makes no sense.
    """
    from gpu_sizer.planning.inverse import on_count

    asked = request(model, gpu, machine=machine, **load)
    return with_answers(on_count(asked, _count(gpu_count, asked.machine, needed=True)))


def longest_context(
    model: ModelName,
    *,
    gpu: GpuName | None = None,
    gpu_count: int | None = None,
    machine: MachineName | None = None,
    **load: Unpack[SizeOptions],
) -> LongestContext:
    """The longest context in tokens on a number of GPUs, found on the planner itself; ``load`` as in :func:`size`.

    Raises:
        GpuSizerError: an unknown name, a card that cannot be used, or a value that makes no sense.
    """
    from gpu_sizer.planning.inverse import longest_context as longest

    asked = request(model, gpu, machine=machine, **load)
    return with_answers(longest(asked, _count(gpu_count, asked.machine)))


def most_users(
    model: ModelName,
    *,
    gpu: GpuName | None = None,
    gpu_count: int | None = None,
    machine: MachineName | None = None,
    **load: Unpack[SizeOptions],
) -> MostUsers:
    """The most requests of ``context`` tokens at once on a number of GPUs; ``load`` as in :func:`size`.

    Raises:
        GpuSizerError: an unknown name, a card that cannot be used, or a value that makes no sense.
    """
    from gpu_sizer.planning.inverse import most_users as most

    asked = request(model, gpu, machine=machine, **load)
    return with_answers(most(asked, _count(gpu_count, asked.machine)))


def memory_need(model: ModelName, *, cards: Catalogue | None = None, **load: Unpack[SizeOptions]) -> MemoryNeed:
    """The bytes of weights and cache that a load needs in all, and GPUs that have them; ``load`` as in :func:`size`.

    Raises:
        GpuSizerError: an unknown name, a card that cannot be used, or a value that makes no sense.
    """
    from gpu_sizer.planning.choices import cheapest
    from gpu_sizer.planning.needs import REFERENCE_GPU
    from gpu_sizer.planning.needs import memory_need as need

    shelf, card = cards or catalogue(), load_model(model, cards=cards)
    made = request(card, shelf.gpus.get(REFERENCE_GPU), cards=cards, **load)
    return with_answers(need(made, cheapest(made, shelf.gpus.every)))


def what_fits(
    gpu: GpuName | None = None,
    *,
    gpu_count: int | None = None,
    machine: MachineName | None = None,
    everything: bool = False,
    order: str = "newest",
    workers: int = 1,
    cards: Catalogue | None = None,
    **load: Unpack[SizeOptions],
) -> Runnable:
    """The models of the catalogue that a number of GPUs runs, those as released first; ``load`` as in :func:`size`.

    Args:
        gpu: id, alias, path, or spec.
        gpu_count: how many; null is one, or all of a machine's.
        machine: a machine that can be rented, by name, instead of a GPU.
        everything: also those that do not run.
        order: ``newest`` first, or those that the Chatbot Arena's newest table has ``rated`` best.
        workers: processes that share the models, and part from this one; 0 is one for each core, or this one alone
            where it has other threads.
        cards: the catalogue; null is the shipped one with the user's folders.

    Raises:
        GpuSizerError: an unknown name, or a value that makes no sense.
    """
    from gpu_sizer.planning.runnable import ORDERS, by_rating
    from gpu_sizer.planning.runnable import what_fits as runnable

    if order not in ORDERS:
        raise unknown_word(f"order is {' or '.join(ORDERS)}, not {order[:40]!r}", order, ORDERS)
    shelf = cards or catalogue()
    spec, offer = hardware(gpu, machine, cards)
    number, asked = _count(gpu_count, offer), options_of(load, None)
    many: dict[str, Any] = {"everything": everything, "workers": workers, "counts": shelf.models.counts}
    models = runnable(shelf.models.all(), spec, number, machine=offer, **many, **asked)
    if order == "newest":
        return models
    from gpu_sizer.arena.scores import rated_now

    return by_rating(models, *rated_now(shelf))


def which_gpu(
    model: ModelName,
    *,
    everything: bool = False,
    provider: str | None = None,
    cards: Catalogue | None = None,
    **load: Unpack[SizeOptions],
) -> Choices:
    """The GPUs of the catalogue on which a model runs, the cheapest first; ``load`` as in :func:`size`.

    Args:
        model: id, alias, hub id, path, or card.
        everything: also those on which it does not fit, and beyond the first dozen.
        provider: only GPUs in this provider's machines, at its prices.
        cards: the catalogue; null is the shipped one with the user's folders.
        load: the load options.

    Raises:
        GpuSizerError: an unknown name, a card that cannot be used, or a value that makes no sense.
    """
    from gpu_sizer.planning.choices import which_gpu as choose

    gpus = (cards or catalogue()).gpus.all()
    owner = provider_id(provider, cards)
    card = load_model(model, cards=cards)
    return with_answers(choose(card, gpus, everything=everything, provider=owner, shelf=cards, **load))


def compare(
    model: ModelName,
    gpus: Iterable[GpuName] = (),
    *,
    machines: Iterable[MachineName] = (),
    cards: Catalogue | None = None,
    **load: Unpack[SizeOptions],
) -> Choices:
    """Some GPUs, or machines that can be rented, side by side for a model, in the order given.

    Args:
        model: id, alias, hub id, path, or card.
        gpus: ids, aliases, paths, or specs.
        machines: names of machines, which stand behind the GPUs.
        cards: the catalogue; null is the shipped one with the user's folders.
        load: as in :func:`size`.

    Raises:
        GpuSizerError: an unknown name, a card that cannot be used, or a value that makes no sense.
    """
    from gpu_sizer.planning.choices import which_gpu as choose

    compared: list[GpuSpec | tuple[GpuSpec, Offer]] = [load_gpu(g, cards=cards) for g in gpus]
    for name in machines:
        spec, offer = hardware(None, name, cards)
        compared.append((spec, offer) if offer is not None else spec)
    return with_answers(choose(load_model(model, cards=cards), compared, in_order=True, shelf=cards, **load))


def rent(
    model: ModelName,
    *,
    provider: str | None = None,
    region: str | None = None,
    spot: bool = False,
    max_price: float | None = None,
    as_of: str | datetime.date | None = None,
    everything: bool = False,
    cards: Catalogue | None = None,
    **load: Unpack[SizeOptions],
) -> Rentals:
    """The machines to rent for a model, whole ones, the cheapest first; ``load`` as in :func:`size`.

    Args:
        model: id, alias, hub id, path, or card.
        provider: only this one's machines.
        region: part of a region's name; only prices there, and those that hold everywhere.
        spot: prices of machines that the provider may take back, instead of those on demand.
        max_price: the most to pay, in US dollars an hour for all machines together.
        as_of: the day from which the age of prices is counted; null is today.
        everything: also dearer machines of the same GPUs at the same provider, and clusters that nobody would build.
        cards: the catalogue; null is the shipped one with the user's folders.
        load: the load options.

    Raises:
        GpuSizerError: an unknown name, or a value that makes no sense.
    """
    from datetime import date

    from gpu_sizer.cards.fleet import fleet
    from gpu_sizer.planning.rent import rent as choose
    from gpu_sizer.planning.rental import Wanted

    shelf = cards or catalogue()
    known = fleet(shelf)
    try:
        day = date.fromisoformat(as_of) if isinstance(as_of, str) else as_of or date.today()
    except ValueError:
        raise RequestError(f"as_of must be a date as 2026-11-30, not {as_of!r:.60}") from None
    wanted = Wanted(provider_id(provider, shelf), region, spot, max_price, day)
    card = load_model(model, cards=cards)
    return with_answers(choose(card, known.all(), shelf.gpus.get, wanted, everything=everything, **load))


def provider_id(provider: str | None, cards: Catalogue | None = None) -> str | None:
    """The id of a provider by any of its names; null stays null.

    Raises:
        UnknownMachineError: no such provider.
    """
    if provider is None:
        return None
    from gpu_sizer.cards.fleet import fleet

    return fleet(cards).provider(provider)


def _several(names: Any) -> tuple[Any, ...]:
    """One name or several."""
    return (names,) if isinstance(names, str | os.PathLike | ModelCard | GpuSpec) else tuple(names)


def sweep_axes(
    models: ModelName | Iterable[ModelName],
    gpus: GpuName | Iterable[GpuName],
    *,
    contexts: str | Iterable[int],
    users: str | Iterable[int] = (1,),
    cards: Catalogue | None = None,
    **settings: Iterable[Any],
) -> Axes:
    """The axes of a sweep, from names and from values as people write them; ``settings`` as in :func:`sweep`.

    Raises:
        GpuSizerError: an unknown name, or a value that makes no sense.
    """
    from gpu_sizer.planning.sweep import Axes
    from gpu_sizer.planning.sweep_axes import whole_numbers

    return Axes(
        tuple(load_in_any_type(m, cards=cards) for m in _several(models)),
        tuple(load_gpu(g, cards=cards) for g in _several(gpus)),
        whole_numbers(contexts, "context") if isinstance(contexts, str) else tuple(contexts),
        whole_numbers(users, "users") if isinstance(users, str) else tuple(users),
        {s.name: tuple(settings[s.axis]) for s in VARIED if s.axis in settings},
    )


def sweep(models: ModelName | Iterable[ModelName], gpus: GpuName | Iterable[GpuName], **options: Any) -> Sweep:
    """The fewest GPUs for every pairing, as arrays: cell by cell what :func:`size` gives.

    Args:
        models: one or several ids, aliases, paths or cards.
        gpus: one or several ids, aliases, paths or specs.
        options: the axes ``contexts`` and ``users`` (whole numbers, or ``"1k:128k:log8"``), ``weights_dtypes``,
            ``kv_cache_dtypes`` and ``utilizations`` (null is the default); and other load options of :func:`size`.

    Raises:
        GpuSizerError: an unknown name, or a value that makes no sense.
    """
    from gpu_sizer.planning.sweep import sweep_cards
    from gpu_sizer.reports.sweep_view import Sweep

    axes = ("contexts", "users", "cards", *(s.axis for s in VARIED))
    given = {name: options.pop(name) for name in axes if name in options}
    swept = sweep_cards(sweep_axes(models, gpus, **given), **options)
    return Sweep(swept.axes, swept.cells, swept.uncounted)


def fit_command(
    text: str,
    *,
    gpu: GpuName | None = None,
    machine: MachineName | None = None,
    gpu_count: int | None = None,
    model: str | None = None,
    cards: Catalogue | None = None,
    most_gpus: int | None = None,
    **load: Any,
) -> Starting:
    """Whether a server's command starts, before it is run.

    Args:
        text: the command (``vllm serve ...``, ``python -m sglang.launch_server ...``, ``llama-server`` ...), or a
            script, a compose file, a manifest, a Modelfile or a file of vLLM's options that holds one.
        gpu: id, alias, path, or spec of the GPUs that are there.
        machine: a machine that can be rented, instead of a GPU.
        gpu_count: how many there are; null is as many as the manifest asks for, or the machine has, or it takes.
        model: the model's card, where the command calls it by a name that no card bears.
        cards: the catalogue; null is the shipped one with the user's own folders.
        most_gpus: refuse layouts of more GPUs; null is as many as can be planned.
        load: settings and sizes of a layout that go before the command's.

    Raises:
        GpuSizerError: no server's command is found, an unknown name, or a value that makes no sense.
    """
    from gpu_sizer.evidence.preflight import preflight
    from gpu_sizer.evidence.starting import model_named, start

    command = preflight(text)
    shelf = cards or catalogue()
    card = load_model(model_named(command, model), cards=shelf)
    spec, offer = hardware(gpu or (None if machine else command.gpu), machine, shelf)
    count = gpus_asked(gpu_count) if gpu_count is not None else None
    return start(command, card, spec, machine=offer, gpu_count=count, most_gpus=most_gpus, as_fit=as_fit, **load)


def ask(text: str, *, cards: Catalogue | None = None, most_gpus: int | None = None) -> Answer | Answers | Checked:
    """The answer to a question in words.

    Args:
        text: ``how many A6000s for Mixtral 8x7b``.
        cards: the catalogue; null is the shipped one with the user's own folders.
        most_gpus: refuse questions about more GPUs, which take longer to answer; null is as many as can be planned.

    Raises:
        GpuSizerError: a question that is not understood, or a name that is missing, unknown or ambiguous: ``kind``
            (``unknown``, ``ambiguous``, ``incomplete``, ``invalid``) and ``about`` say which.
    """
    from gpu_sizer.queries.answers import ask as ask_in_words

    return with_answers(ask_in_words(text, cards=cards, most_gpus=most_gpus))


if size.__doc__:
    # What ``help`` shows: the settings themselves say what they are.
    _listed = "".join([f"\n            {s.name}: {s.doc}" for s in OPTIONS.values()])
    size.__doc__ = size.__doc__.replace("{options}", f"null is the default everywhere.{_listed}")
