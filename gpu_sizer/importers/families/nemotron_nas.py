"""Llama Nemotron Super and Ultra (``DeciLMConfig``): Llama layers, each pruned in its own way.

A layer may lack its attention, its feed-forward, or have a narrower one: ``block_configs`` says which.
"""

from collections.abc import Mapping

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, stack
from gpu_sizer.model.architecture import Architecture, Block

#: Feed-forward widths are rounded up to a multiple of this.
MULTIPLE = 256


def _width(c: Config, inner: Config) -> int:
    """The feed-forward's width (vLLM ``nemotron_nas.py: _ffn_mult_to_intermediate_size``)."""
    if (factor := inner.factor("ffn_mult")) is not None:
        return -(-int(2 * factor * c.hidden_size / 3) // MULTIPLE) * MULTIPLE
    return inner.number("ffn_mult", "intermediate_size")


MODEL_TYPES = ("nemotron-nas",)


def architecture(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    blocks: dict[str, Block] = {}
    names = []
    empty = 0
    for i, one in enumerate(c.per_layer("block_configs") or ()):
        tokens, inner = (one.get("attention") or {}, one.get("ffn") or {}) if isinstance(one, Mapping) else ({}, {})
        if not tokens or not inner or any(part.get("replace_with_linear") for part in (tokens, inner)):
            raise c.fail("block_configs", "holds a layer that is not attention and feed-forward, whole or left out")
        heads, wide = (Config(part, f"{c.file}: block_configs[{i}]", {}) for part in (tokens, inner))
        group = None if tokens.get("no_op") else heads.optional("n_heads_in_group")
        width = None if inner.get("no_op") else _width(c, wide)
        has = {"mixer": group is not None, "feed_forward": width is not None}
        if not any(has.values()):
            # Nothing is left of the layer: it has no weights and caches nothing.
            empty += 1
            continue
        name = f"kv{c.heads // group}" if group else "no-attention"
        name += f"-ffn{width}" if width else "-no-ffn"
        mixer = attention(c, num_key_value_heads=c.heads // group, qkv_bias=bias, o_bias=bias) if group else None
        feed_forward = dense(c, intermediate_size=width, bias=c.flag("mlp_bias", default=False)) if width else None
        blocks[name] = Block(mixer=mixer, feed_forward=feed_forward, norms=sum(has.values()))
        names.append(name)
    if not names:
        raise c.fail("block_configs", "missing, and nothing else says what each layer is")
    return stack(c, blocks, names, empty_layers=empty)
