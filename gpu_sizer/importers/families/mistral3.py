"""Mistral Small 3.1 and later (``Mistral3Config``): Mistral, or DeepSeek's latent attention, and Pixtral's tower."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families import deepseek_v2, mistral
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Tower
from gpu_sizer.records import replace


def _pixtral(c: Config, hidden: int) -> tuple[Tower, ...]:
    v = c.section("vision_config")
    if v is None:
        return ()
    width, layers = v.number("hidden_size", default=1024), v.number("num_hidden_layers", default=24)
    inner, patch = v.number("intermediate_size", default=4096), v.number("patch_size", default=16)
    merged = width * c.number("spatial_merge_size", default=2) ** 2
    bias = c.flag("multimodal_projector_bias", default=False)
    t = TowerTensors(v.number("num_attention_heads", default=16))
    t.whole("patch_conv.weight", width, 3, patch, patch)
    t.norm("ln_pre", width, bias=False)
    t.norm("transformer.layers.norm", width, copies=2 * layers, bias=False)
    t.column("transformer.layers.attention.qkv_proj", 3 * width, width, copies=layers, bias=False, by_heads=True)
    t.row("transformer.layers.attention.o_proj", width, width, copies=layers, bias=False, by_heads=True)
    t.column("transformer.layers.feed_forward.gate_up_proj", 2 * inner, width, copies=layers, bias=False)
    t.row("transformer.layers.feed_forward.down_proj", width, inner, copies=layers, bias=False)
    t.norm("multi_modal_projector.norm", width, bias=False)
    t.whole("multi_modal_projector.patch_merger.merging_layer.weight", width, merged)
    t.column("multi_modal_projector.linear_1", hidden, width, bias=bias)
    t.row("multi_modal_projector.linear_2", hidden, hidden, bias=bias)
    return (t.tower(),)


MODEL_TYPES = ("mistral3",)


def architecture(c: Config) -> Architecture:
    # Mistral Small 4 and Mistral Large 3 have DeepSeek's shape under the same outer configuration.
    text = deepseek_v2.architecture(c) if c.optional("kv_lora_rank") else mistral.architecture(c)
    return replace(text, towers=_pixtral(c, c.hidden_size))
