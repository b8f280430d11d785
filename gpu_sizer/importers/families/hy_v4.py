"""Hy4 (``HYV4Config``): DeepSeek V3.2's sparse latent attention, gated and with sinks, and streams of the residual.

Each layer mixes the streams by weights of its own (``hc_attn_layer``, ``hc_mlp_layer``), which the layer that predicts
ahead does without. Tensors as in vLLM 0.33.0, ``models/hy_v4/nvidia`` (attention.py, hc.py, moe.py, mtp.py).
"""

from gpu_sizer.errors import shown
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v3 import latent_attention, prediction
from gpu_sizer.importers.families.deepseek_v4 import stream_weights
from gpu_sizer.importers.pieces import dense, head_gate, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor
from gpu_sizer.model.indexer import Indexer
from gpu_sizer.records import replace

#: One layer in so many has an indexer, behind the first, where the configuration does not say which.
_EVERY = 4
#: Gates of a stream: what a layer reads of it, and what it writes to it.
_GATES = 2


def _streams(c: Config) -> tuple[ExtraTensor, ...]:
    copies = c.number("hc_mult", default=4)
    rows, width = _GATES * copies, copies * c.hidden_size
    return (*stream_weights("attn", rows, width, _GATES), *stream_weights("mlp", rows, width, _GATES))


def _attention_extra(c: Config, values: int) -> tuple[ExtraTensor, ...]:
    extra: tuple[ExtraTensor, ...] = ()
    if c.flag("gated_mla", default=True):
        kind = c.text_value("gating_type", default="elementwise")
        if kind not in ("elementwise", "headwise"):
            raise c.fail("gating_type", f"{shown(kind)}; known: elementwise, headwise")
        extra = (head_gate(c, "linear_gate", c.heads * (values if kind == "elementwise" else 1)),)
    if c.flag("learnable_sink", default=True):
        sink = ExtraTensor(
            name="self_attn.learnable_sink_param",
            shape=(c.heads,),
            part="attention",
            split_dim=0,
            units=c.heads,
            dtype="float32",
        )
        extra = (*extra, sink)
    return extra


MODEL_TYPES = ("hy_v4",)


def architecture(c: Config) -> Architecture:
    plain = replace(latent_attention(c), sparse=True)
    indexed = replace(plain, indexer=Indexer(num_heads=c.number("index_n_heads"), head_dim=c.number("index_head_dim")))
    experts = mixture(
        c,
        num_shared_experts=c.optional("n_shared_experts") or 0,
        score_correction_bias=True,
        router_dtype="float32",
    )
    gates = _attention_extra(c, plain.v_head_dim)
    copies = c.number("hc_mult", default=4)
    if not c.flag("enable_ihc", default=True):
        raise c.fail("enable_ihc", "no release is without streams")
    beside = (*gates, *_streams(c))
    blocks = {
        f"{kind}{suffix}": Block(mixer=mixer, feed_forward=feed_forward, extra=beside)
        for kind, feed_forward in (("dense", dense(c)), ("experts", experts))
        for suffix, mixer in (("", indexed), ("-shared", plain))
    }
    blocks["ahead"] = Block(mixer=indexed, feed_forward=experts, extra=gates)
    kinds = c.kinds(("dense", "sparse"), "mlp_layer_types")
    if kinds is None:
        kinds = ["dense" if i == 0 else "sparse" for i in range(c.layers)]
    owners = c.kinds(("full", "shared"), "indexer_types")
    if owners is None:
        owners = ["full" if i == 0 or (i - 1) % _EVERY == 0 else "shared" for i in range(c.layers)]
    names = [
        ("dense" if kind == "dense" else "experts") + ("" if owner == "full" else "-shared")
        for kind, owner in zip(kinds, owners, strict=True)
    ]
    head = stream_weights("head", copies, copies * c.hidden_size, 1)
    return stack(c, blocks, names, extra=head, mtp=prediction(c, "ahead", last_norm="final_layernorm"))
