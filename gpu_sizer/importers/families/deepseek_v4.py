"""DeepSeek V4 (``DeepseekV4Config``): compressed attention, hyper-connections of the residual, hashed first layers.

Flash Vision has a tower (vLLM 0.33.0, ``models/deepseek_v4/common/vision.py`` and ``vl_model.py``) and, in each layer,
a bias for the experts of images.
"""

from collections.abc import Mapping
from typing import Any

from gpu_sizer.errors import shown
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import layer_types, mixture, stack
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor, Tower
from gpu_sizer.model.feed_forwards.mixture_of_experts import MixtureOfExperts
from gpu_sizer.model.mixers.compressed_attention import CompressedAttention
from gpu_sizer.records import dataclass

#: Tokens per compressed state that engines know: none, few with an indexer, many without.
RATIOS = (0, 4, 128)


def stream_weights(where: str, rows: int, width: int, scales: int) -> tuple[ExtraTensor, ...]:
    """What mixes the residual's copies at one place: weights, base and scales."""
    return tuple(
        ExtraTensor(name=f"hc_{where}_{name}", shape=shape, part="other", dtype="float32")
        for name, shape in (("fn", (rows, width)), ("base", (rows,)), ("scale", (scales,)))
    )


def hyper_connections(c: Config) -> tuple[ExtraTensor, ...]:
    """Per layer, for attention and feed-forward: mixing weights, base and scales of the residual's copies."""
    copies = c.number("hc_mult")
    mixes, width = copies * (copies + 2), copies * c.hidden_size
    return (*stream_weights("attn", mixes, width, 3), *stream_weights("ffn", mixes, width, 3))


def _ratios(c: Config) -> list[int]:
    """Tokens per compressed state of each layer, in the release's words or in those of transformers' class."""
    if (ratios := c.kinds(RATIOS, "compress_ratios")) is not None:
        return ratios
    rates = c.find("compress_rates")
    if not isinstance(rates, Mapping):
        raise c.fail("compress_ratios", "missing, and nothing else says it")
    kinds = {"sliding_attention": "sliding_attention", **{str(k): str(k) for k in rates}}
    of_layers = [rates.get(k, 0) for k in layer_types(c, kinds)]
    if wrong := [r for r in of_layers if r not in RATIOS]:
        raise c.fail("compress_rates", f"must be of {', '.join(map(str, RATIOS))}, not {shown(wrong[0])}")
    return of_layers


def compressed_attention(c: Config, ratio: int, **differs: Any) -> CompressedAttention:
    """Compressed attention by the keys that V4 and V4.1 share; what ``differs`` goes before."""
    return CompressedAttention(
        num_attention_heads=c.heads,
        head_dim=c.number("head_dim"),
        qk_rope_head_dim=c.number("qk_rope_head_dim"),
        q_lora_rank=c.number("q_lora_rank"),
        o_lora_rank=c.number("o_lora_rank"),
        o_groups=c.number("o_groups"),
        sliding_window=c.number("sliding_window"),
        compress_ratio=ratio,
        index_n_heads=c.number("index_n_heads"),
        index_head_dim=c.number("index_head_dim"),
        **differs,
    )


def image_bias(experts: MixtureOfExperts) -> ExtraTensor:
    """Images are routed with a bias of their own."""
    shape = (experts.num_experts,)
    return ExtraTensor(name="mlp.gate.bias_vl", shape=shape, part="router", dtype="float32", parameter=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionSizes:
    """Sizes of the tower."""

    width: int
    layers: int
    heads: int
    inner: int
    patch: int
    merge: int
    """Patches side by side that become one."""


def vision(sizes: VisionSizes, hidden: int, marks: int) -> Tower:
    """The tower that V4 and V4.1 share (``DeepseekV4ViT``, ``DeepseekV4Aligner``).

    Args:
        sizes: its sizes.
        hidden: width of the language model.
        marks: embeddings that stand around and between the rows of an image.
    """
    width, layers = sizes.width, sizes.layers
    t = TowerTensors(sizes.heads)
    t.linear("patch_embed.proj", width, 3 * sizes.patch**2)
    t.column("blocks.attn.wqkv", 3 * width, width, copies=layers, by_heads=True)
    t.row("blocks.attn.wo", width, width, copies=layers, by_heads=True)
    t.column("blocks.mlp.w1", 2 * sizes.inner, width, copies=layers, bias=False)
    t.row("blocks.mlp.w2", width, sizes.inner, copies=layers, bias=False)
    t.norm("blocks.norm", width, copies=2 * layers, bias=False)
    t.norm("norm", width, bias=False)
    t.column("aligner.w1", hidden, sizes.merge**2 * width)
    t.row("aligner.w2", hidden, hidden)
    t.whole("image_marks", hidden, copies=marks)
    return t.tower()


#: Marks at the start and the end of an image, behind its rows, and where it is filled up.
_MARKS = 4


def _vision(c: Config) -> tuple[Tower, ...]:
    layers = c.optional("vision_n_layers")
    if layers is None:
        return ()
    sizes = VisionSizes(
        width=c.number("vision_dim"),
        layers=layers,
        heads=c.number("vision_n_heads"),
        inner=c.number("vision_inter_dim"),
        patch=c.number("vision_patch_size"),
        merge=c.number("vision_downsample_ratio"),
    )
    return (vision(sizes, c.hidden_size, _MARKS),)


MODEL_TYPES = ("deepseek_v4",)


def architecture(c: Config) -> Architecture:
    c.refuse("attention_bias", "mlp_bias", reason="engines load no such biases")
    connections, ratios = hyper_connections(c), _ratios(c)
    listed = c.kinds(("hash_moe", "moe"), "mlp_layer_types")
    hashed = [k == "hash_moe" for k in listed].count(True) if listed else c.some_layers("num_hash_layers")

    shared, towers = c.optional("n_shared_experts") or 0, _vision(c)
    scored = mixture(c, num_shared_experts=shared, score_correction_bias=True)
    # The router's own bias is there for images, which no hash routes (nvidia/model.py: DeepseekV4MoE).
    by_hash = mixture(c, num_shared_experts=shared, score_correction_bias=bool(towers))
    beside = (*connections, image_bias(scored)) if towers else connections
    table = ExtraTensor(
        name="mlp.gate.tid2eid",
        shape=(c.number("vocab_size"), by_hash.num_experts_per_tok),
        part="router",
        dtype="int32",
        parameter=False,
    )
    blocks, names = {}, []
    for i, ratio in enumerate(ratios):
        name = f"compress-{ratio}" + ("-hashed" if i < hashed else "")
        names.append(name)
        if name not in blocks:
            extra = (*beside, table) if i < hashed else beside
            blocks[name] = Block(
                mixer=compressed_attention(c, ratio), feed_forward=by_hash if i < hashed else scored, extra=extra
            )
    copies = c.number("hc_mult")
    head = stream_weights("head", copies, copies * c.hidden_size, 1)
    return stack(c, blocks, names, extra=head, towers=towers)
