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
from gpu_sizer.records import replace
from gpu_sizer.units import GIB

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


class SglangFitting(PlainFitting):
    """A model under one load: how many requests run at once is known with each layout's pool."""

    _model: SglangModel

    def __init__(self, engine: Any, model: Any, gpu: GpuSpec, load: Load, reserve: int) -> None:
        super().__init__(engine, model, gpu, load, reserve)
        self._columns: dict[tuple[int, int, bool], tuple[int, int, int, bool]] = {}

    def _column(self, replica: Layout) -> tuple[int, int, int, bool]:
        """Bytes of weights, and at least of one request, on a rank that has every layer; what each stage has at most.

        And whether requests keep tokens alone, all of them. The static share of longer pipelines is no larger than
        that of two stages.
        """
        tp, dp, experts = replica.tensor_parallel_size, replica.data_parallel_size, replica.expert_parallel
        several = replica.pipeline_parallel_size > 1
        key = (tp, replica.expert_ranks, several)
        if (kept := self._columns.get(key)) is None:
            engine: Any = self._engine
            model: Any = self._model
            s = engine.settings(model, self._gpu, self._load, layout_of(tp, 1 + several, dp, experts))
            types = CacheTypes(s.kv_cache_dtype, engine.model_dtype(model.card))
            (cell,) = model.cells(tp, types, ((0, model.layers),), windows=s.hybrid_kv)
            (weights,) = model.stage_weights(layout_of(tp, 1, dp, experts))
            request = least_bytes(cell, s.context, s.max_num_batched_tokens)
            context, loading = (int(constants()[what] * GIB) for what in ("context_gib", "loading_gib"))
            room = int((self._gpu.visible_bytes - context) * s.gpu_memory_utilization) + 1 - loading
            kept = self._columns[key] = weights, request, room, not (cell.windowed or cell.states)
        return kept

    def could_carry(self, replica: Layout, users: int) -> bool:
        """Whether an accepted replica could hold so many requests: its stages together hold what one rank would.

        Where requests keep tokens alone, each more takes as much on every stage, but for rounding. DeepSeek-V4's pools
        are of other kinds: of it is known what one request leaves.
        """
        if self._model.compressed:
            return self.most_free(replica, users) >= 0
        (weights, request, room, plain), stages = self._column(replica), replica.pipeline_parallel_size
        offloaded = (stages - 1) * int((self._load.cpu_offload_gib or 0) * GIB)
        if weights + users * request - offloaded > room * stages:
            return False
        return not plain or self.most_free(replica, users) >= 0

    def most_free(self, replica: Layout, users: int) -> float:
        """No less than a load of so many requests leaves free on the fullest GPU; asked as :meth:`could_carry`."""
        plain = not self._model.compressed and self._column(replica)[-1]
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
