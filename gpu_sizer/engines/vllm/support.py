"""Models that vLLM cannot split, caches in a way of their own, or keeps outside of the GPUs in part."""

from __future__ import annotations

from gpu_sizer.cards.gpu_spec import BLACKWELL, WORKSTATION_BLACKWELL
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.vllm.loading import PER_LAYER_TABLE
from gpu_sizer.engines.vllm.sparse import shares_states
from gpu_sizer.errors import UncountableError
from gpu_sizer.memory.layout import stage_bounds
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.records import replace
from gpu_sizer.units import gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.engines.vllm.delta import Scratch
    from gpu_sizer.engines.vllm.pages import PageRules
    from gpu_sizer.engines.vllm.version import VersionProfile
    from gpu_sizer.memory.layout import Layout

#: First version whose GLM-5.3 Flash has a float8 cache on data-center Blackwell.
FLOAT8_CACHE = "0.33"
#: First version in which a scale for each head of each token was seen (config/cache.py of 0.20.2; 0.15 has none).
SCALED_HEADS = "0.20"


def host_note(card: ModelCard) -> str | None:
    """That tables stand in the machine's memory (config/engram.py: cpu_offload is the default), or null."""
    tables = [t for b in card.architecture.blocks.values() for t in b.extra if t.host_table]
    if not tables:
        return None
    size = gib(build_inventory(card).host_bytes)
    return (
        f"{size} of n-gram tables stand in the machine's memory, once a replica, and on no GPU; "
        """--engram-config '{"cpu_offload": false}' would put them on the GPUs"""
    )


def _shared_states_refusal(card: ModelCard, layout: Layout) -> str | None:
    """Why no stage may begin here: its layers read compressed states that a stage before it makes, or null.

    Source: ``models/deepseek_v41/attention.py`` ("PP splits inside a v4.1 kv-sharing group are not supported").
    """
    a, stages = card.architecture, layout.pipeline_parallel_size
    if stages == 1 or not shares_states(a):
        return None
    for start, _ in stage_bounds(a.num_hidden_layers, stages):
        mixer = a.blocks[a.layer_names[start]].mixer
        if mixer is not None and mixer.reads_states:
            return f"layer {start} would begin a pipeline stage and read compressed states of an earlier one"
    return None


def check_scaled_heads(card: ModelCard, version: VersionProfile) -> None:
    """Refuses a cache with scales of heads where there are no heads, or before there was one.

    Raises:
        UncountableError: a model or version without it.
    """
    if not version.at_least(SCALED_HEADS):
        raise UncountableError(f"vLLM {SCALED_HEADS} is the first known to scale a cache by heads", about="engine")
    if any(m.latent or m.compressed for b in card.architecture.blocks.values() for m in b.mixers):
        raise UncountableError(f"{card.name} caches no keys of heads that vLLM could scale", about="model")


def pooled_cache_dtype(card: ModelCard, major: int | None, named: str | None, version: VersionProfile) -> str | None:
    """The cache type beside pooled index keys (GLM-5.3 Flash): what was named or the class sets; null for the model's.

    From 0.33 on data-center Blackwell has float8 where nothing is named (``model_executor/models/config.py:
    Glm5NextModelConfig``), 512 bytes a token.

    Args:
        card: the model.
        major: first number of the GPU's compute capability.
        named: the type asked for.
        version: the engine's.

    Raises:
        UncountableError: a cache whose record is not known here.
    """
    if major == WORKSTATION_BLACKWELL:
        reason = "its kernels on this GPU keep records of their own (FLASHINFER_MLA_SPARSE_SM120)"
    elif major == BLACKWELL:
        return "float8" if named is None and version.at_least(FLOAT8_CACHE) else named
    elif named == "float8":
        reason = "which record a float8 cache has depends on the kernels that are taken on this GPU"
    else:
        return named
    raise UncountableError(f"how vLLM caches {card.name} is not known here: {reason}", about="gpu")


def sparse_cache_dtype(card: ModelCard, major: int | None, named: str | None, version: VersionProfile) -> str | None:
    """The cache type beside index keys (DeepSeek V3.2, GLM-5): what was named or the GPU sets; null for the model's.

    Workstation Blackwell has kernels for float8 records alone and takes them by itself (``mla_attention.py:
    _canonicalize_sparse_mla_kv_cache_dtype``); on data-center Blackwell some classes turn to float8 (support.yaml).

    Args:
        card: the model.
        major: first number of the GPU's compute capability.
        named: the type asked for.
        version: the engine's.

    Raises:
        UncountableError: a version or a type for which this GPU has no kernel.
    """
    data = profile_data("vllm/support")
    if major == WORKSTATION_BLACKWELL:
        first = data["sparse_on_workstation_blackwell"]
        if not version.at_least(first):
            reason = f"vLLM {first} is the first known to run sparse latent attention on compute capability 12"
            raise UncountableError(reason, about="gpu")
        if named not in (None, "float8"):
            reason = f"sparse latent attention keeps float8 records alone on compute capability 12, not {named}"
            raise UncountableError(reason, about="gpu")
        return "float8"
    turned = data["float8_on_blackwell"].get(card.engine_class)
    if named is None and major == BLACKWELL and turned is not None and version.at_least(turned):
        return "float8"
    return named


def prefix_rules(engine_class: str | None, rules: PageRules) -> PageRules:
    """What prefix caching means for the states of a class: kept at every boundary, at those in use, or not at all.

    Source: ``model_executor/models/config.py`` (MambaModelConfig), ``platforms/interface.py``
    (``_align_hybrid_block_size``).
    """
    chunk = profile_data("vllm/support")["prefix_states"]["chunks"].get(engine_class)
    every = rules.every_state and chunk is not None
    return replace(
        rules,
        prefix_caching=rules.prefix_caching and (every or rules.aligned_states),
        state_chunk=chunk if every and rules.prefix_caching else None,
        aligned_states=True,
        every_state=False,
    )


def leaves_checkpoints(engine_class: str | None, mixer: str) -> bool:
    """Whether the prefill of a kind of mixer can leave checkpoints of its states in a class of models."""
    return engine_class not in profile_data("vllm/support")["no_checkpoints"].get(mixer, ())


def masks_images(card: ModelCard) -> bool:
    """Whether attention sees the tokens of an image at once, and kernels are a pair of which one masks them."""
    data = profile_data("vllm/support")["masked_images"]
    if card.engine_class not in data["classes"]:
        return False
    widths = {getattr(b.mixer, "head_dim", None) for b in card.architecture.blocks.values() if b.mixer is not None}
    per_layer = any(t.name == PER_LAYER_TABLE for t in card.architecture.extra)
    return widths <= set(data["head_dims"]) and not per_layer


def split_refusal(card: ModelCard, layout: Layout, version: VersionProfile) -> str | None:
    """Why this model is not split by tensors or into stages, or null."""
    rules = profile_data("vllm/support")
    if layout.pipeline_parallel_size > 1 and card.engine_class in rules["no_pipeline"]:
        return f"vLLM's {card.engine_class} does not support pipeline parallelism"
    if (reason := _shared_states_refusal(card, layout)) is not None:
        return reason
    if layout.tensor_parallel_size == 1:
        return None
    since: str | None = rules["no_tensor_plan"].get(card.engine_class)
    if since is None or not version.at_least(since):
        return None
    return f"vLLM runs {card.engine_class} by transformers' class, which has no tensor-parallel plan"


def scratch_of(card: ModelCard, gpu: GpuSpec, version: VersionProfile) -> Scratch | None:
    """The scratch of delta attention beside the budget; null for models and GPUs without (``delta.py``)."""
    if (kind := "kimi_delta_attention") not in card.mixer_kinds:
        return None
    mixers = [b.mixer for b in card.architecture.blocks.values()]
    if not any(m is not None and m.kind == kind for m in mixers) or not leaves_checkpoints(card.engine_class, kind):
        return None
    from gpu_sizer.engines.vllm import delta

    return delta.scratch_of(card, gpu, version)
