"""Trinity (``AfmoeConfig``): windowed and full layers, a gate of the attention's output, experts after dense layers."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, head_gate, layer_types, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("afmoe",)


def architecture(c: Config) -> Architecture:
    c.refuse("attention_bias", reason="the engine's class has no such biases")
    every = c.number("global_attn_every_n_layers", default=4)
    default = ["sliding" if (i + 1) % every else "full" for i in range(c.layers)]
    spans = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default)
    # Router and correction are float32 in the engine (vLLM 0.33 ``afmoe.py: AfmoeMoE``).
    experts = mixture(
        c,
        num_shared_experts=c.optional("num_shared_experts") or 0,
        score_correction_bias=True,
        router_dtype="float32",
    )
    gate = head_gate(c, "gate_proj", c.heads * c.head_dim)
    window = c.number("sliding_window")
    blocks = {
        f"{span}-{kind}": Block(
            mixer=attention(c, qk_norm="head", sliding_window=window if span == "sliding" else None),
            feed_forward=feed_forward,
            norms=4,
            extra=(gate,),
        )
        for span in ("sliding", "full")
        for kind, feed_forward in (("dense", dense(c)), ("experts", experts))
    }
    first = c.some_layers("num_dense_layers")
    return stack(c, blocks, [f"{span}-{'dense' if i < first else 'experts'}" for i, span in enumerate(spans)])
