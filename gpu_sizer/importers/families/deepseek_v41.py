"""DeepSeek V4.1 (``DeepseekV41Config``): compressed states shared between layers, n-gram tables, a vision tower.

Which layers make compressed states and which pick among them is listed (``kv_source_layer_ids``,
``index_source_layer_ids``). Tensors as in vLLM 0.33.0, ``models/deepseek_v41`` (attention.py, compressor.py,
common/engram.py, nvidia/model.py, nvidia/dspark.py) and ``models/deepseek_v4/common/vision.py``; the checkpoint's
index has 96,085 tensors of 510,286,023,000 bytes.
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v4 import (
    VisionSizes,
    compressed_attention,
    hyper_connections,
    image_bias,
    vision,
)
from gpu_sizer.importers.pieces import mixture, stack
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor, MultiTokenPrediction, Tower
from gpu_sizer.model.bounds import MOST_DIMENSION
from gpu_sizer.model.feed_forwards.mixture_of_experts import MixtureOfExperts

#: compress_ratio that the engine knows: a window alone, and states of so many tokens.
RATIOS = (0, 1, 2)


def _experts(c: Config, draft: bool = False) -> MixtureOfExperts:
    prefix = "dspark_" if draft else ""
    return mixture(
        c,
        num_experts=c.number(f"{prefix}n_routed_experts"),
        num_experts_per_tok=c.number(f"{prefix}num_experts_per_tok"),
        num_shared_experts=c.number("n_shared_experts"),
        score_correction_bias=True,
    )


def _engram(c: Config, rows: int) -> tuple[ExtraTensor, ...]:
    """A table of n-grams and what mixes its rows into the residual's copies."""
    copies, width, dim = c.number("hc_mult"), c.hidden_size, c.number("engram_head_dim")
    columns = (c.number("engram_max_ngram_size") - 1) * c.number("engram_n_heads")
    return (
        ExtraTensor(name="engram.embed.weight", shape=(rows, dim), part="embedding", linear=True, host_table=True),
        ExtraTensor(name="engram.wkv.weight", shape=(width * (copies + 1), columns * dim), split_dim=0, linear=True),
        ExtraTensor(name="engram.q_weight", shape=(copies, width)),
        ExtraTensor(name="engram.k_weight", shape=(copies, width)),
    )


def _draft(c: Config, layers: int) -> MultiTokenPrediction:
    """DSpark: layers with a window alone, and what stands before the first and behind the last."""
    width, rank, vocabulary = c.hidden_size, c.number("dspark_markov_rank"), c.number("vocab_size")
    sources = len(c.layer_numbers("dspark_target_layer_ids") or ())
    shapes = {
        "main_norm.weight": (width,),
        "main_proj.weight": (width, width * sources),
        "norm.weight": (width,),
        "markov_head.embed.weight": (vocabulary, rank),
        "markov_head.head.weight": (vocabulary, rank),
        "confidence_head.proj.weight": (1, width + rank),
    }
    once = tuple(ExtraTensor(name=name, shape=shape) for name, shape in shapes.items())
    return MultiTokenPrediction(block="draft", layers=layers, once=once)


#: The marks before, behind and between the rows of an image.
_MARKS = 3


def _vision(c: Config) -> tuple[Tower, ...]:
    v = c.section("vision_config")
    if v is None or not (layers := v.number("num_hidden_layers")):
        return ()
    sizes = VisionSizes(
        width=v.hidden_size,
        layers=layers,
        heads=v.heads,
        inner=v.number("intermediate_size"),
        patch=v.number("patch_size"),
        merge=v.number("downsample_ratio"),
    )
    return (vision(sizes, c.hidden_size, _MARKS),)


MODEL_TYPES = ("deepseek_v41",)


def architecture(c: Config) -> Architecture:
    c.refuse("attention_bias", reason="engines load no such biases")
    ratios = c.kinds(RATIOS, "compress_ratios") or []
    makers, pickers = c.layer_numbers("kv_source_layer_ids") or (), c.layer_numbers("index_source_layer_ids") or ()
    holders = c.layer_numbers("engram_layer_ids") or []
    tables = dict(
        zip(
            holders,
            c.numbers("engram_num_embeddings", count=len(holders), most=MOST_DIMENSION) or (),
            strict=True,
        )
    )
    experts, connections = _experts(c), hyper_connections(c)
    beside = (*connections, image_bias(experts)) if c.section("vision_config") is not None else connections
    blocks, names = {}, []
    for i, ratio in enumerate(ratios):
        role = "maker" if i in makers else "picker" if i in pickers else "reader"
        if ratio and i < min(makers, default=c.layers):
            raise c.fail("kv_source_layer_ids", f"layer {i} reads compressed states that no layer before it makes")
        name = (f"compress-{ratio}-{role}" if ratio else "window") + (f"-engram-{i}" if i in tables else "")
        names.append(name)
        if name not in blocks:
            engram = _engram(c, tables[i]) if i in tables else ()
            blocks[name] = Block(
                mixer=compressed_attention(c, ratio, shares_states=role), feed_forward=experts, extra=(*beside, *engram)
            )
    mtp = None
    if drafts := c.optional("num_nextn_predict_layers"):
        few = _experts(c, draft=True)
        extra = (*connections, image_bias(few)) if beside is not connections else connections
        blocks["draft"] = Block(mixer=compressed_attention(c, 0, shares_states="reader"), feed_forward=few, extra=extra)
        mtp = _draft(c, drafts)
    return stack(c, blocks, names, towers=_vision(c), mtp=mtp)
