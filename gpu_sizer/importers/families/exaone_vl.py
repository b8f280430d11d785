"""EXAONE 4.5 (``Exaone4_5_Config``): EXAONE 4, a vision tower as Qwen 2.5 VL's with fewer key/value heads, and MTP."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.llama_like import exaone4
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, ExtraTensor, MultiTokenPrediction, Tower
from gpu_sizer.records import replace


def _vision(c: Config) -> tuple[Tower, ...]:
    v = c.section_or_default("vision_config")
    layers, heads, patch = v.number("depth", default=32), v.number("num_heads", default=16), v.number("patch_size")
    width, inner = v.number("hidden_size", default=3584), v.number("intermediate_size", default=3420)
    keys = v.number("num_key_value_heads", default=8) * (width // heads)
    merged = width * v.number("spatial_merge_size", default=2) ** 2
    frames = v.number("temporal_patch_size", default=2)
    t = TowerTensors(heads)
    t.whole("patch_embed.proj.weight", width, v.number("in_channels", default=3), frames, patch, patch)
    t.norm("blocks.norm", width, copies=2 * layers, bias=False)
    t.column("blocks.attn.q", width, width, copies=layers, by_heads=True)
    t.column("blocks.attn.kv", 2 * keys, width, copies=layers)
    t.row("blocks.attn.proj", width, width, copies=layers, by_heads=True)
    t.column("blocks.mlp.up", inner, width, copies=2 * layers)
    t.row("blocks.mlp.down", width, inner, copies=layers)
    t.norm("merger.ln_q", width, bias=False)
    t.column("merger.mlp.0", merged, merged)
    t.row("merger.mlp.2", v.number("out_hidden_size", default=c.hidden_size), merged)
    return (t.tower(),)


def _prediction(c: Config) -> MultiTokenPrediction | None:
    """A layer of the stack's own, a joint projection and three norms (vLLM ``exaone4_5_mtp.py``)."""
    if (layers := c.optional("num_nextn_predict_layers")) is None:
        return None
    hidden = c.hidden_size
    once = (
        ExtraTensor(name="fc.weight", shape=(hidden, 2 * hidden), linear=True),
        ExtraTensor(name="norm.weight", shape=(hidden,), copies=3, part="norms"),
    )
    return MultiTokenPrediction(block="full", layers=layers, once=once)


MODEL_TYPES = ("exaone4_5",)


def architecture(c: Config) -> Architecture:
    return replace(exaone4(c), towers=_vision(c), mtp=_prediction(c))
