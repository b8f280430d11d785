"""A request: which model on which GPU, under which load, within which limits; checked before anything is computed."""

from __future__ import annotations

from gpu_sizer.cards.catalogue import LOCAL
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.registry import INSTEAD, engine, engine_for, engine_names
from gpu_sizer.errors import RequestError
from gpu_sizer.load import (
    ENGINE,
    LIMITS,
    LOAD,
    MOST_GPUS,
    OPTIONS,
    USUAL_ANSWER,
    USUAL_PROMPT,
    WEIGHTS,
    Limits,
    Load,
    checked,
    told,
)
from gpu_sizer.model.inventory import weight_format
from gpu_sizer.planning.quantities import tokens
from gpu_sizer.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Unpack

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.cards.machine import Offer
    from gpu_sizer.engines.engine import Engine
    from gpu_sizer.load import Layouts, LoadOptions, Settings, SizeOptions

#: GPUs in a machine where the spec does not say.
DEFAULT_NODE = 8
_OF_LIMITS = tuple([s.name for s in LIMITS])
_TOKENS = frozenset([s.name for s in OPTIONS.values() if s.tokens])
#: Settings that are rates: with one of them, lengths matter, and a request is as long as its prompt and answer.
RATES = ("tokens_per_second", "requests_per_second")
#: Limits of a request that has none of its own.
ANYWHERE = Limits()


def node_of(gpu: GpuSpec, told: int | None) -> int:
    """GPUs in one machine: as many as were told, or its usual ones have."""
    return told or gpu.gpus_per_node or DEFAULT_NODE


@dataclass(frozen=True, slots=True)
class Request:
    """Everything a plan depends on."""

    model: ModelCard
    gpu: GpuSpec
    load: Load
    engine: str = ENGINE.default
    limits: Limits = ANYWHERE
    machine: Offer | None = None
    """The machine that was asked for by name, whose GPUs these are."""
    provider: str | None = None
    """Id of the provider whose machines are named beside counts; null is any."""
    in_nodes: bool = False
    """Whether a number of nodes is asked for: machines of ``gpus_per_node`` GPUs, whoever rents them out."""
    cards: Catalogue | None = None
    """Whose machines are named beside counts; null is the shipped ones and the user's own."""

    @property
    def counts_machines(self) -> bool:
        """Whether an answer counts whole machines first: one was named, or nodes are asked for."""
        return self.in_nodes or (self.machine is not None and self.machine.provider != LOCAL)

    @property
    def context(self) -> int:
        """Tokens of one request."""
        return self.load.context

    @property
    def users(self) -> int:
        """Requests at once."""
        return self.load.users

    @property
    def layouts(self) -> Layouts:
        """The kinds of parallelism that are allowed."""
        return self.limits.layouts

    @property
    def max_gpus(self) -> int:
        """Where the search ends: a slice of a GPU works alone."""
        return self.limits.max_gpus if self.gpu.is_whole else 1

    @property
    def gpus_per_node(self) -> int:
        """GPUs in one machine."""
        return node_of(self.gpu, self.limits.gpus_per_node)

    @property
    def what_if(self) -> str | None:
        """The type of the weights that is asked for; null as they were released."""
        return self.load.weights_dtype

    @property
    def as_released(self) -> bool:
        """Whether the weights are held as they were released: no other type is asked for, and no file of another."""
        return self.what_if is None and self.model.weights.file is None

    def get_engine(self) -> Engine:
        """The engine profile."""
        return engine(self.engine)

    def under(self, **load: Unpack[LoadOptions]) -> Request:
        """The same under another load: these settings changed, not checked again."""
        return replace(self, load=replace(self.load, **load))  # type: ignore[arg-type]  # a number by now

    def on_nodes(self, gpus: int) -> Request:
        """The same on machines of so many GPUs."""
        return replace(self, limits=replace(self.limits, gpus_per_node=gpus))

    def not_taken(self, settings: Settings) -> list[str]:
        """What was asked for and the engine has no such setting, a sentence each."""
        told = []
        for s in self.load.changed():
            asked, taken = getattr(self.load, s.name), getattr(settings, s.name)
            # Users are those of one replica there; lengths and sizes may be rounded, shares are not.
            if s.name == "users":
                continue
            if taken == s.default or (s.kind == "float" and taken != asked):
                told.append(f"{self.get_engine().title} has no setting for this and leaves it aside: {s.say(asked)}")
        return told

    def assumptions(self, settings: Settings, weights_format: str, *, of_gpu: bool = True) -> dict[str, Any]:
        """What an answer to it rests on: the settings in force that are always told or were asked for.

        Args:
            settings: what the engine runs with.
            weights_format: the format in which most bytes of the weights are.
            of_gpu: whether the answer is one about this GPU: else neither its defaults nor the search are told.
        """
        assumed: dict[str, Any] = {}
        for s in LOAD:
            asked = getattr(self.load, s.name)
            # Settings have the users of one replica, and the type of the weights that was asked for, if any.
            value = {"users": asked, "weights_dtype": weights_format}.get(s.name, getattr(settings, s.name))
            resolved = s.default is None and value is not None and (of_gpu or not s.by_gpu)
            if s.told or resolved or asked != s.default:
                assumed[s.name] = value
        limits = {s.name: getattr(self.limits, s.name) for s in LIMITS if of_gpu or not s.told}
        return assumed | told(limits)


def make_request(
    model: ModelCard,
    gpu: GpuSpec,
    *,
    machine: Offer | None = None,
    provider: str | None = None,
    in_nodes: bool = False,
    cards: Catalogue | None = None,
    **options: Unpack[SizeOptions],
) -> Request:
    """A checked request; options that are null or left out have their defaults.

    Args:
        model: the card.
        gpu: the spec of the GPUs.
        machine: the machine whose GPUs these are, where one was named; a node is one of it.
        provider: id of the provider whose machines are named beside counts; null is any.
        in_nodes: a number of nodes is asked for.
        cards: whose machines are named beside counts; null is the shipped ones and the user's own.
        options: settings of :mod:`gpu_sizer.load`.

    Raises:
        RequestError: an unknown option, a value out of range, or a context longer than the card allows.
    """
    given = checked(options_of(options, model.context.native))
    if (kind := model.weights.file_type) is not None:
        _as_file(given, model, kind)
    if machine is not None:
        given.setdefault("gpus_per_node", machine.machine.gpu_count)
    if _asks_rate(given):
        given.setdefault("prompt", USUAL_PROMPT)
        given.setdefault("answer", USUAL_ANSWER)
    longest = model.context.extended or model.context.native
    context = given.setdefault("context", usual_context(given, model))
    if context > longest:
        extended = f" (extended by {model.context.method})" if model.context.method else ""
        raise RequestError(
            f"context {context:,} is longer than {model.name} allows: {longest:,} tokens{extended}", about="context"
        )
    engine = engine_for(given.pop("engine", ENGINE.default), model)
    limits = {name: given.pop(name) for name in _OF_LIMITS if name in given}
    where = Limits(**limits) if limits else ANYWHERE
    request = Request(model, gpu, Load(**given), engine, where, machine, provider, in_nodes, cards)
    if (dtype := request.what_if) is not None:
        check_format(request.get_engine(), dtype)
    request.get_engine().check(request.load)
    return request


def _as_file(given: dict[str, Any], model: ModelCard, kind: str) -> None:
    """A model that is named as a file is one of its type to the engine that reads it, unless another is asked for."""
    if model.weights.file is not None:
        if WEIGHTS in given:
            raise RequestError(
                f"{model.name} is a file whose tensors are in the types that they are in ({kind.upper()}): for "
                f"{given[WEIGHTS]} name the model that it was made from"
            )
        given.setdefault(ENGINE.name, INSTEAD)
        return
    if WEIGHTS in given:
        return
    given.setdefault(ENGINE.name, INSTEAD)
    if engine(given[ENGINE.name]).name == INSTEAD and all(rule.format != kind for rule in model.weights.rules):
        given[WEIGHTS] = kind


def _asks_rate(given: Mapping[str, Any]) -> bool:
    """Whether one of the options is a rate."""
    return not given.keys().isdisjoint(RATES) and any(given.get(name) for name in RATES)


def check_format(asked: Engine, dtype: str) -> None:
    """Refuses a format of weights that neither all engines nor this one has.

    Raises:
        RequestError: the format, and what is known.
    """
    if asked.own_format(dtype) is not None:
        return
    try:
        weight_format(dtype)
    except RequestError as unknown:
        for name in engine_names():
            if engine(name).own_format(dtype) is not None:
                raise RequestError(
                    f"{dtype!r} is a format of {name}'s files: ask with that engine (--engine {name})"
                ) from None
        if not asked.own_formats:
            raise
        of_files = f"types of {asked.name}'s files: {', '.join(asked.own_formats)}"
        raise RequestError(f"{unknown}; {of_files}") from None


def usual_context(given: Mapping[str, Any], model: ModelCard) -> int:
    """Tokens of one request that does not tell: the model's own length, or prompt and answer where these matter."""
    native = model.context.native
    if not (given.get("prompt") or given.get("answer") or _asks_rate(given)):
        return native
    return min(
        model.context.extended or native,
        int(given.get("prompt") or USUAL_PROMPT) + int(given.get("answer") or USUAL_ANSWER),
    )


def options_of(given: Mapping[str, Any], native: int | None) -> dict[str, Any]:
    """Options without nulls, and with lengths as numbers.

    Args:
        given: options by name; a length may be written as 32k.
        native: the model's own length, which decides what ``k`` means.

    Raises:
        RequestError: a length that is none.
    """
    options = {name: value for name, value in given.items() if value is not None}
    for name in _TOKENS & options.keys():
        if isinstance(options[name], str):
            options[name] = tokens(options[name], native, name, OPTIONS[name].about)
    return options


def gpus_asked(count: int | None) -> int:
    """A number of GPUs that is asked about; null is one.

    Raises:
        RequestError: not a whole number from 1 to the largest search.
    """
    if count is None:
        return 1
    if isinstance(count, bool) or not isinstance(count, int):
        raise RequestError(f"the number of GPUs must be a whole number, not {count!r:.60}", about="gpu")
    if not 1 <= count <= MOST_GPUS:
        raise RequestError(f"the number of GPUs must be from 1 to {MOST_GPUS:,}, not {count:,}", about="gpu")
    return count
