"""The activation peak of vLLM's profile run, and the memory beside it.

The profile run pushes one batch of ``max_num_batched_tokens`` tokens through the model and then lets the
sampler work on ``max_num_seqs`` rows of logits; the larger of the two is the peak. The workspaces of the
experts' kernels stay allocated and stand beside it (``model_executor/layers/fused_moe``: ``workspace_shapes``), or
that of sparse attention where it is larger (:mod:`gpu_sizer.engines.vllm.sparse`).
A vision tower works before all that (:mod:`gpu_sizer.engines.vllm.encoders`).
"""

from __future__ import annotations

from functools import cache

from gpu_sizer.cards.gpu_spec import BLACKWELL, HOPPER, GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.vllm import sparse
from gpu_sizer.engines.vllm.encoders import encoder_peak
from gpu_sizer.engines.vllm.version import VersionProfile
from gpu_sizer.load import Settings
from gpu_sizer.memory.activations import ACTIVATION_BYTES, forward_bytes, layer_bytes, workspace_bytes
from gpu_sizer.memory.layout import Layout
from gpu_sizer.model.architecture import Architecture
from gpu_sizer.records import dataclass, replace
from gpu_sizer.units import GIB, MIB, ceil_div, round_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.engines.vllm.drafts import Drafter

#: Copies of the batch that replicas gather for experts which they share: what came in, what goes out, and its sum.
GATHERED_COPIES = 3
#: Short convolutions on outputs run between two collectives, whose buffers are kept from loading on: three generations
#: of what comes in and of what goes out, for so many tokens and these sizes of tensor parallelism
#: (models/inkling/nvidia/ops/lamport.py: LamportRSConv).
CONVOLUTION_BUFFERS = 6
CONVOLUTION_TOKENS = 16384
CONVOLUTION_RANKS = (2, 4, 8)
#: What a stage of a pipeline is handed by the one before it.
STAGE_INPUTS = 2
#: GPUs over PCIe that the engine's own all-reduce takes at most.
PCIE_PAIR = 2
#: Rows of logits a sequence that a profile with drafts has beside the sampler's, and a bit of a mask, in bytes.
DRAFT_ROWS = 2
MASK_BYTES = 1 / 8


@dataclass(frozen=True, slots=True)
class Reserve:
    """Memory beside weights and cache on one GPU, in bytes."""

    activation_bytes: int
    overhead_bytes: int
    band_bytes: int


@cache
def _constants() -> dict[str, Any]:
    data: dict[str, Any] = profile_data("vllm/versions")
    return data


@cache
def _fitted() -> dict[str, Any]:
    data: dict[str, Any] = profile_data("vllm/fitted")
    return data


def kept_workspace_bytes(
    a: Architecture, gpu: GpuSpec, layout: Layout, tokens: int, scaled_experts: bool, version: VersionProfile
) -> int:
    """The workspaces that stay allocated after the profile run.

    Those of unquantized experts do since these run in a modular kernel
    (``fused_moe/unquantized_fused_moe_method.py``); before, they were freed after each layer. So were those of
    experts that replicas share, as long as kernels took tokens in chunks.
    """
    if version.keeps_workspaces == "none" or (version.keeps_workspaces == "scaled" and not scaled_experts):
        return 0
    if shares_experts(layout) and version.expert_chunk is not None:
        return 0
    return workspace_bytes(a, gpu, layout, expert_tokens(layout, tokens, version), scaled_experts)


def shares_experts(layout: Layout) -> bool:
    """Whether replicas hold experts together: each then works on the batches of all of them."""
    return layout.expert_parallel and layout.data_parallel_size > 1


def expert_tokens(layout: Layout, tokens: int, version: VersionProfile) -> int:
    """Tokens that the kernels of experts take at once on one rank.

    Source: ``fused_moe/layer.py: do_naive_dispatch_combine``, later ``prepare_finalize/naive_dp_ep.py``.
    """
    gathered = tokens * (layout.data_parallel_size if shares_experts(layout) else 1)
    return gathered if version.expert_chunk is None else min(gathered, version.expert_chunk)


def has_latent(a: Architecture) -> bool:
    """Whether some layer has latent attention, compressed or not."""
    return any(b.mixer is not None and (b.mixer.latent or b.mixer.compressed) for b in a.blocks.values())


def has_short_convolutions(a: Architecture) -> bool:
    """Whether some layer has short convolutions."""
    return any(b.mixer is not None and b.mixer.short_convolutions for b in a.blocks.values())


@cache
def _sizes_up_to(most: int, decoded: int) -> int:
    """How many sizes are captured that are no larger: 1, 2, 4, then every eighth, from 256 on every sixteenth.

    Each is rounded up to whole sequences, of which each has so many tokens ``decoded`` in a step.
    """
    sizes = (1, 2, 4, *range(8, 256, 8), *range(256, most + 1, 16))
    return len({rounded for size in sizes if (rounded := round_up(size, decoded)) <= most})


def captured_graphs(
    settings: Settings,
    gpu: GpuSpec,
    version: VersionProfile,
    engine_class: str | None = None,
    drafted: int = 0,
    *,
    whole: bool = True,
) -> int:
    """Graphs that the engine captures: pieces of the model for mixed batches, and ``whole`` ones for decoding.

    A sequence decodes one token a step, and those drafted ahead; where whole graphs hold them, all sizes are multiples.

    Source: ``vllm/config/vllm.py: _set_cudagraph_sizes``, ``v1/cudagraph_dispatcher.py: initialize_cudagraph_keys``,
    ``config/compilation.py: adjust_cudagraph_sizes_for_spec_decode`` (0.20.0, 0.24.0, 0.33.0).
    """
    limit = _constants()["largest_graph"]
    large = gpu.generation == BLACKWELL and version.at_least(limit["from"])
    most = limit["data_center_blackwell" if large else "most"]
    # A class that sets the number itself has it whatever the sequences are.
    own: int | None = limit["classes"].get(engine_class)
    each = 1 + drafted
    decoded = settings.max_num_seqs * each
    largest = min(own or min(2 * decoded, most), settings.max_num_batched_tokens)
    if not whole:
        return _sizes_up_to(largest, 1)
    return _sizes_up_to(largest, each) + _sizes_up_to(min(largest, decoded), each)


def collectives_per_layer(a: Architecture, engine_class: str | None = None) -> float:
    """Collectives of a layer, on average: one behind its mixer and one behind its feed-forward, or one for both."""
    joined = engine_class in _constants()["joined_collectives"]
    each = {name: 1 if joined else bool(b.mixers) + bool(b.feed_forwards) for name, b in a.blocks.items()}
    return sum([each[name] for name in a.layer_names]) / len(a.layer_names)


def graph_bytes(
    layers: int,
    latent: bool,
    settings: Settings,
    gpu: GpuSpec,
    version: VersionProfile,
    engine_class: str | None = None,
    drafted: int = 0,
    *,
    whole: bool = True,
    tensor_parallel_size: int = 1,
    collectives: float = 0.0,
) -> int:
    """Captured graphs of so many layers and so many collectives each, where the version counts them in its budget."""
    if gpu.platform not in version.graphs_in_budget or settings.enforce_eager:
        return 0
    if gpu.platform == "rocm":
        each = _fitted()["rocm"]["graph_per_layer_mib"] * layers
    else:
        c = _fitted()["graphs"]
        each = c["per_layer_mib"] * layers + c["constant_mib"] + (c["latent_mib"] if latent else 0)
        if nccl_alone(gpu, tensor_parallel_size, own=not settings.disable_custom_all_reduce):
            each += collectives * layers * _constants()["graph_collective_mib"]
    return int(captured_graphs(settings, gpu, version, engine_class, drafted, whole=whole) * each * MIB)


def flashinfer_attends(a: Architecture, gpu: GpuSpec, settings: Settings) -> bool:
    """Whether FlashInfer's kernels run attention over keys and values.

    With drafts these run outside of data-center Blackwell in no whole graph (``config/compilation.py``:
    ``FULL_AND_PIECEWISE is not supported with spec-decode for attention backend FlashInferBackend``).
    """
    data_center = gpu.generation == BLACKWELL
    float8 = settings.kv_cache_dtype == "float8" and gpu.generation != HOPPER
    if gpu.platform != "cuda" or not (data_center or float8):
        return False
    mixers = [m for b in a.blocks.values() for m in b.mixers if m.kv_heads or m.latent]
    if any(m.latent for m in mixers):
        return False
    widths = {getattr(m, "head_dim", None) for m in mixers}
    if not widths or not widths <= set(_constants()["attention_workspace"]["head_dims"]):
        return False
    return data_center or not any(getattr(m, "sinks", False) for m in mixers)


def attention_workspace_bytes(a: Architecture, gpu: GpuSpec, settings: Settings, drafted: int) -> int:
    """What FlashInfer's attention takes for its work while graphs are profiled; zero where other kernels run."""
    data_center = gpu.generation == BLACKWELL
    if gpu.platform != "cuda" or (drafted and not data_center):
        return 0
    c = _constants()["attention_workspace"]
    if data_center:
        mixers = [m for b in a.blocks.values() for m in b.mixers if m.kv_heads or m.latent]
        if any(m.latent for m in mixers):
            return int(c["latent_mib"] * MIB) if all(m.latent and m.index_width == 0 for m in mixers) else 0
    return int(c["mib"] * MIB) if flashinfer_attends(a, gpu, settings) else 0


def unified_bytes(layout: Layout) -> tuple[int, int]:
    """What else is taken of a memory that GPU and machine share while a server starts, and how far that is out.

    Each such GPU is a machine of its own, so several that talk to one another have what they talk through in that
    memory, too. The engine reads what is free there from the driver while it profiles graphs
    (``v1/worker/gpu/cudagraph_utils.py: profile_cudagraph_memory``), which counts the page cache as taken
    (``utils/mem_utils.py: MemorySnapshot.measure`` says so, and asks the system instead): what it takes for graphs
    moves by GiB from start to start.
    """
    fitted = _fitted()["unified" if joined_workers(layout) == 1 else "unified_machines"]
    return int(fitted["extra_gib"] * GIB), int(fitted["band_gib"] * GIB)


def gpu_kind(gpu: GpuSpec) -> tuple[str, int | None, bool, bool, bool, bool]:
    """Everything of a GPU, but for its memory, on which an estimate depends."""
    return gpu.platform, gpu.generation, gpu.has_nvlink, gpu.has_peer_access, gpu.has_float8, gpu.is_unified


def nccl_alone(gpu: GpuSpec, tensor_parallel_size: int, *, own: bool = True) -> bool:
    """Whether NCCL alone joins the ranks of a layer over PCIe.

    The engine's ``own`` all-reduce takes a pair there that has peer access (``device_communicators/
    custom_all_reduce.py``).
    """
    if tensor_parallel_size == 1 or gpu.has_nvlink:
        return False
    return not (own and tensor_parallel_size <= PCIE_PAIR and gpu.has_peer_access)


def joined_workers(layout: Layout) -> int:
    """How many GPUs talk to one another, as far as it matters: alone, a pair, or more."""
    return min(layout.tensor_parallel_size * layout.pipeline_parallel_size, 3)


def communication_bytes(
    a: Architecture, gpu: GpuSpec, layout: Layout, tokens: int, version: VersionProfile, *, own: bool = True
) -> int:
    """Buffers of the collectives: a constant, and for tensor parallelism over NVLink copies of a batch's states.

    Where the engine's ``own`` all-reduce is off, a pair over PCIe has NCCL's alone, as more GPUs there have.
    """
    workers = joined_workers(layout)
    if workers == 1:
        return 0
    link = "nvlink" if gpu.has_nvlink else "pcie"
    size = version.communicators_bytes[link] if version.communicators_in_budget and workers > 2 else 0
    if link == "pcie":
        alone = nccl_alone(gpu, layout.tensor_parallel_size, own=own)
        return size + version.communication_bytes["pcie_many" if alone else "pcie"]
    size += version.communication_bytes["nvlink"]
    if layout.tensor_parallel_size > 1:
        size += int(version.communication_copies * tokens * a.hidden_size * ACTIVATION_BYTES)
    if gpu.platform == "cuda" and layout.tensor_parallel_size in CONVOLUTION_RANKS and has_short_convolutions(a):
        size += CONVOLUTION_BUFFERS * min(tokens, CONVOLUTION_TOKENS) * a.hidden_size * ACTIVATION_BYTES
    return size


def sampler_bytes(a: Architecture, max_num_seqs: int, version: VersionProfile, *, drafts: bool = False) -> int:
    """The sampler's peak over so many rows of logits, the same on every GPU of any layout.

    Where tokens are drafted the first runner's profile has two more rows a sequence, in the model's type
    (``v1/worker/gpu_model_runner.py: _dummy_sampler_run``).
    """
    more = DRAFT_ROWS * ACTIVATION_BYTES if drafts and not version.second_runner else 0
    return int(max_num_seqs * a.vocab_size * (version.sampler_bytes_per_logit + more))


def spared_by_images(
    card: ModelCard,
    gpu: GpuSpec,
    layout: Layout,
    settings: Settings,
    version: VersionProfile,
    scaled_experts: bool,
    drafter: Drafter | None = None,
) -> int:
    """What the peak is lower by where FlashInfer samples, as in the images of some versions (``support.yaml``)."""
    narrow = replace(
        version, sampler_bytes_per_logit=profile_data("vllm/support")["sampler_of_images"]["bytes_per_logit"]
    )
    peaks = [activation_bytes(card, gpu, layout, settings, v, scaled_experts, drafter) for v in (version, narrow)]
    return peaks[0] - peaks[1]


def sampler_state_bytes(a: Architecture, max_num_seqs: int, version: VersionProfile, drafted: int = 0) -> int:
    """What the sampler keeps of every sequence and entry of the vocabulary while the model runs.

    The mask of a grammar has a row for each token drafted ahead, too (``v1/worker/gpu/structured_outputs.py``).
    """
    masks = drafted * MASK_BYTES if version.second_runner else 0
    return int(max_num_seqs * a.vocab_size * (version.sampler_state_bytes + masks))


def buffer_bytes(card: ModelCard, layout: Layout, tokens: int, version: VersionProfile) -> int:
    """Buffers for a whole batch: what a stage is handed (states and residual), and embeddings of text and images.

    Every stage is counted as one that is handed something, though the first is not. Source: the second generation's
    ``v1/worker/gpu/model_runner.py`` (make_empty_intermediate_tensors) and ``mm/encoder_runner.py`` (inputs_embeds);
    the runner before it has both in ``v1/worker/gpu_model_runner.py``.
    """
    if version.generation == "V0":
        return 0
    copies = STAGE_INPUTS if layout.pipeline_parallel_size > 1 else 0
    copies += 1 if card.architecture.towers else 0
    return copies * tokens * card.architecture.hidden_size * ACTIVATION_BYTES


def activation_bytes(
    card: ModelCard,
    gpu: GpuSpec,
    layout: Layout,
    settings: Settings,
    version: VersionProfile,
    scaled_experts: bool,
    drafter: Drafter | None = None,
) -> int:
    """The activation peak of the profile run on one GPU.

    A pipeline changes nothing of it, and replicas only where they share experts.

    Args:
        card: the model.
        gpu: its memory and links.
        layout: parallel sizes.
        settings: the engine's settings, all resolved.
        version: constants of the engine's version.
        scaled_experts: whether the experts are stored with scales (float8, MXFP4 ...).
        drafter: what drafts tokens ahead, whose pass follows the model's.
    """
    a, tokens = card.architecture, settings.max_num_batched_tokens
    drafted = drafter.tokens if drafter is not None else 0
    sampler = sampler_bytes(a, settings.max_num_seqs, version, drafts=drafter is not None)
    forward = max(
        forward_bytes(a, layout, tokens),
        layer_bytes(a, layout.tensor_parallel_size, gpu.generation, tokens),
        sparse.stream_bytes(a, tokens),
    )
    if drafter is not None:
        forward = max(forward + drafter.states_bytes(card, tokens), drafter.forward_bytes(card, layout, settings))
    if sparse.has_indexer(a):
        forward += sparse.LOGITS_BYTES
    kept = kept_workspace_bytes(a, gpu, layout, tokens, scaled_experts, version)
    # Workspaces that are freed after each layer are part of the forward pass.
    if not kept:
        forward += workspace_bytes(a, gpu, layout, expert_tokens(layout, tokens, version), scaled_experts)
    if shares_experts(layout):
        forward += GATHERED_COPIES * layout.data_parallel_size * tokens * a.hidden_size * ACTIVATION_BYTES
    activation = max(sampler, forward + sampler_state_bytes(a, settings.max_num_seqs, version, drafted))
    fewer = version.at_least(sparse.FEWER_LENGTHS)
    gathered = sparse.workspace_bytes(a, gpu.generation, settings.context, tokens, fewer_lengths=fewer)
    activation += max(kept, gathered, sparse.reserved_bytes(a, gpu, layout.tensor_parallel_size, settings, version))
    encoder = encoder_peak(card, layout.tensor_parallel_size, settings, version)
    return max(encoder.working_bytes, encoder.kept_bytes + activation)


def reserve(
    card: ModelCard,
    gpu: GpuSpec,
    layout: Layout,
    settings: Settings,
    version: VersionProfile,
    activation: int,
    experts: bool,
    host_bytes: int,
    drafter: Drafter | None = None,
) -> Reserve:
    """The activation peak and the overhead on one GPU, without :func:`graph_bytes`.

    Args:
        card: the model.
        gpu: its memory and links.
        layout: parallel sizes; of the pipeline only :func:`joined_workers` matters, and whether there is one.
        settings: the engine's settings, all resolved.
        version: constants of the engine's version.
        activation: the peak (:func:`activation_bytes`).
        experts: whether the model has any.
        host_bytes: tables that stand in the machine's memory.
        drafter: what drafts tokens ahead.
    """
    overhead, band = version.single_bytes, version.band_bytes["experts" if experts else "dense"]
    overhead += buffer_bytes(card, layout, settings.max_num_batched_tokens, version)
    if drafter is not None:
        overhead += drafter.buffer_bytes(card, settings, version)
    own, tokens = not settings.disable_custom_all_reduce, settings.max_num_batched_tokens
    overhead += communication_bytes(card.architecture, gpu, layout, tokens, version, own=own)
    if gpu.platform == "rocm":
        rocm = _fitted()["rocm"]
        overhead += int(rocm["extra_gib"] * GIB)
        band = max(band, int(rocm["band_gib"] * GIB))
    if gpu.is_unified:
        # Tables in the machine's memory are in the GPU's there, cut as the layers are.
        taken, width = unified_bytes(layout)
        overhead += taken + ceil_div(host_bytes, layout.tensor_parallel_size)
        band = max(band, width)
    return Reserve(activation, overhead, band)
