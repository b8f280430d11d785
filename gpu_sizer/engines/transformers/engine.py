"""transformers with ``device_map="auto"``: whole layers one after another, and the cache of the sequence in use.

accelerate places modules that must not be split (a decoder layer) on one GPU until it is full
(``utils/modeling.py: infer_auto_device_map``). Where its own even cut does not fit, ``max_memory`` gives another, so
what decides is the best cut. Nothing is paged: keys and values of the whole batch grow beside the layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.held import HeldModel
from gpu_sizer.engines.layouts import whole_layer_layouts
from gpu_sizer.engines.one_version import HALF, OneVersion
from gpu_sizer.engines.whole_layers import answer, even_cut
from gpu_sizer.load import Load, Settings
from gpu_sizer.memory.activations import forward_bytes
from gpu_sizer.memory.estimate import LayoutMemory, RankMemory, refused
from gpu_sizer.memory.layout import Layout
from gpu_sizer.memory.weights import WeightRules
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.model.formats import FLOAT32_BYTES, storage_bytes
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.model.tensor import Tensor
from gpu_sizer.units import GIB


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(storage_bytes(t.shape, t.fmt) * t.copies for t in tensors)


class TransformersModel(HeldModel):
    """A model layer by layer; a tied head is the embedding itself."""

    # cache_utils.py: DynamicIndexedLayer.
    plain_index_keys = True

    def __init__(self, card: ModelCard, load: Load) -> None:
        inventory = build_inventory(card, load.weights_dtype or HALF.get(card.weights.dtype))
        super().__init__(card, inventory, WeightRules())
        self.block_bytes = {name: _bytes(tensors) for name, tensors in inventory.blocks.items()}
        self.first_bytes = _bytes((*inventory.embedding, *inventory.towers))
        self.last_bytes = _bytes((*(() if inventory.tied else inventory.head), *inventory.final))


class TransformersEngine(OneVersion):
    """The profile of ``AutoModelForCausalLM.from_pretrained(..., device_map="auto")``."""

    held = TransformersModel
    spans_nodes = False
    takes_mixed = True
    allocates_request = True

    def describe(self) -> str:
        """The profile in words."""
        return f'{self.title} {self.release} with device_map="auto"'

    def settings(self, model: TransformersModel, gpu: GpuSpec, load: Load, layout: Layout) -> Settings:
        """A batch of one sequence a user, whose prompts are read in one pass unless a smaller one is asked for.

        Raises:
            RequestError: a batch smaller than the users.
        """
        users = self.users(load, layout, "a batch of")
        dtype = self.cache_dtype(model.card, load)
        tokens = min(load.max_num_batched_tokens or users * load.context, users * load.context)
        return load.resolved(
            users=users,
            gpu_memory_utilization=1.0,
            kv_cache_dtype=dtype,
            max_num_seqs=users,
            max_num_batched_tokens=tokens,
            enforce_eager=True,
            hybrid_kv=False,
            block_size=None,
            prefix_caching=None,
            disable_custom_all_reduce=False,
        )

    def settings_words(self, settings: Settings) -> str:
        """The batch, and how its prompts are read."""
        return f"a batch of {settings.max_num_seqs}, prompts read {settings.max_num_batched_tokens:,} tokens at a time"

    def layouts(self, model: TransformersModel, count: int, users: int, kind: str) -> Iterator[Layout]:
        """Whole layers over the GPUs."""
        return whole_layer_layouts(model, count, users, kind, self.constants["most_gpus"])

    def refusal(self, model: TransformersModel, layout: Layout) -> str | None:
        """What a device map cannot do, or null."""
        most, pp = self.constants["most_gpus"], layout.pipeline_parallel_size
        if layout.tensor_parallel_size > 1 or layout.expert_parallel or layout.decode_context_parallel_size > 1:
            return "a device map places whole layers; it cuts none"
        if pp > model.layers:
            return f"{model.layers} layers do not fill {pp} GPUs"
        return f"one process drives at most {most} GPUs of a machine" if pp > most else None

    def evaluate(self, model: TransformersModel, gpu: GpuSpec, layout: Layout, load: Load) -> LayoutMemory:
        """What fills each GPU under the cut that leaves the fullest the most room."""
        if (reason := self.refusal(model, layout)) is not None:
            return refused(layout, reason)
        s = self.settings(model, gpu, load, layout)
        return self._evaluate(model, [gpu] * layout.pipeline_parallel_size, layout, s)

    def evaluate_mixed(self, model: TransformersModel, gpus: Sequence[GpuSpec], load: Load) -> LayoutMemory:
        """Whole layers over given GPUs in their order, each as many as it holds."""
        layout = Layout(1, len(gpus))
        for gpu in gpus:
            self.check_gpu(model, gpu, self.cache_dtype(model.card, load))
        if (reason := self.refusal(model, layout)) is not None:
            return refused(layout, reason)
        return self._evaluate(model, gpus, layout, self.settings(model, gpus[0], load, layout))

    def _evaluate(self, model: TransformersModel, gpus: Sequence[GpuSpec], layout: Layout, s: Settings) -> LayoutMemory:
        a, c, names = model.card.architecture, self.constants, model.inventory.layer_names
        types = CacheTypes(s.kv_cache_dtype, self.model_dtype(model.card))
        cache = {
            name: s.users * sum(x.token_bytes * s.context + x.state_bytes for x in caches)
            for name, caches in model.caches(1, types).items()
        }
        context_bytes = int(c["context_gib"] * GIB)
        # Logits of the last position alone are made (generation/utils.py: logits_to_keep), in float32 for sampling.
        activation = forward_bytes(a, Layout(), s.max_num_batched_tokens)
        activation = max(activation, 2 * s.users * a.vocab_size * FLOAT32_BYTES)
        rooms = [gpu.visible_bytes - context_bytes - activation for gpu in gpus]
        cut = even_cut([model.block_bytes[n] + cache[n] for n in names], model.first_bytes, model.last_bytes, rooms)
        last = len(gpus) - 1
        stages = tuple(
            RankMemory(
                capacity_bytes=gpu.visible_bytes,
                budget_bytes=gpu.visible_bytes,
                weights_bytes=sum(model.block_bytes[n] for n in names[start:stop])
                + (model.first_bytes if i == 0 else 0)
                + (model.last_bytes if i == last else 0),
                kv_cache_bytes=sum(cache[n] for n in names[start:stop]),
                activation_bytes=activation,
                overhead_bytes=context_bytes,
            )
            for i, (gpu, (start, stop)) in enumerate(zip(gpus, cut, strict=True))
        )
        return answer(self, model, layout, stages, s, tuple(stop - start for start, stop in cut))


ENGINE = TransformersEngine
