"""Models as engines hold them, kept with all that comes again: one question asks for it as the last."""

from __future__ import annotations

from functools import cached_property, lru_cache

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.registry import engine
from gpu_sizer.memory.layout import Layout, layout_of
from gpu_sizer.planning.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.engines.engine import Engine, Fitting, PreparedModel
    from gpu_sizer.load import Load
    from gpu_sizer.planning.speed import Speeds
    from gpu_sizer.timing.work import Work

    Found = TypeVar("Found")


#: Counts of one model whose layouts are kept.
MOST_KEPT = 512
#: Loads on kinds of GPU, of one model, whose layouts stay evaluated.
MOST_LOADS = 128
#: Results of searches for one model that are kept.
MOST_FOUND = 1024
#: Stands for what was not found yet, where nothing found is null.
_UNKNOWN = object()
#: Kinds of GPU, lengths and settings of one model whose speeds are kept.
MOST_SPEEDS = 64


class Same:
    """What hashes by identity: cards and specs hold dictionaries, and comparing them whole would cost more."""

    __slots__ = ("it",)

    def __init__(self, it: Any) -> None:
        self.it = it

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.it is self.it


class _Known:
    """A model as an engine holds it, and what of it depends on neither GPU nor load."""

    def __init__(self, engine: Engine, model: PreparedModel, card: ModelCard) -> None:
        self._engine, self.model, self._card = engine, model, card
        self._accepted: dict[tuple[int, str, int], tuple[Layout, ...]] = {}
        self._preferred: dict[tuple[int, str, int, int], tuple[tuple[Layout, ...], ...]] = {}
        self._rules: dict[tuple[int, str, int], tuple[str, ...]] = {}
        self._fittings: dict[tuple[int, Load], tuple[GpuSpec, Fitting]] = {}
        self._ranks: dict[tuple[int, str, int], tuple[tuple[int, int], ...]] = {}
        self._tensor_sizes: dict[int, tuple[int, ...]] = {}
        self._speeds: dict[tuple[Same, float, float, Load, bool], Speeds] = {}
        self._found: dict[tuple[Any, ...], Any] = {}

    def found(self, request: Request, what: tuple[Any, ...], find: Callable[[], Found]) -> Found:
        """What a search for a request found, kept: it hangs on GPU, load and limits, and comes again as they do."""
        key = (Same(request.gpu), request.load, request.limits, what)
        if (kept := self._found.get(key, _UNKNOWN)) is _UNKNOWN:
            if len(self._found) >= MOST_FOUND:
                self._found.clear()
            kept = self._found[key] = find()
        found: Found = kept
        return found

    @cached_property
    def total_parameters(self) -> int:
        """All parameters."""
        return self.model.inventory.total_parameters

    @cached_property
    def active_parameters(self) -> int:
        """Those that one token uses."""
        return self.model.inventory.active_parameters

    @cached_property
    def active_without_embedding(self) -> int:
        """Those of the language model that one token computes with."""
        return self.model.inventory.active_without_embedding

    @cached_property
    def checkpoint_parameters(self) -> int:
        """All that the checkpoint holds."""
        return self.model.inventory.checkpoint_parameters

    @cached_property
    def weights_format(self) -> str:
        """The format in which most bytes of the weights are, or the engine's own name for it."""
        if (own := getattr(self.model, "weights_format", None)) is not None:
            return str(own)
        return self.model.inventory.main_format

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the engine's users have to know of it."""
        return self._engine.notes(self._card)

    @cached_property
    def work(self) -> Work:
        """What a token and a prompt ask of the GPUs."""
        from gpu_sizer.timing.work import work_of

        return work_of(self.model.card, self.model.inventory)

    def fitting(self, gpu: GpuSpec, load: Load) -> Fitting:
        """The model on a kind of GPU under a load: one question asks for it many times, and the next ones again.

        Raises:
            RequestError: a GPU on which the engine does not run this model.
        """
        # The spec is kept beside what was found, so that no other can bear its identity.
        key = (id(gpu), load)
        if (kept := self._fittings.get(key)) is None:
            if len(self._fittings) >= MOST_LOADS:
                self._fittings.clear()
            kept = self._fittings[key] = gpu, self._engine.fitting(self.model, gpu, load)
        return kept[1]

    def speeds(self, request: Request, prompt: float, answer: float, *, sure: bool) -> Speeds:
        """The speeds on a GPU with prompts and answers of some length: the same for any users and rates.

        Raises:
            RequestError: a GPU or engine of whose speed nothing is known.
        """
        from gpu_sizer.planning.speed import Speeds

        key = Same(request.gpu), prompt, answer, request.load.alone(), sure
        if (kept := self._speeds.get(key)) is None:
            if len(self._speeds) >= MOST_SPEEDS:
                self._speeds.clear()
            kept = self._speeds[key] = Speeds(request, self, prompt=prompt, answer=answer, sure=sure)
        return kept

    def accepted(self, count: int, kind: str, users: int) -> tuple[Layout, ...]:
        """The layouts of a count that the engine does not refuse."""
        key = (count, kind, min(users, count))
        if (kept := self._accepted.get(key)) is None:
            model, refusal = self.model, self._engine.refusal
            layouts = self._engine.layouts(model, count, users, kind)
            kept = tuple([layout for layout in layouts if refusal(model, layout) is None])
            if len(self._accepted) < MOST_KEPT:
                self._accepted[key] = kept
        return kept

    def rules(self, count: int, kind: str, users: int) -> tuple[str, ...]:
        """Why the engine refuses layouts of a count, each reason once; those that spread experts are left out."""
        key = (count, kind, min(users, count))
        if (kept := self._rules.get(key)) is None:
            model, refusal = self.model, self._engine.refusal
            kept = tuple(
                dict.fromkeys(
                    f"{layout.describe()}: {reason}"
                    for layout in self._engine.layouts(model, count, users, kind)
                    if not layout.expert_parallel and (reason := refusal(model, layout)) is not None
                )
            )
            if len(self._rules) < MOST_KEPT:
                self._rules[key] = kept
        return kept

    def preferred(self, count: int, kind: str, users: int, node: int) -> tuple[tuple[Layout, ...], ...]:
        """The accepted layouts by preference: tensor parallelism within a node of so many GPUs, no experts spread."""
        key = (count, kind, min(users, count), node)
        if (kept := self._preferred.get(key)) is None:
            alike: dict[tuple[bool, bool, bool], list[Layout]] = {}
            for layout in self.accepted(count, kind, users):
                within = layout.tensor_parallel_size <= node
                one_node = within and layout.pipeline_parallel_size == 1
                alike.setdefault((within, one_node, not layout.expert_parallel), []).append(layout)
            kept = tuple([tuple(alike[rank]) for rank in sorted(alike, reverse=True)])
            if len(self._preferred) < MOST_KEPT:
                self._preferred[key] = kept
        return kept

    def tensor_sizes(self, most: int, kind: str) -> tuple[int, ...]:
        """Over how many ranks layouts of up to so many GPUs may cut each layer: no accepted one does over others.

        Stages and replicas are refused for reasons of their own, and never make a refused cut good.
        """
        if kind == "pipeline":
            return (1,)
        if (kept := self._tensor_sizes.get(most)) is None:
            model, refusal, spreads = self.model, self._engine.refusal, {False, self.model.has_experts}
            kept = self._tensor_sizes[most] = tuple(
                [t for t in range(1, most + 1) if any(refusal(model, layout_of(t, 1, 1, x)) is None for x in spreads)]
            )
        return kept

    def ranks(self, count: int, kind: str, users: int) -> tuple[tuple[int, int], ...]:
        """Over how many ranks accepted layouts of a count cut each layer, and how many groups share the experts."""
        from gpu_sizer.planning.speed import groups_of

        key = (count, kind, min(users, count))
        if (kept := self._ranks.get(key)) is None:
            layouts = self.accepted(count, kind, users)
            kept = tuple({(x.tensor_parallel_size, groups_of(x, self.work)): None for x in layouts})
            if len(self._ranks) < MOST_KEPT:
                self._ranks[key] = kept
        return kept


@lru_cache(maxsize=64)
def _known(engine_name: str, of_model: Load, card: Same) -> _Known:
    """A prepared model, kept by all of a load that changes it."""
    own = engine(engine_name)
    return _Known(own, own.model(card.it, of_model), card.it)


def known(request: Request) -> _Known:
    """The request's model, prepared once for many GPUs and loads."""
    return _known(request.engine, request.load.of_model(), Same(request.model))


def found(request: Request, what: tuple[Any, ...], find: Callable[[], Found]) -> Found:
    """What is found of a request, kept beside its model."""
    return known(request).found(request, what, find)


def prepared(request: Request) -> PreparedModel:
    """The request's model as its engine holds it."""
    return known(request).model
