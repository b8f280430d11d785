"""How many tokens TGI's launcher lets into one prefill (``launcher/src/main.rs``: ``max_batch_prefill_tokens``)."""

from __future__ import annotations

from gpu_sizer.engines.tgi.version import constants
from gpu_sizer.model.mixers.attention import Attention
from gpu_sizer.units import MIB, ceil_div, round_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.engines.tgi.version import Rules
    from gpu_sizer.model.architecture import Architecture, Block

#: A multiply and an add.
OPERATIONS = 2
HALF_BYTES = 2


def _last(a: Architecture) -> Block:
    return a.blocks[a.layer_names[-1]]


def _widths(a: Architecture) -> tuple[int, int, int] | None:
    """The intermediate size of one expert or of the dense layer, experts used with shared ones, and experts in all."""
    f = _last(a).feed_forward
    if f is None:
        return None
    if f.num_experts:
        return f.moe_intermediate_size, f.num_experts_per_tok + f.num_shared_experts, f.num_experts
    return f.dense_width, 1, 1


def _attention(a: Architecture) -> Attention | None:
    """The attention of the last layer, where its heads have keys and values of their own."""
    m = _last(a).mixer
    return m if isinstance(m, Attention) else None


def _optimal(card: ModelCard, gpu: GpuSpec, shards: int) -> int | None:
    """Tokens whose operations take one second (``compute_optimal``); null where the launcher cannot tell."""
    a, tflops = card.architecture, constants()["tflops"].get(gpu.id)
    m, widths = _attention(a), _widths(a)
    if tflops is None or widths is None or a.towers or m is None:
        return None
    inner, used, _ = widths
    heads, kv = m.num_attention_heads * m.head_dim, m.num_key_value_heads * m.head_dim
    attention = OPERATIONS * a.hidden_size * (3 * heads + 2 * kv)
    layer = attention + OPERATIONS * 3 * a.hidden_size * inner * used
    tokens: int = tflops * 10**12 * shards // (layer * a.num_hidden_layers)
    return tokens if tokens > constants()["least_optimal_tokens"] else None


def _most(card: ModelCard, gpu: GpuSpec, shards: int) -> int | None:
    """Tokens for which the launcher finds memory beside the weights (``vram_maximum``); null where it cannot tell."""
    a, c = card.architecture, constants()
    m, widths = _attention(a), _widths(a)
    if c["tflops"].get(gpu.id) is None or widths is None or m is None or card.weights.rules:
        return None
    inner, _, experts = widths
    kv = 2 * m.num_key_value_heads * m.head_dim * HALF_BYTES * a.num_hidden_layers
    width = (inner + inner // 2) * experts * HALF_BYTES * 3
    heads = m.num_attention_heads * m.head_dim
    layer = 3 * inner * experts * a.hidden_size + heads * a.hidden_size
    layer += heads + 2 * m.num_key_value_heads * m.head_dim
    model = (layer * a.num_hidden_layers + 2 * a.hidden_size * a.vocab_size) * HALF_BYTES
    total = (gpu.memory.nvidia_smi_mib or gpu.visible_bytes / MIB) * MIB * shards
    left = int(total * c["memory_fraction"] * c["launcher_wiggle_room"]) - model
    return left // (kv + width) if left >= 0 else None


def prefill_tokens(card: ModelCard, gpu: GpuSpec, shards: int, context: int, rules: Rules) -> int:
    """The launcher's default of ``max_batch_prefill_tokens``, for prompts of all of the context but a token."""
    if rules.prefill == "prompt":
        return context - 1 + int(constants()["beyond_prompt"])
    fixed: int = constants()["prefill_tokens"]
    if not rules.chunks:
        return max(fixed, context - 1)
    tokens = min(_optimal(card, gpu, shards) or fixed, card.context.native)
    most = _most(card, gpu, shards)
    return max(1, tokens if most is None else min(tokens, most))


def warm_up_tokens(context: int, prefill: int, sequences: int | None, page: int, rules: Rules) -> int:
    """Tokens of the blocks that a warm-up's batch holds: prompts that fill a prefill, each with what it may answer.

    Args:
        context: tokens of a request, all but one of which may be its prompt.
        prefill: tokens of a prefill.
        sequences: the most requests of a batch; null is any number.
        page: tokens of a block.
        rules: of the version.
    """
    prompts = ceil_div(prefill, max(1, context - 1))
    if sequences is not None:
        prompts = min(prompts, sequences)
    if rules.requests:
        return prompts * round_up(context, page)
    return round_up(prefill, page)
