"""llama.cpp: whole layers of a GGUF file over any GPUs, with a cache that is allocated for the context asked for."""

from __future__ import annotations

from gpu_sizer.engines.held import HeldModel
from gpu_sizer.engines.layouts import whole_layer_layouts
from gpu_sizer.engines.llama_cpp import compressed
from gpu_sizer.engines.llama_cpp.compute import compute_bytes
from gpu_sizer.engines.llama_cpp.file_types import FILE_TYPES, file_type
from gpu_sizer.engines.llama_cpp.weights import as_gguf, gguf_dtype, mixture_of, tensors_bytes
from gpu_sizer.engines.one_version import OneVersion
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.versions import at_least
from gpu_sizer.engines.whole_layers import answer, even_cut
from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.load import Load, Settings
from gpu_sizer.memory.activations import compressed_mixers, is_compressed
from gpu_sizer.memory.estimate import LayoutMemory, RankMemory, refused
from gpu_sizer.memory.layout import Layout
from gpu_sizer.memory.weights import WeightRules
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.model.formats import ELEMENT_BYTES
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.records import dataclass, replace
from gpu_sizer.units import GIB, ceil_div, round_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.model.architecture import Architecture
    from gpu_sizer.model.caches import LayerKeeps
    from gpu_sizer.model.tensor import Tensor

#: States are float32, whatever the type of the cache (src/llama-model.cpp: create_memory).
STATE_TYPES = CacheTypes("float16", "float32")
#: Quantized caches by bytes of a value: a block of 32 values and its float16 scale (ggml/src/ggml-common.h).
QUANTIZED_CACHES = {"q8_0": 34 / 32}


class LlamaCppModel(HeldModel):
    """A model as a GGUF file, layer by layer."""

    counts_compressed = True
    # src/llama-kv-cache-dsa.cpp: a cache of its own for the keys, of the same type.
    plain_index_keys = True

    def __init__(self, card: ModelCard, load: Load) -> None:
        weights_dtype = load.weights_dtype
        kind = file_type(weights_dtype) if weights_dtype is not None else None
        file = card.weights.file
        if is_compressed(card.architecture):
            if weights_dtype is not None or file is not None:
                raise UncountableError(
                    f"in which types a quantized file of {card.name} holds what is neither attention nor experts is "
                    "not known here: its release is counted, as llama.cpp's converter writes it",
                    about="model",
                )
            plain = build_inventory(card)
            inventory = compressed.as_file(card, plain)
        else:
            asked = None if kind is not None and file is None else gguf_dtype(card, weights_dtype)
            plain = build_inventory(card, asked)
            inventory = as_gguf(plain) if file is None else plain
        super().__init__(card, inventory, WeightRules())
        # The embedding stays in the machine's own memory; a tied head is a copy (src/llama-model.cpp: dev_input).
        head = (*(inventory.embedding if inventory.tied and file is None else inventory.head), *inventory.final)
        self.weights_format = named.upper() if (named := kind or (file and card.weights.file_type)) else None
        if kind is None:
            sizes = {name: tensors_bytes(tensors) for name, tensors in inventory.blocks.items()}
            experts = {name: tensors_bytes(_experts(tensors)) for name, tensors in inventory.blocks.items()}
            self.layer_bytes = tuple(sizes[name] for name in inventory.layer_names)
            self.expert_bytes = tuple(experts[name] for name in inventory.layer_names)
            self.head_bytes = tensors_bytes(head)
        else:
            mixture = mixture_of(card, kind, plain)
            self.layer_bytes = tuple(
                sum(mixture.bytes_of(t, i) for t in plain.blocks[name]) for i, name in enumerate(plain.layer_names)
            )
            self.expert_bytes = tuple(
                sum(mixture.bytes_of(t, i) for t in _experts(plain.blocks[name]))
                for i, name in enumerate(plain.layer_names)
            )
            self.head_bytes = sum(map(mixture.bytes_of, head))

    def may_keep(self, layout: Layout) -> int:
        """Bytes more on a GPU if the release kept what its name does not tell: a file of a type has that type."""
        return 0 if self.weights_format is not None else super().may_keep(layout)

    def placed(self, s: Settings, cache: Sequence[int]) -> Placed:
        """What of the model stands on GPUs.

        The output is offloaded first and then the last layers, with their caches (src/llama-model.cpp: i_gpu_start);
        experts that were asked to stay do (common/common.h: LLM_FFN_EXPS_REGEX).

        Args:
            s: the settings.
            cache: bytes that each layer caches.
        """
        count, asked = self.layers, s.n_gpu_layers
        # Layers that predict ahead stand behind the others and are counted with them, loaded or not (n_layer_all).
        every = count + (file.ahead_layers if (file := self.card.weights.file) is not None else 0)
        first = 0 if asked is None else max(every + 1 - asked, 0)
        stay = s.n_cpu_moe or 0
        weights = [size - (self.expert_bytes[i] if i < stay else 0) for i, size in enumerate(self.layer_bytes)]
        head = self.head_bytes if first <= every else 0
        whole = sum(self.layer_bytes) + sum(cache) + self.head_bytes
        on_gpus = sum(weights[first:]) + sum(cache[first:]) + head
        # A pass over a long prompt copies the matrices of a layer that stays (ggml-backend.cpp: op_offload).
        moved = [*self.layer_bytes[:first], *self.expert_bytes[first:stay]]
        return Placed(min(first, count), tuple(weights[first:]), head, max(moved, default=0), whole - on_gpus)

    def cache_bytes(self, types: CacheTypes, scale: float, settings: Settings, batch: int) -> dict[str, int]:
        """Bytes that each distinct layer caches for all sequences.

        More slots than users share one cache, whose windows are as many as the slots
        (src/llama-kv-cache-iswa.cpp: size_swa).
        """
        c, sizes = _constants(), {}
        shared = max(1, settings.max_num_seqs // settings.users)
        if is_compressed(self.card.architecture):
            # Slots that share the whole context have streams of that length each.
            sequences, value = settings.users * shared, types.cache_bytes * scale
            mixers = compressed_mixers(self.card.architecture).items()
            return {n: sequences * compressed.cache_bytes(m, settings.context, batch, value) for n, m in mixers}
        for name, caches in self.caches(1, types).items():
            size = 0
            for cache in caches:
                tokens = settings.context
                if cache.span is not None and settings.hybrid_kv:
                    tokens = min(tokens, round_up(cache.span * shared + batch, c["window_multiple"]))
                size += int(cache.token_bytes * scale) * tokens + cache.state_bytes * shared
            sizes[name] = size * settings.users
        return sizes

    def state_bytes(self, start: int, stop: int, settings: Settings) -> int:
        """Bytes of the states of these layers for all sequences."""
        slots = max(settings.users, settings.max_num_seqs)
        if is_compressed(self.card.architecture):
            of = {name: compressed.state_bytes(m) for name, m in compressed_mixers(self.card.architecture).items()}
            return slots * sum([of[n] for n in self.inventory.layer_names[start:stop]])
        caches = self.caches(1, STATE_TYPES)
        return slots * sum(c.state_bytes for n in self.inventory.layer_names[start:stop] for c in caches[n])


@dataclass(frozen=True, slots=True)
class Placed:
    """What of a model stands on GPUs, and what in the machine's memory."""

    first: int
    """The first layer on a GPU."""
    layers: tuple[int, ...]
    """Bytes of weights of it and of those after it, without experts that stay."""
    head: int
    copied: int
    """Bytes of the largest layer that stays, as far as it does: a GPU works on a copy."""
    host: int
    """Bytes in the machine's memory beside the embedding."""


def _experts(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [t for t in tensors if t.is_expert]


def _constants() -> dict[str, Any]:
    data: dict[str, Any] = profile_data("llama_cpp/profile")
    return data


class LlamaCppEngine(OneVersion):
    """The profile of llama.cpp's server."""

    held = LlamaCppModel
    spans_nodes = False
    takes_mixed = True
    allocates_request = True
    counted = frozenset(("n_gpu_layers", "n_cpu_moe", "flash_attention"))
    own_formats = tuple(FILE_TYPES)
    reads_files = True

    def own_format(self, name: str) -> str | None:
        """The type of a GGUF file that a name means, null for other names."""
        return file_type(name)

    def describe(self) -> str:
        """The profile in words."""
        return f"{self.title} {self.release} with every layer on a GPU"

    def settings(self, model: LlamaCppModel, gpu: GpuSpec, load: Load, layout: Layout) -> Settings:
        """One slot a user, each with the whole context; the physical batch is 512 tokens.

        Raises:
            RequestError: fewer slots than users.
        """
        users = self.users(load, layout, "--parallel")
        context = round_up(load.context, self.constants["context_multiple"])
        tokens = min(load.max_num_batched_tokens or self.constants["ubatch"], context)
        self.check(load)
        dtype = self.cache_dtypes[load.kv_cache_dtype or "auto"] or "float16"
        slots = load.max_num_seqs or users
        return load.resolved(
            context=context,
            users=users,
            gpu_memory_utilization=1.0,
            kv_cache_dtype=dtype,
            max_num_seqs=slots,
            max_num_batched_tokens=tokens,
            enforce_eager=False,
            block_size=None,
            prefix_caching=None,
            flash_attention=self.flash_attention(load),
            disable_custom_all_reduce=False,
        )

    def flash_attention(self, load: Load) -> bool:
        """Whether flash attention is used.

        Raises:
            RequestError: a quantized cache without it (src/llama-context.cpp: V cache quantization requires it).
        """
        default = at_least(self.asked, str(self.constants["flash_attention_since"]))
        used = default if load.flash_attention is None else load.flash_attention
        if not used and load.kv_cache_dtype in QUANTIZED_CACHES:
            raise RequestError(f"a {load.kv_cache_dtype} cache takes flash attention, which is off", about="question")
        return used

    def settings_words(self, settings: Settings) -> str:
        """The settings in llama.cpp's own names."""
        s = settings
        size = f"--ctx-size {s.context * s.users}, --parallel {s.max_num_seqs}"
        layers = "" if s.n_gpu_layers is None else "but those that were asked to stay off; "
        flash = ", --flash-attn off" if s.flash_attention is False else ""
        return f"{layers}text only; {size}, --ubatch-size {s.max_num_batched_tokens}{flash}"

    def layers_keep(self, card: ModelCard) -> dict[str, LayerKeeps]:
        """What a layer of each distinct kind keeps: every attention layer keeps every token, or compressed states."""
        if not is_compressed(card.architecture):
            return super().layers_keep(card)
        value = ELEMENT_BYTES["float16"]
        return {name: compressed.keeps(m, value) for name, m in compressed_mixers(card.architecture).items()}

    def logged_load(self, length: int | None, native: int, sequences: int | None) -> tuple[int, int]:
        """The whole context is parted among the slots, unless their number was left to the server: then they share it.

        (tools/server/server.cpp: an ``n_parallel`` that is not given becomes 4, with one cache for all.)
        """
        whole = length or native
        if sequences is None or sequences == self.constants["automatic_slots"]:
            return whole, 1
        return max(1, whole // sequences), sequences

    def layouts(self, model: LlamaCppModel, count: int, users: int, kind: str) -> Iterator[Layout]:
        """Whole layers over the GPUs; cut by rows where tensor parallelism is asked for."""
        most = self.constants["most_gpus"]
        yield from whole_layer_layouts(model, count, users, kind, most)
        if kind == "tensor" and 1 < count <= most:
            yield Layout(count)

    def refusal(self, model: LlamaCppModel, layout: Layout) -> str | None:
        """What llama.cpp cannot do, or null."""
        most = self.constants["most_gpus"]
        if layout.expert_parallel or layout.decode_context_parallel_size > 1:
            return "llama.cpp spreads neither experts nor a cache over GPUs"
        if layout.tensor_parallel_size > 1 and layout.pipeline_parallel_size > 1:
            return "llama.cpp splits by layers or by rows, not both"
        if layout.pipeline_parallel_size > model.layers:
            return f"{model.layers} layers do not fill {layout.pipeline_parallel_size} GPUs"
        if max(layout.tensor_parallel_size, layout.pipeline_parallel_size) > most:
            return f"llama.cpp drives at most {most} GPUs"
        return None

    def evaluate(self, model: LlamaCppModel, gpu: GpuSpec, layout: Layout, load: Load) -> LayoutMemory:
        """What fills each GPU; a pipeline is the cut of the layers that leaves the fullest GPU the most room."""
        if (reason := self.refusal(model, layout)) is not None:
            return refused(layout, reason)
        s = self.settings(model, gpu, load, layout)
        if layout.tensor_parallel_size > 1:
            if s.n_gpu_layers is not None or s.n_cpu_moe:
                return refused(layout, "what of a model stays off GPUs that cut it by rows is not known here")
            return self._by_rows(model, gpu, layout, s)
        return self._by_layers(model, [gpu] * layout.pipeline_parallel_size, layout, s)

    def evaluate_mixed(self, model: LlamaCppModel, gpus: Sequence[GpuSpec], load: Load) -> LayoutMemory:
        """Whole layers over given GPUs in their order, each as many as it holds."""
        layout = Layout(1, len(gpus))
        for gpu in gpus:
            self.check_gpu(model, gpu, self.cache_dtype(model.card, load))
        if (reason := self.refusal(model, layout)) is not None:
            return refused(layout, reason)
        return self._by_layers(model, gpus, layout, self.settings(model, gpus[0], load, layout))

    def _cache(self, model: LlamaCppModel, s: Settings) -> dict[str, int]:
        scale = QUANTIZED_CACHES.get(s.kv_cache_dtype)
        types = CacheTypes("float16" if scale else s.kv_cache_dtype, "float32")
        return model.cache_bytes(types, scale / types.cache_bytes if scale else 1.0, s, s.max_num_batched_tokens)

    def _compute(self, a: Architecture, s: Settings, *, copies: int, output: bool) -> int:
        flash = s.flash_attention is not False
        batch = s.max_num_batched_tokens
        if is_compressed(a):
            return compressed.compute_bytes(a, s.context, batch, copies=copies, flash_attention=flash)
        narrow = at_least(self.asked, str(self.constants["float16_mask_in"]))
        return compute_bytes(
            a, s.context, batch, copies=copies, output=output, flash_attention=flash, narrow_mask=narrow
        )

    def _by_layers(self, model: LlamaCppModel, gpus: Sequence[GpuSpec], layout: Layout, s: Settings) -> LayoutMemory:
        a, c, cache = model.card.architecture, self.constants, self._cache(model, s)
        placed = model.placed(s, [cache[n] for n in model.inventory.layer_names])
        names, count = model.inventory.layer_names[placed.first :], len(gpus)
        if count > len(names) + 1:
            return refused(layout, f"{len(names)} layers on GPUs do not fill {count}")
        copies = c["input_copies"] if count > 1 else 1
        context_bytes = int(c["context_gib"] * GIB)
        compute = [self._compute(a, s, copies=copies, output=i == count - 1) + placed.copied for i in range(count)]
        rooms = [gpu.visible_bytes - context_bytes - compute[i] for i, gpu in enumerate(gpus)]
        each = [size + cache[n] for size, n in zip(placed.layers, names, strict=True)]
        cut = even_cut(each, 0, placed.head, rooms)
        stages = tuple(
            RankMemory(
                capacity_bytes=gpu.visible_bytes,
                budget_bytes=gpu.visible_bytes,
                weights_bytes=sum(placed.layers[start:stop]) + (placed.head if i == count - 1 else 0),
                kv_cache_bytes=sum(cache[n] for n in names[start:stop]),
                activation_bytes=compute[i],
                overhead_bytes=context_bytes,
            )
            for i, (gpu, (start, stop)) in enumerate(zip(gpus, cut, strict=True))
        )
        states = tuple(model.state_bytes(placed.first + start, placed.first + stop, s) for start, stop in cut)
        memory = answer(self, model, layout, stages, s, tuple(stop - start for start, stop in cut), states)
        return replace(memory, host_bytes=placed.host) if placed.host else memory

    def _by_rows(self, model: LlamaCppModel, gpu: GpuSpec, layout: Layout, s: Settings) -> LayoutMemory:
        """``--split-mode row``: matrices are cut, all else stands on the main GPU."""
        a, c, names = model.card.architecture, self.constants, model.inventory.layer_names
        weights = sum(model.layer_bytes) + model.head_bytes
        share, cache = ceil_div(weights, layout.tensor_parallel_size), self._cache(model, s)
        compute = self._compute(a, s, copies=1, output=True)
        context_bytes = int(c["context_gib"] * GIB)
        main = RankMemory(
            gpu.visible_bytes, gpu.visible_bytes, share, sum(cache[n] for n in names), compute, context_bytes
        )
        return answer(self, model, layout, (main,), s, ())


ENGINE = LlamaCppEngine
