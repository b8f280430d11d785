"""Where a model's bytes go: its parameters by part, its cache by layer, with the formulas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gpu_sizer.cards.mixers import Attention, CompressedAttention, LatentAttention
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.registry import engine
from gpu_sizer.memory.caches import LayerKeeps
from gpu_sizer.model.formats import storage_bytes
from gpu_sizer.model.inventory import Inventory, build_inventory
from gpu_sizer.units import gb, gib


def _weights(inventory: Inventory) -> Iterator[str]:
    sizes: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    formats: dict[str, Counter[str]] = {}
    for tensor, layers in inventory.everything():
        size = storage_bytes(tensor.shape, tensor.fmt) * tensor.copies * layers
        sizes[tensor.part] += size
        counts[tensor.part] += tensor.parameters * layers
        formats.setdefault(tensor.part, Counter())[tensor.fmt] += size
    width = max(len(p) for p in sizes)
    for part, size in sizes.most_common():
        kinds = ", ".join(f for f, _ in formats[part].most_common(2))
        yield f"  {part.replace('_', ' '):<{width}}  {counts[part]:>17,}  {gib(size):>10}  {kinds}"
    total = sum(sizes.values())
    yield f"  {'in all':<{width}}  {inventory.total_parameters:>17,}  {gib(total):>10}  = {gb(total)}"


def _formula(card: ModelCard, name: str) -> str:
    m = card.architecture.blocks[name].mixer
    if isinstance(m, Attention):
        span = f", at most {m.sliding_window:,} tokens and those in flight" if m.sliding_window else ""
        span = f", in chunks of {m.attention_chunk_size:,}" if m.attention_chunk_size else span
        if m.shares_cache:
            return "reads another layer's cache"
        if m.short_convolutions:
            span += f", beside {m.short_convolutions.conv_kernel} tokens and those in flight of its short convolutions"
        return f"{m.num_key_value_heads} key/value heads x ({m.head_dim} + {m.v_head_dim or m.head_dim}){span}"
    if isinstance(m, LatentAttention):
        return f"one latent of {m.kv_lora_rank} + {m.qk_rope_head_dim}, whole on every tensor-parallel rank"
    if isinstance(m, CompressedAttention) and m.shares_states and not m.compress_ratio:
        return f"a window of {m.sliding_window}"
    if isinstance(m, CompressedAttention) and m.shares_states:
        states = f"states of {m.compress_ratio} token{'s' if m.compress_ratio > 1 else ''} each"
        kept = "which later layers read" if m.shares_states == "maker" else "which an earlier layer keeps"
        return f"a window of {m.sliding_window} and {states}, {kept}"
    if isinstance(m, CompressedAttention):
        return f"a window of {m.sliding_window} and states of {m.compress_ratio or 'no'} tokens each"
    return "a constant state per sequence" if m is not None else "nothing: a feed-forward alone"


def _sizes(k: LayerKeeps, layers: int) -> Iterator[str]:
    """What so many layers of a kind keep: of every token, of a window, of a whole sequence."""
    # Windows beside or of compressed states are told whole: what a token takes there ends after some tokens.
    whole = k.token_bytes or k.latent
    windows = k.windows_bytes if whole else k.window_bytes
    if k.token_bytes:
        yield f"{k.token_bytes * layers:,.0f} bytes a token"
    if windows:
        yield f"{windows * layers:,.0f} bytes {'a sequence in windows' if whole else 'a token'}"
    if k.state_bytes and not k.token_bytes and not windows:
        yield f"{gib(k.state_bytes * layers)} a sequence"


def _cache(card: ModelCard) -> Iterator[str]:
    keeps = engine().layers_keep(card)
    for name, layers in Counter(card.architecture.layer_names).items():
        size = " and ".join(_sizes(keeps[name], layers)) or "0 bytes"
        yield f"  {layers:>3} x {name}: {_formula(card, name)}: {size}"


def explain_model(card: ModelCard, weights_dtype: str | None = None) -> Iterator[str]:
    """Parameters, bytes and cache of a model, line by line."""
    inventory = build_inventory(card, weights_dtype)
    yield f"{card.name}: {inventory.total_parameters:,} parameters, {inventory.active_parameters:,} active per token"
    yield ""
    yield "Weights, as they are stored"
    yield from _weights(inventory)
    if inventory.mtp:
        kept_apart = sum(t.parameters for t in inventory.mtp)
        yield f"  beside these, {kept_apart:,} for multi-token prediction, not loaded without speculation"
    yield ""
    cached = card.weights.kv_cache_dtype or card.weights.dtype
    yield f"Cache of one sequence ({cached}), by kind of layer, on one GPU"
    yield from _cache(card)
