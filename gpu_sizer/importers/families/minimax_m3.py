"""MiniMax M3 (``MiniMaxM3Config``): sparse attention by an index of its own in all but the first layers."""

from gpu_sizer.cards.architecture import Architecture, Block
from gpu_sizer.cards.mixers import Indexer
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, mixture, stack


def architecture(c: Config) -> Architecture:
    raw = c.find("sparse_attention_config")
    sparse = Config(raw if isinstance(raw, dict) else {}, f"{c.file}: sparse_attention_config")
    indexer = Indexer(
        num_heads=sparse.number("sparse_num_index_heads"), head_dim=sparse.number("sparse_index_dim"), cache="bfloat16"
    )
    uses = sparse.sequence("sparse_attention_freq") or [0] * c.layers
    experts_in = c.sequence("moe_layer_freq") or [1] * c.layers
    plain, indexed = attention(c, qk_norm="head"), attention(c, qk_norm="head", indexer=indexer)
    experts = mixture(
        c,
        num_shared_experts=c.optional("n_shared_experts") or 0,
        shared_expert_intermediate_size=c.optional("shared_intermediate_size"),
        score_correction_bias=c.flag("use_routing_bias", default=True),
        router_dtype="float32",
    )
    inner = dense(c, intermediate_size=c.number("dense_intermediate_size"))
    blocks = {
        "dense": Block(mixer=plain, feed_forward=inner),
        "dense-sparse": Block(mixer=indexed, feed_forward=inner),
        "experts": Block(mixer=plain, feed_forward=experts),
        "experts-sparse": Block(mixer=indexed, feed_forward=experts),
    }
    names = [("experts" if e else "dense") + ("-sparse" if s else "") for e, s in zip(experts_in, uses, strict=False)]
    return stack(c, blocks, names)
