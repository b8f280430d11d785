"""How many requests SGLang runs at once: what it is told, or a number that hangs on the pool of tokens.

``max_running_requests`` is ``tokens / context x 512`` between 2,048 and 4,096 where it is not told. So it stands in the
wheels of 0.3.6, 0.4.6, 0.4.10, 0.5.5 (``model_executor/model_runner.py``: init_memory_pool), 0.5.10
(``model_executor/model_runner_kv_cache_mixin.py``: _resolve_max_num_reqs) and 0.5.23
(``mem_cache/kv_cache_configurator.py``: resolve_max_num_reqs). What is told is dealt out among attention replicas that
share the experts. The sizes of captured graphs are no limit: larger batches run without a graph
(``model_executor/cuda_graph_runner.py``: can_run).
"""

from __future__ import annotations

from gpu_sizer.engines.fitting import PlainFitting
from gpu_sizer.engines.sglang.pools import least_bytes
from gpu_sizer.engines.sglang.reserve import constants, replicas_inside
from gpu_sizer.memory.layout import layout_of
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.records import dataclass, replace
from gpu_sizer.units import GIB, ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.engines.sglang.model import SglangModel
    from gpu_sizer.load import Load, Settings
    from gpu_sizer.memory.layout import Layout


def as_told(load: Load, running: int | None) -> Load:
    """A load with the limit that a server sets by itself for some models, and where it drafts."""
    if running is None or load.max_num_seqs is not None:
        return load
    return replace(load, max_num_seqs=running)


def told_requests(load: Load, layout: Layout) -> int | None:
    """Requests at once of one replica where they are told; null where SGLang finds them itself."""
    return None if load.max_num_seqs is None else max(1, load.max_num_seqs // replicas_inside(layout))


def running_requests(load: Load, layout: Layout, users: int, tokens: int) -> int:
    """Requests that one replica runs at once; where they are not told, at least its users.

    Args:
        load: as asked.
        layout: whose replicas share what is told.
        users: of one replica: more than SGLang would take by itself have to be told to it.
        tokens: of the pool.
    """
    if (told := told_requests(load, layout)) is not None:
        return told
    c = constants()["running_requests"]
    requests: int = min(max(tokens * c["share"] // load.context, c["least"]), c["most"])
    return max(users, requests)


def told_by_users(settings: Settings, inside: int) -> int | None:
    """Requests at once of all attention replicas that have to be told, since SGLang may take fewer than its users.

    Args:
        settings: of one replica.
        inside: replicas that share the experts.
    """
    return settings.users * inside if settings.users > constants()["running_requests"]["least"] else None


@dataclass(frozen=True, slots=True)
class _Column:
    """Bytes of one rank that has every layer, over whose stages they are dealt out."""

    weights: int
    request: int
    """At least of one request."""
    layer: tuple[int, int]
    """Of weights, and at least of one request, in the layer that has the least of each."""
    room: int
    """What each stage has at most: the static share of longer pipelines is no larger than that of two stages."""
    plain: bool
    """Whether requests keep tokens alone, all of them."""


class SglangFitting(PlainFitting):
    """A model under one load: how many requests run at once is known with each layout's pool."""

    _model: SglangModel

    def __init__(self, engine: Any, model: Any, gpu: GpuSpec, load: Load, reserve: int) -> None:
        super().__init__(engine, model, gpu, load, reserve)
        self._columns: dict[tuple[int, int, bool], _Column] = {}

    def _column(self, replica: Layout) -> _Column:
        """What is known of all replicas that cut each layer over so many ranks, with stages or without."""
        tp, dp, experts = replica.tensor_parallel_size, replica.data_parallel_size, replica.expert_parallel
        several = replica.pipeline_parallel_size > 1
        key = (tp, replica.expert_ranks, several)
        if (kept := self._columns.get(key)) is None:
            engine: Any = self._engine
            model: Any = self._model
            s = engine.settings(model, self._gpu, self._load, layout_of(tp, 1 + several, dp, experts))
            types = CacheTypes(s.kv_cache_dtype, engine.model_dtype(model.card))
            (cell,) = model.cells(tp, types, ((0, model.layers),), windows=s.hybrid_kv)
            single = [(n, n + 1) for n in range(model.layers)]
            cells = model.cells(tp, types, single, windows=s.hybrid_kv)
            least = min([least_bytes(c, s.context, s.max_num_batched_tokens) for c in cells])
            # Replicas that share experts cut more than these (stage_weights): of them nothing is said.
            held = min(model.layer_weights(tp, replica.expert_ranks, single)) if dp == 1 else 0
            (weights,) = model.stage_weights(layout_of(tp, 1, dp, experts))
            request = least_bytes(cell, s.context, s.max_num_batched_tokens)
            context, loading = (int(constants()[what] * GIB) for what in ("context_gib", "loading_gib"))
            room = int((self._gpu.visible_bytes - context) * s.gpu_memory_utilization) + 1 - loading
            kept = self._columns[key] = _Column(
                weights, request, (held, least), room, not (cell.windowed or cell.states)
            )
        return kept

    def could_carry(self, replica: Layout, users: int) -> bool:
        """Whether an accepted replica could hold so many requests: its stages together hold what one rank would.

        Where requests keep tokens alone, each more takes as much on every stage, but for rounding. DeepSeek-V4's pools
        are of other kinds: of it is known what one request leaves.
        """
        if self._model.compressed:
            return self.most_free(replica, users) >= 0
        c, stages = self._column(replica), replica.pipeline_parallel_size
        offload = int((self._load.cpu_offload_gib or 0) * GIB)
        if c.weights + users * c.request - (stages - 1) * offload > c.room * stages:
            return False
        if not c.plain:
            return True
        # However they are dealt out, some stage has so many layers.
        fullest, (weights, request) = ceil_div(self._model.layers, stages), c.layer
        if fullest * (weights + users * request) - offload > c.room:
            return False
        return self.most_free(replica, users) >= 0

    def most_free(self, replica: Layout, users: int) -> float:
        """No less than a load of so many requests leaves free on the fullest GPU; asked as :meth:`could_carry`."""
        plain = not self._model.compressed and self._column(replica).plain
        more = users - 1 if plain else 0
        return min([r.free_bytes - more * (r.kv_cache_bytes - 1) for r in self.evaluate(replica).stages])

    def settings(self, layout: Layout) -> Settings:
        """Every default resolved for one replica of a layout.

        Raises:
            RequestError: a setting that contradicts the load.
        """
        s = super().settings(layout)
        tokens = self.evaluate(layout).kv_cache_tokens
        load = as_told(self._load, self._model.running)
        return replace(s, max_num_seqs=running_requests(load, layout, s.users, tokens))
