"""A request's speed: its layout, cache and engine in the numbers that the formulas of :mod:`gpu_sizer.timing` take."""

from __future__ import annotations

from math import ceil, inf, log, log2

from gpu_sizer.engines.registry import engine_name
from gpu_sizer.errors import RequestError
from gpu_sizer.memory.layout import layout_of
from gpu_sizer.memory.reading import read_bytes
from gpu_sizer.planning.replica import Replica
from gpu_sizer.records import dataclass, replace
from gpu_sizer.timing.case import Case, case_of
from gpu_sizer.timing.constants import Constants, Generation, constants, generation
from gpu_sizer.timing.hardware import hardware_of
from gpu_sizer.timing.judged import judged
from gpu_sizer.timing.serving import Steady, at_once, steady, token_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.engines.engine import Fitting
    from gpu_sizer.load import Load
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.planning.request import Request
    from gpu_sizer.timing.answer import Speed
    from gpu_sizer.timing.case import Number
    from gpu_sizer.timing.work import Work

    class Held(Protocol):
        """A model as an engine holds it."""

        def fitting(self, gpu: GpuSpec, load: Load) -> Fitting:
            """It on a kind of GPU under a load, kept for the next request."""

        @property
        def work(self) -> Work:
            """What a token and a prompt ask of the GPUs."""

        def tensor_sizes(self, most: int, kind: str) -> tuple[int, ...]:
            """Over how many ranks layouts of up to so many GPUs may cut each layer."""

        def ranks(self, count: int, kind: str, users: int) -> tuple[tuple[int, int], ...]:
            """Over how many ranks accepted layouts of a count cut each layer, and how many groups share the experts."""

        def speeds(self, request: Request, prompt: float, answer: float, *, sure: bool) -> Speeds:
            """Its speeds on the request's GPU under its settings, kept for the next request; see :class:`Speeds`.

            Raises:
                RequestError: a GPU or engine of whose speed nothing is known.
            """


#: Mean answers that the longest one of a set of conversations has: benchmarks leave out the longest
#: (https://github.com/vllm-project/vllm/blob/main/vllm/benchmarks/datasets.py: is_valid_sequence).
LONGEST_ANSWER = 4.0


@dataclass(frozen=True, slots=True)
class Basis:
    """By which constants a speed is estimated."""

    engine: Generation
    gpu: str
    link: str
    dense_bits: int
    expert_bits: int

    @property
    def constants(self) -> Constants:
        """The constants themselves."""
        return constants(self.engine.key, self.gpu, self.link, self.dense_bits, self.expert_bits)


@dataclass(frozen=True, slots=True)
class Demand:
    """What one replica is asked for: the arguments of :func:`gpu_sizer.timing.serving.steady`."""

    users: float
    places: float
    arrive: float
    burst: float = inf
    tail: float = 0.0


@dataclass(frozen=True, slots=True)
class Situation:
    """One replica of a model on its GPUs, with what limits how many requests it runs at once."""

    case: Case
    basis: Basis
    replicas: int
    """Copies of the whole model, among which users are dealt out."""
    held: float
    """Requests of full length that the cache of one replica holds."""
    places: float
    """Requests that one replica runs at once: of their mean length where the cache grows with the answer, and at most
    as many as the engine takes."""
    sequences: int
    """The engine's own limit for one replica."""

    def demand(self, users: Number, *, burst: float | None = None, drawn: bool = False) -> Demand:
        """What one replica is asked for.

        Args:
            users: requests that want to run at once, in all replicas.
            burst: requests that come all at once with none to follow; null is a steady stream.
            drawn: whether the answers of a burst differ in length.
        """
        wanted = users / self.replicas
        # Where the estimate says that not one request fits and yet it runs, the cache is no limit that is known.
        places = max(1.0, self.places if self.held >= 1 else float(self.sequences))
        if burst is None:
            return Demand(wanted, places, 1.0)
        here = max(1.0, burst / self.replicas)
        running = max(1.0, min(here, places))
        if drawn:
            return Demand(running, running, 0.0, here, min(log(running), LONGEST_ANSWER))
        # Answers of one length end together: whole waves, of equal size.
        running = max(1.0, here / ceil(here / running))
        return Demand(running, running, 0.0)

    def steady(self, demand: Demand) -> Steady:
        """What one replica does under a demand."""
        d = demand
        burst = d.burst if d.tail else None
        return steady(self.case, self.basis.constants, d.users, d.places, arrive=d.arrive, burst=burst, tail=d.tail)

    def pace(self, users: Number) -> tuple[Number, Number]:
        """Requests at once of one replica, and the seconds from a token of theirs to its next; as in :meth:`steady`.

        Args:
            users: requests that want to run at once, in all replicas.
        """
        d = self.demand(users)
        running = at_once(d.users, d.places)
        return running, token_seconds(self.case, self.basis.constants, running)

    def speed(self, demand: Demand) -> Speed:
        """The speed of all replicas under a demand of each."""
        made = self.steady(demand)
        basis = self.basis
        return judged(self.case, basis.constants, made, basis.engine, basis.gpu, demand.users, self.replicas)


def groups_of(layout: Layout, work: Work) -> int:
    """The groups of a layout that share a model's experts; its other data parallel groups are replicas."""
    return layout.data_parallel_size if layout.expert_parallel and work.routed.bytes > 0 else 1


def one_of(layout: Layout) -> Layout:
    """The layout of one of its replicas."""
    x = layout
    return layout_of(x.tensor_parallel_size, x.pipeline_parallel_size, 1, x.expert_parallel)


class Speeds:
    """One model on one kind of GPU with prompts and answers of some length, ready for many layouts."""

    def __init__(self, request: Request, held: Held, *, prompt: float, answer: float, sure: bool = True) -> None:
        """Prepares the layouts.

        Args:
            request: whose model, GPU, engine and settings count; its context and users do not.
            held: its model as its engine holds it.
            prompt: tokens of a prompt.
            answer: tokens of an answer.
            sure: whether what they give is judged by the end of the range that is worse, or by the estimate itself.

        Raises:
            RequestError: a GPU or engine of whose speed nothing is known.
        """
        profile = request.get_engine()
        self._hardware = hardware_of(request.gpu)
        own = generation(engine_name(profile.name), profile.release, request.gpu.platform)
        self.generation = own if sure else replace(own, sure=False)
        self._request, self._held = request, held
        self._work, self._prompt, self._answer = held.work, prompt, answer
        # Where the cache grows with the answer, requests fill it to their mean length.
        self._lengths = max(1, ceil(prompt + answer)), max(1, ceil(prompt + answer / 2))
        self._whole = self._fitting(self._lengths[0])
        work, hardware = self._work, self._hardware
        dense, expert = hardware.computed(work.dense.bits), hardware.computed(work.routed.bits)
        self.basis = Basis(self.generation, hardware.kind, hardware.link_kind, dense, expert)
        self._found: dict[Layout, Situation] = {}
        self._replicas: dict[Layout, Replica] = {}
        self._without_cache: dict[tuple[int, int, int, bool], Case] = {}

    def _fitting(self, length: int) -> Fitting:
        """One request of a length."""
        return self._held.fitting(self._request.gpu, self._request.load.alone(length))

    def _read(self, layout: Layout) -> float:
        """Bytes that one GPU reads of one request's cache for a token, at its mean length."""
        card, mean = self._request.model, self._lengths[1]
        settings = self._whole.settings(layout)
        read = read_bytes(card.architecture, card.weights.dtype, settings, layout, mean)
        if read is None:
            # All that the engine keeps of it.
            kept = self._fitting(mean).evaluate(layout).per_gpu
            assert kept is not None
            read = kept.kv_cache_bytes
        return read

    def replica(self, layout: Layout) -> Replica:
        """One of a layout's replicas, whose figures are kept.

        Raises:
            RequestError: a layout that the engine refuses.
        """
        one = layout if self.groups(layout) > 1 else one_of(layout)
        if (kept := self._replicas.get(one)) is None:
            kept = self._replicas[one] = Replica(self.situation(one))
        return kept

    @property
    def has_experts(self) -> bool:
        """Whether the model is a mixture of experts, whose ranges are their own."""
        return self._work.experts > 1

    @property
    def spreads_experts(self) -> bool:
        """Whether groups of a layout may share the experts."""
        return self._work.routed.bytes > 0

    def without_cache(self, tensor: int, data: int, *, stages: int = 1, links: bool = True) -> Case:
        """One replica as if it kept nothing for its requests; without stages, no layout over these ranks is faster.

        Args:
            tensor: ranks over which every layer is cut.
            data: groups that share the experts.
            stages: of its pipeline.
            links: whether what is sent takes any time, and hearing of all others more than of one other group.
        """
        key = tensor, stages, data, links
        if (kept := self._without_cache.get(key)) is None:
            case = self._case(tensor, stages, data, 0.0)
            kept = self._without_cache[key] = (
                case if links else replace(case, link_bandwidth=inf, rounds=log2(2 * tensor))
            )
        return kept

    def groups(self, layout: Layout) -> int:
        """The groups of a layout that share the experts; its other data parallel groups are replicas."""
        return groups_of(layout, self._work)

    def _case(self, tensor: int, pipeline: int, data: int, cache_bytes: float) -> Case:
        lengths = {"prompt": self._prompt, "answer": self._answer}
        return case_of(self._work, self._hardware, tensor, pipeline, data, cache_bytes=cache_bytes, **lengths)

    def situation(self, layout: Layout) -> Situation:
        """What the formulas need of a layout; ``data_parallel_size`` without spread experts is that many replicas.

        Raises:
            RequestError: a layout that the engine refuses.
        """
        if layout.decode_context_parallel_size > 1:
            raise RequestError("how fast caches spread over ranks are (decode context parallelism) was not measured")
        if layout.data_parallel_size > self.groups(layout):
            # Replicas are the same one by one: what one of them does is asked once for any number of them.
            return replace(self.situation(one_of(layout)), replicas=layout.data_parallel_size)
        if (kept := self._found.get(layout)) is None:
            kept = self._found[layout] = self._one(layout)
        return kept

    def _one(self, layout: Layout) -> Situation:
        memory = self._whole.evaluate(layout)
        if memory.per_gpu is None:
            raise RequestError(memory.reason or "the engine refuses this layout")
        data = layout.data_parallel_size
        sequences = self._whole.settings(layout).max_num_seqs * data
        held = memory.max_concurrent_requests
        whole, mean = self._lengths
        places = min(float(sequences), held * (1.0 if self.generation.reserves else whole / mean))
        case = self._case(layout.tensor_parallel_size, layout.pipeline_parallel_size, data, self._read(layout))
        return Situation(case, self.basis, 1, held, places, sequences)
