"""PagedServer: weights, one forward pass and blocks of the cache within a fraction of the memory."""

from __future__ import annotations

from gpu_sizer.engines.held import HeldModel
from gpu_sizer.engines.layouts import parallel_layouts
from gpu_sizer.engines.one_version import HALF, OneVersion
from gpu_sizer.engines.pools import full_pool_bytes, full_pool_tokens
from gpu_sizer.load import Load, Settings
from gpu_sizer.memory.activations import forward_bytes
from gpu_sizer.memory.estimate import LayoutMemory, RankMemory, refused
from gpu_sizer.memory.layout import Layout
from gpu_sizer.memory.weights import WeightRules, refusal
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.units import GIB, gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard


class PagedModel(HeldModel):
    """One model as the server holds it."""

    def __init__(self, card: ModelCard, load: Load) -> None:
        inventory = build_inventory(card, load.weights_dtype or HALF.get(card.weights.dtype))
        super().__init__(card, inventory, WeightRules())
        self.refuse_states("PagedServer")


class PagedEngine(OneVersion):
    """The profile of PagedServer."""

    held = PagedModel

    def settings(self, model: PagedModel, gpu: GpuSpec, load: Load, layout: Layout) -> Settings:
        """The server's defaults."""
        users = self.users(load, layout, "max_requests")
        return load.resolved(
            users=users,
            gpu_memory_utilization=load.gpu_memory_utilization or self.constants["memory_fraction"],
            kv_cache_dtype=self.cache_dtype(model.card, load),
            max_num_seqs=load.max_num_seqs or users,
            max_num_batched_tokens=load.max_num_batched_tokens or self.constants["batched_tokens"],
            hybrid_kv=False,
        )

    def settings_words(self, settings: Settings) -> str:
        """The settings in the server's own names."""
        return f"memory-fraction {settings.gpu_memory_utilization:g}"

    def layouts(self, model: PagedModel, count: int, users: int, kind: str) -> Iterator[Layout]:
        """Shards, and whole replicas."""
        return parallel_layouts(model, count, users, kind, pipelines=False, experts=False)

    def refusal(self, model: PagedModel, layout: Layout) -> str | None:
        """The rule that forbids this layout, or null."""
        if layout.pipeline_parallel_size > 1:
            return "PagedServer has no pipelines"
        return refusal(model.inventory, layout, model.rules)

    def evaluate(self, model: PagedModel, gpu: GpuSpec, layout: Layout, load: Load) -> LayoutMemory:
        """What fills each GPU."""
        if (reason := self.refusal(model, layout)) is not None:
            return refused(layout, reason)
        c, s, tp = self.constants, self.settings(model, gpu, load, layout), layout.tensor_parallel_size
        bounds = ((0, model.layers),)
        (cell,) = model.cells(tp, CacheTypes(s.kv_cache_dtype, self.model_dtype(model.card)), bounds, windows=False)
        r = RankMemory(
            capacity_bytes=gpu.visible_bytes,
            budget_bytes=int(gpu.visible_bytes * s.gpu_memory_utilization),
            weights_bytes=model.weights(tp, 1, bounds)[0].total,
            kv_cache_bytes=full_pool_bytes(cell, s.context, s.users, c["block_size"]),
            activation_bytes=forward_bytes(model.card.architecture, layout, s.max_num_batched_tokens),
            overhead_bytes=int(c["context_gib"] * GIB),
        )
        tokens = full_pool_tokens(cell, r.available_kv_bytes, c["block_size"])
        short = None if r.free_bytes >= 0 else f"{gib(r.needed_bytes)} needed of {gib(r.budget_bytes)}"
        return self.pooled(model, layout, (r,), s, tokens, c["block_size"], short)


ENGINE = PagedEngine
