"""The tensors of every kind of token mixer.

Names and shapes are those of Hugging Face checkpoints (output dimension first); how each is cut follows
vLLM's layers (``model_executor/layers/linear.py`` and the model classes): query-side tensors by heads,
key/value heads replicated beyond their number, down-projections of latent attention whole on every rank.
"""

from __future__ import annotations

from gpu_sizer.cards.mixers import (
    Attention,
    CompressedAttention,
    GatedDeltaNet,
    Indexer,
    KimiDeltaAttention,
    LatentAttention,
    LinearAttention,
    Mamba1,
    Mamba2,
    Mixer,
    ShortConvolution,
    ShortConvolutions,
    StreamConvolution,
)
from gpu_sizer.model.tensor import Split, Tensor
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

HEADS = "attention heads"
KV_HEADS = "key/value heads"


class Builder:
    """Makes the tensors of one module: a name prefix, a part, and the model's storage type."""

    def __init__(self, prefix: str, part: str, fmt: str, norm: str) -> None:
        self.prefix, self.part, self.fmt, self.norm_kind = prefix, part, fmt, norm

    def linear(
        self, name: str, out: int, inp: int, split: Split | None = None, *, bias: bool = False
    ) -> Iterator[Tensor]:
        """A linear layer's weight and bias. A bias is cut with the outputs, and whole where inputs are cut."""
        yield Tensor(f"{self.prefix}{name}.weight", (out, inp), self.part, self.fmt, split, is_linear=True)
        if bias:
            cut = split if split is not None and split.dim == 0 else None
            yield Tensor(f"{self.prefix}{name}.bias", (out,), self.part, self.fmt, cut)

    def plain(self, name: str, shape: tuple[int, ...], split: Split | None = None, **more: Any) -> Tensor:
        """A tensor that is no linear weight."""
        fmt = more.pop("fmt", self.fmt)
        return Tensor(self.prefix + name, shape, more.pop("part", self.part), fmt, split, **more)

    def norm(self, name: str, size: int, split: Split | None = None, *, kind: str | None = None) -> Iterator[Tensor]:
        """A norm of the model's kind, or of another."""
        kind = kind or self.norm_kind
        if kind == "none":
            return
        yield self.plain(f"{name}.weight", (size,), split, part="norms")
        if kind == "layer":
            yield self.plain(f"{name}.bias", (size,), split, part="norms")


def _attention(m: Attention, hidden: int, b: Builder) -> Iterator[Tensor]:
    heads, kv, dim, vdim = m.num_attention_heads, m.num_key_value_heads, m.head_dim, m.v_head_dim or m.head_dim
    q_split = Split(0, heads, HEADS)
    kv_split = Split(0, kv, KV_HEADS, replicate=True)
    if m.q_lora_rank:
        yield from b.linear("q_a_proj", m.q_lora_rank, hidden)
        yield b.plain("inter_norm.weight", (m.q_lora_rank,), part="norms")
    width = heads * dim * (2 if m.output_gate else 1)
    yield from b.linear("q_proj", width, m.q_lora_rank or hidden, q_split, bias=m.qkv_bias)
    if m.kv_projections:
        yield from b.linear("k_proj", kv * dim, hidden, kv_split, bias=m.qkv_bias)
        for value in b.linear("v_proj", kv * vdim, hidden, kv_split, bias=m.qkv_bias):
            # Where values are the keys the checkpoint has no such tensor, but engines keep a copy of the keys' here.
            yield replace(value, is_parameter=False) if m.keys_as_values else value
    reach = heads - m.noise_heads
    yield from b.linear("o_proj", hidden, reach * vdim, Split(1, reach, HEADS), bias=m.o_bias)
    if m.qk_norm == "head":
        kind = "rms" if b.norm_kind == "none" else b.norm_kind
        yield from b.norm("q_norm", dim, kind=kind)
        if m.kv_projections:
            yield from b.norm("k_norm", dim, kind=kind)
    elif m.qk_norm == "whole":
        yield b.plain("q_norm.weight", (heads * dim,), part="norms")
        yield b.plain("k_norm.weight", (kv * dim,), part="norms")
    elif m.qk_norm in ("full", "per_head"):
        yield b.plain("q_norm.weight", (heads * dim,), q_split, part="norms")
        yield b.plain("k_norm.weight", (kv * dim,), kv_split, part="norms")
    if m.sinks:
        yield b.plain("sinks", (heads,), q_split)
    if m.indexer:
        yield from _gqa_indexer(m.indexer, hidden, b, kv)
    if m.short_convolutions:
        yield from _short_convolutions(m.short_convolutions, kv, dim, vdim, b)


def _short_convolutions(c: ShortConvolutions, kv: int, dim: int, vdim: int, b: Builder) -> Iterator[Tensor]:
    # No rank shares a key/value head with another here (vLLM models/inkling/nvidia/sconv_swa_attn.py).
    by_head = Split(0, kv, "key/value heads of short convolutions")
    yield b.plain("k_sconv.weight", (kv * dim, 1, c.conv_kernel), by_head)
    yield b.plain("v_sconv.weight", (kv * vdim, 1, c.conv_kernel), by_head)
    channels = Split(0, c.hidden_size, "channels of short convolutions")
    for name in ("attn_sconv", "mlp_sconv"):
        yield Tensor(f"{name}.weight", (c.hidden_size, 1, c.conv_kernel), b.part, b.fmt, channels)


def _gqa_indexer(i: Indexer, hidden: int, b: Builder, kv: int) -> Iterator[Tensor]:
    if i.tokens_per_key > 1:
        # Qwen4 (vLLM models/qwen4_exp/nvidia/indexer_qsa.py): queries and the key are one projection, which is not cut.
        yield from b.linear("indexer.index_qk_proj", (i.num_heads + 1) * i.head_dim, hidden)
        yield b.plain("indexer.q_layernorm.weight", (i.head_dim,), part="norms")
        yield b.plain("indexer.k_layernorm.weight", (i.head_dim,), part="norms")
        return
    # MiniMax-M3: index queries by heads, one index key, both normed per head.
    yield from b.linear("index_q_proj", i.num_heads * i.head_dim, hidden, Split(0, kv, KV_HEADS, replicate=True))
    yield from b.linear("index_k_proj", i.head_dim, hidden)
    yield b.plain("index_q_norm.weight", (i.head_dim,), part="norms")
    yield b.plain("index_k_norm.weight", (i.head_dim,), part="norms")


def _latent(m: LatentAttention, hidden: int, b: Builder) -> Iterator[Tensor]:
    heads, qk = m.num_attention_heads, m.qk_nope_head_dim + m.qk_rope_head_dim
    by_head = Split(0, heads, HEADS)
    if m.q_lora_rank:
        yield from b.linear("q_a_proj", m.q_lora_rank, hidden)
        yield b.plain("q_a_layernorm.weight", (m.q_lora_rank,), part="norms")
        yield from b.linear("q_b_proj", heads * qk, m.q_lora_rank, by_head)
    else:
        yield from b.linear("q_proj", heads * qk, hidden, by_head)
    yield from b.linear("kv_a_proj_with_mqa", m.kv_lora_rank + m.qk_rope_head_dim, hidden)
    yield b.plain("kv_a_layernorm.weight", (m.kv_lora_rank,), part="norms")
    kv, width = m.num_key_value_heads or heads, m.qk_nope_head_dim + m.v_head_dim
    yield from b.linear("kv_b_proj", kv * width, m.kv_lora_rank, Split(0, kv, HEADS))
    if kv < heads:
        # The engine copies keys and values for every query head (``motif.py`` of Motif's vLLM: load_weights).
        copies = b.plain("kv_b_proj.copies", ((heads - kv) * width, m.kv_lora_rank), Split(0, heads - kv, HEADS))
        yield replace(copies, is_parameter=False)
    reach = heads - m.noise_heads
    yield from b.linear("o_proj", hidden, reach * m.v_head_dim, Split(1, reach, HEADS))
    if m.output_gate:
        yield from b.linear("g_proj", heads * m.v_head_dim, hidden, by_head)
    if i := m.indexer:
        yield from b.linear("indexer.wq_b", i.num_heads * i.head_dim, m.q_lora_rank or hidden)
        # The engine fuses the key with the weights of heads, which stay unquantized, and so does the key.
        yield b.plain("indexer.wk.weight", (i.head_dim, hidden))
        yield b.plain("indexer.k_norm.weight", (i.head_dim,), part="attention", fmt="float32")
        yield b.plain("indexer.k_norm.bias", (i.head_dim,), part="attention", fmt="float32")
        yield b.plain("indexer.weights_proj.weight", (i.num_heads, hidden))
        if i.tokens_per_key > 1:
            # vLLM models/glm5next/common/attention.py: Indexer.
            yield b.plain("indexer.index_kpool_compress_ape", (i.tokens_per_key, i.head_dim), fmt="float32")
            yield b.plain("indexer.index_kpool_compress_gate", (i.head_dim, hidden))


def _compressed(m: CompressedAttention, hidden: int, b: Builder) -> Iterator[Tensor]:
    heads, dim, groups = m.num_attention_heads, m.head_dim, m.o_groups
    by_group = "output groups"
    yield b.plain("attn_sink", (heads,), fmt="float32")
    yield from b.linear("wq_a", m.q_lora_rank, hidden)
    yield from b.linear("wkv", dim, hidden)
    yield b.plain("q_norm.weight", (m.q_lora_rank,), part="norms")
    yield from b.linear("wq_b", heads * dim, m.q_lora_rank, Split(0, heads, HEADS))
    yield b.plain("kv_norm.weight", (dim,), part="norms")
    yield from b.linear("wo_a", groups * m.o_lora_rank, heads * dim // groups, Split(0, groups, by_group))
    yield from b.linear("wo_b", hidden, groups * m.o_lora_rank, Split(1, groups, by_group))
    if m.shares_states:
        yield from _shared_states(m, hidden, b)
    elif m.compress_ratio:
        # With a ratio of 4 neighbouring windows overlap: keys and gates are computed twice as wide.
        yield from _compressor("compressor.", m.compress_ratio, dim, hidden, b, overlap=m.compress_ratio == 4)
    if m.compress_ratio == 4 and not m.shares_states:
        yield from b.linear("indexer.wq_b", m.index_n_heads * m.index_head_dim, m.q_lora_rank)
        yield b.plain("indexer.weights_proj.weight", (m.index_n_heads, hidden))
        yield from _compressor("indexer.compressor.", 4, m.index_head_dim, hidden, b, overlap=True)


def _shared_states(m: CompressedAttention, hidden: int, b: Builder) -> Iterator[Tensor]:
    # DeepSeek-V4.1 (vLLM models/deepseek_v41/attention.py, compressor.py): no positions, no overlap, a gate where
    # there are several tokens to weigh; index keys come from the compressed states.
    if m.shares_states == "maker":
        yield b.plain("compressor.wkv_wgate.weight", (m.head_dim * (2 if m.compress_ratio > 1 else 1), hidden))
        yield b.plain("compressor.norm.weight", (m.head_dim,), part="norms")
        yield b.plain("indexer.wk.weight", (m.index_head_dim, m.head_dim))
        yield b.plain("indexer.k_norm.weight", (m.index_head_dim,), part="norms")
    if m.shares_states in ("maker", "picker"):
        yield from b.linear("indexer.wq_b", m.index_n_heads * m.index_head_dim, m.q_lora_rank)
        yield b.plain("indexer.weights_proj.weight", (m.index_n_heads, hidden))


def _compressor(name: str, ratio: int, dim: int, hidden: int, b: Builder, *, overlap: bool) -> Iterator[Tensor]:
    width = dim * (2 if overlap else 1)
    yield b.plain(f"{name}ape", (ratio, width), fmt="float32")
    yield b.plain(f"{name}wkv_wgate.weight", (2 * width, hidden))
    yield b.plain(f"{name}norm.weight", (dim,), part="norms")


def _mamba1(m: Mamba1, hidden: int, b: Builder) -> Iterator[Tensor]:
    inner, rank = m.intermediate_size, m.time_step_rank
    rows, columns = Split(0, inner, "inner channels"), Split(1, inner, "inner channels")
    yield from b.linear("in_proj", 2 * inner, hidden, rows, bias=m.projection_bias)
    yield b.plain("conv1d.weight", (inner, 1, m.conv_kernel), rows)
    if m.conv_bias:
        yield b.plain("conv1d.bias", (inner,), rows)
    yield from b.linear("x_proj", rank + 2 * m.state_size, inner, columns)
    yield from b.linear("dt_proj", inner, rank, rows, bias=True)
    yield b.plain("A_log", (inner, m.state_size), rows, fmt="float32")
    yield b.plain("D", (inner,), rows)
    yield from b.linear("out_proj", hidden, inner, columns, bias=m.projection_bias)
    if m.inner_norms:
        yield b.plain("dt_layernorm.weight", (rank,), part="norms")
        yield b.plain("b_layernorm.weight", (m.state_size,), part="norms")
        yield b.plain("c_layernorm.weight", (m.state_size,), part="norms")


def _mamba2(m: Mamba2, hidden: int, b: Builder) -> Iterator[Tensor]:
    inner, group_width = m.num_heads * m.head_dim, m.n_groups * m.state_size
    heads, groups = (
        Split(0, m.num_heads, "state-space heads"),
        Split(0, m.n_groups, "state-space groups", replicate=True),
    )
    # in_proj and conv1d are one tensor in the checkpoint; their pieces are cut by different rules.
    for piece, width, split in (
        ("gate", inner, heads),
        ("x", inner, heads),
        ("B", group_width, groups),
        ("C", group_width, groups),
        ("dt", m.num_heads, heads),
    ):
        yield from b.linear(f"in_proj.{piece}", width, hidden, split, bias=m.projection_bias)
    for piece, width, split in (("x", inner, heads), ("B", group_width, groups), ("C", group_width, groups)):
        yield b.plain(f"conv1d.{piece}.weight", (width, 1, m.conv_kernel), split)
        if m.conv_bias:
            yield b.plain(f"conv1d.{piece}.bias", (width,), split)
    yield b.plain("A_log", (m.num_heads,), heads, fmt="float32")
    yield b.plain("D", (m.num_heads,), heads)
    yield b.plain("dt_bias", (m.num_heads,), heads)
    if m.gated_norm:
        yield b.plain("norm.weight", (inner,), heads)
    yield from b.linear("out_proj", hidden, inner, Split(1, m.num_heads, "state-space heads"), bias=m.projection_bias)


def _gated_delta_net(m: GatedDeltaNet, hidden: int, b: Builder) -> Iterator[Tensor]:
    key, value = m.num_k_heads * m.head_k_dim, m.num_v_heads * m.head_v_dim
    k_split, v_split = Split(0, m.num_k_heads, "linear key heads"), Split(0, m.num_v_heads, "linear value heads")
    for piece, width, split in (("q", key, k_split), ("k", key, k_split), ("v", value, v_split)):
        yield from b.linear(f"in_proj_qkv.{piece}", width, hidden, split)
    yield from b.linear("in_proj_z", value, hidden, v_split)
    yield from b.linear("in_proj_b", m.num_v_heads, hidden, v_split)
    yield from b.linear("in_proj_a", m.num_v_heads, hidden, v_split)
    for piece, width, split in (("q", key, k_split), ("k", key, k_split), ("v", value, v_split)):
        yield b.plain(f"conv1d.{piece}.weight", (width, 1, m.conv_kernel), split)
    yield b.plain("A_log", (m.num_v_heads,), v_split, fmt="float32")
    yield b.plain("dt_bias", (m.num_v_heads,), v_split)
    yield b.plain("norm.weight", (m.head_v_dim,))
    yield from b.linear("out_proj", hidden, value, Split(1, m.num_v_heads, "linear value heads"))


def _kimi_delta(m: KimiDeltaAttention, hidden: int, b: Builder) -> Iterator[Tensor]:
    heads, dim = m.num_heads, m.head_dim
    width, by_head = heads * dim, Split(0, heads, "delta heads")
    for piece in ("q", "k", "v"):
        yield from b.linear(f"{piece}_proj", width, hidden, by_head)
        yield b.plain(f"{piece}_conv1d.weight", (width, 1, m.conv_kernel), by_head, fmt="float32")
    if m.decay_gate == "full":
        yield from b.linear("f_proj", width, hidden, by_head)
    else:
        yield from b.linear("f_a_proj", dim, hidden)
        yield from b.linear("f_b_proj", width, dim, by_head)
    yield from b.linear("b_proj", heads, hidden, by_head)
    if m.output_gate == "full":
        yield from b.linear("g_proj", width, hidden, by_head)
    else:
        yield from b.linear("g_a_proj", dim, hidden)
        yield from b.linear("g_b_proj", width, dim, by_head)
    yield b.plain("A_log", (heads,), by_head, fmt="float32")
    yield b.plain("dt_bias", (width,), by_head, fmt="float32")
    yield b.plain("o_norm.weight", (dim,))
    yield from b.linear("o_proj", hidden, width, Split(1, heads, "delta heads"))


def _linear_attention(m: LinearAttention, hidden: int, b: Builder) -> Iterator[Tensor]:
    heads, width = m.num_attention_heads, m.num_attention_heads * m.head_dim
    by_head = Split(0, heads, HEADS)
    yield from b.linear("qkv_proj", 3 * width, hidden, by_head)
    yield from b.linear("output_gate", width, hidden, by_head)
    yield from b.linear("out_proj", hidden, width, Split(1, heads, HEADS))
    if m.qk_norm:
        yield b.plain("query_layernorm.weight", (m.head_dim,), part="norms")
        yield b.plain("key_layernorm.weight", (m.head_dim,), part="norms")
    yield b.plain("norm.weight", (width,), Split(0, m.norm_groups, "norm groups") if m.norm_groups else by_head)


def _short_convolution(m: ShortConvolution, hidden: int, b: Builder) -> Iterator[Tensor]:
    rows, columns = Split(0, m.width, "channels"), Split(1, m.width, "channels")
    # Two gates and the value, which the engine cuts one by one.
    yield from b.linear("in_proj", 3 * m.width, hidden, rows, bias=m.bias)
    yield b.plain("conv.weight", (m.width, 1, m.conv_kernel), rows)
    if m.bias:
        yield b.plain("conv.bias", (m.width,), rows)
    yield from b.linear("out_proj", hidden, m.width, columns, bias=m.bias)


def _stream_convolution(m: StreamConvolution, hidden: int, b: Builder) -> Iterator[Tensor]:
    yield b.plain("conv1d.weight", (m.width, 1, m.conv_kernel))


_TENSORS: dict[type, Callable[[Any, int, Builder], Iterator[Tensor]]] = {
    Attention: _attention,
    LatentAttention: _latent,
    CompressedAttention: _compressed,
    Mamba1: _mamba1,
    Mamba2: _mamba2,
    GatedDeltaNet: _gated_delta_net,
    KimiDeltaAttention: _kimi_delta,
    LinearAttention: _linear_attention,
    ShortConvolution: _short_convolution,
    StreamConvolution: _stream_convolution,
}

#: Module names in checkpoints.
_PREFIX: dict[type, str] = {
    Mamba1: "mamba.",
    Mamba2: "mixer.",
    GatedDeltaNet: "linear_attn.",
    ShortConvolution: "conv.",
    StreamConvolution: "ple.",
}


def mixer_tensors(mixer: Mixer, hidden_size: int, fmt: str, norm: str) -> list[Tensor]:
    """The tensors of one layer's mixer.

    Args:
        mixer: the mixer's description.
        hidden_size: width of the residual stream.
        fmt: the model's storage type.
        norm: the model's kind of norm.
    """
    kind = type(mixer)
    return list(_TENSORS[kind](mixer, hidden_size, Builder(_PREFIX.get(kind, "self_attn."), "attention", fmt, norm)))
