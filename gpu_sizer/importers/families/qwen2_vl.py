"""Qwen 2 VL and 2.5 VL (``Qwen2VLConfig``, ``Qwen2_5_VLConfig``): Qwen 2 and a vision tower."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families import qwen2
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Tower
from gpu_sizer.records import replace


def _vision(c: Config) -> tuple[Tower, ...]:
    newer = c.model_type == "qwen2_5_vl"
    v = c.section_or_default("vision_config")
    layers, heads, patch = (
        v.number("depth", default=32),
        v.number("num_heads", default=16),
        v.number("patch_size", default=14),
    )
    # The older class calls its own width embed_dim and the language model's hidden_size.
    width = v.number("hidden_size", default=1280) if newer else v.number("embed_dim", default=1280)
    out = v.number("out_hidden_size", default=3584) if newer else v.number("hidden_size", default=c.hidden_size)
    inner = v.number("intermediate_size", default=3420) if newer else int(width * (v.factor("mlp_ratio") or 4))
    depth = v.number("temporal_patch_size", default=2)
    merged = width * v.number("spatial_merge_size", default=2) ** 2
    t = TowerTensors(heads)
    t.whole("patch_embed.proj.weight", width, v.number("in_channels", "in_chans", default=3), depth, patch, patch)
    t.norm("blocks.norm", width, copies=2 * layers, bias=not newer)
    t.column("blocks.attn.qkv", 3 * width, width, copies=layers, by_heads=True)
    t.row("blocks.attn.proj", width, width, copies=layers, by_heads=True)
    t.column("blocks.mlp.up", inner, width, copies=layers * (2 if newer else 1))
    t.row("blocks.mlp.down", width, inner, copies=layers)
    t.norm("merger.ln_q", width, bias=not newer)
    t.column("merger.mlp.0", merged, merged)
    t.row("merger.mlp.2", out, merged)
    return (t.tower(),)


MODEL_TYPES = ("qwen2_5_vl", "qwen2_vl")


def architecture(c: Config) -> Architecture:
    return replace(qwen2.architecture(c), towers=_vision(c))
