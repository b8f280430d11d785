"""The first open models: layer norms, biases, ungated feed-forwards, learned or no positions.

GPT-2 (``GPT2Config``), GPT-J (``GPTJConfig``), GPT-NeoX (``GPTNeoXConfig``), GPT-BigCode (``GPTBigCodeConfig``),
BLOOM (``BloomConfig``), OPT (``OPTConfig``), MPT (``MptConfig``).
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor


def _mixer(c: Config, *, kv: int | None = None, bias: bool = True, o_bias: bool = True) -> Block:
    """A block of plain attention; the caller replaces what differs."""
    heads = c.heads
    mixer = attention(c, num_key_value_heads=kv or heads, head_dim=c.hidden_size // heads, qkv_bias=bias, o_bias=o_bias)
    return Block(mixer=mixer)


def gpt2(c: Config) -> Architecture:
    width = c.number("n_inner", default=4 * c.hidden_size)
    block = Block(mixer=_mixer(c).mixer, feed_forward=dense(c, intermediate_size=width, gated=False, bias=True))
    positions = c.number("n_positions", "max_position_embeddings", default=1024)
    return uniform(c, block, norm="layer", tie_word_embeddings=c.tied(default=True), position_embeddings=positions)


def gpt_bigcode(c: Config) -> Architecture:
    kv = 1 if c.flag("multi_query", default=True) else c.heads
    width = c.number("n_inner", default=4 * c.hidden_size)
    block = Block(mixer=_mixer(c, kv=kv).mixer, feed_forward=dense(c, intermediate_size=width, gated=False, bias=True))
    positions = c.number("n_positions", "max_position_embeddings", default=1024)
    return uniform(c, block, norm="layer", tie_word_embeddings=c.tied(default=True), position_embeddings=positions)


def gptj(c: Config) -> Architecture:
    width = c.number("n_inner", default=4 * c.hidden_size)
    c.refuse("tie_word_embeddings", reason="the head has a bias of its own")
    mixer = _mixer(c, bias=False, o_bias=False).mixer
    block = Block(mixer=mixer, feed_forward=dense(c, intermediate_size=width, gated=False, bias=True), norms=1)
    return uniform(c, block, norm="layer", head_bias=True)


def gpt_neox(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=True)
    block = Block(mixer=_mixer(c, bias=bias, o_bias=bias).mixer, feed_forward=dense(c, gated=False, bias=True))
    return uniform(c, block, norm="layer", tie_word_embeddings=c.tied())


def bloom(c: Config) -> Architecture:
    feed_forward = dense(c, intermediate_size=4 * c.hidden_size, gated=False, bias=True)
    hidden = c.hidden_size
    embedding_norm = tuple(
        ExtraTensor(name=f"word_embeddings_layernorm.{name}", shape=(hidden,), part="norms")
        for name in ("weight", "bias")
    )
    block = Block(mixer=_mixer(c).mixer, feed_forward=feed_forward)
    return uniform(c, block, norm="layer", tie_word_embeddings=c.tied(default=True), extra=embedding_norm)


def opt(c: Config) -> Architecture:
    if not c.flag("layer_norm_elementwise_affine", default=True):
        raise c.fail("layer_norm_elementwise_affine", "false is not supported: norms without weights beside others")
    bias = c.flag("enable_bias", default=True)
    hidden, narrow = c.hidden_size, c.number("word_embed_proj_dim", default=c.hidden_size)
    block = Block(mixer=_mixer(c, bias=bias, o_bias=bias).mixer, feed_forward=dense(c, gated=False, bias=bias))
    extra: tuple[ExtraTensor, ...] = ()
    if narrow != hidden:
        extra = (
            ExtraTensor(name="project_in.weight", shape=(hidden, narrow), part="embedding"),
            ExtraTensor(name="project_out.weight", shape=(narrow, hidden), part="embedding"),
        )
    # Norms before each sub-block need one more at the end; OPT-350m norms behind them and has none.
    final = c.flag("do_layer_norm_before", default=True) and not c.flag("_remove_final_layer_norm", default=False)
    return uniform(
        c,
        block,
        norm="layer",
        tie_word_embeddings=c.tied(default=True),
        # Positions are kept behind an offset of two.
        position_embeddings=c.number("max_position_embeddings", default=2048) + 2,
        embedding_size=narrow if narrow != hidden else None,
        final_norm=final,
        extra=extra,
    )


def mpt(c: Config) -> Architecture:
    raw = c.find("attn_config")
    kv = Config(raw, f"{c.file}: attn_config", {}).optional("kv_n_heads") if isinstance(raw, dict) else None
    bias = not c.flag("no_bias", default=True)
    mixer = _mixer(c, kv=kv, bias=bias, o_bias=bias).mixer
    width = c.number("expansion_ratio", default=4) * c.hidden_size
    block = Block(mixer=mixer, feed_forward=dense(c, intermediate_size=width, gated=False, bias=bias))
    norm = "layer" if bias else "layer_no_bias"
    return uniform(c, block, norm=norm, tie_word_embeddings=c.tied(default=True))


_READERS = {
    "gpt2": gpt2,
    "gpt_bigcode": gpt_bigcode,
    "gptj": gptj,
    "gpt_neox": gpt_neox,
    "bloom": bloom,
    "opt": opt,
    "mpt": mpt,
}


MODEL_TYPES = ("bloom", "gpt2", "gpt_bigcode", "gpt_neox", "gptj", "mpt", "opt")


def architecture(c: Config) -> Architecture:
    return _READERS[c.model_type](c)
