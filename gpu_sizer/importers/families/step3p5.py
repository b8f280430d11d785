"""Step 3.5 Flash (``Step3p5Config``): windowed layers with a number of heads of their own, a gate per head, experts."""

from collections.abc import Mapping

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v3 import prediction
from gpu_sizer.importers.pieces import attention, dense, layer_types, layers_told, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor, MultiTokenPrediction
from gpu_sizer.model.mixers.attention import Attention


def _gate(c: Config, mixer: Attention) -> ExtraTensor:
    heads = mixer.num_attention_heads
    return ExtraTensor(
        name="self_attn.g_proj.weight", shape=(heads, c.hidden_size), part="attention", split_dim=0, units=heads
    )


def _prediction(c: Config) -> MultiTokenPrediction | None:
    """Windowed layers with a dense feed-forward, each with a head of its own."""
    head = ExtraTensor(
        name="shared_head.head.weight", shape=(c.number("vocab_size"), c.hidden_size), part="lm_head", linear=True
    )
    return prediction(c, "sliding-dense", more=(head,))


MODEL_TYPES = ("step3p5",)


def architecture(c: Config) -> Architecture:
    groups = c.number("num_attention_groups", "num_key_value_heads")
    other = c.find("attention_other_setting")
    values = Config(other if isinstance(other, Mapping) else {}, f"{c.file}: attention_other_setting", {})
    mixers = {
        "full": attention(c, num_key_value_heads=groups, qk_norm="head"),
        "sliding": attention(
            c,
            num_attention_heads=values.number("num_attention_heads", default=c.heads),
            num_key_value_heads=values.number("num_attention_groups", default=groups),
            head_dim=values.number("head_dim", default=c.head_dim),
            qk_norm="head",
            sliding_window=c.number("sliding_window", default=512),
        ),
    }
    experts = mixture(
        c,
        num_experts=c.number("moe_num_experts"),
        num_experts_per_tok=c.number("moe_top_k"),
        num_shared_experts=1,
        shared_expert_intermediate_size=c.number("share_expert_dim", "share_expert_dims"),
        score_correction_bias=True,
        router_dtype="float32",
    )
    blocks = {
        f"{span}-{kind}": Block(mixer=mixer, feed_forward=feed_forward, extra=(_gate(c, mixer),))
        for span, mixer in mixers.items()
        for kind, feed_forward in (("dense", dense(c)), ("experts", experts))
    }
    spans = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"})
    sparse = layers_told(c, "moe_layers_enum", range(1, c.layers))
    names = [f"{span}-{'experts' if i in sparse else 'dense'}" for i, span in enumerate(spans)]
    return stack(c, blocks, names, mtp=_prediction(c))
